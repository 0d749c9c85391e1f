//! Finding commands in the bytes a client sent.
//!
//! A command comes in one of two forms. Clients send *multibulk* commands, an argument count
//! and then each argument with its length:
//!
//! ```text
//! *3\r\n $3\r\nSET\r\n $3\r\nkey\r\n $5\r\nvalue\r\n        (without the spaces)
//! ```
//!
//! People at a terminal send *inline* commands, a line of words with optional [quotes]. The
//! first byte tells the two apart.
//!
//! The parser copies nothing: it yields [`ArgSpan`]s into the bytes it was shown. There are two
//! exceptions, for which arguments have allocations of their own. Inline words with quotes are
//! written out unquoted. And a large argument that has not wholly arrived is handed to the
//! caller ([`Progress::Large`]), who receives it into the allocation that will hold the value.
//!
//! ```text
//!   parse ──► Complete           one command; its spans are pushed; begin the next
//!         ──► Incomplete         read more, call again with the same first byte
//!         ──► Large { at, len }  receive it elsewhere, large_received, call again
//!         ──► error              answer it and close the connection
//! ```
//!
//! Cost: a command that is complete in the buffer, as almost all are, is parsed in one pass
//! that keeps nothing, and if it is short, word by word (see `quick.rs`). Only a command seen in pieces keeps the spans found so far on the heap,
//! and no more than arrived: an announced count reserves nothing. Bytes once looked at are not
//! looked at again, except for the length of the argument that is still incomplete.
//!
//! Invariants, checked by [`RequestParser::check_invariants`]:
//! - The parser is idle, or it looks for the end of the command's first line, or it is inside
//!   a multibulk command with `remaining` of its `expected` arguments to come, of which the next
//!   begins at `position`.
//! - No line ends between `position` and `searched`.
//! - `pending` holds the `expected - remaining` arguments found so far.
//!
//! The limits, what is checked and what is not (the bytes where `\n` of a line end and the
//! `\r\n` after an argument belong are skipped unseen), and the precedence of errors are those
//! of Redis 7.0. So is that a zero byte hides the line end behind it: the line is then
//! refused once it is too long.
//!
//! [quotes]: crate::quoting

mod quick;
#[cfg(test)]
mod tests;

use crate::number::parse_integer;
use crate::quoting::{Unbalanced, Word, Words};
use crate::{ArgSpan, ProtocolError};

/// Longest line in bytes, without its line end: an inline command, or the digits of a length.
pub const LINE_LEN_MAX: usize = 64 * 1024;

/// Most arguments in a command before the client has authenticated.
pub const UNAUTHENTICATED_ARGUMENTS_MAX: u32 = 10;

/// Longest argument in bytes before the client has authenticated.
pub const UNAUTHENTICATED_BULK_LEN_MAX: usize = 16 * 1024;

/// Commands are shorter than this many bytes, not counting arguments received elsewhere, so
/// that a span takes eight bytes.
const COMMAND_LEN_MAX: usize = u32::MAX as usize - 1;

// Lengths of 64 bits are added up in `usize`.
const _: () = assert!(usize::BITS == 64);

/// What a client may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest argument in bytes: `proto-max-bulk-len`.
    pub max_bulk_len: i64,
    /// Most arguments in a command: 1,048,576 up to Redis 6, 2,147,483,647 from 7.0 on.
    pub max_arguments: u32,
    /// Whether the client has authenticated, or need not.
    pub authenticated: bool,
    /// Arguments of this many bytes or more are received into allocations of their own.
    pub large_arg: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bulk_len: 512 << 20,
            max_arguments: 1 << 20,
            authenticated: true,
            large_arg: 32 << 10,
        }
    }
}

impl Limits {
    /// Whether whatever [`quick`] accepts is within the limits, as it is for all clients but
    /// strangers.
    #[inline]
    fn allow_short(&self) -> bool {
        self.authenticated
            && self.max_bulk_len >= quick::ARGUMENT_LEN_MAX
            && self.max_arguments >= quick::ARGUMENTS_MAX
    }
}

