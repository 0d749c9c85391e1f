//! From registers to a number.
//!
//! The estimator is Otmar Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches",
//! 2017, algorithm 6): it needs no corrections by experience, and only how many registers have each
//! value.

use super::{RANK_BITS, RANK_MAX, REGISTERS, vectors};

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
        vectors::count_all(registers).map_or_else(|| Self::of_one_by_one(registers), Histogram)
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

    /// Counts registers of a value.
    #[inline]
    pub(super) fn add(&mut self, rank: u8, registers: usize) {
        self.0[usize::from(rank & 63)] += registers as u32;
    }
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
