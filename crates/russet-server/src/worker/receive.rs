//! Receiving: from ready sockets into the batch.

use std::io;

use russet_data::element_hash::element_hash;
use russet_data::number::parse_f64;
use russet_resp::{Limits, Progress, RequestParser};

use super::batch::{Batch, Item, Source, Span};
use super::connection::Connection;
use super::event_loop::{ARENA_BYTES, Worker};
use crate::client::{Client, Close};
use crate::command::Flags;
use crate::exec::Args;
use crate::server::Server;

/// Most bytes received from one connection in a round, so that none starves the others.
const READ_BYTES: usize = 64 << 10;
/// Most arguments of a command.
const ARGUMENTS_MAX: u32 = 1 << 20;
/// Arguments of this size or more get allocations of their own.
const LARGE_BYTES: usize = 32 << 10;

/// Why parsing stopped.
enum Stop {
    /// What is left is no whole command.
    Incomplete,
    /// A large argument begins at this byte.
    Large { at: usize, len: usize },
    /// What follows has to wait until the batch is executed.
    Later,
    /// What follows is no request.
    Garbage,
}

/// What receiving from a socket came to.
enum Received {
    /// This many bytes in the arena.
    Arena(usize),
    /// Something, in the connection's own buffers; or nothing new.
    Own,
    /// The client will send no more.
    End,
    /// The connection is of no use any more.
    Broken,
}

impl Worker {
    /// Receives and parses from every queued connection, and executes.
    pub(super) fn serve_queue(&mut self) {
        if self.queue.is_empty() || !self.batch.is_done() {
            return;
        }
        let mut queue = std::mem::take(&mut self.queue);
        if self.arena.is_empty() {
            self.arena = vec![0; ARENA_BYTES].into_boxed_slice();
        }
        for (done, &at) in queue.iter().enumerate() {
            if self.batch.is_full() || self.arena_used + READ_BYTES > self.arena.len() {
                self.execute_batch();
                if !self.batch.is_done() {
                    // The gate closed: the rest is served when it reopens.
                    self.queue.extend_from_slice(&queue[done..]);
                    return;
                }
            }
            // Closed meanwhile were only connections that had been served, and their numbers, which others
            // may have now, are behind; or a message has closed this one before the round.
            if self.connections.contains(at) {
                self.connections[at].queued = false;
                self.serve(at);
            }
        }
        if self.queue.is_empty() {
            queue.clear();
            self.queue = queue;
        }
        // What was sent before these requests were made comes before the replies to them (S2).
        self.rung |= self.read_mail();
        self.execute_batch();
    }

    /// Receives from one connection and adds its commands to the batch.
    fn serve(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        if connection.waits_for.is_some() {
            return;
        }
        // What is here comes before what may follow, be it the end of input.
        let received = if connection.readable && !connection.reparse {
            let arena = &mut self.arena[self.arena_used..self.arena_used + READ_BYTES];
            receive(connection, arena, &self.context.stats)
        } else {
            Received::Own
        };
        match received {
            Received::End => self.see_off(at),
            Received::Broken => self.close(at),
            Received::Own => self.parse_query(at),
            Received::Arena(len) => self.parse_arena(at, len),
        }
        let Some(connection) = self.connections.get_mut(at) else { return };
        if self.batch.items.last().is_none_or(|(last, _)| *last != at) {
            // It has nothing in the batch, after whose end the bytes of empty commands would be
            // let go of and others would learn of what it has sent.
            connection.end_batch();
            connection.publish(self.context.clock.now_ms());
            self.charge(at);
            self.evict_clients();
        }
        let connection = &self.connections[at];
        if connection.readable || connection.reparse {
            self.enqueue(at);
        }
    }

    /// Closes a connection whose client sends no more, once the replies it waits for are sent: those to
    /// commands that were set aside may have been written in this very round.
    fn see_off(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        if connection.unsent() == 0 {
            self.close(at);
        } else {
            connection.readable = false;
            connection.client.close(Close::AfterReply);
            self.mark_dirty(at);
        }
    }

