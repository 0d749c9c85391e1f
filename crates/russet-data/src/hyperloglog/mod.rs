//! HyperLogLog: how many different elements there were, in at most 12 KiB.
//!
//! Each element is hashed. 14 bits of the hash choose one of 16,384 registers, and the register keeps
//! the longest run of zeros, plus one, that the other bits of any hash began with. From all registers
//! together follows an estimate of the number of different elements, with a standard error of 0.81 %,
//! see `estimate.rs`.
//!
//! A sketch is a string, byte for byte what Redis writes, so that strings can move between servers:
//!
//! ```text
//! ┌──────┬──────────┬────────┬──────────────┬┄┄┄┄┄┄┄┄┄┄┄┐
//! │ HYLL │ encoding │ unused │ cached count │ registers │
//! │ 4 B  │ u8       │ 3 B    │ u64, low     │           │
//! │      │          │        │ byte first   │           │
//! └──────┴──────────┴────────┴──────────────┴┄┄┄┄┄┄┄┄┄┄┄┘
//! ```
//!
//! The highest bit of the cached count says that it is out of date. The registers are dense
//! (`dense.rs`), or sparse (`sparse.rs`) while few are set.
//!
//! The estimate of dense and sparse sketches of the same elements is the same. Costs: an element takes
//! constant time when dense and a walk through the runs when sparse; an estimate that is not cached, a
//! walk through all registers.
//!
//! Invariant: **Y1** a sketch has a header, and if it is dense it has exactly [`DENSE_BYTES`]. What
//! sparse bytes say need not add up to all registers: that is found out when they are walked through.

mod dense;
mod estimate;
mod self_test;
mod sparse;
#[cfg(test)]
mod tests;
mod vectors;

use std::fmt::Write;

pub use estimate::estimate;
pub use self_test::self_test;

/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = 14;
/// Registers of a sketch.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that are counted.
const RANK_BITS: u32 = u64::BITS - INDEX_BITS;
/// What a register can hold at most.
pub const RANK_MAX: u8 = RANK_BITS as u8 + 1;

const HEADER_BYTES: usize = 16;
const MAGIC: [u8; 4] = *b"HYLL";
const ENCODING_AT: usize = 4;
const COUNT_AT: usize = 8;
/// In the last byte of the header: the cached count is out of date.
const OUTDATED: u8 = 1 << 7;

/// The bytes of a dense sketch.
pub const DENSE_BYTES: usize = HEADER_BYTES + dense::BYTES;

const _: () = assert!(DENSE_BYTES == 12_304 && RANK_MAX == 51);

/// How the registers are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// Six bits each.
    Dense = 0,
    /// Runs of equal ones.
    Sparse = 1,
}

/// The runs of a sparse sketch do not add up to its registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("corrupted HyperLogLog")]
pub struct Corrupted;

/// The values of all registers.
#[derive(Clone)]
pub struct Registers(Box<[u8; REGISTERS]>);

impl Registers {
    /// All zero: no elements.
    #[must_use]
    pub fn new() -> Self {
        Registers(Box::new([0; REGISTERS]))
    }

    /// Takes over what a sketch has seen: the sketch of a union has the greater of each two
    /// registers.
    ///
    /// # Errors
    /// [`Corrupted`]
    pub fn merge(&mut self, sketch: Sketch<'_>) -> Result<(), Corrupted> {
        match sketch.encoding() {
            Encoding::Dense => {
                dense::raise_all(&mut self.0, sketch.body());
                Ok(())
            }
            Encoding::Sparse => sparse::each(sketch.body(), &mut |at, len, rank| {
                self.0[at..at + len].iter_mut().for_each(|held| *held = rank.max(*held));
            }),
        }
    }

    /// The registers that are set, with their values.
    pub fn set(&self) -> impl Iterator<Item = (usize, u8)> + '_ {
        self.0.iter().copied().enumerate().filter(|(_, rank)| *rank > 0)
    }

    /// The values, in order.
    #[must_use]
    pub fn values(&self) -> &[u8; REGISTERS] {
        &self.0
    }

    /// How many different elements there were.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        estimate(&estimate::Histogram::of(&self.0))
    }
}

impl Default for Registers {
    fn default() -> Self {
        Registers::new()
    }
}

/// A string that is a sketch (Y1).
#[derive(Clone, Copy, Debug)]
pub struct Sketch<'a>(&'a [u8]);

