//! Bit counts, searches, combinations and fields.

use proptest::strategy::Strategy;
use russet_data::bits::{self, FieldType, Operation, Overflow, Unit};

use crate::redis::{Redis, Reply, command, samples};

/// Strings as bitmaps: empty, all zeros, all ones, anything.
fn bitmaps() -> impl Strategy<Value = Vec<u8>> {
    use proptest::collection::vec;
    use proptest::prelude::*;
    prop_oneof![
        vec(Just(0x00), 0..80),
        vec(Just(0xff), 0..80),
        vec(any::<u8>(), 0..80),
        (vec(Just(0x00), 0..80), any::<u8>()).prop_map(|(mut bytes, last)| {
            bytes.push(last);
            bytes
        }),
    ]
}

#[test]
fn bits_are_counted_and_found_alike() {
    use proptest::prelude::*;
    let Some(mut redis) = Redis::start() else { return };
    let index = || prop_oneof![-700i64..700, -3i64..3, Just(i64::MIN + 1), Just(i64::MAX)];
    let cases = samples((bitmaps(), index(), index(), any::<bool>(), any::<bool>()), 2_000);
    let commands: Vec<_> = cases
        .iter()
        .flat_map(|(bitmap, start, end, bit, in_bits)| {
            let (start, end) = (start.to_string().into_bytes(), end.to_string().into_bytes());
            let bit: &[u8] = if *bit { b"1" } else { b"0" };
            let unit: &[u8] = if *in_bits { b"BIT" } else { b"BYTE" };
            [
                command(&[b"SET", b"key", bitmap]),
                command(&[b"BITCOUNT", b"key"]),
                command(&[b"BITCOUNT", b"key", &start, &end, unit]),
                command(&[b"BITPOS", b"key", bit]),
                command(&[b"BITPOS", b"key", bit, &start]),
                command(&[b"BITPOS", b"key", bit, &start, &end, unit]),
            ]
        })
        .collect();
    let found = |position: Option<u64>| Reply::Integer(position.map_or(-1, |at| at as i64));
    let counted = |count: u64| Reply::Integer(count as i64);
    for (case, replies) in cases.iter().zip(redis.ask(&commands).chunks(6)) {
        let (bitmap, start, end, bit, in_bits) = case;
        let unit = if *in_bits { Unit::Bit } else { Unit::Byte };
        let expected = [
            counted(bits::count_ones(bitmap)),
            counted(bits::count_ones_between(bitmap, *start, *end, unit)),
            found(bits::position(bitmap, *bit, None, None, Unit::Byte)),
            found(bits::position(bitmap, *bit, Some(*start), None, Unit::Byte)),
            found(bits::position(bitmap, *bit, Some(*start), Some(*end), unit)),
        ];
        assert_eq!(expected, replies[1..], "{case:?}");
    }
}

#[test]
fn strings_combine_alike() {
    let Some(mut redis) = Redis::start() else { return };
    let cases = samples((bitmaps(), bitmaps(), bitmaps()), 300);
    let operations: [&[u8]; 4] = [b"AND", b"OR", b"XOR", b"NOT"];
    let mut commands = Vec::new();
    for (one, two, three) in &cases {
        for operation in operations {
            commands.push(command(&[b"MSET", b"{k}1", one, b"{k}2", two, b"{k}3", three]));
            let sources: &[&[u8]] =
                if operation == b"NOT" { &[b"{k}1"] } else { &[b"{k}1", b"{k}2", b"{k}3"] };
            commands.push(command(&[&[b"BITOP", operation, b"{k}to"], sources].concat()));
            commands.push(command(&[b"GET", b"{k}to"]));
        }
    }
    let replies = redis.ask(&commands);
    let mut replies = replies.chunks(3);
    for (one, two, three) in &cases {
        for name in operations {
            let operation = Operation::parse(name).expect("an operation");
            let inputs: &[&[u8]] =
                if operation == Operation::Not { &[one] } else { &[one, two, three] };
            let combined = bits::combine(operation, inputs);
            let reply = replies.next().expect("a reply for each");
            assert_eq!(Reply::Integer(combined.len() as i64), reply[1]);
            // An empty result deletes the key.
            let stored = if combined.is_empty() { Reply::Null } else { Reply::Text(combined) };
            assert_eq!(stored, reply[2], "{operation:?} {inputs:?}");
        }
    }
}

#[test]
fn fields_are_changed_alike() {
    use proptest::prelude::*;
    let Some(mut redis) = Redis::start() else { return };
    let value = || prop_oneof![any::<i64>(), -300i64..300, Just(i64::MIN), Just(i64::MAX)];
    let cases =
        samples((bitmaps(), "[iu][0-9]{1,2}", 0u64..700, value(), value(), 0usize..3), 3_000);
    let modes: [&[u8]; 3] = [b"WRAP", b"SAT", b"FAIL"];
    let commands: Vec<_> = cases
        .iter()
        .flat_map(|(bitmap, field, offset, value, increment, mode)| {
            let field = field.as_bytes();
            let offset = offset.to_string().into_bytes();
            let (value, increment) = (value.to_string(), increment.to_string());
            let (value, increment) = (value.as_bytes(), increment.as_bytes());
            [
                command(&[b"SET", b"key", bitmap]),
                command(&[
                    b"BITFIELD",
                    b"key",
                    b"OVERFLOW",
                    modes[*mode],
                    b"SET",
                    field,
                    &offset,
                    value,
                    b"INCRBY",
                    field,
                    &offset,
                    increment,
                    b"GET",
                    field,
                    &offset,
                ]),
                command(&[b"GET", b"key"]),
            ]
        })
        .collect();
    let integer_or_null = |value: Option<i64>| value.map_or(Reply::Null, Reply::Integer);
    for (case, replies) in cases.iter().zip(redis.ask(&commands).chunks(3)) {
        let (bitmap, field, offset, value, increment, mode) = case;
        let mut bytes = bitmap.clone();
        let expected = match FieldType::parse(field.as_bytes()) {
            None => Reply::Error(
                "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
                 supported but i64 is."
                    .to_owned(),
            ),
            Some(field) => {
                let overflow = Overflow::parse(modes[*mode]).expect("a mode");
                bytes.resize(bytes.len().max(field.length_at(*offset)), 0);
                let before = field.read(&bytes, *offset);
                let set = field.fit(*value, overflow);
                if let Some(value) = set {
                    field.write(&mut bytes, *offset, value);
                }
                let sum = field.add(field.read(&bytes, *offset), *increment, overflow);
                if let Some(value) = sum {
                    field.write(&mut bytes, *offset, value);
                }
                Reply::Array(vec![
                    integer_or_null(set.map(|_| before)),
                    integer_or_null(sum),
                    Reply::Integer(field.read(&bytes, *offset)),
                ])
            }
        };
        assert_eq!(expected, replies[1], "{case:?}");
        assert_eq!(Reply::Text(bytes), replies[2], "{case:?}");
    }
}
