//! A message on its way to its subscribers, encoded once for all of them.

use russet_resp::{Protocol, ReplyWriter};
use smallvec::SmallVec;

use super::Kind;

/// A message to those who are subscribed to one name.
struct Part {
    kind: Kind,
    name: Box<[u8]>,
    /// As RESP2 has it. RESP3 differs in the first byte only.
    encoded: Box<[u8]>,
}

/// See the module's documentation. One part for the channel, if somebody is subscribed to it, and one
/// for each pattern that matches it.
#[derive(Default)]
pub struct Publication {
    parts: SmallVec<[Part; 1]>,
}

impl Publication {
    /// Adds what the subscribers of a name are sent.
    pub fn add(&mut self, kind: Kind, name: &[u8], channel: &[u8], message: &[u8]) {
        let mut encoded = Vec::new();
        let mut out = ReplyWriter::new(&mut encoded, Protocol::Resp2);
        match kind {
            Kind::Pattern => {
                out.push(4);
                out.bulk(b"pmessage");
                out.bulk(name);
            }
            Kind::Channel => {
                out.push(3);
                out.bulk(b"message");
            }
            Kind::ShardChannel => {
                out.push(3);
                out.bulk(b"smessage");
            }
        }
        out.bulk(channel);
        out.bulk(message);
        self.parts.push(Part { kind, name: name.into(), encoded: encoded.into() });
    }

    /// Kinds and names whose subscribers are addressed, with what they are sent: see [`append`].
    pub fn parts(&self) -> impl Iterator<Item = (Kind, &[u8], &[u8])> {
        self.parts.iter().map(|part| (part.kind, &*part.name, &*part.encoded))
    }
}

/// Appends an encoded part to what a client is to be sent.
pub fn append(out: &mut Vec<u8>, encoded: &[u8], protocol: Protocol) {
    let start = out.len();
    out.extend_from_slice(encoded);
    if protocol == Protocol::Resp3 {
        out[start] = b'>';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_differ_in_the_first_byte() {
        let mut publication = Publication::default();
        publication.add(Kind::Channel, b"c", b"c", b"m");
        publication.add(Kind::Pattern, b"*", b"c", b"m");
        publication.add(Kind::ShardChannel, b"c", b"c", b"m");
        let expected: [&[u8]; 3] = [
            b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
            b"*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n$1\r\nm\r\n",
            b"*3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
        ];
        for ((_, _, encoded), expected) in publication.parts().zip(expected) {
            let mut out = b"before".to_vec();
            append(&mut out, encoded, Protocol::Resp2);
            assert_eq!(out, [b"before", expected].concat());
            append(&mut out, encoded, Protocol::Resp3);
            assert_eq!(out, [b"before", expected, b">", &expected[1..]].concat());
        }
    }
}
