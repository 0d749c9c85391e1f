//! One connection: receiving, finding commands, sending.
//!
//! # Buffers
//!
//! A connection at rest has none. Bytes are received into the worker's arena and parsed there; only
//! what is left of an incomplete command moves into the connection's own `query`, and a large
//! argument is received straight into the allocation that will hold the value. Replies gather in
//! `out`, which is taken from the worker's spare buffers and goes back once it is sent.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use russet_resp::{ProtocolError, RequestParser};

use super::Why;
use crate::client::Client;
use crate::command::{CommandEntry, LookupError};
use crate::exec::OwnedCommand;
use crate::net::Stream;

/// A large argument that is being received: the bytes so far, and how many it takes with its line
/// end.
pub struct LargeArgument {
    /// Allocated for the whole argument; the system provides the memory as it arrives.
    pub bytes: Vec<u8>,
    /// Length without the line end.
    pub len: usize,
}

impl LargeArgument {
    /// Room left in the allocation.
    fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }
}

/// What was parsed but could not be executed yet.
pub enum Deferred {
    /// A command: what it names, and its arguments.
    Command(Result<&'static CommandEntry, LookupError>, OwnedCommand),
    /// Bytes that are no request.
    Garbage(ProtocolError),
}

/// See the module's documentation.
pub struct Connection {
    /// The socket.
    pub stream: Stream,
    /// What commands know of it.
    pub client: Client,
    /// State of the request stream.
    pub parser: RequestParser,
    /// Bytes received and not yet executed, from the first byte of a command on.
    pub query: Vec<u8>,
    /// Bytes of `query` that the commands in the batch take.
    pub consumed: usize,
    /// `query` has more to parse once the batch is executed, whether or not more arrives.
    pub reparse: bool,
    /// Arguments that have allocations of their own, of the commands in the batch or of the one
    /// that is arriving.
    pub owned: Vec<Vec<u8>>,
    /// The large argument that is arriving.
    pub large: Option<LargeArgument>,
    /// Commands to be executed before anything in `query`.
    pub deferred: VecDeque<Deferred>,
    /// What the first of them waits for.
    pub waits_for: Option<Why>,
    /// Replies, of which `sent` bytes are sent.
    pub out: Vec<u8>,
    /// See `out`.
    pub sent: usize,
    /// The socket may have bytes that were not read: polling reports news only once.
    pub readable: bool,
    /// The client will send no more: the end of the stream is to be read.
    pub ended: bool,
    /// It is in the worker's queue of connections with something to read or execute.
    pub queued: bool,
    /// It is in the worker's list of connections with something to send.
    pub dirty: bool,
    /// What it has to say waits for the log: the first `held` bytes of `out`.
    pub held: Option<usize>,
    /// When the poller last had news of it, in Unix milliseconds.
    pub last_heard_ms: i64,
    /// When its output first exceeded the soft limit, in Unix milliseconds.
    pub over_soft_since_ms: Option<i64>,
}

impl Connection {
    /// A connection that has just been accepted.
    pub fn new(stream: Stream, client: Client) -> Self {
        Connection {
            stream,
            client,
            parser: RequestParser::default(),
            query: Vec::new(),
            consumed: 0,
            reparse: false,
            ended: false,
            owned: Vec::new(),
            large: None,
            deferred: VecDeque::new(),
            waits_for: None,
            out: Vec::new(),
            sent: 0,
            readable: false,
            queued: false,
            dirty: false,
            held: None,
            last_heard_ms: 0,
            over_soft_since_ms: None,
        }
    }

    /// Brings what others may know of the client up to date, after a batch.
    pub fn publish(&self, now_ms: i64) {
        let info = &*self.client.info;
        let mut arguments: usize = self.owned.iter().map(Vec::len).sum();
        let mut query = self.query.len();
        if let Some(large) = &self.large {
            // What came before belongs to the command's other arguments.
            arguments += std::mem::replace(&mut query, large.bytes.len());
        }
        let free = self.query.capacity() - self.query.len() + self.large_room();
        let transaction = self.client.transaction.as_ref();
        let store = |number: &AtomicU64, value: usize| number.store(value as u64, Relaxed);
        store(&info.query_bytes, query);
        store(&info.query_free_bytes, free);
        store(&info.argv_bytes, arguments);
        store(&info.multi_bytes, transaction.map_or(0, |transaction| transaction.size));
        info.last_interaction_ms.store(now_ms, Relaxed);
    }

    /// Bytes of replies not yet sent.
    pub fn unsent(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Receives more of the large argument. Returns the bytes received, 0 at the end of the stream.
    pub fn receive_large(&mut self) -> io::Result<usize> {
        let large = self.large.as_mut().expect("the caller saw one arriving");
        let received = self.stream.append_to(&mut large.bytes)?;
        if large.bytes.len() >= large.len + LINE_END {
            let LargeArgument { mut bytes, len } = self.large.take().expect("it was just there");
            // An allocation may have more room than was asked for; what filled it comes after.
            self.query.extend_from_slice(&bytes[len + LINE_END..]);
            bytes.truncate(len);
            self.owned.push(bytes);
            self.parser.large_received(self.owned.len() as u32 - 1);
        }
        Ok(received)
    }

    /// Room left in the allocation of the large argument that is arriving.
    pub fn large_room(&self) -> usize {
        self.large.as_ref().map_or(0, LargeArgument::room)
    }

    /// Begins to receive a large argument whose first bytes are `have`.
    pub fn begin_large(&mut self, have: &[u8], len: usize) {
        let mut bytes = Vec::with_capacity(len + LINE_END);
        bytes.extend_from_slice(have);
        self.large = Some(LargeArgument { bytes, len });
    }

    /// Lets go of what the executed batch referred to.
    pub fn end_batch(&mut self) {
        if self.consumed > 0 {
            self.query.drain(..self.consumed);
            self.consumed = 0;
        }
        if self.query.is_empty() {
            self.query = Vec::new();
        }
        // Between batches, owned arguments belong to the command that is arriving.
        if self.parser.is_idle() {
            self.owned = Vec::new();
        }
    }

    /// Sends what there is to send in the first `most` bytes of `out`. Returns the bytes sent.
    ///
    /// # Errors
    ///
    /// What makes the connection useless; a full socket is no error.
    pub fn send(&mut self, most: usize) -> io::Result<usize> {
        let before = self.sent;
        let end = most.min(self.out.len());
        while self.sent < end {
            match self.stream.write(&self.out[self.sent..end]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let sent = self.sent - before;
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
        } else if self.sent > COMPACT_FROM && self.sent * 2 > self.out.len() {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
        Ok(sent)
    }
}

/// `\r\n`.
const LINE_END: usize = 2;
/// Sent bytes are dropped from the front of a buffer once they are this many and most of it.
const COMPACT_FROM: usize = 1 << 20;
