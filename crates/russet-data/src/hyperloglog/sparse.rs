//! Sparse registers: runs of equal ones.
//!
//! ```text
//! 00nnnnnn           n + 1 registers, up to 64, that are zero
//! 01nnnnnn nnnnnnnn  n + 1 registers, up to 16,384, that are zero; high bits first
//! 1vvvvvnn           n + 1 registers, up to 4, of value v + 1, up to 32
//! ```
//!
//! A register that is raised cuts its run in up to three, and equal runs next to the cut are joined
//! again. Where and how far runs are joined is part of the format in so far as Redis comes to the same
//! bytes: a run is compared with the one after it only, from the run before the change on, for as many
//! steps as a change can touch.

use std::fmt;

use super::{Corrupted, REGISTERS};

/// The greatest value of a register that a run can have.
pub(super) const RANK_MAX: u8 = 32;

const SHORT_ZEROS_MAX: usize = 64;
const VALUES_MAX: usize = 4;
const VALUE: u8 = 0b1000_0000;
const LONG_ZEROS: u8 = 0b0100_0000;

/// Runs that are looked at for joining after a change: the one before it, the up to three it has made
/// of one, and the one after it.
const RUNS_TOUCHED: usize = 5;

/// Equal registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    len: usize,
    rank: u8,
    /// Whether it takes two bytes.
    is_long: bool,
}

/// The shortest form of a run of zeros.
fn zeros(len: usize) -> Run {
    Run { len, rank: 0, is_long: len > SHORT_ZEROS_MAX }
}

fn values(len: usize, rank: u8) -> Run {
    Run { len, rank, is_long: false }
}

impl Run {
    /// The run that bytes begin with. `None` at their end, or if it is cut off.
    fn read(bytes: &[u8]) -> Option<Run> {
        match *bytes {
            [first, ..] if first & VALUE != 0 => {
                Some(values(usize::from(first & 3) + 1, (first >> 2 & 31) + 1))
            }
            [first, second, ..] if first & LONG_ZEROS != 0 => {
                let len = (usize::from(first & 63) << 8 | usize::from(second)) + 1;
                Some(Run { len, rank: 0, is_long: true })
            }
            [first, ..] if first & LONG_ZEROS == 0 => {
                Some(Run { len: usize::from(first) + 1, rank: 0, is_long: false })
            }
            _ => None,
        }
    }

    fn byte_len(self) -> usize {
        1 + usize::from(self.is_long)
    }

    fn write(self, bytes: &mut Vec<u8>) {
        let n = self.len - 1;
        match (self.rank, self.is_long) {
            (0, false) => bytes.push(n as u8),
            (0, true) => bytes.extend_from_slice(&[LONG_ZEROS | (n >> 8) as u8, n as u8]),
            (rank, _) => bytes.push(VALUE | (rank - 1) << 2 | n as u8),
        }
    }
}

/// As `PFDEBUG DECODE` shows it.
impl fmt::Display for Run {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rank, self.is_long) {
            (0, false) => write!(out, "z:{}", self.len),
            (0, true) => write!(out, "Z:{}", self.len),
            (rank, _) => write!(out, "v:{rank},{}", self.len),
        }
    }
}

/// The runs of all registers, if none is set.
pub(super) fn nothing() -> Vec<u8> {
    let mut bytes = Vec::new();
    zeros(REGISTERS).write(&mut bytes);
    bytes
}

/// The runs in bytes, up to one that is cut off.
pub(super) fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Run> + '_ {
    std::iter::from_fn(move || {
        let run = Run::read(bytes)?;
        bytes = &bytes[run.byte_len()..];
        Some(run)
    })
}

/// Hands every run to `visit`: its first register, its length and its value. Runs beyond the last
/// register are not shown.
pub(super) fn each(bytes: &[u8], visit: &mut dyn FnMut(usize, usize, u8)) -> Result<(), Corrupted> {
    let (mut register, mut taken) = (0, 0);
    for run in runs(bytes) {
        if register + run.len > REGISTERS {
            return Err(Corrupted);
        }
        visit(register, run.len, run.rank);
        register += run.len;
        taken += run.byte_len();
    }
    if register == REGISTERS && taken == bytes.len() { Ok(()) } else { Err(Corrupted) }
}