    fn parse_arena(&mut self, at: usize, len: usize) {
        let from = self.arena_used;
        self.arena_used += len;
        let connection = &mut *self.connections[at];
        let bytes = &self.arena[from..from + len];
        let (consumed, stop) = Parsing {
            server: &self.server,
            batch: &mut self.batch,
            physical_db: self.server.keyspace.physical_db(connection.client.db),
            limits: limits(&connection.client, &self.context.config),
            at,
        }
        .parse(bytes, &mut connection.parser, &mut connection.owned, |byte| {
            Source::Arena(from + byte)
        });
        let rest = &bytes[consumed..];
        match stop {
            Stop::Garbage => {}
            Stop::Large { at: start, len } => {
                connection.query.extend_from_slice(&rest[..start]);
                connection.begin_large(&rest[start..], len);
            }
            Stop::Incomplete => connection.query.extend_from_slice(rest),
            Stop::Later => {
                connection.query.extend_from_slice(rest);
                connection.reparse = !rest.is_empty();
            }
        }
        self.guard_query(at);
    }

    fn parse_query(&mut self, at: usize) {
        let connection = &mut *self.connections[at];
        connection.reparse = false;
        if connection.large.is_some() {
            self.guard_query(at);
            return;
        }
        if connection.query.is_empty() {
            return;
        }
        let (consumed, stop) = Parsing {
            server: &self.server,
            batch: &mut self.batch,
            physical_db: self.server.keyspace.physical_db(connection.client.db),
            limits: limits(&connection.client, &self.context.config),
            at,
        }
        .parse(
            &connection.query,
            &mut connection.parser,
            &mut connection.owned,
            Source::Query,
        );
        connection.consumed = consumed;
        match stop {
            Stop::Garbage => connection.consumed = connection.query.len(),
            Stop::Large { at: start, len } => {
                let have = connection.query.split_off(consumed + start);
                connection.begin_large(&have, len);
            }
            Stop::Incomplete => {}
            Stop::Later => connection.reparse = consumed < connection.query.len(),
        }
        self.guard_query(at);
    }
}

fn limits(client: &Client, config: &crate::config::Config) -> Limits {
    Limits {
        max_bulk_len: config.proto_max_bulk_len,
        max_arguments: ARGUMENTS_MAX,
        authenticated: !client.must_authenticate(config),
        large_arg: LARGE_BYTES,
    }
}

/// Receives once.
fn receive(
    connection: &mut Connection,
    arena: &mut [u8],
    stats: &crate::stats::WorkerStats,
) -> Received {
    let (result, room, in_arena) = if connection.large.is_some() {
        let room = connection.large_room();
        (connection.receive_large(), room, false)
    } else if connection.query.is_empty() {
        (connection.stream.read(arena), arena.len(), true)
    } else {
        connection.query.reserve(READ_BYTES);
        let room = connection.query.capacity() - connection.query.len();
        (connection.stream.append_to(&mut connection.query), room, false)
    };
    match result {
        Ok(0) => Received::End,
        Ok(len) => {
            stats.total_net_input_bytes.add(len as u64);
            stats.total_reads_processed.add(1);
            // A socket that gave less than it could is empty, and its next byte is news to the
            // poller; the end of the stream is not if it was announced already.
            connection.readable = len == room || connection.ended;
            if in_arena { Received::Arena(len) } else { Received::Own }
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            connection.readable = false;
            Received::Own
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Received::Own,
        Err(_) => Received::Broken,
    }
}

/// Adds one connection's commands to the batch.
struct Parsing<'a> {
    server: &'a Server,
    batch: &'a mut Batch,
    limits: Limits,
    /// The database that keys are looked up in, unless a command before changes that.
    physical_db: u32,
    at: usize,
}

