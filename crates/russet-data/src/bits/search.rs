//! Finding the first bit of a given value.

use std::ops::Range;

use super::range::{Edge, Pieces, Unit};

/// Offset of the first bit that equals `bit` between two indexes, as BITPOS takes them; `None`
/// stands for the reply -1.
///
/// A `start` of `None` is the start of the string, an `end` of `None` its end. In the latter
/// case the zeros behind the string count: if all bits from `start` on are set, the first clear
/// bit is the one after the last. An empty range has no bits of either kind.
///
/// A key that does not exist is not an empty string here: BITPOS answers 0 or -1 for it
/// without looking at a range.
pub fn position(
    bytes: &[u8],
    bit: bool,
    start: Option<i64>,
    end: Option<i64>,
    unit: Unit,
) -> Option<u64> {
    let range = unit.resolve(bytes.len(), start.unwrap_or(0), end.unwrap_or(-1));
    if range.is_empty() {
        return None;
    }
    let behind = bytes.len() as u64 * 8;
    first(bytes, bit, range).or((!bit && end.is_none()).then_some(behind))
}

fn first(bytes: &[u8], bit: bool, range: Range<u64>) -> Option<u64> {
    // What differs from the filling is what is looked for.
    let filling = if bit { 0x00 } else { 0xff };
    let pieces = Pieces::cut(bytes, range);
    let in_edge = |edge: Option<Edge>| {
        let edge = edge?;
        let found = (edge.byte ^ filling) & edge.mask;
        (found != 0).then(|| edge.at + u64::from(found.leading_zeros()))
    };
    in_edge(pieces.head)
        .or_else(|| Some(pieces.middle_at + first_unlike(pieces.middle, filling)?))
        .or_else(|| in_edge(pieces.tail))
}

/// Offset of the first bit in which `bytes` differs from an endless repetition of `filling`.
fn first_unlike(bytes: &[u8], filling: u8) -> Option<u64> {
    // Looked over in steps wide enough for vector instructions, then more closely.
    let mut index = skip_alike::<64>(bytes, filling);
    index += skip_alike::<8>(&bytes[index..], filling);
    index += bytes[index..].iter().position(|&byte| byte != filling)?;
    Some(index as u64 * 8 + u64::from((bytes[index] ^ filling).leading_zeros()))
}

/// Bytes at the start that consist of `filling`, in multiples of `STEP`.
fn skip_alike<const STEP: usize>(bytes: &[u8], filling: u8) -> usize {
    let (steps, _) = bytes.as_chunks::<STEP>();
    // No early exit within a step: that is what lets it compile to vector instructions.
    let alike = |step: &[u8; STEP]| step.iter().fold(0, |seen, byte| seen | (byte ^ filling)) == 0;
    steps.iter().take_while(|step| alike(step)).count() * STEP
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bits::bit_at;

    #[test]
    fn zeros_behind_the_string_count_unless_an_end_is_given() {
        let find = |bit, start, end| position(b"\xff\xff", bit, start, end, Unit::Byte);
        assert_eq!(find(false, None, None), Some(16));
        assert_eq!(find(false, Some(1), None), Some(16));
        assert_eq!(find(false, Some(0), Some(-1)), None);
        assert_eq!(find(false, Some(2), None), None);
        assert_eq!(position(b"", false, None, None, Unit::Byte), None);
    }

    #[test]
    fn ranges_before_the_string_find_its_first_byte() {
        assert_eq!(position(b"\x01\xff", true, Some(-5), Some(-10), Unit::Byte), Some(7));
    }

    proptest! {
        #[test]
        fn finding_agrees_with_looking_at_every_bit(
            filling in prop_oneof![Just(0x00u8), Just(0xffu8)],
            length in 0usize..200,
            marks in proptest::collection::vec((0usize..200, any::<u8>()), 0..3),
            start in 0u64..1600,
            end in 0u64..1600,
            bit: bool,
        ) {
            let mut bytes = vec![filling; length];
            for (at, byte) in marks {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            let last = (length as u64 * 8).saturating_sub(1);
            let naive = (start..=end.min(last))
                .find(|&at| length > 0 && bit_at(&bytes, at) == bit);
            let (start, end) = (start as i64, end as i64);
            prop_assert_eq!(position(&bytes, bit, Some(start), Some(end), Unit::Bit), naive);
        }
    }
}
