//! From commands in a file to keys: one thread reads, one worker executes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use russet_resp::ArgSpan;

use crate::client::{Client, ClientInfo, Transport};
use crate::exec::Args;
use crate::exec::dispatch::{Outcome, Request, dispatch, needs_gate};
use crate::server::Server;
use crate::worker::WorkerContext;

/// Commands that wait to be executed, at most.
const WAITING_MAX: usize = 4096;
/// How long a worker executes before it looks at its clients.
const SLICE: Duration = Duration::from_millis(1);

/// A command, or the end of them.
type Step = Option<Vec<Vec<u8>>>;

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Step>,
    is_done: bool,
}

/// Commands on their way from a file to the worker that executes them.
#[derive(Default)]
pub struct Replay {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Replay {
    /// Adds a command, as soon as there is room.
    pub fn give(&self, argv: Vec<Vec<u8>>) {
        self.push(Some(argv));
    }

    fn push(&self, step: Step) {
        let mut queue = self.queue.lock();
        while queue.waiting.len() >= WAITING_MAX {
            self.changed.wait(&mut queue);
        }
        queue.waiting.push_back(step);
    }

    /// Waits until all commands were executed.
    pub fn wait(&self) {
        self.push(None);
        let mut queue = self.queue.lock();
        while !queue.is_done {
            self.changed.wait(&mut queue);
        }
    }

    fn take(&self) -> Option<Step> {
        let mut queue = self.queue.lock();
        let step = queue.waiting.pop_front()?;
        self.changed.notify_all();
        Some(step)
    }

    fn end(&self) {
        self.queue.lock().is_done = true;
        self.changed.notify_all();
    }
}

/// The worker's side.
#[derive(Default)]
pub struct Replayer {
    client: Option<Client>,
    /// A command whose turn has not come because somebody was inside the gate.
    postponed: Option<Vec<Vec<u8>>>,
    reply: Vec<u8>,
    next: Option<Duration>,
}

impl Replayer {
    /// How long the worker may sleep before it goes on.
    pub fn until_next(&self) -> Option<Duration> {
        self.next
    }

    /// Executes commands for a slice of time. The worker is outside the gate.
    pub fn replay(&mut self, server: &Server, context: &mut WorkerContext, replay: &Replay) {
        let until = Instant::now() + SLICE;
        self.next = Some(SLICE);
        context.is_replaying = true;
        while Instant::now() < until {
            let step = self.postponed.take().map(Some).or_else(|| replay.take());
            let Some(step) = step else { break };
            let Some(argv) = step else {
                *self = Replayer::default();
                replay.end();
                break;
            };
            self.next = Some(Duration::ZERO);
            if let Err(argv) = self.execute(server, context, argv) {
                self.postponed = Some(argv);
                break;
            }
        }
        context.is_replaying = false;
    }

    /// Executes a command, or gives it back because it has to wait.
    fn execute(
        &mut self,
        server: &Server,
        context: &mut WorkerContext,
        argv: Vec<Vec<u8>>,
    ) -> Result<(), Vec<Vec<u8>>> {
        let client = self.client.get_or_insert_with(|| {
            let transport = Transport::Unix(Default::default());
            let info = ClientInfo::new(0, context.id, 0, transport, context.clock.now_ms());
            let mut client = Client::new(Arc::new(info), true);
            client.is_replay = true;
            client
        });
        let spans: Vec<ArgSpan> = (0..argv.len() as u32).map(ArgSpan::owned).collect();
        let args = Args::new(&[], &spans, &argv);
        let entry = server.names.resolve(&argv[0], argv.get(1).map(|sub| &sub[..]));
        let entry = entry.map(|entry| entry.for_call(server, args));
        let mut hashes = Vec::new();
        if let Ok(entry) = &entry {
            let positions = entry.key_positions(argv.len(), |at| &argv[at]);
            hashes.extend(positions.map(|(at, _)| server.keyspace.hash(&argv[at])));
        }
        let gate = server.keyspace.gate();
        let is_inside = !entry.as_ref().is_ok_and(|entry| needs_gate(entry, client));
        if is_inside && !gate.enter(context.id) {
            return Err(argv);
        }
        let mut large = None;
        let request = Request { entry, args, hashes: &hashes, large: &mut large };
        self.reply.clear();
        let outcome = dispatch(server, context, client, &mut self.reply, request);
        if is_inside {
            gate.leave(context.id);
        }
        if matches!(outcome, Outcome::SetAside(_)) {
            return Err(argv);
        }
        if self.reply.first() == Some(&b'-') {
            let error = String::from_utf8_lossy(&self.reply);
            let name = String::from_utf8_lossy(&argv[0]).into_owned();
            tracing::warn!("'{name}' of the append-only file was refused: {}", error.trim_end());
        }
        Ok(())
    }
}
