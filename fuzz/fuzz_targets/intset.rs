//! Intsets from outside: bytes that are refused, or a set that behaves like one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_data::intset::Intset;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut intset) = Intset::from_bytes(bytes) else { return };
    assert_eq!(intset.as_bytes(), bytes);
    let values: Vec<i64> = intset.iter().collect();
    for value in &values {
        assert!(intset.contains(*value));
        assert!(!intset.insert(*value));
    }
    for value in [0, -1, i64::from(i16::MAX) + 1, i64::MIN] {
        assert_eq!(intset.insert(value), !values.contains(&value));
        intset.check_invariants();
    }
    for value in values {
        assert!(intset.remove(value));
    }
    intset.check_invariants();
});
