//! Payloads of RESTORE whose checksum is right and whose value may be anything: a value that holds its
//! invariants, or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_data::object::Object;
use russet_data::{hash, list, set, sorted_set};
use russet_persist::dump::restore;
use russet_persist::rdb::{Limits, Value};

const LIMITS: Limits = Limits {
    list: list::Limits { max_listpack_size: 4, compress_depth: 1, alone_bytes: 100 },
    set: set::Limits { intset_entries: 8, listpack_entries: 8, listpack_value: 64 },
    hash: hash::Limits { entries: 8, value: 64 },
    sorted_set: sorted_set::Limits { entries: 8, member_bytes: 64 },
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(Value::Object(object)) = restore(bytes, &LIMITS) else { return };
    match object {
        Object::List(list) => list.check_invariants(),
        Object::Set(set) => set.check_invariants(),
        Object::Hash(hash) => hash.check_invariants(),
        Object::SortedSet(set) => set.check_invariants(),
        Object::String(_) => {}
    }
});
