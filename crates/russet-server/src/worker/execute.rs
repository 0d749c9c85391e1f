//! Executing the batch, inside the gate.

use russet_resp::{ProtocolError, ReplyWriter};

use super::aside::defer;
use super::batch::{Batch, GONE, Item, Source};
use super::connection::Connection;
use super::event_loop::Worker;
use super::{Why, WorkerContext};
use crate::client::{Close, ReplyMode};
use crate::error::Error;
use crate::exec::Args;
use crate::exec::dispatch::{Outcome, Request, dispatch, needs_gate};
use crate::server::Server;

/// Replies of a run that are more than this many bytes are held against the client's limits before
/// the run goes on.
const OUTPUT_CHECK_BYTES: usize = 64 << 10;

/// How the execution of one connection's commands ended.
#[derive(PartialEq, Eq)]
enum Run {
    /// With the last of them, or when one had to wait.
    Ended,
    /// Before one that has to run outside the gate.
    NeedsGate,
}

impl Worker {
    /// Executes the batch, or as much of it as the gate allows.
    pub(super) fn execute_batch(&mut self) {
        if self.batch.items.is_empty() {
            self.arena_used = 0;
            return;
        }
        let server = self.server.clone();
        let gate = server.keyspace.gate();
        while !self.batch.is_done() {
            if !gate.enter(self.context.id) {
                self.context.stats.gate_waits.add(1);
                if server.slow_scripts.hold(&[]) {
                    self.set_batch_aside();
                }
                return;
            }
            // Until the batch is done, somebody wants to be alone, or a command here does.
            while let Some(at) = self.batch.next_connection()
                && !gate.is_closed()
            {
                if at == GONE {
                    self.batch.next += 1;
                } else if self.execute_run(&server, at) == Run::NeedsGate {
                    break;
                }
            }
            gate.leave(self.context.id);
            self.execute_exclusive(&server);
        }
        self.end_batch();
    }

    /// Has everything wait that has not been executed yet, each command with its connection, so that
    /// what need not wait for a slow script does not wait behind others.
    #[cold]
    fn set_batch_aside(&mut self) {
        while let Some(at) = self.batch.next_connection() {
            let item = &self.batch.items[self.batch.next].1;
            self.batch.next += 1;
            if at == GONE || self.connections[at].client.is_leaving() {
                continue;
            }
            defer(&mut self.connections[at], item, &self.batch.spans, &self.arena);
            if self.connections[at].waits_for.is_none() {
                self.set_aside(at, Why::Gate);
            }
        }
        self.end_batch();
    }

    /// Executes a command that has to run outside the gate, if the next one is such.
    fn execute_exclusive(&mut self, server: &Server) {
        if let Some(at) = self.batch.next_connection()
            && at != GONE
            && item_needs_gate(&self.batch, &self.connections[at])
        {
            self.lend_buffer(at);
            let connection = &mut *self.connections[at];
            let outcome =
                execute_next(server, &mut self.context, &mut self.batch, &self.arena, connection);
            self.after_run(at, outcome);
        }
    }

    /// Executes the commands of one connection that are next in the batch. The worker is inside the
    /// gate.
    fn execute_run(&mut self, server: &Server, at: usize) -> Run {
        self.lend_buffer(at);
        let connection = &mut *self.connections[at];
        let gate = server.keyspace.gate();
        let mut outcome = Outcome::Done;
        let mut run = Run::Ended;
        while self.batch.next_connection() == Some(at) && !gate.is_closed() {
            if item_needs_gate(&self.batch, connection) {
                run = Run::NeedsGate;
                break;
            }
            self.batch.prefetch(&server.keyspace);
            outcome =
                execute_next(server, &mut self.context, &mut self.batch, &self.arena, connection);
            if outcome != Outcome::Done || self.context.own_mail {
                break;
            }
            if connection.out.len() > OUTPUT_CHECK_BYTES {
                self.guard_output(at);
                break;
            }
        }
        self.after_run(at, outcome);
        run
    }

    fn after_run(&mut self, at: usize, outcome: Outcome) {
        match outcome {
            Outcome::Done => {}
            Outcome::SetAside(why) => self.set_aside(at, why),
            Outcome::Blocked => self.block(at),
            Outcome::Paused => self.keep_paused(at),
        }
        self.after_command(at);
        // Before other commands need memory that clients have: then keys would be evicted.
        self.charge_for_output(at);
        // Nobody is evicted for what this frees.
        self.close_if_cut_off(at);
        self.evict_clients();
        self.read_own_mail();
    }

