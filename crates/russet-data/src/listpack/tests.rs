//! Listpacks against a vector of strings, and against bytes of any kind.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Strings at the boundaries between forms, and integers of every width.
fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..12),
        1 => (prop::sample::select(vec![62usize, 63, 64, 65, 126, 127, 128, 4095, 4096]), any::<u8>())
            .prop_map(|(len, byte)| vec![byte; len]),
        3 => (any::<i64>(), 0u32..64).prop_map(|(value, shift)| (value >> shift).to_string().into_bytes()),
    ]
}

#[derive(Clone, Debug)]
enum Change {
    PushBack(Vec<u8>),
    PushFront(Vec<u8>),
    Insert(Index, Vec<u8>),
    InsertAfter(Index, Vec<u8>),
    Replace(Index, Vec<u8>),
    Remove(Index),
    RemoveMany(Index, usize),
    SplitAndAppend(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        3 => element().prop_map(Change::PushBack),
        3 => element().prop_map(Change::PushFront),
        2 => (index(), element()).prop_map(|(at, value)| Change::Insert(at, value)),
        2 => (index(), element()).prop_map(|(at, value)| Change::InsertAfter(at, value)),
        2 => (index(), element()).prop_map(|(at, value)| Change::Replace(at, value)),
        2 => index().prop_map(Change::Remove),
        1 => (index(), 0usize..5).prop_map(|(at, count)| Change::RemoveMany(at, count)),
        1 => index().prop_map(Change::SplitAndAppend),
    ]
}

fn position(listpack: &Listpack, index: usize) -> Position {
    listpack.seek(index as i64).unwrap_or_else(|| listpack.end())
}

fn apply(listpack: &mut Listpack, model: &mut Vec<Vec<u8>>, change: Change) {
    match change {
        Change::PushBack(value) => {
            listpack.push_back(&value[..]);
            model.push(value);
        }
        Change::PushFront(value) => {
            listpack.push_front(&value[..]);
            model.insert(0, value);
        }
        Change::Insert(at, value) => {
            let at = at.index(model.len() + 1);
            listpack.insert(position(listpack, at), &value[..]);
            model.insert(at, value);
        }
        Change::SplitAndAppend(at) => {
            let at = at.index(model.len() + 1);
            let rest = listpack.split_off(position(listpack, at));
            rest.check_invariants();
            assert_eq!((listpack.len(), rest.len()), (at, model.len() - at));
            listpack.append(&rest);
        }
        _ if model.is_empty() => {}
        Change::InsertAfter(at, value) => {
            let at = at.index(model.len());
            let inserted = listpack.insert_after(position(listpack, at), &value[..]);
            assert_eq!(inserted, position(listpack, at + 1));
            model.insert(at + 1, value);
        }
        Change::Replace(at, value) => {
            let at = at.index(model.len());
            listpack.replace(position(listpack, at), &value[..]);
            model[at] = value;
        }
        Change::Remove(at) => {
            let at = at.index(model.len());
            let next = listpack.remove(position(listpack, at));
            model.remove(at);
            assert_eq!(next, listpack.seek(at as i64));
        }
        Change::RemoveMany(at, count) => {
            let at = at.index(model.len());
            let removed = listpack.remove_many(position(listpack, at), count);
            assert_eq!(removed, model.drain(at..model.len().min(at + count)).count());
        }
    }
}

fn check(listpack: &Listpack, model: &[Vec<u8>]) {
    listpack.check_invariants();
    assert_eq!((listpack.len(), listpack.is_empty()), (model.len(), model.is_empty()));
    assert!(listpack.iter().map(|element| element.to_vec()).eq(model.iter().cloned()));
    assert!(listpack.iter().rev().map(|element| element.to_vec()).eq(model.iter().rev().cloned()));
    for index in 0..model.len() as i64 {
        let position = listpack.seek(index).expect("an element");
        assert_eq!(listpack.seek(index - model.len() as i64), Some(position));
        assert_eq!(listpack.get(position).to_vec(), model[index as usize]);
        assert_eq!(listpack.next(position), listpack.seek(index + 1));
    }
    assert_eq!(listpack.seek(model.len() as i64), None);
    assert_eq!(listpack.seek(-1 - model.len() as i64), None);
    assert_eq!(listpack.last(), listpack.seek(-1));
}

