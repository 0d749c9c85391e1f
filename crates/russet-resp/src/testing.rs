//! Both ends of a connection without sockets, for this crate's tests and fuzz targets.

use crate::decode::{DecodeError, Decoder, Value};
use crate::{ArgSpan, Limits, Progress, ProtocolError, RequestParser};

/// A connection as a server would keep it, reduced to receiving and parsing.
#[derive(Default)]
struct Connection {
    parser: RequestParser,
    limits: Limits,
    buffer: Vec<u8>,
    owned: Vec<Vec<u8>>,
    /// Bytes still missing of the last one of `owned`.
    missing: usize,
    commands: Vec<Vec<Vec<u8>>>,
}

impl Connection {
    fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes bytes as one read would bring them, and all commands they complete.
    fn receive(&mut self, mut bytes: &[u8]) -> Result<(), ProtocolError> {
        if self.missing > 0 {
            bytes = self.receive_large(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        let mut spans = Vec::new();
        while self.missing == 0 {
            let progress =
                self.parser.parse(&self.buffer, &self.limits, &mut spans, &mut self.owned);
            self.parser.check_invariants();
            match progress? {
                Progress::Complete { consumed } => {
                    let argument = |span: ArgSpan| span.resolve(&self.buffer, &self.owned).to_vec();
                    self.commands.push(spans.drain(..).map(argument).collect());
                    self.owned.clear();
                    self.buffer.drain(..consumed);
                    assert!(self.parser.is_idle());
                }
                Progress::Incomplete => {
                    assert!(spans.is_empty());
                    break;
                }
                Progress::Large { at, len } => {
                    assert!(spans.is_empty() && len >= self.limits.large_arg);
                    let first = self.buffer.split_off(at);
                    self.owned.push(Vec::new());
                    self.missing = len + 2;
                    let rest = self.receive_large(&first).len();
                    assert_eq!(rest, 0, "a large argument is one that is not all here");
                }
            }
        }
        Ok(())
    }

    /// Takes what belongs to the large argument under way and returns the bytes after it.
    fn receive_large<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (large, rest) = bytes.split_at(bytes.len().min(self.missing));
        let argument = self.owned.last_mut().expect("a large argument is under way");
        argument.extend_from_slice(large);
        self.missing -= large.len();
        if self.missing == 0 {
            argument.truncate(argument.len() - 2);
            self.parser.large_received(self.owned.len() as u32 - 1);
            self.parser.check_invariants();
        }
        rest
    }
}

/// What a stream of bytes comes to.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// The arguments of each complete command.
    pub commands: Vec<Vec<Vec<u8>>>,
    /// The error the stream ends with.
    pub error: Option<ProtocolError>,
}

/// Parses `bytes` in the pieces that end at `cuts`, which are in order.
pub fn receive(bytes: &[u8], cuts: &[usize], limits: Limits) -> Outcome {
    let mut connection = Connection::new(limits);
    let mut error = None;
    let mut start = 0;
    for &end in cuts.iter().chain([&bytes.len()]) {
        error = connection.receive(&bytes[start..end]).err();
        if error.is_some() {
            break;
        }
        start = end;
    }
    Outcome { commands: connection.commands, error }
}

/// Decodes all replies in `bytes`, fed in pieces of `piece_len` bytes.
pub fn decode(bytes: &[u8], piece_len: usize) -> (Vec<Value>, Option<DecodeError>) {
    let mut decoder = Decoder::default();
    let mut values = Vec::new();
    for piece in bytes.chunks(piece_len) {
        decoder.feed(piece);
        loop {
            match decoder.decode() {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(error) => return (values, Some(error)),
            }
        }
    }
    (values, None)
}
