//! One reply as it stood on the wire.

use std::fmt;

/// A reply, or an element of one.
///
/// Nothing is interpreted that a client could tell apart: doubles and big numbers keep their
/// text, maps and sets their order, and each of the three ways to say "nothing" is its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `+`: a status.
    Status(Vec<u8>),
    /// `-`: an error, beginning with its code.
    Error(Vec<u8>),
    /// `:`: an integer.
    Integer(i64),
    /// `$`: a string.
    Bulk(Vec<u8>),
    /// `$-1`: RESP2's absence of a string.
    NullBulk,
    /// `*`: an array.
    Array(Vec<Value>),
    /// `*-1`: RESP2's absence of an array.
    NullArray,
    /// `_`: RESP3's absence of anything.
    Null,
    /// `#`: a truth value.
    Boolean(bool),
    /// `,`: a floating-point number, as text.
    Double(Vec<u8>),
    /// `(`: an integer of any size, as text.
    BigNumber(Vec<u8>),
    /// `!`: an error that may hold line ends.
    BulkError(Vec<u8>),
    /// `=`: text for people.
    Verbatim {
        /// What the text is written in, such as `txt`.
        format: [u8; 3],
        /// The text itself.
        text: Vec<u8>,
    },
    /// `%`: a map.
    Map(Vec<(Value, Value)>),
    /// `~`: a set.
    Set(Vec<Value>),
    /// `>`: a message outside the order of replies.
    Push(Vec<Value>),
    /// `|`: pairs that describe the reply after them, and that reply.
    Attributed(Vec<(Value, Value)>, Box<Value>),
}

impl Value {
    /// The bytes of a status, error, string, number kept as text, or verbatim text.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Status(bytes)
            | Self::Error(bytes)
            | Self::Bulk(bytes)
            | Self::Double(bytes)
            | Self::BigNumber(bytes)
            | Self::BulkError(bytes)
            | Self::Verbatim { text: bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// The value of an integer reply.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a double, or of the string that RESP2 makes of one.
    pub fn double(&self) -> Option<f64> {
        match self {
            Self::Double(text) | Self::Bulk(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// Whether this is an error of either kind.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_) | Self::BulkError(_))
    }

    /// Whether this is the absence of something, in any of the three ways.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::NullBulk | Self::NullArray)
    }

    /// The elements of an array, set or push; a map's keys and values in turn.
    pub fn elements(&self) -> Vec<&Value> {
        match self {
            Self::Array(elements) | Self::Set(elements) | Self::Push(elements) => {
                elements.iter().collect()
            }
            Self::Map(pairs) => pairs.iter().flat_map(|(key, value)| [key, value]).collect(),
            _ => Vec::new(),
        }
    }

    /// The value after `key` in a map, or in the array that RESP2 makes of one.
    pub fn field(&self, key: &[u8]) -> Option<&Value> {
        let elements = self.elements();
        elements.chunks_exact(2).find(|pair| pair[0].bytes() == Some(key)).map(|pair| pair[1])
    }

    /// Appends the bytes this was decoded from.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Status(text) => line(out, b'+', text),
            Self::Error(text) => line(out, b'-', text),
            Self::Integer(value) => line(out, b':', itoa::Buffer::new().format(*value).as_bytes()),
            Self::Bulk(bytes) => blob(out, b'$', &[bytes]),
            Self::NullBulk => line(out, b'$', b"-1"),
            Self::Array(elements) => aggregate(out, b'*', elements),
            Self::NullArray => line(out, b'*', b"-1"),
            Self::Null => line(out, b'_', b""),
            Self::Boolean(value) => line(out, b'#', if *value { b"t" } else { b"f" }),
            Self::Double(text) => line(out, b',', text),
            Self::BigNumber(text) => line(out, b'(', text),
            Self::BulkError(bytes) => blob(out, b'!', &[bytes]),
            Self::Verbatim { format, text } => blob(out, b'=', &[format, b":", text]),
            Self::Map(pairs) => map(out, b'%', pairs),
            Self::Set(elements) => aggregate(out, b'~', elements),
            Self::Push(elements) => aggregate(out, b'>', elements),
            Self::Attributed(attributes, described) => {
                map(out, b'|', attributes);
                described.encode(out);
            }
        }
    }
}

fn line(out: &mut Vec<u8>, marker: u8, text: &[u8]) {
    out.push(marker);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn length(out: &mut Vec<u8>, marker: u8, len: usize) {
    line(out, marker, itoa::Buffer::new().format(len).as_bytes());
}

fn blob(out: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    length(out, marker, parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(b"\r\n");
}

fn aggregate(out: &mut Vec<u8>, marker: u8, elements: &[Value]) {
    length(out, marker, elements.len());
    elements.iter().for_each(|element| element.encode(out));
}

fn map(out: &mut Vec<u8>, marker: u8, pairs: &[(Value, Value)]) {
    length(out, marker, pairs.len());
    for (key, value) in pairs {
        key.encode(out);
        value.encode(out);
    }
}

/// The type's marker and what follows it, long strings cut short.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 400;
        let show = |f: &mut fmt::Formatter<'_>, marker: &str, bytes: &[u8]| {
            write!(f, "{marker}\"{}\"", bytes[..bytes.len().min(SHOWN)].escape_ascii())?;
            if bytes.len() > SHOWN { write!(f, "... ({} bytes)", bytes.len()) } else { Ok(()) }
        };
        match self {
            Self::Status(text) => show(f, "+", text),
            Self::Error(text) => show(f, "-", text),
            Self::Integer(value) => write!(f, ":{value}"),
            Self::Bulk(bytes) => show(f, "$", bytes),
            Self::NullBulk => f.write_str("$null"),
            Self::Array(elements) => write!(f, "*{elements:?}"),
            Self::NullArray => f.write_str("*null"),
            Self::Null => f.write_str("_null"),
            Self::Boolean(value) => write!(f, "#{value}"),
            Self::Double(text) => show(f, ",", text),
            Self::BigNumber(text) => show(f, "(", text),
            Self::BulkError(bytes) => show(f, "!", bytes),
            Self::Verbatim { format, text } => {
                show(f, &format!("={}:", format.escape_ascii()), text)
            }
            Self::Map(pairs) => write!(f, "%{pairs:?}"),
            Self::Set(elements) => write!(f, "~{elements:?}"),
            Self::Push(elements) => write!(f, ">{elements:?}"),
            Self::Attributed(attributes, described) => write!(f, "|{attributes:?} {described:?}"),
        }
    }
}
