//! Requests in any pieces: no panic, the parser's invariants after every call (which `receive`
//! checks), and the same commands and error as when the bytes come at once.
//!
//! The first byte of an input says how its bytes are cut and what the limits are, so that an
//! input is otherwise a request stream as it is on the wire.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_resp::Limits;
use russet_resp::testing::receive;

fuzz_target!(|input: &[u8]| {
    let Some((&choices, bytes)) = input.split_first() else { return };
    let piece_len = 1 + usize::from(choices & 0x1f);
    let limits = Limits {
        authenticated: choices & 0x80 == 0,
        large_arg: if choices & 0x40 == 0 { 20 } else { 32 << 10 },
        max_bulk_len: if choices & 0x20 == 0 { 1 << 20 } else { i64::MAX },
        ..Limits::default()
    };
    let cuts: Vec<usize> = (piece_len..bytes.len()).step_by(piece_len).collect();
    assert_eq!(receive(bytes, &cuts, limits), receive(bytes, &[], limits));
});
