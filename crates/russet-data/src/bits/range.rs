//! Ranges as BITCOUNT and BITPOS take them: both ends included, negative from the end.

use std::ops::Range;

/// What the indexes of a range count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, the default.
    Byte,
    /// Bits, since Redis 7.0.
    Bit,
}

impl Unit {
    /// Reads `BYTE` or `BIT` in any case.
    pub fn parse(text: &[u8]) -> Option<Unit> {
        if text.eq_ignore_ascii_case(b"byte") {
            Some(Unit::Byte)
        } else if text.eq_ignore_ascii_case(b"bit") {
            Some(Unit::Bit)
        } else {
            None
        }
    }

    /// The offsets of the bits between `start` and `end` in a string of `length` bytes. Indexes
    /// beyond the string are moved to its nearest end; the result may be empty.
    pub(super) fn resolve(self, length: usize, start: i64, end: i64) -> Range<u64> {
        let bits_each = match self {
            Unit::Byte => 8,
            Unit::Bit => 1,
        };
        let total = length as i64 * 8 / bits_each;
        let from_start = |index: i64| if index < 0 { (total + index).max(0) } else { index };
        let start = from_start(start);
        let end = from_start(end).min(total - 1);
        if start > end {
            return 0..0;
        }
        (start * bits_each) as u64..((end + 1) * bits_each) as u64
    }
}

/// A range of bits in whole bytes and what is left over at its ends.
pub(super) struct Pieces<'bytes> {
    /// Up to seven bits before the first whole byte.
    pub(super) head: Option<Edge>,
    /// The whole bytes.
    pub(super) middle: &'bytes [u8],
    /// Offset of the first bit of `middle`.
    pub(super) middle_at: u64,
    /// Up to seven bits behind the last whole byte.
    pub(super) tail: Option<Edge>,
}

/// A byte of which a range covers only a part.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) byte: u8,
    /// The bits of the byte that are in the range.
    pub(super) mask: u8,
    /// Offset of the highest bit of the byte.
    pub(super) at: u64,
}

impl<'bytes> Pieces<'bytes> {
    /// Cuts `bytes` along `range`, which lies within it.
    pub(super) fn cut(bytes: &'bytes [u8], range: Range<u64>) -> Pieces<'bytes> {
        let first_byte = (range.start / 8) as usize;
        let last_byte = (range.end / 8) as usize;
        let before = 0xff >> (range.start % 8);
        let until = !(0xff >> (range.end % 8));
        let edge = |index: usize, mask| Edge { byte: bytes[index], mask, at: index as u64 * 8 };
        if range.is_empty() {
            return Pieces { head: None, middle: &[], middle_at: 0, tail: None };
        }
        if first_byte == last_byte {
            let head = Some(edge(first_byte, before & until));
            return Pieces { head, middle: &[], middle_at: 0, tail: None };
        }
        let middle_from = range.start.div_ceil(8) as usize;
        Pieces {
            head: (before != 0xff).then(|| edge(first_byte, before)),
            middle: &bytes[middle_from..last_byte],
            middle_at: middle_from as u64 * 8,
            tail: (until != 0).then(|| edge(last_byte, until)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_moved_into_the_string() {
        assert_eq!(Unit::Byte.resolve(3, 0, -1), 0..24);
        assert_eq!(Unit::Byte.resolve(3, -2, -2), 8..16);
        assert_eq!(Unit::Byte.resolve(3, 1, i64::MAX), 8..24);
        assert_eq!(Unit::Byte.resolve(3, i64::MIN, i64::MIN), 0..8);
        assert_eq!(Unit::Bit.resolve(3, 5, -5), 5..20);
        assert!(Unit::Byte.resolve(3, 3, 5).is_empty());
        assert!(Unit::Byte.resolve(3, 2, 1).is_empty());
        assert!(Unit::Byte.resolve(0, 0, -1).is_empty());
        assert!(Unit::Bit.resolve(3, i64::MAX, i64::MAX).is_empty());
    }

    #[test]
    fn units_are_read_in_any_case() {
        assert_eq!(Unit::parse(b"bYtE"), Some(Unit::Byte));
        assert_eq!(Unit::parse(b"BIT"), Some(Unit::Bit));
        assert_eq!(Unit::parse(b"bits"), None);
    }
}
