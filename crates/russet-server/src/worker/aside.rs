//! Connections that were set aside, and how they go on.
//!
//! A command that cannot be executed yet is moved out of the buffers it was received into and waits
//! with its connection. Whatever else of that connection is in the batch joins it, and nothing more
//! is read from it until then.

use std::time::Duration;

use russet_resp::ArgSpan;
use smallvec::SmallVec;

use super::Why;
use super::batch::{Item, Source};
use super::connection::{Connection, Deferred};
use super::event_loop::Worker;
use super::execute::refuse_garbage;
use crate::blocking::serve_ready;
use crate::client::{Client, ClientFlags};
use crate::command::{CommandEntry, Flags, LookupError};
use crate::exec::dispatch::{
    Outcome, Request, dispatch, needs_gate, refuse_as_busy, works_outside,
};
use crate::exec::{Args, OwnedCommand, transaction};
use crate::pause::PauseMode;
use crate::server::Server;

/// What waits for a shard, the gate or memory is tried again this often without being woken.
const RETRY: Duration = Duration::from_millis(1);

/// The connections of a worker that were set aside.
#[derive(Default)]
pub struct Aside {
    /// For a shard, the gate or memory.
    waiting: Vec<usize>,
    /// When those were last tried again, in Unix milliseconds.
    retried_at_ms: i64,
    /// For the end of CLIENT PAUSE.
    paused: Vec<usize>,
    /// The pause that the last of those met.
    paused_under: Option<(i64, PauseMode)>,
    /// Have got what they waited for and go on.
    resumed: Vec<usize>,
}

impl Aside {
    /// Strikes off a connection that is closed.
    pub fn forget(&mut self, connection: usize) {
        self.waiting.retain(|at| *at != connection);
        self.paused.retain(|at| *at != connection);
        self.resumed.retain(|at| *at != connection);
    }

    /// Lets a connection go on that has got the reply it waited for.
    pub fn resume(&mut self, connection: usize) {
        self.resumed.push(connection);
    }

    /// How long the worker may sleep, which may have clients to serve that wait for keys.
    pub fn until_next(&self, now_ms: i64, is_serving: bool) -> Option<Duration> {
        if !self.resumed.is_empty() {
            return Some(Duration::ZERO);
        }
        if !self.waiting.is_empty() || is_serving {
            return Some(RETRY);
        }
        let (until_ms, _) = self.paused_under.filter(|_| !self.paused.is_empty())?;
        Some(Duration::from_millis(until_ms.saturating_sub(now_ms).max(1) as u64))
    }
}

impl Worker {
    /// Lets a connection go on whose command has ended otherwise than here.
    pub(super) fn resume(&mut self, at: usize) {
        self.aside.resume(at);
    }

    /// Has a connection wait, whose command was deferred.
    pub(super) fn set_aside(&mut self, at: usize, why: Why) {
        let connection = &mut self.connections[at];
        connection.waits_for = Some(why);
        match why {
            Why::Shard => self.context.stats.set_aside_shard.add(1),
            Why::Gate => self.context.stats.set_aside_gate.add(1),
            Why::Memory => {}
            Why::Fiber => {}
            Why::Data | Why::Turn => unreachable!("what waits for its own end is executed"),
            Why::Pause => {
                connection.client.info.set_flags(ClientFlags::BLOCKED, true);
                self.aside.paused_under = self.server.pause.until_ms(self.context.clock.now_ms());
                self.aside.paused.push(at);
                return;
            }
        }
        self.aside.waiting.push(at);
    }

    /// Tries again what was set aside: when somebody has rung, and every millisecond; under CLIENT
    /// PAUSE once the pause is over, or is another.
    pub(super) fn retry_aside(&mut self, rung: bool) {
        if !self.batch.is_done() {
            return;
        }
        let now_ms = self.context.clock.now_ms();
        self.retry_serving();
        for at in std::mem::take(&mut self.aside.resumed) {
            self.execute_deferred(at);
        }
        if !self.aside.waiting.is_empty()
            && (rung || now_ms - self.aside.retried_at_ms >= RETRY.as_millis() as i64)
        {
            self.aside.retried_at_ms = now_ms;
            for at in std::mem::take(&mut self.aside.waiting) {
                self.execute_deferred(at);
            }
        }
        if !self.aside.paused.is_empty() {
            let pause = self.server.pause.until_ms(now_ms);
            if pause.is_none() || pause != self.aside.paused_under {
                for at in std::mem::take(&mut self.aside.paused) {
                    self.execute_deferred(at);
                }
            }
        }
    }

    /// Serves clients that wait for keys, which could not be locked before.
    fn retry_serving(&mut self) {
        let gate = self.server.keyspace.gate();
        if !self.context.ready.is_empty() && gate.enter(self.context.id) {
            serve_ready(&self.server, &mut self.context);
            gate.leave(self.context.id);
            self.read_own_mail();
        }
    }

