//! Reading replies, RESP2 and RESP3, for tools and tests.
//!
//! A [`Decoder`] is fed bytes as they arrive and yields one [`Value`] per reply. It never
//! recurses, looks at no byte twice, and believes no announced length: memory is bounded by a
//! small multiple of what has arrived, and nesting by [`DEPTH_MAX`].
//!
//! It is strict. Numbers have their one canonical form, lengths are not streamed (`$?`, which
//! no server sends), and what it accepts [`Value::encode`] gives back byte for byte.

mod value;

pub use value::Value;

use crate::number::parse_integer;
use std::fmt;

/// Most aggregates inside one another.
pub const DEPTH_MAX: usize = 256;

/// What is wrong with bytes that are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A reply begins with a byte that stands for no type.
    UnknownType {
        /// The byte found.
        found: u8,
    },
    /// A length that is no number, or negative where that has no meaning.
    InvalidLength,
    /// The text of a number, truth value, null or verbatim string is none.
    InvalidText,
    /// Another byte where `\r\n` belongs.
    LineEndExpected,
    /// More than [`DEPTH_MAX`] aggregates inside one another.
    TooDeep,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType { found } => {
                write!(f, "no reply begins with '{}'", found.escape_ascii())
            }
            Self::InvalidLength => f.write_str("invalid length in a reply"),
            Self::InvalidText => f.write_str("invalid text in a reply"),
            Self::LineEndExpected => f.write_str("a reply lacks its line end"),
            Self::TooDeep => write!(f, "a reply is nested deeper than {DEPTH_MAX} levels"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Reads replies from a stream. After an error the stream is beyond rescue.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where the next element begins in `buffer`.
    position: usize,
    /// Bytes from `position` on that hold no line end.
    scanned: usize,
    /// Aggregates whose elements are not all here, outermost first.
    open: Vec<Open>,
}

/// An aggregate of which elements are missing.
#[derive(Debug)]
struct Open {
    kind: Aggregate,
    elements: Vec<Value>,
    /// Elements still to come.
    missing: usize,
}

#[derive(Debug)]
enum Aggregate {
    Array,
    Map,
    Set,
    Push,
    /// The pairs of an attribute.
    Attributes,
    /// The one reply that an attribute, now complete, describes.
    Attributed(Vec<(Value, Value)>),
}

/// One step through the stream.
enum Element {
    Value(Value),
    /// The first line of an aggregate of so many elements.
    Open(Aggregate, usize),
}