    /// Closes a connection that gets no more replies to what it has in the batch. Later commands of the
    /// batch find its client gone, as if they had come in the next round.
    #[inline]
    fn close_if_cut_off(&mut self, at: usize) {
        if self.connections[at].client.close == Close::Now {
            self.close(at);
        }
    }

    /// Gives a connection a buffer for its replies, if it has none.
    pub(super) fn lend_buffer(&mut self, at: usize) {
        if let Some(spare) = self.spare_buffer_for(at) {
            self.connections[at].out = spare;
        }
    }

    fn end_batch(&mut self) {
        let now_ms = self.context.clock.now_ms();
        for run in self.batch.items.chunk_by(|one, next| one.0 == next.0) {
            let Some((at, item)) = run.last() else { continue };
            let Some(connection) = self.connections.get_mut(*at) else { continue };
            connection.end_batch();
            if let Item::Command { entry, .. } = item
                && connection.waits_for.is_none()
            {
                connection.client.info.set_last_command(entry.ok());
            }
            connection.publish(now_ms);
            self.charge(*at);
        }
        self.batch.clear();
        self.arena_used = 0;
    }

    /// What follows every executed command.
    pub(super) fn after_command(&mut self, at: usize) {
        self.guard_output(at);
        self.mark_dirty(at);
    }
}

/// Whether the next item of a batch, which is this connection's, has to run outside the gate.
#[inline]
fn item_needs_gate(batch: &Batch, connection: &Connection) -> bool {
    match batch.items[batch.next].1 {
        Item::Command { entry: Ok(entry), .. } => needs_gate(entry, &connection.client),
        _ => false,
    }
}

/// Executes the next item of a batch, which is this connection's. If it has to wait, it is put among
/// the connection's deferred commands.
#[inline]
fn execute_next(
    server: &Server,
    context: &mut WorkerContext,
    batch: &mut Batch,
    arena: &[u8],
    connection: &mut Connection,
) -> Outcome {
    let item = &batch.items[batch.next].1;
    batch.next += 1;
    if connection.client.is_leaving() {
        return Outcome::Done;
    }
    if connection.waits_for.is_some() {
        defer(connection, item, &batch.spans, arena);
        return Outcome::Done;
    }
    let (entry, spans, hashes, source) = match item {
        Item::Garbage(error) => {
            refuse_garbage(server, context, connection, *error);
            return Outcome::Done;
        }
        Item::Command { entry, spans, hashes, source } => (entry, spans, hashes, source),
    };
    let (spans, hashes) = (spans.of(&batch.spans), hashes.of(&batch.hashes));
    let Connection { client, out, owned, query, .. } = &mut *connection;
    let mut large = None;
    let mut adopted = None;
    if !owned.is_empty()
        && let Ok(entry) = entry
    {
        let span = entry.command.adopts.and_then(|at| spans.get(at));
        adopted = span.and_then(|span| span.owned_index());
        large = adopted.map(|index| std::mem::take(&mut owned[index]));
    }
    let bytes = match source {
        Source::Arena(from) => &arena[*from..],
        Source::Query(from) => &query[*from..],
    };
    let args = Args::new(bytes, spans, owned);
    let request = Request { entry: *entry, args, hashes, large: &mut large };
    let outcome = dispatch(server, context, client, out, request);
    if let (Some(index), Some(large)) = (adopted, large) {
        owned[index] = large;
    }
    if let Outcome::SetAside(_) = outcome {
        defer(connection, item, &batch.spans, arena);
    }
    outcome
}

/// Answers bytes that are no request.
pub(super) fn refuse_garbage(
    server: &Server,
    context: &WorkerContext,
    connection: &mut Connection,
    error: ProtocolError,
) {
    let line = connection.client.info.line(context.clock.now_ms());
    tracing::debug!("Protocol error ({error}) from client: {line}");
    let reply = Error::from_line([b"ERR ", error.message().as_slice()].concat());
    server.note_error(context, &reply);
    if connection.client.reply_mode == ReplyMode::On {
        ReplyWriter::new(&mut connection.out, connection.client.protocol).error_bytes(reply.text());
    }
    connection.client.close(Close::AfterReply);
}
