//! MONITOR: clients that are shown every command as it is executed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use russet_resp::quoting::quote;

use crate::client::Transport;
use crate::command::Flags;
use crate::exec::Ctx;
use crate::worker::{Message, clock::unix_us};

/// The monitoring clients: their ids and workers.
#[derive(Default)]
pub struct Monitors {
    count: AtomicUsize,
    clients: Mutex<Vec<(u64, usize)>>,
}

impl Monitors {
    /// Whether anybody monitors; asked before every command.
    #[inline]
    pub fn any(&self) -> bool {
        self.count.load(Ordering::Relaxed) != 0
    }

    /// Shows commands to a client from now on.
    pub fn add(&self, client: u64, worker: usize) {
        let mut clients = self.clients.lock();
        if !clients.contains(&(client, worker)) {
            clients.push((client, worker));
        }
        self.count.store(clients.len(), Ordering::Relaxed);
    }

    /// Shows it no more.
    pub fn remove(&self, client: u64) {
        let mut clients = self.clients.lock();
        clients.retain(|(id, _)| *id != client);
        self.count.store(clients.len(), Ordering::Relaxed);
    }

    /// Shows the command that is about to be executed. One line is encoded for all.
    #[cold]
    pub fn feed(&self, ctx: &Ctx<'_>) {
        if !ctx.command.flags().intersects(Flags::SKIP_MONITOR | Flags::ADMIN) {
            self.show(ctx);
        }
    }

    /// Shows the script that is about to be run, ahead of the commands that it calls.
    #[cold]
    pub fn feed_script(&self, ctx: &Ctx<'_>) {
        self.show(ctx);
    }

    fn show(&self, ctx: &Ctx<'_>) {
        let now_us = unix_us();
        let source = match &ctx.client.info.transport {
            _ if ctx.in_script => "lua".to_owned(),
            Transport::Unix(path) => format!("unix:{}", path.display()),
            tcp => tcp.peer_text(),
        };
        let mut line = format!(
            "+{}.{:06} [{} {source}]",
            now_us / 1_000_000,
            now_us % 1_000_000,
            ctx.db.selected()
        )
        .into_bytes();
        for (at, arg) in ctx.args.iter_from(0).enumerate() {
            line.push(b' ');
            if ctx.hides_argument(at) {
                line.extend_from_slice(b"\"(redacted)\"");
            } else {
                quote(arg, &mut line);
            }
        }
        line.extend_from_slice(b"\r\n");
        let line: Arc<[u8]> = line.into();
        for (client, worker) in self.clients.lock().iter() {
            ctx.server.workers[*worker].mailbox.post(Message::Send(*client, line.clone()));
        }
    }
}
