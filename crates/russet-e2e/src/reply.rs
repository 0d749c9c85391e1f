//! A reply as it stood on the wire, RESP2 or RESP3.
//!
//! Nothing is interpreted: doubles and big numbers keep their text, the three ways to say "null"
//! stay apart, maps keep their order. Two servers that answer with equal [`Reply`] values cannot be
//! told apart by a client.

use std::fmt;
use std::io::{self, BufRead};

/// One reply, or one element of one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reply {
    /// `+`
    Status(Vec<u8>),
    /// `-`
    Error(Vec<u8>),
    /// `:`
    Integer(i64),
    /// `$`
    Bulk(Vec<u8>),
    /// `$-1`
    NullBulk,
    /// `*-1`
    NullArray,
    /// `*`
    Array(Vec<Reply>),
    /// `_`
    Null,
    /// `#`
    Boolean(bool),
    /// `,`
    Double(Vec<u8>),
    /// `(`
    BigNumber(Vec<u8>),
    /// `!`
    BulkError(Vec<u8>),
    /// `=`, with the three-letter format first
    Verbatim(Vec<u8>),
    /// `%`
    Map(Vec<(Reply, Reply)>),
    /// `~`
    Set(Vec<Reply>),
    /// `>`
    Push(Vec<Reply>),
    /// `|`, followed by the reply it describes
    Attributed(Vec<(Reply, Reply)>, Box<Reply>),
}

impl Reply {
    /// The elements of an array, set or push; a map's keys and values in turn.
    pub fn elements(&self) -> Vec<&Reply> {
        match self {
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => items.iter().collect(),
            Reply::Map(pairs) => pairs.iter().flat_map(|(key, value)| [key, value]).collect(),
            _ => Vec::new(),
        }
    }

    /// The value after `key` in a map, or in the flat array that RESP2 makes of one.
    pub fn field(&self, key: &str) -> Option<&Reply> {
        self.elements()
            .chunks_exact(2)
            .find(|pair| pair[0].bytes() == Some(key.as_bytes()))
            .map(|pair| pair[1])
    }

    /// The bytes of a status, error, bulk or verbatim string.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Reply::Status(text)
            | Reply::Error(text)
            | Reply::Bulk(text)
            | Reply::BulkError(text)
            | Reply::Verbatim(text) => Some(text),
            _ => None,
        }
    }

    /// [`bytes`](Self::bytes) for people: lossy, and empty when there are none.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes().unwrap_or_default()).into_owned()
    }

    /// The value of an integer reply.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Reply::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether this is an error reply of either kind.
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_) | Reply::BulkError(_))
    }

    /// Whether this is one of the three nulls.
    pub fn is_null(&self) -> bool {
        matches!(self, Reply::Null | Reply::NullBulk | Reply::NullArray)
    }

    /// Read one reply.
    ///
    /// # Errors
    ///
    /// The reader's own, `UnexpectedEof` when the stream ends inside a reply, and `InvalidData` when
    /// the bytes are not RESP.
    pub fn read(from: &mut impl BufRead) -> io::Result<Reply> {
        let line = read_line(from)?;
        let (&kind, rest) = line.split_first().ok_or_else(|| invalid("an empty line"))?;
        Ok(match kind {
            b'+' => Reply::Status(rest.to_vec()),
            b'-' => Reply::Error(rest.to_vec()),
            b':' => Reply::Integer(number(rest)?),
            b'_' => Reply::Null,
            b'#' => Reply::Boolean(rest == b"t"),
            b',' => Reply::Double(rest.to_vec()),
            b'(' => Reply::BigNumber(rest.to_vec()),
            b'$' => read_blob(from, number(rest)?)?.map_or(Reply::NullBulk, Reply::Bulk),
            b'!' => Reply::BulkError(read_blob(from, number(rest)?)?.unwrap_or_default()),
            b'=' => Reply::Verbatim(read_blob(from, number(rest)?)?.unwrap_or_default()),
            b'*' if rest == b"-1" => Reply::NullArray,
            b'*' => Reply::Array(read_items(from, number(rest)?)?),
            b'~' => Reply::Set(read_items(from, number(rest)?)?),
            b'>' => Reply::Push(read_items(from, number(rest)?)?),
            b'%' => Reply::Map(read_pairs(from, number(rest)?)?),
            b'|' => {
                let pairs = read_pairs(from, number(rest)?)?;
                Reply::Attributed(pairs, Box::new(Reply::read(from)?))
            }
            _ => return Err(invalid(&format!("{:?}", String::from_utf8_lossy(&line)))),
        })
    }
}

