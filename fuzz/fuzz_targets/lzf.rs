//! LZF: bytes from outside are refused or decompressed, and what is compressed comes back.
//!
//! The first two bytes of an input are the length that it should decompress to.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_data::lzf::{compress, decompress};

fuzz_target!(|input: &[u8]| {
    if let Some((length, compressed)) = input.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length));
        if let Ok(bytes) = decompress(compressed, length) {
            assert_eq!(bytes.len(), length);
            round_trip(&bytes);
        }
    }
    round_trip(input);
});

fn round_trip(bytes: &[u8]) {
    // No more than a byte for each run of literals is ever added.
    let most = bytes.len() + bytes.len() / 32 + 1;
    let compressed = compress(bytes, most).expect("it is never longer");
    assert!(compressed.len() <= most);
    assert_eq!(decompress(&compressed, bytes.len()).as_deref(), Ok(bytes));
    assert_eq!(compress(bytes, compressed.len()).as_deref(), Some(&compressed[..]));
    if let Some(less) = compressed.len().checked_sub(1) {
        assert_eq!(compress(bytes, less), None);
        assert!(decompress(&compressed[..less], bytes.len()).is_err());
    }
}