impl<'a> Sketch<'a> {
    /// The sketch that a string is, if it is one.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let fits = match header[ENCODING_AT] {
            0 => bytes.len() == DENSE_BYTES,
            encoding => encoding == Encoding::Sparse as u8,
        };
        (header.starts_with(&MAGIC) && fits).then_some(Sketch(bytes))
    }

    /// How the registers are stored.
    #[must_use]
    pub fn encoding(self) -> Encoding {
        if self.0[ENCODING_AT] == 0 { Encoding::Dense } else { Encoding::Sparse }
    }

    fn body(self) -> &'a [u8] {
        &self.0[HEADER_BYTES..]
    }

    /// The estimate that was written into the sketch, unless it is out of date.
    #[must_use]
    pub fn cached_count(self) -> Option<u64> {
        let count = self.0[COUNT_AT..].first_chunk().map(|count| u64::from_le_bytes(*count))?;
        (count >> (u64::BITS - 1) == 0).then_some(count)
    }

    /// How many different elements there were.
    ///
    /// # Errors
    /// [`Corrupted`]
    pub fn estimate(self) -> Result<u64, Corrupted> {
        let histogram = match self.encoding() {
            Encoding::Dense => {
                let mut registers = [0; REGISTERS];
                dense::raise_all(&mut registers, self.body());
                estimate::Histogram::of(&registers)
            }
            Encoding::Sparse => {
                let mut histogram = estimate::Histogram::default();
                sparse::each(self.body(), &mut |_, len, rank| histogram.add(rank, len))?;
                histogram
            }
        };
        Ok(estimate(&histogram))
    }

    /// The runs of a sparse sketch in words, for those who look into it: `z` and `Z` are runs of
    /// zeros, `v` runs of a value. `None` if it is dense.
    #[must_use]
    pub fn describe_runs(self) -> Option<String> {
        if self.encoding() == Encoding::Dense {
            return None;
        }
        let mut words = String::new();
        for run in sparse::runs(self.body()) {
            let separator = if words.is_empty() { "" } else { " " };
            // Writing into a string does not fail.
            let _ = write!(words, "{separator}{run}");
        }
        Some(words)
    }
}

/// A sketch without elements.
#[must_use]
pub fn new_sketch() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 2);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(Encoding::Sparse as u8);
    bytes.resize(HEADER_BYTES, 0);
    bytes.extend_from_slice(&sparse::nothing());
    bytes
}

/// Which register an element belongs to, and what it sets it to, if it is not greater already.
#[must_use]
pub fn register_of(element: &[u8]) -> (usize, u8) {
    let hash = murmur_hash(element);
    // A bit beyond those that are counted ends a run that is all zeros.
    let counted = hash >> INDEX_BITS | 1 << RANK_BITS;
    (hash as usize & (REGISTERS - 1), counted.trailing_zeros() as u8 + 1)
}

/// Raises a register of a dense sketch, and returns whether it was lower.
///
/// # Panics
/// If the bytes are not a dense sketch.
pub fn raise_dense(sketch: &mut [u8], register: usize, rank: u8) -> bool {
    dense::raise(&mut sketch[HEADER_BYTES..], register, rank)
}

/// Raises a register of any sketch, and returns whether it was lower. A sparse sketch that would get
/// longer than `sparse_max_bytes` becomes a dense one.
///
/// # Errors
/// [`Corrupted`]
pub fn raise(
    sketch: &mut Vec<u8>,
    register: usize,
    rank: u8,
    sparse_max_bytes: usize,
) -> Result<bool, Corrupted> {
    if sketch[ENCODING_AT] == Encoding::Dense as u8 {
        return Ok(raise_dense(sketch, register, rank));
    }
    let outcome = if rank > sparse::RANK_MAX {
        sparse::Outcome::TooLarge
    } else {
        sparse::raise(sketch, HEADER_BYTES, register, rank, sparse_max_bytes)?
    };
    match outcome {
        sparse::Outcome::Unchanged => Ok(false),
        sparse::Outcome::Raised => Ok(true),
        sparse::Outcome::TooLarge => {
            make_dense(sketch)?;
            Ok(raise_dense(sketch, register, rank))
        }
    }
}

/// Makes a sketch dense if it is not, and returns whether it was sparse.
///
/// # Errors
/// [`Corrupted`]
pub fn make_dense(sketch: &mut Vec<u8>) -> Result<bool, Corrupted> {
    if sketch[ENCODING_AT] == Encoding::Dense as u8 {
        return Ok(false);
    }
    let mut dense = vec![0; DENSE_BYTES];
    let (header, body) = dense.split_at_mut(HEADER_BYTES);
    header.copy_from_slice(&sketch[..HEADER_BYTES]);
    header[ENCODING_AT] = Encoding::Dense as u8;
    sparse::each(&sketch[HEADER_BYTES..], &mut |at, len, rank| {
        if rank > 0 {
            (at..at + len).for_each(|at| {
                dense::raise(body, at, rank);
            });
        }
    })?;
    *sketch = dense;
    Ok(true)
}

/// Marks the cached count of a sketch as out of date.
pub fn outdate_count(sketch: &mut [u8]) {
    sketch[HEADER_BYTES - 1] |= OUTDATED;
}

/// Writes an estimate into a sketch.
pub fn cache_count(sketch: &mut [u8], count: u64) {
    sketch[COUNT_AT..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
}

/// MurmurHash64A (Austin Appleby), with the seed that Redis uses and the low byte first on every
/// machine: the hash is part of the format.
fn murmur_hash(element: &[u8]) -> u64 {
    const SEED: u64 = 0xadc8_3b19;
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = SEED ^ (element.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = element.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> SHIFT;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}
