//! Strings as arrays of bits: what GETBIT, SETBIT, BITCOUNT, BITPOS, BITOP and BITFIELD compute.
//!
//! Bit 0 is the highest bit of the first byte, so bits run in the order in which they are
//! written down:
//!
//! ```text
//! byte          0                 1
//!      ┌─┬─┬─┬─┬─┬─┬─┬─┐ ┌─┬─┬─┬─┬─┬──
//! bit  │0│1│2│3│4│5│6│7│ │8│9│ ...
//!      └─┴─┴─┴─┴─┴─┴─┴─┘ └─┴─┴─┴─┴─┴──
//!      0x80 ......... 0x01
//! ```
//!
//! Behind its last byte a string counts as followed by zero bits without end. Reading there
//! gives zeros; writing there takes a string that was extended first, to
//! [`length_for_bit`] or [`FieldType::length_at`].

mod combine;
mod count;
mod field;
mod range;
mod search;

pub use combine::{Operation, combine, combine_into, combine_reusing, combined_length};
pub use count::{count_ones, count_ones_between};
pub use field::{FieldType, Overflow};
pub use range::Unit;
pub use search::position;

use crate::number::parse_i64;

/// The bit at `offset`; zero behind the end.
pub fn bit_at(bytes: &[u8], offset: u64) -> bool {
    usize::try_from(offset / 8)
        .ok()
        .and_then(|index| bytes.get(index))
        .is_some_and(|byte| byte & mask_of(offset) != 0)
}

/// Gives the bit at `offset` a value, and answers the one it had.
///
/// # Panics
///
/// If `bytes` is shorter than [`length_for_bit`]`(offset)`.
pub fn set_bit(bytes: &mut [u8], offset: u64, value: bool) -> bool {
    let byte = &mut bytes[(offset / 8) as usize];
    let mask = mask_of(offset);
    let previous = *byte & mask != 0;
    *byte = if value { *byte | mask } else { *byte & !mask };
    previous
}

/// Bytes that a string needs for the bit at `offset` to be in it.
pub fn length_for_bit(offset: u64) -> usize {
    (offset / 8) as usize + 1
}

fn mask_of(offset: u64) -> u8 {
    0x80 >> (offset % 8)
}

/// Reads the offset argument of SETBIT, GETBIT and BITFIELD.
///
/// With a `field`, `#3` means the third field of that type counted from zero. `None` stands
/// for "bit offset is not an integer or out of range": not an integer, negative, or not within
/// the first `max_length` bytes (proto-max-bulk-len).
pub fn parse_offset(text: &[u8], field: Option<FieldType>, max_length: u64) -> Option<u64> {
    let offset = match (text, field) {
        ([b'#', index @ ..], Some(field)) => {
            parse_i64(index)?.checked_mul(i64::from(field.bits()))?
        }
        _ => parse_i64(text)?,
    };
    let offset = u64::try_from(offset).ok()?;
    (offset / 8 < max_length).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_numbered_from_the_highest() {
        let mut bytes = *b"\x80\x01";
        assert!(bit_at(&bytes, 0));
        assert!(!bit_at(&bytes, 1));
        assert!(bit_at(&bytes, 15));
        assert!(!bit_at(&bytes, 16));
        assert!(!bit_at(&bytes, u64::MAX));
        assert!(!set_bit(&mut bytes, 9, true));
        assert!(set_bit(&mut bytes, 0, false));
        assert!(set_bit(&mut bytes, 15, true));
        assert_eq!(bytes, *b"\x00\x41");
        assert_eq!(length_for_bit(7), 1);
        assert_eq!(length_for_bit(8), 2);
    }

    #[test]
    fn offsets_are_checked() {
        const LIMIT: u64 = 512 * 1024 * 1024;
        let nibble = FieldType::parse(b"u4");
        assert_eq!(parse_offset(b"0", None, LIMIT), Some(0));
        assert_eq!(parse_offset(b"4294967295", None, LIMIT), Some(4_294_967_295));
        assert_eq!(parse_offset(b"4294967296", None, LIMIT), None);
        assert_eq!(parse_offset(b"-1", None, LIMIT), None);
        assert_eq!(parse_offset(b"x", None, LIMIT), None);
        assert_eq!(parse_offset(b"#3", None, LIMIT), None);
        assert_eq!(parse_offset(b"#3", nibble, LIMIT), Some(12));
        assert_eq!(parse_offset(b"3", nibble, LIMIT), Some(3));
        assert_eq!(parse_offset(b"#", nibble, LIMIT), None);
        assert_eq!(parse_offset(b"#-1", nibble, LIMIT), None);
        assert_eq!(parse_offset(b"#9223372036854775807", nibble, u64::MAX), None);
    }
}
