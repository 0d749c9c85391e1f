//! Connections whose clients wait in a blocking command: how they begin and end.
//!
//! The rest of what such a client has sent waits with it, as behind any command that was set aside.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use russet_keyspace::waiters::Waiter;

use super::Why;
use super::event_loop::Worker;
use crate::blocking::{Awaited, Wait};
use crate::client::{ClientFlags, Close};
use crate::error::Error;
use crate::exec::dispatch::settle_reply;
use crate::server::Server;

/// The waits of a worker's clients.
#[derive(Default)]
pub struct Blocked {
    /// When waits are over, in Unix milliseconds, with their clients' numbers.
    deadlines: BTreeSet<(i64, u64)>,
    /// Waits that are over and may still be in queues of shards.
    ended: Vec<Arc<Wait>>,
}

impl Blocked {
    /// How long the worker may sleep.
    pub fn until_next(&self, now_ms: i64) -> Option<Duration> {
        if !self.ended.is_empty() {
            return Some(Duration::from_millis(1));
        }
        let (deadline_ms, _) = self.deadlines.first()?;
        // Over is over: not before the millisecond has passed.
        Some(Duration::from_millis((deadline_ms - now_ms + 1).max(0) as u64))
    }

    /// Whether waits are to be taken out of queues.
    pub fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Takes waits that are over out of the queues of shards, except for those that are busy. The
    /// worker is inside the gate.
    pub fn clear_queues(&mut self, server: &Server) {
        let keyspace = &server.keyspace;
        self.ended.retain(|wait| {
            let waiter: Arc<dyn Waiter> = wait.clone();
            let mut is_gone = true;
            for (hash, key) in wait.keys() {
                match keyspace.try_briefly(keyspace.shard_of(*hash)) {
                    Some(mut guard) => {
                        guard.remove_waiter(keyspace.physical_db(wait.db), key, &waiter);
                    }
                    None => is_gone = false,
                }
            }
            !is_gone
        });
    }

    fn end(&mut self, wait: &Arc<Wait>, is_in_queues: bool) {
        if let Some(deadline_ms) = wait.deadline_ms {
            self.deadlines.remove(&(deadline_ms, wait.client.id));
        }
        if is_in_queues {
            self.ended.push(wait.clone());
        }
    }
}

impl Worker {
    /// Has a connection wait, whose command has found nothing.
    pub(super) fn block(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        connection.waits_for = Some(Why::Data);
        connection.client.info.set_flags(ClientFlags::BLOCKED, true);
        let wait = connection.client.wait.clone().expect("the command has left it there");
        if let Some(deadline_ms) = wait.deadline_ms {
            self.blocked.deadlines.insert((deadline_ms, wait.client.id));
        }
        connection.client.info.set_last_command(Some(wait.entry));
        let has_ended = connection.ended;
        if matches!(wait.awaited, Awaited::Log(_)) {
            self.await_log(wait);
        }
        if has_ended {
            self.leave_while_blocked(at);
        }
    }

    /// Closes the connection of a client that will send no more while it waits, once it has got the
    /// replies that it is owed.
    pub(super) fn leave_while_blocked(&mut self, at: usize) {
        self.give_up(at);
        self.connections[at].client.close(Close::AfterReply);
        self.mark_dirty(at);
    }

    /// Ends the wait of a client that is going away, if it waits.
    pub(super) fn give_up(&mut self, at: usize) {
        let client = &mut self.connections[at].client;
        if let Some(wait) = client.wait.take() {
            wait.claim_to_close();
            *client.info.wait.lock() = None;
            self.blocked.end(&wait, true);
        }
    }

    /// Gives a client the reply it has waited for, and goes on with its connection.
    pub(super) fn answer(&mut self, wait: &Arc<Wait>, reply: &[u8], is_in_queues: bool) {
        self.blocked.end(wait, is_in_queues);
        let Some(&at) = self.by_client.get(&wait.client.id) else { return };
        let connection = &mut self.connections[at];
        if !connection.client.wait.as_ref().is_some_and(|present| Arc::ptr_eq(present, wait)) {
            return;
        }
        connection.client.wait = None;
        *connection.client.info.wait.lock() = None;
        connection.client.info.set_flags(ClientFlags::BLOCKED, false);
        if let [b'-', line @ ..] = reply {
            self.context.stats.commands[wait.entry.id].failed.add(1);
            self.server.note_error(&self.context, &Error::from_line(line.to_vec()));
        }
        if let Some(entry) = wait.slow.lock().take() {
            let most = self.context.config.slowlog_max_len as usize;
            self.server.slow_log.lock().push(entry, most);
        }
        self.lend_buffer(at);
        let connection = &mut *self.connections[at];
        let reply_start = connection.out.len();
        connection.out.extend_from_slice(reply);
        settle_reply(&mut connection.client, &mut connection.out, reply_start);
        self.after_command(at);
        self.resume(at);
    }

    /// Ends the waits whose time is over.
    pub(super) fn end_waits(&mut self, now_ms: i64) {
        while let Some(&(deadline_ms, client)) = self.blocked.deadlines.first()
            && deadline_ms < now_ms
        {
            self.blocked.deadlines.pop_first();
            let at = self.by_client.get(&client).copied();
            let wait = at.and_then(|at| self.connections[at].client.wait.clone());
            // Whoever was quicker has posted an answer.
            if let Some(wait) = wait.filter(|wait| wait.claim()) {
                let reply = wait.reply_in_vain(&self.server);
                self.answer(&wait, &reply, true);
            }
        }
    }
}
