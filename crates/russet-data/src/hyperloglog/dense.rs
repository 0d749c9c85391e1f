//! Dense registers: six bits each, one after the other, beginning with the lowest bit of the first
//! byte. Four registers are three bytes:
//!
//! ```text
//!  byte 0     byte 1     byte 2
//! ┌──┬──────┐┌────┬────┐┌──────┬──┐
//! │11│000000││2222│1111││333333│22│    number of the register each bit belongs to
//! └──┴──────┘└────┴────┘└──────┴──┘
//! ```

use super::{REGISTERS, vectors};

const BITS: usize = 6;
/// The bits of the first register of a group.
pub(super) const MASK: u32 = (1 << BITS) - 1;
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

/// Raises all registers to what these bytes hold, where that is greater.
pub(super) fn raise_all(registers: &mut [u8; REGISTERS], body: &[u8]) {
    if !vectors::raise_all(registers, body) {
        raise_all_by_groups(registers, body);
    }
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
