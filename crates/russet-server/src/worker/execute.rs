//! Executing the batch, inside the gate.

use russet_resp::{ProtocolError, ReplyWriter};

use super::WorkerContext;
use super::aside::defer;
use super::batch::{GONE, Item, Source};
use super::connection::Connection;
use super::event_loop::Worker;
use crate::client::Close;
use crate::error::Error;
use crate::exec::Args;
use crate::exec::dispatch::{Outcome, Request, dispatch, needs_gate};
use crate::server::Server;

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
                refuse_garbage(server, &self.context, connection, *error);
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
    pub(super) fn after_command(&mut self, at: usize) {
        self.guard_output(at);
        self.mark_dirty(at);
    }
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
    ReplyWriter::new(&mut connection.out, connection.client.protocol).error_bytes(reply.text());
    connection.client.close(Close::AfterReply);
}
