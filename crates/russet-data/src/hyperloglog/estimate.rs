//! From registers to a number.
//!
//! The estimator is Otmar Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches",
//! 2017, algorithm 6): it needs no corrections by experience, and only how many registers have each
//! value.

use super::{RANK_BITS, RANK_MAX, REGISTERS};

/// How many registers have each value. Values above [`RANK_MAX`], which six bits could hold, come
/// from no hash.
pub struct Histogram([u32; 64]);

impl Default for Histogram {
    fn default() -> Self {
        Histogram([0; 64])
    }
}

impl Histogram {
    /// Counts all registers.
    pub(super) fn of(registers: &[u8; REGISTERS]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature, as it was just asked.
            return unsafe { Self::of_by_vectors(registers) };
        }
        Self::of_one_by_one(registers)
    }

    /// Neighbours are counted apart at first: most have one of few values, and an addition would wait
    /// for the one before it to the same number.
    fn of_one_by_one(registers: &[u8; REGISTERS]) -> Self {
        const APART: usize = 16;
        const _: () = assert!(REGISTERS / APART <= u16::MAX as usize);
        let mut counts = [[0_u16; 64]; APART];
        for neighbours in registers.as_chunks::<APART>().0 {
            for (counts, rank) in counts.iter_mut().zip(neighbours) {
                counts[usize::from(rank & 63)] += 1;
            }
        }
        let all = |rank: usize| counts.iter().map(|counts| u32::from(counts[rank])).sum();
        Histogram(std::array::from_fn(all))
    }

    /// Looks for the values one after the other, four at a time, until no register is left: there are
    /// few, since registers differ by little. All registers are compared with each, but a vector of
    /// them at once.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn of_by_vectors(registers: &[u8; REGISTERS]) -> Self {
        let mut counts = [0; 64];
        let mut left = REGISTERS as u32;
        for (value, counts) in (0_u8..).step_by(4).zip(counts.as_chunks_mut::<4>().0) {
            *counts = count_four(registers, value);
            left -= counts.iter().sum::<u32>();
            if left == 0 {
                break;
            }
        }
        Histogram(counts)
    }

    /// Counts registers of a value.
    #[inline]
    pub(super) fn add(&mut self, rank: u8, registers: usize) {
        self.0[usize::from(rank & 63)] += registers as u32;
    }
}

/// How many registers have a value, and each of the next three.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn count_four(registers: &[u8; REGISTERS], value: u8) -> [u32; 4] {
    use std::arch::x86_64::{
        _mm256_cmpeq_epi8, _mm256_extract_epi64, _mm256_sad_epu8, _mm256_set_epi64x,
        _mm256_set1_epi8, _mm256_setzero_si256, _mm256_sub_epi8,
    };
    /// Vectors after which what was counted in a byte each is added up.
    const VECTORS: usize = 128;
    const _: () = assert!(VECTORS <= u8::MAX as usize && REGISTERS.is_multiple_of(32 * VECTORS));

    let values: [_; 4] = std::array::from_fn(|nth| _mm256_set1_epi8((value + nth as u8) as i8));
    let mut counts = [0; 4];
    for block in registers.as_chunks::<{ 32 * VECTORS }>().0 {
        let mut found = [_mm256_setzero_si256(); 4];
        for vector in block.as_chunks::<32>().0 {
            let eight =
                |at: usize| i64::from_le_bytes(std::array::from_fn(|byte| vector[at + byte]));
            let vector = _mm256_set_epi64x(eight(24), eight(16), eight(8), eight(0));
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

/// The limit of the constant of the original estimator for many registers: 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// How many different elements have left these registers.
#[must_use]
pub fn estimate(histogram: &Histogram) -> u64 {
    let registers = REGISTERS as f64;
    let counts = &histogram.0;
    let share = |count: u32| f64::from(count) / registers;
    let full = (registers - f64::from(counts[usize::from(RANK_MAX)])) / registers;
    let mut sum = registers * tau(full);
    for rank in (1..=RANK_BITS as usize).rev() {
        sum = (sum + f64::from(counts[rank])) * 0.5;
    }
    sum += registers * sigma(share(counts[0]));
    (ALPHA * registers * registers / sum).round() as u64
}

/// What the registers that are still zero contribute.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// What the registers that cannot be raised any more contribute.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x).powi(2) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_register_is_counted_once(
            registers in prop::collection::vec(0..64_u8, REGISTERS),
            highest in 0..64_u8,
        ) {
            let lowered = registers.iter().map(|rank| *rank.min(&highest)).collect::<Vec<_>>();
            let registers: [u8; REGISTERS] = lowered.try_into().expect("so many were asked for");
            let mut expected = Histogram::default();
            registers.iter().for_each(|rank| expected.add(*rank, 1));
            prop_assert_eq!(Histogram::of(&registers).0, expected.0);
            prop_assert_eq!(Histogram::of_one_by_one(&registers).0, expected.0);
        }
    }
}