/// How far a call of [`RequestParser::parse`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// One command is complete, and its arguments' spans are pushed. There may be none, for an
    /// empty line or an argument count of zero or less: there is nothing to execute then.
    Complete {
        /// Bytes the command occupies.
        consumed: usize,
    },
    /// More bytes are needed. Call again with the same bytes and more after them.
    Incomplete,
    /// The next argument is large and not completely here. The caller takes `command[at..]` as
    /// its first bytes, which may be all of them and part of the line end; receives the rest of
    /// `len + 2` bytes, of which the last two are the line end, into an allocation of its own;
    /// truncates the command to `at`; appends the argument to the owned arguments; calls
    /// [`RequestParser::large_received`]; and parses on with further bytes after `at`.
    Large {
        /// Where the argument's bytes start.
        at: usize,
        /// Length of the argument in bytes.
        len: usize,
    },
}

/// The state of one connection's request stream. See the [module](self) for its use.
///
/// After an error the connection is beyond rescue; the parser is idle again.
#[derive(Debug, Default)]
pub struct RequestParser {
    /// Arguments found so far, of a command that did not come at once.
    pending: Vec<ArgSpan>,
    /// Where the next argument's `$` is, from the command's first byte.
    position: u32,
    /// How far from the command's first byte line ends were looked for; 0 if they were not.
    searched: u32,
    /// Arguments announced by the command's first line; 0 before it is read.
    expected: u32,
    /// Arguments still to come.
    remaining: u32,
    /// Where the large argument starts that the caller was told to receive, or 0.
    large_at: u32,
}

// Ten thousand idle connections keep ten thousand of these.
const _: () = assert!(size_of::<RequestParser>() <= 48);

/// The two kinds of lines that start with a marker and hold a length.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    ArgumentCount,
    BulkLength,
}

impl RequestParser {
    /// Whether the parser is between commands and remembers nothing of one. (Bytes may still
    /// be waiting, of which it has seen too few.)
    pub fn is_idle(&self) -> bool {
        self.expected == 0 && self.searched == 0
    }

    /// How many arguments the command that is arriving announced; 0 while that is not known.
    pub fn expected_args(&self) -> u32 {
        self.expected
    }

    /// Looks for the next command at the start of `command`.
    ///
    /// As long as a command is not complete, `command` must start at the same byte in every
    /// call and never lose bytes. Spans are pushed to `spans` only when it is complete; inline
    /// words with quotes are pushed to `owned`, which otherwise only the caller changes.
    #[inline(always)] // into the loop over the commands that a read has brought
    pub fn parse(
        &mut self,
        command: &[u8],
        limits: &Limits,
        spans: &mut Vec<ArgSpan>,
        owned: &mut Vec<Vec<u8>>,
    ) -> Result<Progress, ProtocolError> {
        if self.expected == 0
            && limits.allow_short()
            && let Some(consumed) = quick::parse(command, spans)
        {
            // Should the parser have searched for the end of the first line, that is over.
            self.searched = 0;
            return Ok(Progress::Complete { consumed });
        }
        self.parse_any(command, limits, spans, owned)
    }

    /// [`RequestParser::parse`], for commands that are long or in pieces.
    #[inline(never)]
    fn parse_any(
        &mut self,
        command: &[u8],
        limits: &Limits,
        spans: &mut Vec<ArgSpan>,
        owned: &mut Vec<Vec<u8>>,
    ) -> Result<Progress, ProtocolError> {
        let result = match command.first() {
            _ if self.expected != 0 => self.resume(command, limits, spans),
            Some(b'*') => self.multibulk(command, limits, spans),
            Some(_) => self.inline(command, spans, owned),
            None => Ok(Progress::Incomplete),
        };
        if result.is_err() {
            *self = Self::default();
        }
        result
    }

    /// Takes note that the argument announced by [`Progress::Large`] is now `owned[index]`.
    ///
    /// # Panics
    /// When no such argument was announced.
    pub fn large_received(&mut self, index: u32) {
        assert_ne!(self.large_at, 0, "no large argument was announced");
        self.pending.push(ArgSpan::owned(index));
        self.remaining -= 1;
        self.position = self.large_at;
        self.large_at = 0;
    }

