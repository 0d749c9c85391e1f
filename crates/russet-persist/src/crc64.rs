//! The checksum at the end of RDB files and DUMP payloads.
//!
//! It is the 64-bit cyclic redundancy check with Jones' polynomial, least significant bit first, without
//! inversions: what Redis appends to its files.

use crc_fast::{CrcAlgorithm, Digest};

/// The checksum of what `sum` is the checksum of and `bytes` after it; 0 is that of nothing.
#[must_use]
pub fn update(sum: u64, bytes: &[u8]) -> u64 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc64Redis, sum);
    digest.update(bytes);
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Jones' polynomial, its bits in the order in which bytes bring theirs.
    const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

    /// The remainder, bit by bit.
    fn naive(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |sum, byte| {
            (0..8).fold(sum ^ u64::from(*byte), |sum, _| match sum & 1 {
                1 => sum >> 1 ^ POLYNOMIAL,
                _ => sum >> 1,
            })
        })
    }

    #[test]
    fn the_check_value_is_that_of_the_polynomial() {
        assert_eq!(update(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    proptest! {
        // Long enough for every way in which vector instructions take bytes in.
        #[test]
        fn pieces_make_the_whole(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            cut in 0usize..2000,
        ) {
            let cut = cut.min(bytes.len());
            let in_pieces = update(update(0, &bytes[..cut]), &bytes[cut..]);
            prop_assert_eq!(in_pieces, naive(&bytes));
            prop_assert_eq!(update(0, &bytes), naive(&bytes));
        }
    }
}
