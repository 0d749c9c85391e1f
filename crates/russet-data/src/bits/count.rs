//! Counting the set bits of a string.

use super::range::{Edge, Pieces, Unit};

/// Number of bits set in `bytes`.
pub fn count_ones(bytes: &[u8]) -> u64 {
    count_portable(bytes)
}

/// Number of bits set between two indexes, both included, as BITCOUNT takes them: negative
/// ones count from the end, and those beyond the string are moved to its nearest end.
pub fn count_ones_between(bytes: &[u8], start: i64, end: i64, unit: Unit) -> u64 {
    // Both may lie before the string, which would move them to the same byte.
    if start < 0 && end < 0 && start > end {
        return 0;
    }
    let pieces = Pieces::cut(bytes, unit.resolve(bytes.len(), start, end));
    let in_edge =
        |edge: Option<Edge>| edge.map_or(0, |edge| u64::from((edge.byte & edge.mask).count_ones()));
    in_edge(pieces.head) + count_ones(pieces.middle) + in_edge(pieces.tail)
}

#[inline(always)]
fn count_portable(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let in_words: u64 =
        words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    in_words + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bits::bit_at;

    #[test]
    fn ranges_before_the_string_count_once_or_not_at_all() {
        assert_eq!(count_ones_between(b"foobar", 0, -1, Unit::Byte), 26);
        assert_eq!(count_ones_between(b"foobar", 5, 30, Unit::Bit), 17);
        assert_eq!(count_ones_between(b"foo", -10, -5, Unit::Byte), 4);
        assert_eq!(count_ones_between(b"foo", -5, -10, Unit::Byte), 0);
        assert_eq!(count_ones_between(b"", 0, -1, Unit::Byte), 0);
    }

    proptest! {
        #[test]
        fn counting_agrees_with_looking_at_every_bit(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            from in 0usize..20,
        ) {
            let bytes = &bytes[from.min(bytes.len())..];
            let naive = (0..bytes.len() as u64 * 8).filter(|&at| bit_at(bytes, at)).count();
            prop_assert_eq!(count_ones(bytes), naive as u64);
        }

        #[test]
        fn counting_a_range_agrees_too(
            bytes in proptest::collection::vec(any::<u8>(), 0..30),
            start in 0u64..240,
            end in 0u64..240,
        ) {
            let naive = (start..=end).filter(|&at| bit_at(&bytes, at)).count() as u64;
            let (start, end) = (start as i64, end as i64);
            prop_assert_eq!(count_ones_between(&bytes, start, end, Unit::Bit), naive);
        }
    }
}