impl Parsing<'_> {
    /// Parses as many commands as it can. Returns how many bytes they took and why it stopped.
    fn parse(
        mut self,
        bytes: &[u8],
        parser: &mut RequestParser,
        owned: &mut Vec<Vec<u8>>,
        source: impl Fn(usize) -> Source,
    ) -> (usize, Stop) {
        let mut consumed = 0;
        while consumed < bytes.len() {
            let command = &bytes[consumed..];
            let first_span = self.batch.spans.len();
            match parser.parse(command, &self.limits, &mut self.batch.spans, owned) {
                Ok(Progress::Complete { consumed: len }) => {
                    let changes_limits = self.batch.spans.len() > first_span
                        && self.add(command, first_span, owned, source(consumed));
                    consumed += len;
                    // Owned arguments are told apart by their command being the last; and AUTH
                    // and RESET change what may follow.
                    if !owned.is_empty() || !self.limits.authenticated || changes_limits {
                        return (consumed, Stop::Later);
                    }
                }
                Ok(Progress::Incomplete) => return (consumed, Stop::Incomplete),
                Ok(Progress::Large { at, len }) => return (consumed, Stop::Large { at, len }),
                Err(error) => {
                    self.batch.items.push((self.at, Item::Garbage(error)));
                    return (consumed, Stop::Garbage);
                }
            }
        }
        (consumed, Stop::Incomplete)
    }

    /// Adds a parsed command. Returns whether it may end or begin the client's being a stranger,
    /// for whom other limits hold.
    #[inline]
    fn add(
        &mut self,
        command: &[u8],
        first_span: usize,
        owned: &[Vec<u8>],
        source: Source,
    ) -> bool {
        let spans = &self.batch.spans[first_span..];
        let argc = spans.len();
        let name = spans[0].resolve(command, owned);
        let sub = || spans.get(1).map(|span| span.resolve(command, owned));
        let mut entry = self.server.names.resolve_again(&mut self.batch.recent, name, sub);
        let first_hash = self.batch.hashes.len();
        if let Ok(entry) = &mut entry
            && entry.arity_fits(argc)
        {
            let (keyspace, db) = (&self.server.keyspace, self.physical_db);
            if let Some(at) = entry.single_key {
                let hash = keyspace.hash(spans[at].resolve(command, owned));
                let argument = |at: Option<usize>| {
                    at.and_then(|at| spans.get(at)).map(|span| span.resolve(command, owned))
                };
                let element = argument(entry.command.element).map(element_hash);
                let score = argument(entry.command.score).and_then(parse_f64);
                self.batch.add_hash(keyspace, db, hash);
                if let Some(element) = element {
                    self.batch.add_element(element, score);
                }
            } else if let ([keys], None) = (entry.command.keys, entry.command.reaches)
                && let Some(positions) = keys.plain_positions(argc)
            {
                for at in positions {
                    let span = self.batch.spans[first_span + at];
                    self.batch.add_hash(keyspace, db, keyspace.hash(span.resolve(command, owned)));
                }
            } else if !entry.command.keys.is_empty() || entry.command.reaches.is_some() {
                *entry = entry.for_call(self.server, Args::new(command, spans, owned));
                let positions = entry.key_positions(argc, |at| {
                    self.batch.spans[first_span + at].resolve(command, owned)
                });
                let hashes: smallvec::SmallVec<[u64; 16]> = positions
                    .map(|(at, _)| {
                        keyspace.hash(self.batch.spans[first_span + at].resolve(command, owned))
                    })
                    .collect();
                hashes.into_iter().for_each(|hash| self.batch.add_hash(keyspace, db, hash));
            }
        }
        self.batch.items.push((
            self.at,
            Item::Command {
                entry,
                spans: Span::since(first_span, &self.batch.spans),
                hashes: Span::since(first_hash, &self.batch.hashes),
                source,
            },
        ));
        entry.is_ok_and(|entry| entry.flags().contains(Flags::NO_AUTH))
    }
}
