//! Writing replies.
//!
//! RESP3 has types of its own for what RESP2 sends as arrays, strings and integers. Commands
//! name the type they mean, and the writer sends what the client's protocol has for it:
//!
//! | written | RESP2 | RESP3 |
//! | --- | --- | --- |
//! | `null` | `$-1` | `_` |
//! | `null_array` | `*-1` | `_` |
//! | `map` of n | `*2n` | `%n` |
//! | `set` of n | `*n` | `~n` |
//! | `push` of n | `*n` | `>n` |
//! | `double` | bulk string | `,` |
//! | `boolean` | `:1`, `:0` | `#t`, `#f` |
//! | `verbatim` | bulk string | `=` |
//! | `big_number` | bulk string | `(` |
//! | the rest | the same | the same |

use crate::number::DoubleText;

/// The version of the protocol a client has asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// What clients speak until they say otherwise.
    #[default]
    Resp2,
    /// Asked for with `HELLO 3`.
    Resp3,
}

/// Appends replies to a buffer. Costs nothing to make.
#[derive(Debug)]
pub struct ReplyWriter<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
}

/// Where the length of an aggregate belongs that is written before it is known. To be given
/// back to the writer of the same buffer, innermost first.
#[derive(Debug)]
#[must_use = "the reply is broken until the length is written"]
pub struct Deferred {
    /// Where the room left for the length starts.
    start: usize,
}

/// Room left for a deferred length: what one of a single digit takes.
const DEFERRED_ROOM: usize = 4;

