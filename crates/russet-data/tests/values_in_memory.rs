//! What values say they take, and moving them, against the allocator's own counters.

use russet_data::digest::Digest;
use russet_data::hash::{self, Hash};
use russet_data::list::{self, End, List};
use russet_data::object::{Encoding, Object, Variant};
use russet_data::relocation::Relocation;
use russet_data::set::{self, Set};
use russet_data::sorted_set::{self, SortedSet};
use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const SETS: set::Limits =
    set::Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64 };
const HASHES: hash::Limits = hash::Limits { entries: 128, value: 64 };
const SORTED_SETS: sorted_set::Limits = sorted_set::Limits { entries: 128, member_bytes: 64 };
const LISTS: list::Limits =
    list::Limits { max_listpack_size: -2, compress_depth: 0, alone_bytes: usize::MAX };

/// What this thread has allocated and freed.
struct Counters {
    allocated: ThreadLocal<u64>,
    freed: ThreadLocal<u64>,
}

impl Counters {
    fn open() -> Self {
        let counts = "jemalloc counts";
        Counters {
            allocated: allocatedp::read().expect(counts),
            freed: deallocatedp::read().expect(counts),
        }
    }

    fn live(&self) -> i64 {
        self.allocated.get() as i64 - self.freed.get() as i64
    }
}

/// An element of some length, different for each number.
fn text(number: usize, len: usize) -> Vec<u8> {
    let mut text = format!("{:x}", number.wrapping_mul(0x9e37_79b9)).into_bytes();
    text.resize(len.max(text.len()), b'.');
    text
}

fn string(len: usize) -> Object {
    Object::String(vec![b's'; len])
}

fn set(count: usize, member: impl Fn(usize) -> Vec<u8>) -> Object {
    let mut set = Set::new();
    (0..count).for_each(|number| {
        set.insert(&member(number), &SETS);
    });
    set.into_object()
}

fn hash(count: usize, value_len: usize) -> Object {
    let mut hash = Hash::new();
    (0..count).for_each(|number| {
        hash.insert(&text(number, 10), &text(number, value_len), &HASHES);
    });
    hash.into_object()
}

fn sorted_set(count: usize, score: impl Fn(usize) -> f64) -> Object {
    let mut set = SortedSet::new();
    (0..count).for_each(|number| {
        set.put(&text(number, 12), SORTED_SETS, |_| (Some(score(number)), ()));
    });
    set.into_object()
}

fn list(count: usize, len: usize, limits: list::Limits) -> Object {
    let mut list = List::new();
    for number in 0..count {
        list.prepare(limits, len, 1);
        list.push(End::Right, &text(number, len)[..]);
    }
    list.into_object()
}

/// Values of every encoding, of sizes from small to such that are moved in many steps.
fn values() -> Vec<Object> {
    let number = |number: usize| (number * 7919).to_string().into_bytes();
    let word = |number| text(number, 12);
    let compressed = list::Limits { compress_depth: 1, ..LISTS };
    let alone = list::Limits { alone_bytes: 1000, ..LISTS };
    let mut values = vec![string(100), string(5000), string(200_000)];
    for count in [1, 5, 100, 130, 600, 3000, 30_000] {
        values.extend([
            set(count, number),
            set(count, word),
            set(count, |number| text(number, 80)),
            hash(count, 8),
            hash(count, 300),
            sorted_set(count, |number| (number % 1000) as f64),
            sorted_set(count, |number| number as f64 / 3.0),
            list(count, 12, LISTS),
            list(count, 500, compressed),
        ]);
    }
    values.extend([
        list(20, 3000, alone),
        list(20, 3000, list::Limits { compress_depth: 1, ..alone }),
    ]);
    values
}

/// Takes out, or adds, a few elements.
fn change(object: &mut Object, number: usize) {
    let (old, new) = (number * 3, 1_000_000 + number);
    if let Some(set) = Set::of_mut(object) {
        let first = set.iter().next().map(|member| member.to_vec()).expect("it has members");
        set.insert(&text(new, 12), &SETS);
        set.remove(&first);
    } else if let Some(hash) = Hash::of_mut(object) {
        hash.insert(&text(new, 10), b"new", &HASHES);
        hash.remove(&text(old, 10));
    } else if let Some(set) = SortedSet::of_mut(object) {
        set.put(&text(new, 12), SORTED_SETS, |_| (Some(number as f64), ()));
        set.remove(&text(old, 12));
    } else if let Some(list) = List::of_mut(object) {
        list.prepare(LISTS, 12, 2);
        list.push(End::Left, &text(new, 12)[..]);
        list.push(End::Right, &text(new, 12)[..]);
        list.drop_one(End::Left);
    }
}

