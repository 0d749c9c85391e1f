//! Counting the set bits of a string.

use super::range::{Edge, Pieces, Unit};

/// Number of bits set in `bytes`.
///
/// x86-64 processors count by an instruction of their own, but the first ones did not, so a
/// program may use it only after it has asked. Asking pays from a few words on; what it gains,
/// and AVX-512's instruction for whole vectors again, `benches/bits.rs` tells.
pub fn count_ones(bytes: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512vpopcntdq") && is_x86_feature_detected!("avx512vl") {
            // SAFETY: the processor has the two features, as it was just asked.
            return unsafe { count_by_vectors(bytes) };
        }
        if is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has the feature, as it was just asked.
            return unsafe { count_by_words(bytes) };
        }
    }
    count(bytes)
}

/// [`count`], compiled for processors with AVX-512's population count.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512vpopcntdq,avx512vl")]
fn count_by_vectors(bytes: &[u8]) -> u64 {
    count(bytes)
}

/// [`count`], compiled for processors with a population count of words.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn count_by_words(bytes: &[u8]) -> u64 {
    count(bytes)
}

/// The one way to count; what it compiles to depends on the function it is inlined into.
#[inline(always)]
fn count(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let in_words: u64 =
        words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    in_words + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
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
            prop_assert_eq!(count(bytes), naive as u64);
            // Where vectors are counted, nothing else comes here.
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("popcnt") {
                // SAFETY: the processor has the feature, as it was just asked.
                prop_assert_eq!(unsafe { count_by_words(bytes) }, naive as u64);
            }
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
