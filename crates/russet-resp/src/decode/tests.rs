//! Tests of the reply decoder.

use super::*;
use crate::testing::decode;
use crate::{Protocol, ReplyWriter};
use proptest::prelude::*;

#[test]
fn every_type() {
    let bulk = |bytes: &[u8]| Value::Bulk(bytes.to_vec());
    let cases: &[(&[u8], Value)] = &[
        (b"+OK\r\n", Value::Status(b"OK".to_vec())),
        (b"-ERR no\r\n", Value::Error(b"ERR no".to_vec())),
        (b":-7\r\n", Value::Integer(-7)),
        (b"$4\r\na\r\nb\r\n", bulk(b"a\r\nb")),
        (b"$0\r\n\r\n", bulk(b"")),
        (b"$-1\r\n", Value::NullBulk),
        (b"*-1\r\n", Value::NullArray),
        (b"_\r\n", Value::Null),
        (b"#t\r\n", Value::Boolean(true)),
        (b"#f\r\n", Value::Boolean(false)),
        (b",1.5\r\n", Value::Double(b"1.5".to_vec())),
        (b",-inf\r\n", Value::Double(b"-inf".to_vec())),
        (b"(-123\r\n", Value::BigNumber(b"-123".to_vec())),
        (b"!5\r\nERR x\r\n", Value::BulkError(b"ERR x".to_vec())),
        (b"=7\r\ntxt:abc\r\n", Value::Verbatim { format: *b"txt", text: b"abc".to_vec() }),
        (b"*0\r\n", Value::Array(vec![])),
        (
            b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n",
            Value::Array(vec![Value::Integer(1), Value::Array(vec![bulk(b"a")])]),
        ),
        (
            b"%2\r\n:1\r\n:2\r\n:3\r\n%0\r\n",
            Value::Map(vec![
                (Value::Integer(1), Value::Integer(2)),
                (Value::Integer(3), Value::Map(vec![])),
            ]),
        ),
        (b"~1\r\n_\r\n", Value::Set(vec![Value::Null])),
        (b">1\r\n+a\r\n", Value::Push(vec![Value::Status(b"a".to_vec())])),
        (
            b"*2\r\n|1\r\n:1\r\n:2\r\n:3\r\n|0\r\n:4\r\n",
            Value::Array(vec![
                Value::Attributed(
                    vec![(Value::Integer(1), Value::Integer(2))],
                    Box::new(Value::Integer(3)),
                ),
                Value::Attributed(vec![], Box::new(Value::Integer(4))),
            ]),
        ),
    ];
    for (bytes, value) in cases {
        for piece_len in 1..=bytes.len() {
            let expected = (vec![value.clone(); 2], None);
            assert_eq!(decode(&bytes.repeat(2), piece_len), expected);
        }
        let mut encoded = Vec::new();
        value.encode(&mut encoded);
        assert_eq!(encoded, *bytes);
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end], 100), (vec![], None), "part of {value:?}");
        }
    }
}