fn read_items(from: &mut impl BufRead, count: i64) -> io::Result<Vec<Reply>> {
    (0..count).map(|_| Reply::read(from)).collect()
}

fn read_pairs(from: &mut impl BufRead, count: i64) -> io::Result<Vec<(Reply, Reply)>> {
    (0..count).map(|_| Ok((Reply::read(from)?, Reply::read(from)?))).collect()
}

fn read_blob(from: &mut impl BufRead, length: i64) -> io::Result<Option<Vec<u8>>> {
    let Ok(length) = usize::try_from(length) else { return Ok(None) };
    let mut blob = vec![0; length + 2];
    from.read_exact(&mut blob)?;
    if !blob.ends_with(b"\r\n") {
        return Err(invalid("a blob without its line end"));
    }
    blob.truncate(length);
    Ok(Some(blob))
}

fn read_line(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\r\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.len() - 2);
    Ok(line)
}

fn number(text: &[u8]) -> io::Result<i64> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid(&format!("the number {:?}", String::from_utf8_lossy(text))))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a RESP reply: {what}"))
}

impl fmt::Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 400;
        let show = |out: &mut fmt::Formatter<'_>, kind: char, bytes: &[u8]| {
            write!(out, "{kind}\"{}\"", bytes[..bytes.len().min(SHOWN)].escape_ascii())?;
            if bytes.len() > SHOWN { write!(out, "… ({} bytes)", bytes.len()) } else { Ok(()) }
        };
        match self {
            Reply::Status(text) => show(out, '+', text),
            Reply::Error(text) => show(out, '-', text),
            Reply::Bulk(text) => show(out, '$', text),
            Reply::Double(text) => show(out, ',', text),
            Reply::BigNumber(text) => show(out, '(', text),
            Reply::BulkError(text) => show(out, '!', text),
            Reply::Verbatim(text) => show(out, '=', text),
            Reply::Integer(value) => write!(out, ":{value}"),
            Reply::Boolean(value) => write!(out, "#{value}"),
            Reply::NullBulk => write!(out, "$null"),
            Reply::NullArray => write!(out, "*null"),
            Reply::Null => write!(out, "_null"),
            Reply::Array(items) => write!(out, "*{items:?}"),
            Reply::Set(items) => write!(out, "~{items:?}"),
            Reply::Push(items) => write!(out, ">{items:?}"),
            Reply::Map(pairs) => write!(out, "%{pairs:?}"),
            Reply::Attributed(pairs, reply) => write!(out, "|{pairs:?} {reply:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> io::Result<Reply> {
        Reply::read(&mut bytes)
    }

    #[test]
    fn every_kind_of_reply_is_read() {
        let wire =
            b"*12\r\n+OK\r\n-ERR no\r\n:-7\r\n$2\r\n\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n,1.5\r\n\
            %1\r\n+k\r\n~1\r\n:1\r\n=7\r\ntxt:abc\r\n|1\r\n+a\r\n:1\r\n+b\r\n";
        let Reply::Array(items) = read(wire).expect("well formed") else { panic!("an array") };
        assert_eq!(items[0], Reply::Status(b"OK".to_vec()));
        assert!(items[1].is_error());
        assert_eq!(items[2].integer(), Some(-7));
        assert_eq!(items[3], Reply::Bulk(b"\r\n".to_vec()));
        assert_eq!(items[4..7], [Reply::NullBulk, Reply::NullArray, Reply::Null]);
        assert_eq!(items[7], Reply::Boolean(true));
        assert_eq!(items[8], Reply::Double(b"1.5".to_vec()));
        assert_eq!(items[9].field("k"), Some(&Reply::Set(vec![Reply::Integer(1)])));
        assert_eq!(items[10].text(), "txt:abc");
        assert!(matches!(&items[11], Reply::Attributed(pairs, _) if pairs.len() == 1));
    }

    #[test]
    fn half_a_reply_and_garbage_are_errors() {
        for wire in [&b"$5\r\nab"[..], b"+OK", b"*2\r\n:1\r\n", b""] {
            assert_eq!(read(wire).unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{wire:?}");
        }
        for wire in [&b"?x\r\n"[..], b"\r\n", b":x\r\n", b"$1\r\nabc"] {
            assert_eq!(read(wire).unwrap_err().kind(), io::ErrorKind::InvalidData, "{wire:?}");
        }
    }
}
