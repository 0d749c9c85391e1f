//! Executing: the batch, and what was set aside, inside the gate.

use smallvec::SmallVec;

use super::batch::{GONE, Item, Source};
use super::connection::{Connection, Deferred};
use super::event_loop::Worker;
use super::{Why, WorkerContext};
use crate::client::{ClientFlags, Close};
use crate::exec::dispatch::{Outcome, Request, dispatch, needs_gate};
use crate::exec::{Args, OwnedCommand};
use crate::server::Server;

/// What was set aside for the gate or a pause is tried again this often without being woken.
const RETRY_MS: i64 = 1;

impl Worker {
    /// Executes the batch, or as much of it as the gate allows.
    pub(super) fn execute_batch(&mut self) {
        if self.batch.items.is_empty() {
            self.arena_used = 0;
            return;
        }
        let server = self.server.clone();
        let gate = server.keyspace.gate();
        let mut inside = false;
        while !self.batch.is_done() {
            if !inside {
                if !gate.enter(self.context.id) {
                    self.context.stats.gate_waits.add(1);
                    return;
                }
                inside = true;
            }
            self.batch.prefetch(&server.keyspace);
            let next = self.batch.next;
            self.batch.next += 1;
            let at = self.batch.items[next].0;
            if at != GONE {
                if self.item_needs_gate(next) {
                    gate.leave(self.context.id);
                    inside = false;
                }
                self.execute_item(&server, at, next);
            }
            if inside && gate.is_closed() {
                gate.leave(self.context.id);
                inside = false;
            }
        }
        if inside {
            gate.leave(self.context.id);
        }
        self.end_batch();
    }

    fn item_needs_gate(&self, item: usize) -> bool {
        let (at, item) = &self.batch.items[item];
        match item {
            Item::Command { entry: Ok(entry), .. } => {
                needs_gate(entry, &self.connections[*at].client)
            }
            _ => false,
        }
    }

    fn end_batch(&mut self) {
        let now_ms = self.context.clock.now_ms();
        for run in self.batch.items.chunk_by(|one, next| one.0 == next.0) {
            let Some((at, item)) = run.last() else { continue };
            let Some(connection) = self.connections.get_mut(*at) else { continue };
            connection.end_batch();
            if let Item::Command { entry, .. } = item {
                connection.client.info.set_last_command(entry.ok());
            }
            connection.publish(now_ms);
        }
        self.batch.clear();
        self.arena_used = 0;
    }

    fn execute_item(&mut self, server: &Server, at: usize, item: usize) {
        let spare = self.spare_buffer_for(at);
        let connection = &mut *self.connections[at];
        if let Some(spare) = spare {
            connection.out = spare;
        }
        let item = &self.batch.items[item].1;
        if connection.client.is_leaving() {
            return;
        }
        if connection.waits_for.is_some() {
            defer(connection, item, &self.batch.spans, &self.arena);
            return;
        }
        let outcome = match item {
            Item::Garbage(error) => {
                refuse_garbage(server, &self.context, connection, &error.to_string());
                Outcome::Done
            }
            Item::Command { entry, spans, hashes, source } => {
                let spans = &self.batch.spans[spans.0 as usize..][..spans.1 as usize];
                let hashes = &self.batch.hashes[hashes.0 as usize..][..hashes.1 as usize];
                let adopted = match entry {
                    Ok(entry) => entry.command.adopts.and_then(|at| spans.get(at)),
                    Err(_) => None,
                };
                let adopted = adopted.and_then(|span| span.owned_index());
                let mut large = adopted.map(|index| std::mem::take(&mut connection.owned[index]));
                let Connection { client, out, owned, query, .. } = &mut *connection;
                let bytes = match source {
                    Source::Arena(from) => &self.arena[*from..],
                    Source::Query(from) => &query[*from..],
                };
                let args = Args::new(bytes, spans, owned);
                let request = Request { entry: *entry, args, hashes, large: &mut large };
                let outcome = dispatch(server, &mut self.context, client, out, request);
                if let (Some(index), Some(large)) = (adopted, large) {
                    connection.owned[index] = large;
                }
                outcome
            }
        };
        if let Outcome::SetAside(why) = outcome {
            defer(connection, item, &self.batch.spans, &self.arena);
            self.set_aside(at, why);
            return;
        }
        self.after_command(at);
    }