    /// Executes a connection's deferred commands until one has to wait again.
    fn execute_deferred(&mut self, at: usize) {
        let server = self.server.clone();
        let gate = server.keyspace.gate();
        let id = self.context.id;
        if self.connections[at].waits_for.take() == Some(Why::Pause) {
            self.connections[at].client.info.set_flags(ClientFlags::BLOCKED, false);
        }
        while let Some(deferred) = self.connections[at].deferred.pop_front() {
            if self.connections[at].client.is_leaving() {
                continue;
            }
            self.lend_buffer(at);
            let connection = &mut *self.connections[at];
            let (entry, mut command) = match deferred {
                Deferred::Command(entry, command) => (entry, command),
                Deferred::Garbage(error) => {
                    refuse_garbage(&server, &self.context, connection, error);
                    self.after_command(at);
                    continue;
                }
            };
            // A script may be known by now to run alone.
            let entry = entry.map(|entry| entry.for_call(&server, command.args()));
            let outside = match &entry {
                Ok(entry) => {
                    needs_gate(entry, &connection.client)
                        || works_outside(entry, &connection.client)
                        || is_refused_anyway(entry, command.args())
                }
                Err(_) => true,
            };
            let outcome = if !outside && !gate.enter(id) {
                Outcome::SetAside(Why::Gate)
            } else {
                let hashes = key_hashes(&server, &entry, command.args());
                let adopts = entry.as_ref().ok().and_then(|entry| entry.command.adopts);
                let adopts = adopts.filter(|at| *at < command.args().len());
                let mut large = adopts.map(|at| command.take(at));
                let request =
                    Request { entry, args: command.args(), hashes: &hashes, large: &mut large };
                let Connection { client, out, .. } = &mut *connection;
                let outcome = dispatch(&server, &mut self.context, client, out, request);
                if let (Some(at), Some(large)) = (adopts, large) {
                    command.put_back(at, large);
                }
                if !outside {
                    gate.leave(id);
                }
                outcome
            };
            if let Outcome::SetAside(why) = outcome {
                let Connection { client, out, .. } = &mut *connection;
                if let Ok(entry) = entry
                    && is_refused_as_busy(&server, client, why, entry, command.args())
                {
                    refuse_as_busy(&server, &self.context, client, out, entry);
                    self.after_command(at);
                    continue;
                }
                if entry.is_ok_and(|entry| ends_scripts(entry, command.args())) {
                    server.slow_scripts.end_for_good();
                }
                connection.deferred.push_front(Deferred::Command(entry, command));
                self.set_aside(at, why);
                return;
            }
            connection.client.info.set_last_command(entry.ok());
            match outcome {
                Outcome::Blocked => return self.block(at),
                Outcome::Paused => return self.keep_paused(at),
                Outcome::Done | Outcome::SetAside(_) => {}
            }
            self.after_command(at);
            self.read_own_mail();
        }
        self.connections[at].deferred = Default::default();
        let connection = &self.connections[at];
        connection.publish(self.context.clock.now_ms());
        self.charge(at);
        let connection = &self.connections[at];
        if connection.readable || connection.reparse || !connection.query.is_empty() {
            self.enqueue(at);
        }
    }
}

/// Moves an item out of the buffers it refers to.
pub(super) fn defer(connection: &mut Connection, item: &Item, spans: &[ArgSpan], arena: &[u8]) {
    let deferred = match item {
        Item::Garbage(error) => Deferred::Garbage(*error),
        Item::Command { entry, spans: span, source, .. } => {
            let spans = span.of(spans);
            let bytes = match source {
                Source::Arena(from) => &arena[*from..],
                Source::Query(from) => &connection.query[*from..],
            };
            let owned = &mut connection.owned;
            let argv = spans.iter().map(|span| match span.owned_index() {
                Some(index) => std::mem::take(&mut owned[index]),
                None => span.resolve(bytes, &[]).to_vec(),
            });
            Deferred::Command(*entry, OwnedCommand::new(argv.collect()))
        }
    };
    connection.deferred.push_back(deferred);
}

/// Whether a command that has to wait is told so instead, because it waits for a slow script.
fn is_refused_as_busy(
    server: &Server,
    client: &Client,
    why: Why,
    entry: &'static CommandEntry,
    args: Args<'_>,
) -> bool {
    let flags = entry.flags();
    let is_shutdown = entry.command.name == "shutdown";
    let may_wait = match () {
        () if is_shutdown => ends_scripts(entry, args),
        // To end the transaction takes the locks of the watched keys.
        () if flags.contains(Flags::RUNS_QUEUE) => !client.watches.keys.is_empty(),
        () => flags.contains(Flags::ALLOW_BUSY),
    };
    if may_wait || !server.slow_scripts.any() {
        return false;
    }
    match why {
        // Somebody who is inside keeps a command from being alone.
        Why::Gate if needs_gate(entry, client) => true,
        Why::Gate => server.slow_scripts.hold(&[]),
        Why::Fiber => true,
        Why::Shard => {
            let mut hashes = key_hashes(server, &Ok(entry), args);
            transaction::hashes(server, client, entry, &mut hashes);
            let shards: SmallVec<[usize; 16]> =
                hashes.iter().map(|hash| server.keyspace.shard_of(*hash)).collect();
            server.slow_scripts.hold(&shards)
        }
        Why::Pause | Why::Data | Why::Memory | Why::Turn => false,
    }
}

/// Whether a command is refused before it touches a key.
fn is_refused_anyway(entry: &CommandEntry, args: Args<'_>) -> bool {
    // To end a transaction takes the locks of the watched keys.
    !entry.arity_fits(args.len()) && !entry.flags().contains(Flags::RUNS_QUEUE)
}

/// Whether a command does not wait for slow scripts to end, but ends them: SHUTDOWN NOSAVE.
fn ends_scripts(entry: &CommandEntry, args: Args<'_>) -> bool {
    entry.command.name == "shutdown"
        && args.iter_from(1).any(|option| option.eq_ignore_ascii_case(b"NOSAVE"))
}

/// The hashes of the keys of a command, if it has the arguments it needs.
fn key_hashes(
    server: &Server,
    entry: &Result<&'static CommandEntry, LookupError>,
    args: Args<'_>,
) -> SmallVec<[u64; 16]> {
    match entry {
        Ok(entry) if entry.arity_fits(args.len()) => entry
            .key_positions(args.len(), |at| args.get(at))
            .map(|(at, _)| server.keyspace.hash(args.get(at)))
            .collect(),
        _ => SmallVec::new(),
    }
}