    /// Checks what the module's introduction promises.
    ///
    /// # Panics
    /// When it does not hold.
    pub fn check_invariants(&self) {
        assert!(self.remaining <= self.expected);
        assert_eq!(self.pending.len(), (self.expected - self.remaining) as usize);
        assert!(self.searched <= self.position.saturating_add(LINE_LEN_MAX as u32));
        if self.expected == 0 {
            assert_eq!((self.position, self.large_at), (0, 0));
            assert_eq!(self.pending.capacity(), 0, "an idle parser keeps no heap");
        } else {
            assert!(self.position > 0);
            assert!(self.large_at == 0 || self.large_at > self.position);
        }
    }

    /// Parses a multibulk command of which nothing is known yet.
    #[inline]
    fn multibulk(
        &mut self,
        command: &[u8],
        limits: &Limits,
        spans: &mut Vec<ArgSpan>,
    ) -> Result<Progress, ProtocolError> {
        let Some((count, position)) = self.header(Header::ArgumentCount, command, 0)? else {
            return Ok(Progress::Incomplete);
        };
        if count > i64::from(limits.max_arguments) {
            return Err(ProtocolError::ArgumentCountInvalid);
        }
        if !limits.authenticated && count > i64::from(UNAUTHENTICATED_ARGUMENTS_MAX) {
            return Err(ProtocolError::ArgumentCountUnauthenticated);
        }
        self.searched = 0;
        if count <= 0 {
            return Ok(Progress::Complete { consumed: position });
        }
        self.expected = count as u32;
        self.remaining = self.expected;
        let first = spans.len();
        let result = self.arguments(command, position, limits, spans);
        match result {
            Ok(Progress::Complete { .. }) => self.expected = 0,
            Ok(_) => self.pending.extend(spans.drain(first..)),
            Err(_) => spans.truncate(first),
        }
        result
    }

    /// Parses on in a multibulk command.
    #[cold]
    fn resume(
        &mut self,
        command: &[u8],
        limits: &Limits,
        spans: &mut Vec<ArgSpan>,
    ) -> Result<Progress, ProtocolError> {
        let mut pending = std::mem::take(&mut self.pending);
        // The caller may have waited for a large argument to arrive in the command itself.
        self.large_at = 0;
        let progress = self.arguments(command, self.position as usize, limits, &mut pending)?;
        if let Progress::Complete { .. } = progress {
            spans.append(&mut pending);
            *self = Self::default();
        } else {
            self.pending = pending;
        }
        Ok(progress)
    }

    /// Parses the remaining arguments, the next of which begins at `position`, and pushes their
    /// spans to `found`.
    #[inline]
    fn arguments(
        &mut self,
        command: &[u8],
        mut position: usize,
        limits: &Limits,
        found: &mut Vec<ArgSpan>,
    ) -> Result<Progress, ProtocolError> {
        let available = command.len().min(COMMAND_LEN_MAX);
        let short = limits.allow_short();
        let mut remaining = self.remaining;
        while remaining > 0 {
            if short && let Some((span, next)) = quick::argument(&command[..available], position) {
                found.push(span);
                remaining -= 1;
                position = next;
                continue;
            }
            let Some((len, start)) = self.header(Header::BulkLength, command, position)? else {
                return Ok(self.pause(position, remaining));
            };
            if len < 0 || len > limits.max_bulk_len {
                return Err(ProtocolError::BulkLengthInvalid);
            }
            let len = len as usize;
            if !limits.authenticated && len > UNAUTHENTICATED_BULK_LEN_MAX {
                return Err(ProtocolError::BulkLengthUnauthenticated);
            }
            // Lengths are below 2^63, so that this cannot overflow.
            let end = start + len + 2;
            if end > available {
                return self.wait_for_bytes(limits, position, remaining, start, len);
            }
            found.push(ArgSpan::bytes(start as u32, len as u32));
            remaining -= 1;
            position = end;
        }
        self.remaining = 0;
        Ok(Progress::Complete { consumed: position })
    }

    /// Keeps where the next argument begins, for the next call.
    fn pause(&mut self, position: usize, remaining: u32) -> Progress {
        self.position = position as u32;
        self.remaining = remaining;
        Progress::Incomplete
    }