impl<'a> ReplyWriter<'a> {
    /// A writer that appends to `out`.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Self {
        Self { out, protocol }
    }

    /// Writes in another version from now on: HELLO answers in the one it switches to.
    #[inline]
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// The version of the protocol written.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The buffer appended to, for replies that are already encoded.
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A status reply. Line ends in it become spaces.
    pub fn simple(&mut self, text: impl AsRef<[u8]>) {
        self.line(b'+', text.as_ref());
    }

    /// An error reply: `text` begins with its code, such as `ERR` or `WRONGTYPE`. Line ends at
    /// its end are dropped, others become spaces.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// [`Self::error`] for a text that quotes bytes from a client.
    #[cold]
    pub fn error_bytes(&mut self, text: &[u8]) {
        let end = text.iter().rposition(|byte| !is_line_end(byte)).map_or(0, |last| last + 1);
        self.line(b'-', &text[..end]);
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        self.header(b':', value);
    }

    /// A string of any bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        // One check for room instead of three.
        self.out.reserve(bytes.len() + 24);
        self.length(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.line_end();
    }

    /// A string with the decimal form of `value`.
    #[inline]
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// The absence of a string.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// The absence of an array.
    #[inline]
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// An array, whose `len` elements follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.length(b'*', len);
    }

    /// An array of nothing.
    #[inline]
    pub fn empty_array(&mut self) {
        self.out.extend_from_slice(b"*0\r\n");
    }

    /// A map, whose `len` pairs of keys and values follow.
    #[inline]
    pub fn map(&mut self, len: usize) {
        let (marker, len) = self.map_header(len);
        self.length(marker, len);
    }

    /// A set, whose `len` elements follow.
    #[inline]
    pub fn set(&mut self, len: usize) {
        let marker = self.set_marker();
        self.length(marker, len);
    }

    /// A message outside the order of replies, whose `len` elements follow.
    #[inline]
    pub fn push(&mut self, len: usize) {
        let marker = self.choose(b'*', b'>');
        self.length(marker, len);
    }

    /// `len` pairs that describe the reply they precede. RESP2 has no way to say it: the caller
    /// leaves all of them out.
    pub fn attribute(&mut self, len: usize) {
        debug_assert_eq!(self.protocol, Protocol::Resp3, "RESP2 has no attributes");
        self.length(b'|', len);
    }

    /// A floating-point number, to 17 significant digits.
    pub fn double(&mut self, value: f64) {
        let text = DoubleText::new(value);
        self.number(b',', text.as_bytes());
    }

    /// A floating-point number as it has been written already.
    pub fn decimal(&mut self, text: &[u8]) {
        self.number(b',', text);
    }

    /// A truth value.
    #[inline]
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.protocol, value) {
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
        });
    }

    /// Text for people, in a `format` such as `txt` or `mkd`.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.length(b'=', text.len() + 4);
                self.out.extend_from_slice(format);
                self.out.push(b':');
                self.out.extend_from_slice(text);
                self.line_end();
            }
        }
    }

    /// An integer of any size: a sign, if negative, and digits.
    pub fn big_number(&mut self, digits: &[u8]) {
        self.number(b'(', digits);
    }

    /// Leaves room for the length of an aggregate whose elements follow, to be written with
    /// one of the `finish` methods after them.
    #[inline]
    pub fn deferred(&mut self) -> Deferred {
        let start = self.out.len();
        self.out.extend_from_slice(&[0; DEFERRED_ROOM]);
        Deferred { start }
    }

    /// Makes what was written since `deferred` an array of `len` elements.
    ///
    /// A length of one digit goes into the room left for it; a longer one moves the elements.
    pub fn finish_array(&mut self, deferred: Deferred, len: usize) {
        self.finish(deferred, b'*', len);
    }

    /// Makes what was written since `deferred` a map of `len` pairs.
    pub fn finish_map(&mut self, deferred: Deferred, len: usize) {
        let (marker, len) = self.map_header(len);
        self.finish(deferred, marker, len);
    }

    /// Makes what was written since `deferred` a set of `len` elements.
    pub fn finish_set(&mut self, deferred: Deferred, len: usize) {
        let marker = self.set_marker();
        self.finish(deferred, marker, len);
    }

    fn finish(&mut self, deferred: Deferred, marker: u8, len: usize) {
        let room = deferred.start..deferred.start + DEFERRED_ROOM;
        if let Ok(digit @ 0..=9) = u8::try_from(len) {
            self.out[room].copy_from_slice(&[marker, b'0' + digit, b'\r', b'\n']);
        } else {
            let mut header = Vec::with_capacity(24);
            ReplyWriter::new(&mut header, self.protocol).length(marker, len);
            self.out.splice(room, header);
        }
    }

    #[inline]
    fn choose(&self, resp2: u8, resp3: u8) -> u8 {
        match self.protocol {
            Protocol::Resp2 => resp2,
            Protocol::Resp3 => resp3,
        }
    }

    #[inline]
    fn set_marker(&self) -> u8 {
        self.choose(b'*', b'~')
    }

    #[inline]
    fn map_header(&self, len: usize) -> (u8, usize) {
        match self.protocol {
            Protocol::Resp2 => (b'*', 2 * len),
            Protocol::Resp3 => (b'%', len),
        }
    }

    /// A number: a type of its own in RESP3, a string in RESP2.
    fn number(&mut self, marker: u8, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(marker, text),
        }
    }

    /// A line with a length, which fits 64 bits with a sign as every allocation's does.
    #[inline]
    fn length(&mut self, marker: u8, len: usize) {
        self.header(marker, len as i64);
    }

    /// A line with a number.
    #[inline]
    fn header(&mut self, marker: u8, number: i64) {
        match number {
            0..=9 => {
                self.out.extend_from_slice(&[marker, b'0' + number as u8, b'\r', b'\n']);
            }
            10..=99 => {
                let (tens, units) = (number as u8 / 10, number as u8 % 10);
                let line = [marker, b'0' + tens, b'0' + units, b'\r', b'\n'];
                self.out.extend_from_slice(&line);
            }
            _ => {
                let mut digits = itoa::Buffer::new();
                let digits = digits.format(number).as_bytes();
                self.out.reserve(digits.len() + 3);
                self.out.push(marker);
                self.out.extend_from_slice(digits);
                self.line_end();
            }
        }
    }

    /// A line with a text, in which line ends become spaces.
    fn line(&mut self, marker: u8, text: &[u8]) {
        self.out.reserve(text.len() + 3);
        self.out.push(marker);
        let start = self.out.len();
        self.out.extend_from_slice(text);
        if memchr::memchr2(b'\r', b'\n', text).is_some() {
            for byte in self.out[start..].iter_mut().filter(|byte| is_line_end(byte)) {
                *byte = b' ';
            }
        }
        self.line_end();
    }

    #[inline]
    fn line_end(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests;
