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

/// Hands every register with its value to `visit`.
#[inline]
pub(super) fn each(body: &[u8], mut visit: impl FnMut(usize, u8)) {
    for (number, group) in body.as_chunks::<3>().0.iter().enumerate() {
        let group = read(*group);
        for nth in 0..GROUP.0 {
            visit(number * GROUP.0 + nth, (group >> (nth * BITS) & MASK) as u8);
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
