//! The checksum at the end of RDB files and DUMP payloads.
//!
//! It is the 64-bit cyclic redundancy check with Jones' polynomial, least significant bit first, without
//! inversions: what Redis appends to its files. Sixteen tables of 256 numbers take in sixteen bytes at
//! once ("slicing by sixteen"), because byte by byte the checksum would take longer than the rest of
//! writing a file.

/// Jones' polynomial, its bits in the order in which bytes bring theirs.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;
/// Bytes taken in at once.
const SLICE: usize = 16;

/// `TABLES[n][byte]` is the checksum of a byte that `n` zero bytes follow.
static TABLES: [[u64; 256]; SLICE] = tables();

const fn tables() -> [[u64; 256]; SLICE] {
    let mut tables = [[0; 256]; SLICE];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut behind = 1;
    while behind < SLICE {
        byte = 0;
        while byte < 256 {
            let sum = tables[behind - 1][byte];
            tables[behind][byte] = tables[0][(sum & 0xff) as usize] ^ sum >> 8;
            byte += 1;
        }
        behind += 1;
    }
    tables
}

/// The checksum of what `sum` is the checksum of and `bytes` after it; 0 is that of nothing.
#[must_use]
pub fn update(mut sum: u64, bytes: &[u8]) -> u64 {
    let (slices, rest) = bytes.as_chunks::<SLICE>();
    for slice in slices {
        // What the sum was mixes with the first eight bytes only.
        let mixed = (u128::from(sum) ^ u128::from_le_bytes(*slice)).to_le_bytes();
        sum = 0;
        for (at, byte) in mixed.into_iter().enumerate() {
            sum ^= TABLES[SLICE - 1 - at][usize::from(byte)];
        }
    }
    for byte in rest {
        sum = TABLES[0][usize::from(sum as u8 ^ byte)] ^ sum >> 8;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_check_value_is_that_of_the_polynomial() {
        assert_eq!(update(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    proptest! {
        #[test]
        fn pieces_make_the_whole(bytes: Vec<u8>, cut in 0usize..100) {
            let cut = cut.min(bytes.len());
            let in_pieces = update(update(0, &bytes[..cut]), &bytes[cut..]);
            let by_byte = bytes.iter().fold(0, |sum, byte| update(sum, &[*byte]));
            prop_assert_eq!(in_pieces, by_byte);
            prop_assert_eq!(update(0, &bytes), by_byte);
        }
    }
}