    /// Decides how to go on with an argument that is not completely here.
    #[cold]
    fn wait_for_bytes(
        &mut self,
        limits: &Limits,
        position: usize,
        remaining: u32,
        start: usize,
        len: usize,
    ) -> Result<Progress, ProtocolError> {
        let large = len >= limits.large_arg;
        let command_len = if large { start } else { start + len + 2 };
        if command_len > COMMAND_LEN_MAX {
            return Err(ProtocolError::BulkLengthInvalid);
        }
        let progress = self.pause(position, remaining);
        if large {
            self.large_at = start as u32;
            return Ok(Progress::Large { at: start, len });
        }
        Ok(progress)
    }

    /// Reads the line at `position`, which is a marker and a number. Returns the number and
    /// where the line ends, or `None` if more bytes are needed.
    #[cold]
    fn header(
        &mut self,
        header: Header,
        command: &[u8],
        position: usize,
    ) -> Result<Option<(i64, usize)>, ProtocolError> {
        let too_long = match header {
            Header::ArgumentCount => ProtocolError::ArgumentCountTooLong,
            Header::BulkLength => ProtocolError::BulkLengthTooLong,
        };
        let Some(end) = self.find_line_end(b'\r', command, position, too_long)? else {
            return Ok(None);
        };
        let next = end + 2;
        if next > command.len() {
            self.keep_searched(end);
            return Ok(None);
        }
        // An empty line begins with its own end, which is no marker either.
        if header == Header::BulkLength && command[position] != b'$' {
            return Err(ProtocolError::BulkMarkerExpected { found: command[position] });
        }
        match (parse_integer(&command[position + 1..end]), header) {
            (Some(number), _) => Ok(Some((number, next))),
            (None, Header::ArgumentCount) => Err(ProtocolError::ArgumentCountInvalid),
            (None, Header::BulkLength) => Err(ProtocolError::BulkLengthInvalid),
        }
    }

    /// Parses an inline command.
    #[cold]
    fn inline(
        &mut self,
        command: &[u8],
        spans: &mut Vec<ArgSpan>,
        owned: &mut Vec<Vec<u8>>,
    ) -> Result<Progress, ProtocolError> {
        let too_long = ProtocolError::InlineTooLong;
        let Some(line_len) = self.find_line_end(b'\n', command, 0, too_long)? else {
            return Ok(Progress::Incomplete);
        };
        self.searched = 0;
        let (first_span, first_owned) = (spans.len(), owned.len());
        for word in Words::new(&command[..line_len]) {
            spans.push(match word {
                Ok(Word::Plain(range)) => ArgSpan::bytes(range.start as u32, range.len() as u32),
                Ok(Word::Quoted(bytes)) => {
                    owned.push(bytes);
                    ArgSpan::owned(owned.len() as u32 - 1)
                }
                Err(Unbalanced) => {
                    spans.truncate(first_span);
                    owned.truncate(first_owned);
                    return Err(ProtocolError::UnbalancedQuotes);
                }
            });
        }
        Ok(Progress::Complete { consumed: line_len + 1 })
    }

    /// Looks for `end` in the line at `position`, past what earlier calls have searched. Returns
    /// where it is, or `None` if it has not arrived.
    ///
    /// Lines longer than [`LINE_LEN_MAX`] are refused however they arrive. (Redis accepts some,
    /// if a single read brings their end.)
    fn find_line_end(
        &mut self,
        end: u8,
        command: &[u8],
        position: usize,
        too_long: ProtocolError,
    ) -> Result<Option<usize>, ProtocolError> {
        let last = command.len().min(position + LINE_LEN_MAX + 1);
        let from = (self.searched as usize).clamp(position, last);
        let found = memchr::memchr2(end, 0, &command[from..last]).map(|offset| from + offset);
        match found {
            Some(found) if command[found] == end => Ok(Some(found)),
            _ if command.len() - position > LINE_LEN_MAX => Err(too_long),
            // A zero byte is found again by the next call, and still hides what follows.
            found => {
                self.keep_searched(found.unwrap_or(last));
                Ok(None)
            }
        }
    }

    /// Keeps how far line ends were looked for, for the next call.
    fn keep_searched(&mut self, end: usize) {
        // Past the longest command less is kept than was done, and some bytes searched again.
        self.searched = u32::try_from(end).unwrap_or(u32::MAX);
    }
}