fn check_invariants(object: &Object) {
    match object {
        Object::String(_) => {}
        Object::Set(set) => set.check_invariants(),
        Object::Hash(hash) => hash.check_invariants(),
        Object::SortedSet(set) => set.check_invariants(),
        Object::List(list) => list.check_invariants(),
    }
}

fn digest(object: &Object) -> Digest {
    let mut digest = Digest::new();
    object.digest(&mut digest);
    digest
}

/// Whether two amounts differ by less than a tenth, or by some bytes that do not count.
fn is_near(said: usize, counted: i64) -> bool {
    let (said, counted) = (said as f64, counted as f64);
    (said - counted).abs() <= counted * 0.1 || (said - counted).abs() <= 16.0
}

#[test]
fn values_say_what_the_allocator_has_set_aside() {
    let counters = Counters::open();
    let mut seen = Vec::new();
    for value in values() {
        seen.push((value.value_type(), value.encoding()));
        let said = value.allocated_bytes();
        let before = counters.live();
        drop(value);
        let counted = before - counters.live();
        let (value_type, encoding) = seen.last().expect("just pushed");
        assert!(is_near(said, counted), "{value_type:?} {encoding:?}: {said}, {counted}");
    }
    for encoding in [
        Encoding::Raw,
        Encoding::Listpack,
        Encoding::Intset,
        Encoding::Hashtable,
        Encoding::Quicklist,
        Encoding::Skiplist,
    ] {
        assert!(seen.iter().any(|(_, seen)| *seen == encoding), "{encoding:?}");
    }
}

#[test]
fn values_say_it_when_they_have_shrunk_and_been_changed_too() {
    let counters = Counters::open();
    for mut value in values() {
        (0..200).for_each(|number| change(&mut value, number));
        let (said, encoding) = (value.allocated_bytes(), value.encoding());
        let before = counters.live();
        drop(value);
        let counted = before - counters.live();
        assert!(is_near(said, counted), "{encoding:?}: {said}, {counted}");
    }
}

#[test]
fn what_is_moved_is_everything_and_stays_as_it_was() {
    let counters = Counters::open();
    for mut value in values() {
        let (before, live) = (digest(&value), counters.live());
        let allocated_before = counters.allocated.get();
        let mut everything = |_| true;
        let mut relocation = Relocation::new(&mut everything);
        let mut cursor = 0;
        loop {
            let examined = relocation.examined;
            cursor = value.relocate(cursor, &mut relocation);
            assert!(relocation.examined - examined < 400, "a part is small");
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(relocation.examined, relocation.moved);
        let moved = counters.allocated.get() - allocated_before;
        let (bytes, encoding) = (value.allocated_bytes(), value.encoding());
        assert!(moved as f64 >= bytes as f64 * 0.85, "{encoding:?}: {moved} of {bytes}");
        let grown = counters.live() - live;
        assert!(grown.abs() <= bytes as i64 / 50, "{encoding:?}: {grown} of {bytes}");
        assert_eq!(digest(&value), before, "{encoding:?}");
        check_invariants(&value);
    }
}

#[test]
fn values_may_change_between_the_parts_that_are_moved() {
    for mut value in values() {
        let mut number = 0;
        // Some of it, as when memory is fragmented.
        let mut some = |_| {
            number += 1;
            number % 3 != 0
        };
        let mut relocation = Relocation::new(&mut some);
        let (mut cursor, mut step) = (0, 0);
        loop {
            cursor = value.relocate(cursor, &mut relocation);
            if cursor == 0 {
                break;
            }
            change(&mut value, step);
            step += 1;
        }
        check_invariants(&value);
        // Cursors that were never given out.
        for cursor in [1, u64::MAX, 1 << 63, u64::MAX / 3] {
            value.relocate(cursor, &mut relocation);
            check_invariants(&value);
        }
    }
}