/// How many runs of a byte each come first, and how many registers they are of.
///
/// Most runs take a byte, and of which kind each is cannot be foretold: going through them one by one
/// costs the processor a wrong guess every few runs.
#[inline]
fn short_runs(bytes: [u8; 8]) -> (usize, usize) {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const EVEN: u64 = u64::from_le_bytes([0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0]);
    let word = u64::from_le_bytes(bytes);
    let are_values = word >> 7 & EACH;
    let are_long = word >> 6 & EACH & !are_values;
    // Their lengths less one: the low two bits of values, the low six of zeros.
    let lens = word & (EACH * 0b11_1111 - are_values * 0b11_1100);
    let (short, lens) = match are_long {
        0 => (bytes.len(), lens),
        _ => {
            let bits = are_long.trailing_zeros() & !7;
            (bits as usize / 8, lens & !(u64::MAX << bits))
        }
    };
    // They may be more than a byte together: those of two are added up in 16 bits.
    let pairs = (lens & EVEN) + (lens >> 8 & EVEN);
    let sum = pairs.wrapping_mul(u64::from_le_bytes([1, 0, 1, 0, 1, 0, 1, 0])) >> 48;
    (short, sum as usize + short)
}

/// What came of raising a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// It was not lower.
    Unchanged,
    /// It was.
    Raised,
    /// The sketch would have become too long. Nothing was changed.
    TooLarge,
}

/// Raises a register of the runs that a sketch has from `body` on, unless the whole sketch would get
/// longer than `max_bytes`.
pub(super) fn raise(
    sketch: &mut Vec<u8>,
    body: usize,
    register: usize,
    rank: u8,
    max_bytes: usize,
) -> Result<Outcome, Corrupted> {
    let (mut at, mut previous, mut first) = (body, body, 0);
    let run = loop {
        while let Some(next) = sketch[at..].first_chunk()
            && let (taken @ 1.., len) = short_runs(*next)
            && register >= first + len
        {
            first += len;
            at += taken;
            previous = at - 1;
        }
        let run = Run::read(&sketch[at..]).ok_or(Corrupted)?;
        if register < first + run.len {
            break run;
        }
        first += run.len;
        previous = at;
        at += run.byte_len();
    };
    if run.rank >= rank {
        return Ok(Outcome::Unchanged);
    }
    let (before, after) = (register - first, first + run.len - register - 1);
    let part = |len| if run.rank == 0 { zeros(len) } else { values(len, run.rank) };
    let mut parts = Vec::with_capacity(RUNS_TOUCHED);
    if before > 0 {
        part(before).write(&mut parts);
    }
    values(1, rank).write(&mut parts);
    if after > 0 {
        part(after).write(&mut parts);
    }
    if parts.len() > run.byte_len() && sketch.len() + parts.len() - run.byte_len() > max_bytes {
        return Ok(Outcome::TooLarge);
    }
    sketch.splice(at..at + run.byte_len(), parts);
    join(sketch, previous);
    Ok(Outcome::Raised)
}

/// Joins runs of the same value from a place on.
fn join(sketch: &mut Vec<u8>, mut at: usize) {
    for _ in 0..RUNS_TOUCHED {
        let Some(run) = Run::read(&sketch[at..]) else { return };
        let next = Run::read(&sketch[at + run.byte_len()..]);
        match next {
            Some(next) if run.rank > 0 && next.rank == run.rank => {
                if run.len + next.len <= VALUES_MAX {
                    let mut joined = Vec::with_capacity(1);
                    values(run.len + next.len, run.rank).write(&mut joined);
                    sketch.splice(at..at + 2, joined);
                } else {
                    at += run.byte_len();
                }
            }
            _ => at += run.byte_len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_runs_are_counted_as_one_by_one(bytes in any::<[u8; 8]>(), are_short: bool) {
            // Long ones are common among bytes at random.
            let is_short = |byte: &u8| byte & (VALUE | LONG_ZEROS) != LONG_ZEROS;
            let shortened = |byte| if is_short(&byte) { byte } else { byte & !LONG_ZEROS };
            let bytes = if are_short { bytes.map(shortened) } else { bytes };
            let short = bytes.iter().take_while(|byte| is_short(byte)).count();
            let lens = runs(&bytes).take(short).map(|run| run.len);
            prop_assert_eq!(short_runs(bytes), (short, lens.sum()));
        }
    }
}
