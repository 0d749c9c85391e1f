//! How many bytes strings and lengths take in an RDB file.
//!
//! `DEBUG OBJECT` shows the length that a value would have in such a file, from
//! which tools estimate the size of a dump. The format is Redis': a length comes
//! before the bytes of a string and is itself 1, 2, 5 or 9 bytes long, and a short
//! string that is an integer of up to 32 bits is stored as one.

use crate::number::parse_i64;

/// The longest text of a 32-bit integer.
const INTEGER_TEXT_MAX: usize = 11;

/// A length, such as the number of elements of a collection.
#[must_use]
pub const fn of_len(len: usize) -> usize {
    match len {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        0x4000..=0xFFFF_FFFF => 5,
        _ => 9,
    }
}

/// A string of `len` bytes that is no integer.
#[must_use]
pub const fn of_bytes(len: usize) -> usize {
    of_len(len) + len
}

/// A string, which is stored as an integer if it is the text of one.
#[must_use]
pub fn of_string(bytes: &[u8]) -> usize {
    let number = (bytes.len() <= INTEGER_TEXT_MAX).then(|| parse_i64(bytes)).flatten();
    number.and_then(of_short_int).unwrap_or(of_bytes(bytes.len()))
}

/// A string that is the text of `number`.
#[must_use]
pub fn of_int(number: i64) -> usize {
    of_short_int(number).unwrap_or_else(|| of_bytes(itoa::Buffer::new().format(number).len()))
}

/// An integer of 8, 16 or 32 bits after a byte that says which.
fn of_short_int(number: i64) -> Option<usize> {
    let bytes = [size_of::<i8>(), size_of::<i16>(), size_of::<i32>()];
    let fits = [
        i8::try_from(number).is_ok(),
        i16::try_from(number).is_ok(),
        i32::try_from(number).is_ok(),
    ];
    fits.iter().position(|fits| *fits).map(|at| 1 + bytes[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `DEBUG OBJECT` of Redis 7.0 with `rdbcompression no`.
    #[test]
    fn lengths_are_those_of_rdb_files() {
        for (value, expected) in [(1, 2), (127, 2), (-129, 3), (40_000, 5), (1 << 40, 14)] {
            assert_eq!(of_int(value), expected, "{value}");
        }
        assert_eq!(of_string(b"12"), 2);
        assert_eq!(of_string(b"012"), 4);
        assert_eq!(of_string(&[b'a'; 63]), 64);
        assert_eq!(of_string(&[b'a'; 64]), 66);
        assert_eq!(of_bytes(0x4000), 0x4000 + 5);
    }
}