proptest! {
    #[test]
    fn behaves_like_a_vector(changes in prop::collection::vec(change(), 1..60)) {
        let (mut listpack, mut model) = (Listpack::new(), Vec::new());
        for change in changes {
            apply(&mut listpack, &mut model, change);
            check(&listpack, &model);
        }
        let copy = Listpack::from_bytes(listpack.to_bytes());
        prop_assert_eq!(copy, Ok(listpack));
    }

    #[test]
    fn finds_what_a_vector_finds(
        values in prop::collection::vec("[0-3]{0,2}", 0..30),
        wanted in "[0-3]{0,2}",
        from in any::<Index>(),
        skipped in 0usize..3,
    ) {
        let listpack: Listpack = values.iter().map(String::as_bytes).collect();
        let from = from.index(values.len() + 1);
        let expected = (from..values.len()).step_by(skipped + 1).find(|&at| values[at] == wanted);
        let found = listpack.find(wanted.as_bytes(), position(&listpack, from), skipped);
        prop_assert_eq!(found, expected.map(|at| position(&listpack, at)));
    }

    /// Whatever bytes are accepted can be walked through both ways, and come back the same.
    #[test]
    fn accepted_bytes_hold_the_invariants(
        values in prop::collection::vec(element(), 0..6),
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 0..3),
        cut in prop::option::of(any::<Index>()),
    ) {
        let listpack: Listpack = values.iter().map(Vec::as_slice).collect();
        let mut bytes = listpack.to_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(listpack) = Listpack::from_bytes(bytes.clone()) {
            prop_assert_eq!(listpack.to_bytes(), bytes);
            let mut backwards: Vec<_> = listpack.iter().rev().collect();
            backwards.reverse();
            prop_assert!(listpack.iter().eq(backwards));
        }
    }
}

#[test]
fn each_kind_of_damage_is_named() {
    let listpack: Listpack = [&b"one"[..], b"two"].into_iter().collect();
    let damaged = |at: usize, byte: u8| {
        let mut bytes = listpack.to_bytes();
        bytes[at] = byte;
        Listpack::from_bytes(bytes)
    };
    let last = listpack.byte_len() - 1;
    assert_eq!(damaged(0, 99), Err(Malformed::Length));
    assert_eq!(damaged(4, 3), Err(Malformed::Count));
    assert_eq!(damaged(6, 0xf5), Err(Malformed::Element(6)));
    assert_eq!(damaged(11, 0xf0), Err(Malformed::Element(11)));
    assert_eq!(damaged(11, 0x84), Err(Malformed::Element(11)));
    assert_eq!(damaged(10, 5), Err(Malformed::BackLength(6)));
    assert_eq!(damaged(last, 0), Err(Malformed::End));
    for length in 0..=last {
        assert!(Listpack::from_bytes(listpack.to_bytes()[..length].to_vec()).is_err());
    }
}

#[test]
fn has_the_bytes_redis_writes() {
    let mut listpack = Listpack::new();
    assert_eq!(listpack.to_bytes(), [7, 0, 0, 0, 0, 0, 0xff]);
    listpack.push_back(&b"a"[..]);
    listpack.push_back(Element::Int(1024));
    assert_eq!(listpack.to_bytes(), [13, 0, 0, 0, 2, 0, 0x81, b'a', 2, 0xc4, 0, 2, 0xff]);
}

#[test]
fn counts_itself_beyond_what_the_header_can_say() {
    let mut listpack = Listpack::new();
    for value in 0..70_000 {
        listpack.push_back(Element::Int(value));
    }
    listpack.check_invariants();
    assert_eq!(listpack.len(), 70_000);
    assert_eq!(listpack.get(listpack.seek(66_000).expect("there")), Element::Int(66_000));
    assert_eq!(listpack.get(listpack.seek(-2).expect("there")), Element::Int(69_998));
    assert_eq!(listpack.seek(70_000), None);
    let first = listpack.first().expect("there");
    assert_eq!(listpack.remove_many(first, 69_000), 69_000);
    assert_eq!(listpack.len(), 1000);
    listpack.check_invariants();
}

#[test]
fn an_element_costs_what_the_essay_says() {
    for (element, bytes) in [
        (Element::Int(100), 2),
        (Element::Int(-4000), 3),
        (Element::Bytes(b"twelve bytes"), 14),
        (Element::Bytes(&[b'x'; 63]), 65),
    ] {
        assert_eq!(Listpack::added_bytes(element), bytes);
    }
}
