//! Dense registers: six bits each, one after the other, beginning with the lowest bit of the first
//! byte. Four registers are three bytes:
//!
//! ```text
//!  byte 0     byte 1     byte 2
//! ┌──┬──────┐┌────┬────┐┌──────┬──┐
//! │11│000000││2222│1111││333333│22│    number of the register each bit belongs to
//! └──┴──────┘└────┴────┘└──────┴──┘
//! ```

use super::REGISTERS;

const BITS: usize = 6;
const MASK: u32 = (1 << BITS) - 1;
/// Registers and bytes of a group.
const GROUP: (usize, usize) = (4, 3);

/// The bytes of all registers.
pub(super) const BYTES: usize = REGISTERS * BITS / 8;

const _: () = assert!(GROUP.0 * BITS == GROUP.1 * 8 && REGISTERS.is_multiple_of(GROUP.0));

/// Four registers as a number.
#[inline]
fn read(group: [u8; 3]) -> u32 {
    u32::from_le_bytes([group[0], group[1], group[2], 0])
}

/// Registers that are taken together by [`raise_all`], and the bytes they are packed in.
const BLOCK: (usize, usize) = (32, 24);

const _: () = assert!(BLOCK.0 * BITS == BLOCK.1 * 8 && REGISTERS.is_multiple_of(BLOCK.0));

/// Raises all registers to what these bytes hold, where that is greater.
///
/// Counting the union of several sketches is little else. The loops below are not turned into vector
/// instructions that would spread the registers, so they are written down where there are such; that
/// takes a fifth of the time.
pub(super) fn raise_all(registers: &mut [u8; REGISTERS], body: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the feature, as it was just asked.
        return unsafe { raise_all_by_vectors(registers, body) };
    }
    raise_all_by_groups(registers, body);
}

fn raise_all_by_groups(registers: &mut [u8; REGISTERS], body: &[u8]) {
    let groups = body.as_chunks::<{ GROUP.1 }>().0;
    for (four, group) in registers.as_chunks_mut::<{ GROUP.0 }>().0.iter_mut().zip(groups) {
        let group = read(*group);
        // Each of the four is moved to a byte of its own.
        let spread = group & MASK
            | group << 2 & MASK << 8
            | group << 4 & MASK << 16
            | group << 6 & MASK << 24;
        for (register, value) in four.iter_mut().zip(spread.to_le_bytes()) {
            *register = value.max(*register);
        }
    }
}

/// [`raise_all_by_groups`] for eight groups at once, four in each half of a vector.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn raise_all_by_vectors(registers: &mut [u8; REGISTERS], body: &[u8]) {
    use std::arch::x86_64::{
        _mm256_and_si256, _mm256_loadu_si256, _mm256_max_epu8, _mm256_or_si256, _mm256_set_epi64x,
        _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_slli_epi32,
        _mm256_storeu_si256,
    };
    // Three bytes and a zero for each group, from the twelve that a half begins with.
    #[rustfmt::skip]
    let apart = _mm256_setr_epi8(
        0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,
        0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,
    );
    let mask = |byte: u32| _mm256_set1_epi32((MASK << (8 * byte)) as i32);
    let packed = body.as_chunks::<{ BLOCK.1 }>().0;
    for (block, packed) in registers.as_chunks_mut::<{ BLOCK.0 }>().0.iter_mut().zip(packed) {
        let eight = |at: usize| i64::from_le_bytes(std::array::from_fn(|byte| packed[at + byte]));
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
        let values = _mm256_or_si256(low, high);
        // SAFETY: a block is as long as a vector, and borrowed exclusively; no alignment is asked for.
        unsafe {
            let place = block.as_mut_ptr().cast();
            _mm256_storeu_si256(place, _mm256_max_epu8(_mm256_loadu_si256(place), values));
        }
    }
}

/// Raises a register, and returns whether it was lower.
#[inline]
pub(super) fn raise(body: &mut [u8], register: usize, rank: u8) -> bool {
    let (number, shift) = (register / GROUP.0, register % GROUP.0 * BITS);
    let group = &mut body.as_chunks_mut::<3>().0[number];
    let old = read(*group);
    let is_lower = old >> shift & MASK < u32::from(rank);
    if is_lower {
        let new = old & !(MASK << shift) | u32::from(rank) << shift;
        group.copy_from_slice(&new.to_le_bytes()[..GROUP.1]);
    }
    is_lower
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn vectors_raise_as_groups_do(
            held in prop::collection::vec(0u8..64, REGISTERS),
            body in prop::collection::vec(any::<u8>(), BYTES),
        ) {
            let mut registers: [u8; REGISTERS] = held.try_into().expect("so many were asked for");
            let mut expected = registers;
            raise_all(&mut registers, &body);
            raise_all_by_groups(&mut expected, &body);
            prop_assert!(registers == expected);
        }
    }
}
