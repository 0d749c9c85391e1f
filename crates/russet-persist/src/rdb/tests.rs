//! Whole files: written, read back, damaged.

use std::sync::Arc;

use proptest::prelude::*;
use russet_data::digest::Digest;
use russet_data::hash::{self, Hash};
use russet_data::list::{self, End, List};
use russet_data::object::Object;
use russet_data::picture::{ElementSink, Part};
use russet_data::set::{self, Set};
use russet_data::sorted_set::{self, SortedSet};
use russet_keyspace::entry::{Entry, IntBuf, ValueRef};

use super::*;

const LIMITS: Limits = Limits {
    list: list::Limits { max_listpack_size: 4, compress_depth: 0, alone_bytes: 300 },
    set: set::Limits { intset_entries: 8, listpack_entries: 8, listpack_value: 64 },
    hash: hash::Limits { entries: 8, value: 64 },
    sorted_set: sorted_set::Limits { entries: 8, member_bytes: 64 },
};

fn encoder(level: Level, compression: bool) -> Encoder {
    Encoder { level, options: Options { compression } }
}

/// Entries of every type and encoding, small and large.
fn entries(elements: usize) -> Vec<Entry> {
    let text = |number: usize| format!("element {number} ").repeat(1 + number % 3).into_bytes();
    let mut list = List::new();
    let mut numbers = Set::new();
    let mut set = Set::new();
    let mut hash = Hash::new();
    let mut sorted_set = SortedSet::new();
    for number in 0..elements {
        let element = text(number);
        list.prepare(LIMITS.list, element.len(), 1);
        list.push(End::Right, &element[..]);
        numbers.insert(number.to_string().as_bytes(), &LIMITS.set);
        set.insert(&element, &LIMITS.set);
        hash.insert(&element, number.to_string().as_bytes(), &LIMITS.hash);
        let score = (number as f64 - 3.0) / 2.0;
        sorted_set.put(&element, LIMITS.sorted_set, |_| (Some(score), ()));
    }
    list.append_alone(&[b'x'; 400], LIMITS.list);
    let objects = [
        Object::List(list),
        Object::Set(numbers),
        Object::Set(set),
        Object::Hash(hash),
        Object::SortedSet(sorted_set),
        Object::String(b"a long string ".repeat(200)),
    ];
    let mut entries = vec![
        Entry::with_int(b"int", -70_000, None),
        Entry::with_int(b"long", 1 << 40, Some(1)),
        Entry::with_bytes(b"text", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", None),
        Entry::with_bytes(b"", b"", Some(i64::MAX)),
    ];
    for (number, object) in objects.into_iter().enumerate() {
        let expire_at_ms = (number % 2 == 0).then_some(1_700_000_000_123);
        let key = format!("object {number}").into_bytes();
        entries.push(Entry::with_object(&key, Box::new(object), expire_at_ms));
    }
    entries
}

fn file(entries: &[Entry], encoder: Encoder, access: Option<Access>) -> Vec<u8> {
    let mut out = encoder.header();
    encoder.aux(&mut out, "name", "value");
    encoder.select_db(&mut out, 3);
    encoder.size_of_db(&mut out, entries.len() as u64, 1);
    entries.iter().for_each(|entry| encoder.entry(&mut out, entry, access));
    encoder.end(&mut out);
    let mut checksum = Checksum::new(true);
    checksum.update(&out);
    out.extend(checksum.bytes());
    out
}

fn digest(value: ValueRef<'_>, entry: &Entry) -> String {
    let mut digest = Digest::new();
    match value {
        ValueRef::Object(object) => object.digest(&mut digest),
        _ => digest.mix(entry.string_bytes(&mut IntBuf::new())),
    }
    digest.to_hex()
}

/// All keys of a file, read in pieces.
fn load(file: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut splitter = Splitter::new(file, true)?;
    let mut entries = Vec::new();
    while let Some(piece) = splitter.next_piece()? {
        let mut items = Items::new(&piece.bytes, piece.db);
        while let Some(item) = items.next_item().map_err(|error| error.behind(piece.offset))? {
            let Item::Key(item) = item else { continue };
            let value = decode(item.kind, item.value, &LIMITS)
                .map_err(|error| error.behind(piece.offset + item.value_offset as u64))?;
            assert_eq!(item.db, 3);
            entries.push(entry(&item.key, value, item.expire_at_ms));
        }
    }
    Ok(entries)
}

#[test]
fn what_was_written_is_read() {
    for elements in [1, 8, 9, 500] {
        for (level, compression) in
            [(Level::Redis7, false), (Level::Redis7, true), (Level::Redis4, true)]
        {
            let written = entries(elements);
            let file = file(&written, encoder(level, compression), Some(Access::Idle(7)));
            let read = load(&file).expect("well-formed");
            assert_eq!(written.len(), read.len());
            for (written, read) in written.iter().zip(&read) {
                assert_eq!(written.key(), read.key());
                assert_eq!(written.expire_at_ms(), read.expire_at_ms());
                assert_eq!(written.value_type(), read.value_type());
                assert_eq!(digest(written.value(), written), digest(read.value(), read));
                if let ValueRef::Object(Object::List(list)) = read.value() {
                    list.check_invariants();
                }
            }
        }
    }
}

#[test]
fn parts_of_a_value_make_the_whole() {
    /// Nothing changes, so nothing is taken ahead of its turn.
    struct Nobody;

    impl ElementSink for Nobody {
        fn take(&self, _: Part<'_>) {
            panic!("nothing changes");
        }

        fn end(&self) {}
    }

    for level in [Level::Redis4, Level::Redis7] {
        let mut divided = 0;
        for mut entry in entries(500) {
            let encoder = encoder(level, true);
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            encoder.value(&mut whole, entry.value());
            let Some(object) = entry.object_mut() else { continue };
            if object.divisible().is_none() {
                continue;
            }
            encoder.count(&mut parts, object);
            let collection = object.divisible_mut().expect("it was just seen");
            collection.begin_picture(Arc::new(Nobody));
            while !collection.continue_picture(&mut |part| encoder.part(&mut parts, part)) {}
            assert_eq!(whole, parts);
            divided += 1;
        }
        assert!(divided >= 4, "one of each type: {divided}");
    }
}

#[test]
fn a_truncation_anywhere_is_noticed() {
    let file = file(&entries(9), encoder(Level::Redis7, false), None);
    for length in 0..file.len() {
        let error = load(&file[..length]).expect_err("it is not whole");
        assert_eq!(error.problem, Problem::Truncated, "of {length} bytes");
        assert_eq!(error.offset, length as u64);
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let good = file(&entries(9), encoder(Level::Redis7, true), None);
    for at in 0..good.len() {
        let mut file = good.clone();
        file[at] ^= 1 << (at % 8);
        assert!(load(&file).is_err(), "at {at}");
    }
}

#[test]
fn other_versions_and_types_are_named() {
    let error = |file: &[u8]| load(file).expect_err("not loadable").to_string();
    assert_eq!(error(b"RESP 0011"), "this is not an RDB file, at offset 0");
    assert_eq!(error(b"REDIS0013"), "RDB version 13 is not supported, at offset 0");
    let stream = [b"REDIS0010", &[15, 1, b's'][..], &[0; 50]].concat();
    let text = "key 's' is a stream, which this version of Russet cannot load, at offset 9";
    assert_eq!(error(&stream), text);
    let unknown = [b"REDIS0010", &[77, 1, b's'][..], &[0; 50]].concat();
    assert_eq!(error(&unknown), "unknown type 77, at offset 9");
}

#[test]
fn opcodes_that_hold_no_keys_are_passed_over() {
    let file = [
        b"REDIS0012",
        &[0xf7, 5, 5, 2, 1, 1, 2, 2, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 5, 1, b'x', 0][..],
        &[0xf5, 1, b'f', 0xfe, 3, 0xfd, 1, 0, 0, 0, 0xf9, 200],
        &[0, 1, b'k', 0xc0, 9, 0xff, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let entries = load(&file).expect("well-formed");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].expire_at_ms(), Some(1000));
    let mut items = Items::new(&file[9..file.len() - 8], 0);
    let mut found = Vec::new();
    while let Some(item) = items.next_item().expect("well-formed") {
        found.push(item);
    }
    assert_eq!(found[0], Item::ModuleAux(5));
    assert_eq!(found[1], Item::Function(b"f".into()));
    assert!(matches!(&found[2], Item::Key(key) if key.frequency == Some(200)));
    assert_eq!(found[3], Item::End);
}

#[test]
fn old_kinds_are_read() {
    let cases: [(Kind, &[u8], usize); 5] = [
        (Kind::HashZipmap, &[7, 1, 1, b'f', 1, 0, b'v', 0xff], 1),
        (Kind::SortedSet, &[3, 1, b'a', 254, 1, b'b', 255, 1, b'c', 3, b'1', b'.', b'5'], 3),
        (Kind::Hash, &[1, 1, b'f', 1, b'v'], 1),
        (Kind::SetIntset, &[12, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0], 2),
        (Kind::List, &[2, 1, b'a', 0xc0, 5], 2),
    ];
    for (kind, bytes, count) in cases {
        let Ok(Value::Object(object)) = decode(kind, bytes, &LIMITS) else {
            panic!("{kind:?} is not read")
        };
        let len = match &object {
            Object::List(list) => list.len(),
            Object::Set(set) => set.len(),
            Object::Hash(hash) => hash.len(),
            Object::SortedSet(set) => set.len(),
            Object::String(_) => 0,
        };
        assert_eq!(len, count, "{kind:?}");
    }
}

#[test]
fn values_that_cannot_be_are_refused() {
    let problem = |kind, bytes: &[u8]| decode(kind, bytes, &LIMITS).expect_err("refused").problem;
    assert_eq!(problem(Kind::Set, &[0]), Problem::Empty("set"));
    assert_eq!(problem(Kind::Set, &[2, 1, b'a', 1, b'a']), Problem::Duplicate("set"));
    assert_eq!(problem(Kind::SortedSet, &[1, 1, b'a', 253]), Problem::Score);
    assert_eq!(problem(Kind::String, &[1, b'a', 0]), Problem::TrailingBytes);
    assert_eq!(problem(Kind::String, &[0xc4]), Problem::Length);
    // A count that there are no bytes for takes no memory.
    let many = [0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for kind in [Kind::List, Kind::Set, Kind::Hash, Kind::SortedSet2, Kind::String] {
        assert_eq!(problem(kind, &many), Problem::Truncated, "{kind:?}");
    }
}

#[test]
fn lengths_have_the_shortest_form() {
    let cases: [(u64, &[u8]); 9] = [
        (0, &[0]),
        (63, &[63]),
        (64, &[0x40, 64]),
        (16_383, &[0x7f, 0xff]),
        (16_384, &[0x80, 0, 0, 0x40, 0]),
        ((1 << 31) - 1, &[0x80, 0x7f, 0xff, 0xff, 0xff]),
        (1 << 31, &[0x80, 0x80, 0, 0, 0]),
        (u32::MAX.into(), &[0x80, 0xff, 0xff, 0xff, 0xff]),
        (1 << 32, &[0x81, 0, 0, 0, 1, 0, 0, 0, 0]),
    ];
    for (length, bytes) in cases {
        let mut written = Vec::new();
        output::length(&mut written, length);
        assert_eq!(written, bytes, "{length}");
        assert_eq!(input::Input::new(bytes).length(), Ok(length));
        // Read back from a value that is as long as it says, or does not have so much by far.
        let short = length < 1 << 20;
        let value = if short { vec![b'x'; length as usize] } else { b"x".to_vec() };
        match decode(Kind::String, &[bytes, &value].concat(), &LIMITS) {
            Ok(Value::Bytes(found)) => assert!(short && found == value, "{length}"),
            Err(error) => assert!(!short && error.problem == Problem::Truncated, "{length}"),
            Ok(other) => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = load(&bytes);
        for kind in Kind::ALL {
            let _ = decode(*kind, &bytes, &LIMITS);
        }
    }

    /// Damage behind the checksum's back.
    #[test]
    fn damaged_payloads_are_read_or_refused(
        at in 0usize..10_000,
        byte: u8,
        elements in 1usize..20,
        number in 0usize..10,
    ) {
        let entry = &entries(elements)[number];
        let encoder = encoder(Level::Redis7, number % 2 == 0);
        let mut bytes = Vec::new();
        encoder.value(&mut bytes, entry.value());
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(Value::Object(object)) = decode(encoder.kind(entry.value()), &bytes, &LIMITS) {
            match object {
                Object::List(list) => list.check_invariants(),
                Object::Set(set) => set.check_invariants(),
                Object::Hash(hash) => hash.check_invariants(),
                Object::SortedSet(set) => set.check_invariants(),
                Object::String(_) => {}
            }
        }
    }
}
