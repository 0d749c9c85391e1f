//! Replies in any pieces: no panic, the same values and error as when the bytes come at once,
//! and values that encode to the bytes they were decoded from.
//!
//! The first byte of an input says how its bytes are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_resp::testing::decode;

fuzz_target!(|input: &[u8]| {
    let Some((&piece_len, bytes)) = input.split_first() else { return };
    let (values, error) = decode(bytes, bytes.len().max(1));
    let mut encoded = Vec::new();
    values.iter().for_each(|value| value.encode(&mut encoded));
    assert!(bytes.starts_with(&encoded));
    assert_eq!(decode(bytes, 1 + usize::from(piece_len)), (values, error));
});
