//! What is done to all registers, by vector instructions.
//!
//! Merging and counting sketches is little else. Of plain code the compiler makes no such loops, which
//! spread dense registers over a vector and keep sums in several, so they are written down. They run if
//! the processor has the instructions; `dense.rs` and `estimate.rs` have the plain code for others, and
//! tests that both come to the same.

use super::REGISTERS;

/// Raises all registers to what the bytes of dense ones hold, where that is greater. Returns whether
/// it could.
pub(super) fn raise_all(registers: &mut [u8; REGISTERS], body: &[u8]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the feature, as it was just asked.
        unsafe { avx2::raise_all(registers, body) };
        return true;
    }
    let _ = (registers, body);
    false
}

/// How many registers have each value, if it could be counted.
pub(super) fn count_all(registers: &[u8; REGISTERS]) -> Option<[u32; 64]> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the feature, as it was just asked.
        return Some(unsafe { avx2::count_all(registers) });
    }
    let _ = registers;
    None
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_extract_epi64, _mm256_loadu_si256,
        _mm256_max_epu8, _mm256_or_si256, _mm256_sad_epu8, _mm256_set_epi64x, _mm256_set1_epi8,
        _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_slli_epi32, _mm256_storeu_si256, _mm256_sub_epi8,
    };

    use super::super::dense::MASK;
    use super::REGISTERS;

    /// Registers of a vector, and the bytes that dense ones are packed in.
    const VECTOR: (usize, usize) = (32, 24);

    const _: () = assert!(REGISTERS.is_multiple_of(VECTOR.0));

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(registers: &[u8; VECTOR.0]) -> __m256i {
        // SAFETY: it is as long as a vector; no alignment is asked for.
        unsafe { _mm256_loadu_si256(registers.as_ptr().cast()) }
    }

    /// Takes eight groups at once, four in each half of a vector.
    #[target_feature(enable = "avx2")]
    pub(super) fn raise_all(registers: &mut [u8; REGISTERS], body: &[u8]) {
        // Three bytes and a zero for each group, from the twelve that a half begins with.
        #[rustfmt::skip]
        let apart = _mm256_setr_epi8(
            0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,
            0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,
        );
        let mask = |byte: u32| _mm256_set1_epi32((MASK << (8 * byte)) as i32);
        let packed = body.as_chunks::<{ VECTOR.1 }>().0;
        for (block, packed) in registers.as_chunks_mut().0.iter_mut().zip(packed) {
            let eight =
                |at: usize| i64::from_le_bytes(std::array::from_fn(|byte| packed[at + byte]));
            let four = |at: usize| {
                i64::from(u32::from_le_bytes(std::array::from_fn(|byte| packed[at + byte])))
            };
            let halves = _mm256_set_epi64x(four(20), eight(12), four(8), eight(0));
            let groups = _mm256_shuffle_epi8(halves, apart);
            let low = _mm256_or_si256(
                _mm256_and_si256(groups, mask(0)),
                _mm256_and_si256(_mm256_slli_epi32::<2>(groups), mask(1)),
            );
            let high = _mm256_or_si256(
                _mm256_and_si256(_mm256_slli_epi32::<4>(groups), mask(2)),
                _mm256_and_si256(_mm256_slli_epi32::<6>(groups), mask(3)),
            );
            let values = _mm256_max_epu8(load(block), _mm256_or_si256(low, high));
            // SAFETY: a block is as long as a vector, and borrowed exclusively; no alignment is asked
            // for.
            unsafe { _mm256_storeu_si256(block.as_mut_ptr().cast(), values) };
        }
    }

    /// Looks for the values one after the other, four at a time, until no register is left: there are
    /// few, since registers differ by little. All registers are compared with each, but a vector of
    /// them at once.
    #[target_feature(enable = "avx2")]
    pub(super) fn count_all(registers: &[u8; REGISTERS]) -> [u32; 64] {
        let mut counts = [0; 64];
        let mut left = REGISTERS as u32;
        for (value, counts) in (0_u8..).step_by(4).zip(counts.as_chunks_mut::<4>().0) {
            *counts = count_four(registers, value);
            left -= counts.iter().sum::<u32>();
            if left == 0 {
                break;
            }
        }
        counts
    }

    /// How many registers have a value, and each of the next three.
    #[target_feature(enable = "avx2")]
    fn count_four(registers: &[u8; REGISTERS], value: u8) -> [u32; 4] {
        /// Registers after which what was counted in a byte each is added up.
        const BLOCK: usize = 128 * VECTOR.0;
        const _: () =
            assert!(BLOCK / VECTOR.0 <= u8::MAX as usize && REGISTERS.is_multiple_of(BLOCK));

        let values: [_; 4] = std::array::from_fn(|nth| _mm256_set1_epi8((value + nth as u8) as i8));
        let mut counts = [0; 4];
        for block in registers.as_chunks::<BLOCK>().0 {
            let mut found = [_mm256_setzero_si256(); 4];
            for vector in block.as_chunks().0 {
                let vector = load(vector);
                for (found, value) in found.iter_mut().zip(values) {
                    *found = _mm256_sub_epi8(*found, _mm256_cmpeq_epi8(vector, value));
                }
            }
            for (count, found) in counts.iter_mut().zip(found) {
                let sums = _mm256_sad_epu8(found, _mm256_setzero_si256());
                *count += (_mm256_extract_epi64::<0>(sums)
                    + _mm256_extract_epi64::<1>(sums)
                    + _mm256_extract_epi64::<2>(sums)
                    + _mm256_extract_epi64::<3>(sums)) as u32;
            }
        }
        counts
    }
}