    /// What follows every executed command.
    #[inline]
    fn after_command(&mut self, at: usize) {
        self.guard_output(at);
        self.mark_dirty(at);
    }

    fn set_aside(&mut self, at: usize, why: Why) {
        match why {
            Why::Shard => self.context.stats.set_aside_shard.add(1),
            Why::Gate => self.context.stats.set_aside_gate.add(1),
            Why::Pause => self.connections[at].client.info.set_flags(ClientFlags::BLOCKED, true),
        }
        self.connections[at].waits_for = Some(why);
        self.aside.push(at);
    }

    /// Tries again what was set aside: when somebody has rung, and every millisecond.
    pub(super) fn retry_aside(&mut self, rung: bool) {
        if self.aside.is_empty() || !self.batch.is_done() {
            return;
        }
        let now_ms = self.context.clock.now_ms();
        if !rung && now_ms - self.timers.retried_at_ms < RETRY_MS {
            return;
        }
        self.timers.retried_at_ms = now_ms;
        for at in std::mem::take(&mut self.aside) {
            self.execute_deferred(at);
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
            let spare = self.spare_buffer_for(at);
            let connection = &mut *self.connections[at];
            if let Some(spare) = spare {
                connection.out = spare;
            }
            let (entry, mut command) = match deferred {
                Deferred::Command(entry, command) => (entry, command),
                Deferred::Garbage(error) => {
                    refuse_garbage(&server, &self.context, connection, &error.to_string());
                    self.after_command(at);
                    continue;
                }
            };
            let outside = matches!(&entry, Ok(entry) if needs_gate(entry, &connection.client));
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
                connection.deferred.push_front(Deferred::Command(entry, command));
                self.set_aside(at, why);
                return;
            }
            connection.client.info.set_last_command(entry.ok());
            self.after_command(at);
        }
        self.connections[at].deferred = Default::default();
        let connection = &self.connections[at];
        connection.publish(self.context.clock.now_ms());
        if connection.readable || connection.reparse || !connection.query.is_empty() {
            self.enqueue(at);
        }
    }
}

/// Answers bytes that are no request.
fn refuse_garbage(
    server: &Server,
    context: &WorkerContext,
    connection: &mut Connection,
    why: &str,
) {
    let error = crate::error::Error::new(format!("ERR {why}"));
    server.note_error(context, &error);
    russet_resp::ReplyWriter::new(&mut connection.out, connection.client.protocol)
        .error(error.text());
    connection.client.close(Close::AfterReply);
}

/// Moves an item out of the buffers it refers to.
fn defer(connection: &mut Connection, item: &Item, spans: &[russet_resp::ArgSpan], arena: &[u8]) {
    let deferred = match item {
        Item::Garbage(error) => Deferred::Garbage(error.clone()),
        Item::Command { entry, spans: (first, len), source, .. } => {
            let spans = &spans[*first as usize..][..*len as usize];
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

/// The hashes of the keys of a command, if it has the arguments it needs.
fn key_hashes(
    server: &Server,
    entry: &Result<&'static crate::command::CommandEntry, crate::command::LookupError>,
    args: Args<'_>,
) -> SmallVec<[u64; 16]> {
    match entry {
        Ok(entry) if entry.command.arity_fits(args.len()) => entry
            .key_positions(args.len(), |at| args.get(at))
            .map(|(at, _)| server.keyspace.hash(args.get(at)))
            .collect(),
        _ => SmallVec::new(),
    }
}
