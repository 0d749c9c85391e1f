//! Cells of the map, and their neighbours.

use std::ops::Range;

use super::{LATITUDE, LONGITUDE, MAX_STEPS, Place};

/// Bits of latitudes and of longitudes.
const LATITUDE_BITS: u64 = 0x5555_5555_5555_5555;
const LONGITUDE_BITS: u64 = !LATITUDE_BITS;

/// A part of the map: `steps` bits of longitude, `steps` of latitude, interleaved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    bits: u64,
    steps: u32,
}

impl Cell {
    /// The cell of a size that a place is in.
    pub(super) fn around(place: Place, steps: u32) -> Self {
        let y = LATITUDE.part(place.latitude, steps);
        let x = LONGITUDE.part(place.longitude, steps);
        Cell { bits: interleave(y, x), steps }
    }

    pub(super) fn from_bits(bits: u64, steps: u32) -> Self {
        Cell { bits, steps }
    }

    pub(super) fn bits(self) -> u64 {
        self.bits
    }

    /// From where to where it reaches, in longitude and in latitude.
    pub(super) fn extent(self) -> ((f64, f64), (f64, f64)) {
        let (x, y) = (spread_apart(self.bits >> 1), spread_apart(self.bits));
        let on = |axis: super::Axis, part: u32| {
            let (start, end) = (part, part.wrapping_add(1));
            (axis.start_of(start, self.steps), axis.start_of(end, self.steps))
        };
        (on(LONGITUDE, x), on(LATITUDE, y))
    }

    /// The scores of all places in it.
    #[must_use]
    pub fn scores(self) -> Range<f64> {
        let align = |bits: u64| (bits << (2 * (MAX_STEPS - self.steps))) as f64;
        align(self.bits)..align(self.bits + 1)
    }

    /// The cell so many cells, of -1, 0 and 1, to the east and to the north. The map goes round in both
    /// directions.
    pub(super) fn neighbour(self, east: i32, north: i32) -> Self {
        let all = u64::MAX >> (u64::BITS - 2 * self.steps);
        let moved = |own: u64, other: u64, by: i32| match by {
            // A carry has to pass the bits of the other direction: ones let it through, zeros stop a
            // borrow likewise.
            1 => (self.bits & own).wrapping_add((other & all) + 1) & own & all,
            -1 => (self.bits & own | other & all).wrapping_sub((other & all) + 1) & own & all,
            _ => self.bits & own,
        };
        let x = moved(LONGITUDE_BITS, LATITUDE_BITS, east);
        let y = moved(LATITUDE_BITS, LONGITUDE_BITS, north);
        Cell { bits: x | y, ..self }
    }
}

/// Two numbers bit by bit in turn, those of `even` from bit 0 on.
pub(super) fn interleave(even: u32, odd: u32) -> u64 {
    spread(even) | spread(odd) << 1
}

/// Puts a zero before each bit: by halves, quarters and so on ("Interleave bits by binary magic
/// numbers", S. E. Anderson, Bit Twiddling Hacks).
fn spread(number: u32) -> u64 {
    SPREADS.iter().fold(u64::from(number), |bits, (shift, mask)| (bits | bits << shift) & mask)
}

/// Takes every other bit, from bit 0 on: the inverse.
fn spread_apart(bits: u64) -> u32 {
    let even = bits & LATITUDE_BITS;
    let joined = SPREADS
        .iter()
        .rev()
        .zip(JOINED)
        .fold(even, |bits, ((shift, _), mask)| (bits | bits >> shift) & mask);
    joined as u32
}

const SPREADS: [(u32, u64); 5] = [
    (16, 0x0000_ffff_0000_ffff),
    (8, 0x00ff_00ff_00ff_00ff),
    (4, 0x0f0f_0f0f_0f0f_0f0f),
    (2, 0x3333_3333_3333_3333),
    (1, 0x5555_5555_5555_5555),
];

const JOINED: [u64; 5] = [
    0x3333_3333_3333_3333,
    0x0f0f_0f0f_0f0f_0f0f,
    0x00ff_00ff_00ff_00ff,
    0x0000_ffff_0000_ffff,
    0x0000_0000_ffff_ffff,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn interleaving_takes_turns(even: u32, odd: u32) {
            let bits = interleave(even, odd);
            for bit in 0..32 {
                prop_assert_eq!(bits >> (2 * bit) & 1, u64::from(even) >> bit & 1);
                prop_assert_eq!(bits >> (2 * bit + 1) & 1, u64::from(odd) >> bit & 1);
            }
            prop_assert_eq!((spread_apart(bits), spread_apart(bits >> 1)), (even, odd));
        }

        #[test]
        fn neighbours_are_one_further(
            x: u32, y: u32, steps in 1u32..=26, east in -1i32..=1, north in -1i32..=1,
        ) {
            let mask = u32::MAX >> (32 - steps);
            let cell = Cell { bits: interleave(y & mask, x & mask), steps };
            let expected = interleave(
                y.wrapping_add_signed(north) & mask,
                x.wrapping_add_signed(east) & mask,
            );
            prop_assert_eq!(cell.neighbour(east, north), Cell { bits: expected, steps });
        }
    }

    #[test]
    fn a_cell_is_a_range_of_scores() {
        let cell = Cell { bits: 0b10_11_01, steps: 3 };
        assert_eq!(cell.scores(), (0b10_11_01_u64 << 46) as f64..(0b10_11_10_u64 << 46) as f64);
    }
}