#[test]
fn what_is_no_reply() {
    let cases: &[(&[u8], DecodeError)] = &[
        (b"\r\n", DecodeError::UnknownType { found: b'\r' }),
        (b"?1\r\n", DecodeError::UnknownType { found: b'?' }),
        (b"$?\r\n", DecodeError::InvalidLength),
        (b"$-2\r\n", DecodeError::InvalidLength),
        (b"!-1\r\n", DecodeError::InvalidLength),
        (b"*-2\r\n", DecodeError::InvalidLength),
        (b"%-1\r\n", DecodeError::InvalidLength),
        (b"%9223372036854775808\r\n", DecodeError::InvalidLength),
        (b"*18446744073709551616\r\n", DecodeError::InvalidLength),
        (b":01\r\n", DecodeError::InvalidText),
        (b":\r\n", DecodeError::InvalidText),
        (b"_x\r\n", DecodeError::InvalidText),
        (b"#x\r\n", DecodeError::InvalidText),
        (b",1,5\r\n", DecodeError::InvalidText),
        (b"(1.5\r\n", DecodeError::InvalidText),
        (b"=3\r\ntxt\r\n", DecodeError::InvalidText),
        (b"+a\rb\r\n", DecodeError::LineEndExpected),
        (b"+a\nb\r\n", DecodeError::LineEndExpected),
        (b"$1\r\nab\r\n", DecodeError::LineEndExpected),
        (b"$1\r\na\n", DecodeError::LineEndExpected),
    ];
    for (bytes, error) in cases {
        for piece_len in 1..=bytes.len() {
            let shown = bytes.escape_ascii();
            assert_eq!(decode(bytes, piece_len), (vec![], Some(*error)), "{shown}");
        }
    }
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth| [b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat();
    assert_eq!(decode(&nested(DEPTH_MAX), 7).0.len(), 1);
    assert_eq!(decode(&nested(DEPTH_MAX + 1), 7).1, Some(DecodeError::TooDeep));
    let attributes = b"|1\r\n".repeat(DEPTH_MAX + 1);
    assert_eq!(decode(&attributes, 7).1, Some(DecodeError::TooDeep));
    let empty_attributes = b"|0\r\n".repeat(DEPTH_MAX + 1);
    assert_eq!(decode(&empty_attributes, 7).1, Some(DecodeError::TooDeep));
}

#[test]
fn announced_lengths_reserve_nothing() {
    let mut decoder = Decoder::default();
    decoder.feed(b"%9223372036854775807\r\n:1\r\n$9223372036854775807\r\nabc");
    assert_eq!(decoder.decode(), Ok(None));
    assert!(!decoder.is_drained());
    assert!(decoder.open[0].elements.capacity() < 100 && decoder.buffer.capacity() < 1000);
}

#[test]
fn the_buffer_does_not_keep_what_was_read() {
    let mut decoder = Decoder::default();
    for _ in 0..1000 {
        decoder.feed(b"$10\r\n0123456789\r\n");
        assert!(matches!(decoder.decode(), Ok(Some(Value::Bulk(_)))));
        assert!(decoder.is_drained());
    }
    assert!(decoder.buffer.capacity() < 1000);
}

/// Values the writer has methods for.
fn writable() -> impl Strategy<Value = Value> {
    let line = "[^\r\n]{0,20}".prop_map(String::into_bytes);
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let leaf = prop_oneof![
        line.clone().prop_map(Value::Status),
        line.prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        bytes.clone().prop_map(Value::Bulk),
        bytes.prop_map(|text| Value::Verbatim { format: *b"txt", text }),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        "-?[0-9]{1,30}".prop_map(|digits| Value::BigNumber(digits.into_bytes())),
    ];
    leaf.prop_recursive(4, 64, 8, |element| {
        let elements = prop::collection::vec(element.clone(), 0..12);
        let pairs = prop::collection::vec((element.clone(), element.clone()), 0..6);
        prop_oneof![
            elements.clone().prop_map(Value::Array),
            elements.clone().prop_map(Value::Set),
            elements.prop_map(Value::Push),
            pairs.clone().prop_map(Value::Map),
            (pairs, element).prop_map(|(pairs, value)| Value::Attributed(pairs, value.into())),
        ]
    })
}

/// Writes a value as a command would, lengths first or last.
fn write(value: &Value, reply: &mut ReplyWriter<'_>, lengths_last: bool) {
    let all = |elements: &[&Value], reply: &mut ReplyWriter<'_>| {
        elements.iter().for_each(|element| write(element, reply, lengths_last));
    };
    match value {
        Value::Status(text) => reply.simple(text),
        Value::Error(text) => reply.error_bytes(text),
        Value::Integer(value) => reply.integer(*value),
        Value::Bulk(bytes) => reply.bulk(bytes),
        Value::Verbatim { format, text } => reply.verbatim(format, text),
        Value::Boolean(value) => reply.boolean(*value),
        Value::BigNumber(digits) => reply.big_number(digits),
        Value::Array(elements) if lengths_last => {
            let deferred = reply.deferred();
            all(&value.elements(), reply);
            reply.finish_array(deferred, elements.len());
        }
        Value::Set(elements) if lengths_last => {
            let deferred = reply.deferred();
            all(&value.elements(), reply);
            reply.finish_set(deferred, elements.len());
        }
        Value::Map(pairs) if lengths_last => {
            let deferred = reply.deferred();
            all(&value.elements(), reply);
            reply.finish_map(deferred, pairs.len());
        }
        Value::Array(elements) => {
            reply.array(elements.len());
            all(&value.elements(), reply);
        }
        Value::Set(elements) => {
            reply.set(elements.len());
            all(&value.elements(), reply);
        }
        Value::Push(elements) => {
            reply.push(elements.len());
            all(&value.elements(), reply);
        }
        Value::Map(pairs) => {
            reply.map(pairs.len());
            all(&value.elements(), reply);
        }
        Value::Attributed(pairs, described) => {
            reply.attribute(pairs.len());
            for (key, value) in pairs {
                all(&[key, value], reply);
            }
            all(&[described], reply);
        }
        _ => reply.null(),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in writable(), lengths_last: bool, piece_len in 1..50usize) {
        let mut bytes = Vec::new();
        write(&value, &mut ReplyWriter::new(&mut bytes, Protocol::Resp3), lengths_last);
        let mut encoded = Vec::new();
        value.encode(&mut encoded);
        prop_assert_eq!(&bytes, &encoded);
        prop_assert_eq!(decode(&bytes, piece_len), (vec![value], None));
    }

    #[test]
    fn doubles_are_read_back(value: f64) {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let mut bytes = Vec::new();
            ReplyWriter::new(&mut bytes, protocol).double(value);
            let (values, error) = decode(&bytes, 100);
            prop_assert_eq!(error, None);
            prop_assert_eq!(values[0].double().map(f64::to_bits), Some(value.to_bits()));
        }
    }

    #[test]
    fn any_bytes_mean_the_same_wherever_they_are_cut(
        pieces in prop::collection::vec("[-+:$*_#,(!=%~>|]-?[0-9]{0,2}\r\n", 0..30),
        piece_len in 1..20usize,
    ) {
        let bytes = pieces.concat().into_bytes();
        prop_assert_eq!(decode(&bytes, piece_len), decode(&bytes, bytes.len().max(1)));
    }
}