impl Decoder {
    /// Takes bytes that arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        // What was read is dropped once it is most of the buffer, so that each byte moves once.
        if self.position > self.buffer.len() / 2 {
            self.buffer.drain(..self.position);
            self.position = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether every byte fed belongs to a reply that was returned.
    pub fn is_drained(&self) -> bool {
        self.position == self.buffer.len() && self.open.is_empty()
    }

    /// The next reply, or `None` if it has not wholly arrived.
    pub fn decode(&mut self) -> Result<Option<Value>, DecodeError> {
        while let Some(element) = self.element()? {
            let whole = match element {
                Element::Value(value) => self.place(value),
                Element::Open(..) if self.open.len() == DEPTH_MAX => {
                    return Err(DecodeError::TooDeep);
                }
                Element::Open(kind, missing) => {
                    self.open.push(Open { kind, elements: Vec::new(), missing });
                    None
                }
            };
            if let Some(value) = whole.or_else(|| self.close_complete()) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Adds a value to the aggregate it is an element of, or gives it back if it is none's.
    fn place(&mut self, value: Value) -> Option<Value> {
        let Some(innermost) = self.open.last_mut() else { return Some(value) };
        innermost.elements.push(value);
        innermost.missing -= 1;
        None
    }

    /// Makes values of the innermost aggregates that are complete. Returns the outermost, if it
    /// is one of them.
    fn close_complete(&mut self) -> Option<Value> {
        while let Some(Open { kind, elements, .. }) = self.open.pop_if(|open| open.missing == 0) {
            let value = match kind {
                Aggregate::Array => Value::Array(elements),
                Aggregate::Set => Value::Set(elements),
                Aggregate::Push => Value::Push(elements),
                Aggregate::Map => Value::Map(pairs(elements)),
                Aggregate::Attributes => {
                    let kind = Aggregate::Attributed(pairs(elements));
                    self.open.push(Open { kind, elements: Vec::new(), missing: 1 });
                    return None;
                }
                Aggregate::Attributed(attributes) => {
                    let described = elements.into_iter().next().expect("one was missing");
                    Value::Attributed(attributes, Box::new(described))
                }
            };
            if let Some(value) = self.place(value) {
                return Some(value);
            }
        }
        None
    }

    /// Reads a value that is no aggregate, or the first line of one that is.
    fn element(&mut self) -> Result<Option<Element>, DecodeError> {
        let Some(line_len) = self.line_len()? else { return Ok(None) };
        let unread = &self.buffer[self.position..];
        let next = line_len + 2;
        let Some((&kind, text)) = unread[..line_len].split_first() else {
            return Err(DecodeError::UnknownType { found: b'\r' });
        };
        let value = match kind {
            b'+' => Value::Status(text.to_vec()),
            b'-' => Value::Error(text.to_vec()),
            b':' => Value::Integer(parse_integer(text).ok_or(DecodeError::InvalidText)?),
            b'$' | b'*' if text == b"-1" => {
                if kind == b'$' {
                    Value::NullBulk
                } else {
                    Value::NullArray
                }
            }
            b'$' | b'!' | b'=' => {
                let len = length(text)?;
                let Some(bytes) = blob(&unread[next..], len)? else { return Ok(None) };
                let value = match kind {
                    b'$' => Value::Bulk(bytes.to_vec()),
                    b'!' => Value::BulkError(bytes.to_vec()),
                    _ => verbatim(bytes)?,
                };
                self.advance(next + len + 2);
                return Ok(Some(Element::Value(value)));
            }
            b'_' if text.is_empty() => Value::Null,
            b'#' if text == b"t" => Value::Boolean(true),
            b'#' if text == b"f" => Value::Boolean(false),
            b',' if is_double(text) => Value::Double(text.to_vec()),
            b'(' if is_big_number(text) => Value::BigNumber(text.to_vec()),
            b'_' | b'#' | b',' | b'(' => return Err(DecodeError::InvalidText),
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let (kind, per_length) = match kind {
                    b'*' => (Aggregate::Array, 1),
                    b'~' => (Aggregate::Set, 1),
                    b'>' => (Aggregate::Push, 1),
                    b'%' => (Aggregate::Map, 2),
                    _ => (Aggregate::Attributes, 2),
                };
                // Lengths are below 2^63.
                let missing = length(text)? * per_length;
                self.advance(next);
                return Ok(Some(Element::Open(kind, missing)));
            }
            found => return Err(DecodeError::UnknownType { found }),
        };
        self.advance(next);
        Ok(Some(Element::Value(value)))
    }

    /// The length of the line at `position`, without its end.
    fn line_len(&mut self) -> Result<Option<usize>, DecodeError> {
        let unread = &self.buffer[self.position..];
        let Some(offset) = memchr::memchr2(b'\r', b'\n', &unread[self.scanned..]) else {
            self.scanned = unread.len();
            return Ok(None);
        };
        self.scanned += offset;
        match unread[self.scanned..] {
            [b'\r', b'\n', ..] => Ok(Some(self.scanned)),
            [b'\r'] => Ok(None),
            _ => Err(DecodeError::LineEndExpected),
        }
    }

    fn advance(&mut self, len: usize) {
        self.position += len;
        self.scanned = 0;
    }
}

fn pairs(elements: Vec<Value>) -> Vec<(Value, Value)> {
    let mut elements = elements.into_iter();
    std::iter::from_fn(|| elements.next().zip(elements.next())).collect()
}

fn length(text: &[u8]) -> Result<usize, DecodeError> {
    let length = parse_integer(text).and_then(|length| usize::try_from(length).ok());
    length.ok_or(DecodeError::InvalidLength)
}

/// The first `len` bytes, if they and the line end after them have arrived.
fn blob(unread: &[u8], len: usize) -> Result<Option<&[u8]>, DecodeError> {
    let Some((bytes, rest)) = unread.split_at_checked(len) else { return Ok(None) };
    match rest {
        [b'\r', b'\n', ..] => Ok(Some(bytes)),
        [] | [b'\r'] => Ok(None),
        _ => Err(DecodeError::LineEndExpected),
    }
}

fn verbatim(bytes: &[u8]) -> Result<Value, DecodeError> {
    match *bytes {
        [a, b, c, b':', ref text @ ..] => {
            Ok(Value::Verbatim { format: [a, b, c], text: text.to_vec() })
        }
        _ => Err(DecodeError::InvalidText),
    }
}

fn is_double(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok())
}

fn is_big_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
