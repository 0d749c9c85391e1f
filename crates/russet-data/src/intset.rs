//! A small set of integers as one sorted array.
//!
//! A set of a few hundred ids needs no hash table: the ids lie side by side, as narrow as the widest
//! of them allows, and are found by bisection. The bytes are those of Redis, so that loading and
//! saving copy them as they are:
//!
//! ```text
//! ┌───────┬───────┬─────────┬─────────┬┄┄┄┬┄┄┄┄┄┄┐
//! │ width │ count │ integer │ integer │   │ room │    low bytes first
//! │ u32   │ u32   │         │         │   │      │
//! └───────┴───────┴─────────┴─────────┴┄┄┄┴┄┄┄┄┄┄┘
//!   2, 4 or 8 bytes for each integer, ascending
//! ```
//!
//! When an integer arrives that does not fit, all become wider; they never become narrower again.
//! The allocation is a whole size class of the allocator, whose tail is room to grow.
//!
//! Cost: 16 bytes, 8 for the header, and 2, 4 or 8 per integer; an insertion or removal moves those
//! behind it. Conversion to another structure is the owner's business.
//!
//! Invariants:
//!
//! - **J1** The width is 2, 4 or 8, and the buffer holds header and integers.
//! - **J2** The integers ascend strictly.

use std::fmt;

use crate::relocation::Relocation;
use crate::size_class::size_class;

const HEADER_BYTES: usize = 8;

/// Why bytes are not an intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an intset")]
pub struct Malformed;

/// See the module's documentation.
#[derive(Clone)]
pub struct Intset {
    buffer: Box<[u8]>,
}

/// Bytes per integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    fn of(value: i64) -> Self {
        if i16::try_from(value).is_ok() {
            Width::Two
        } else if i32::try_from(value).is_ok() {
            Width::Four
        } else {
            Width::Eight
        }
    }

    fn of_bytes(bytes: u32) -> Option<Self> {
        [Width::Two, Width::Four, Width::Eight].into_iter().find(|width| *width as u32 == bytes)
    }
}

impl Intset {
    /// No integers.
    #[must_use]
    pub fn new() -> Self {
        Self::with_room(Width::Two, 0)
    }

    fn with_room(width: Width, count: usize) -> Self {
        let bytes = size_class(HEADER_BYTES + count * width as usize);
        let mut buffer = vec![0; bytes].into_boxed_slice();
        buffer[..4].copy_from_slice(&(width as u32).to_le_bytes());
        Intset { buffer }
    }

    /// Takes over bytes from outside.
    ///
    /// # Errors
    /// If they are not an intset, see the invariants.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let (width, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (count, integers) = rest.split_first_chunk().ok_or(Malformed)?;
        let width = Width::of_bytes(u32::from_le_bytes(*width)).ok_or(Malformed)?;
        let count = u32::from_le_bytes(*count) as usize;
        if count.checked_mul(width as usize) != Some(integers.len()) {
            return Err(Malformed);
        }
        let mut intset = Self::with_room(width, count);
        intset.buffer[..bytes.len()].copy_from_slice(bytes);
        let ascends = intset.iter().zip(intset.iter().skip(1)).all(|(one, next)| one < next);
        if ascends { Ok(intset) } else { Err(Malformed) }
    }

    /// The bytes, as Redis has them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[..HEADER_BYTES + self.len() * self.width() as usize]
    }

    #[inline]
    fn width(&self) -> Width {
        Width::of_bytes(u32::from(self.buffer[0])).expect("J1")
    }

    /// Number of integers.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        let count = self.buffer[4..HEADER_BYTES].first_chunk().expect("the header is there");
        u32::from_le_bytes(*count) as usize
    }

    fn set_len(&mut self, len: usize) {
        let len = u32::try_from(len).expect("whoever owns an intset converts it long before");
        self.buffer[4..HEADER_BYTES].copy_from_slice(&len.to_le_bytes());
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integer at a place in ascending order.
    ///
    /// # Panics
    /// If there are not that many.
    #[inline]
    #[must_use]
    pub fn get(&self, at: usize) -> i64 {
        assert!(at < self.len(), "there are that many");
        self.read(at, self.width())
    }

    #[inline]
    fn read(&self, at: usize, width: Width) -> i64 {
        let bytes = &self.buffer[HEADER_BYTES + at * width as usize..];
        let read = match width {
            Width::Two => bytes.first_chunk().map(|bytes| i16::from_le_bytes(*bytes).into()),
            Width::Four => bytes.first_chunk().map(|bytes| i32::from_le_bytes(*bytes).into()),
            Width::Eight => bytes.first_chunk().map(|bytes| i64::from_le_bytes(*bytes)),
        };
        read.expect("J1")
    }

    #[inline]
    fn write(&mut self, at: usize, width: Width, value: i64) {
        let bytes = width as usize;
        let start = HEADER_BYTES + at * bytes;
        // The low bytes of a value that fits are the value in the narrower width.
        self.buffer[start..start + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
    }

    /// Where a value is, or where it would have to be inserted.
    #[inline]
    fn search(&self, value: i64) -> Result<usize, usize> {
        let width = self.width();
        let (mut low, mut high) = (0, self.len());
        // Ids often arrive in ascending order.
        if high > 0 && self.read(high - 1, width) < value {
            return Err(high);
        }
        while low < high {
            let middle = low.midpoint(high);
            match self.read(middle, width).cmp(&value) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// Whether a value is there.
    #[inline]
    #[must_use]
    pub fn contains(&self, value: i64) -> bool {
        self.search(value).is_ok()
    }

    /// Adds a value, and returns whether it is new.
    pub fn insert(&mut self, value: i64) -> bool {
        let len = self.len();
        let Err(at) = self.search(value) else { return false };
        let width = self.width().max(Width::of(value));
        let bytes = width as usize;
        if width > self.width() {
            let mut wider = Self::with_room(width, len + 1);
            for (from, value) in self.iter().enumerate() {
                wider.write(from, width, value);
            }
            *self = wider;
        } else if self.buffer.len() < HEADER_BYTES + (len + 1) * bytes {
            self.reallocate(size_class(HEADER_BYTES + (len + 1) * bytes));
        }
        let (start, end) = (HEADER_BYTES + at * bytes, HEADER_BYTES + len * bytes);
        self.buffer.copy_within(start..end, start + bytes);
        self.write(at, width, value);
        self.set_len(len + 1);
        true
    }

    /// Removes a value, and returns whether it was there.
    pub fn remove(&mut self, value: i64) -> bool {
        let found = self.search(value);
        found.is_ok_and(|at| {
            self.remove_at(at);
            true
        })
    }

    /// Removes the integer at a place in ascending order.
    ///
    /// # Panics
    /// If there are not that many.
    pub fn remove_at(&mut self, at: usize) {
        let (len, bytes) = (self.len(), self.width() as usize);
        assert!(at < len, "there are that many");
        let (start, end) = (HEADER_BYTES + at * bytes, HEADER_BYTES + len * bytes);
        self.buffer.copy_within(start + bytes..end, start);
        self.set_len(len - 1);
        // Half of a class is kept as room, so that a removal and an insertion in turn do not
        // reallocate.
        let needed = size_class(HEADER_BYTES + (len - 1) * bytes);
        if needed <= self.buffer.len() / 2 {
            self.reallocate(needed);
        }
    }

    fn reallocate(&mut self, bytes: usize) {
        let mut buffer = std::mem::take(&mut self.buffer).into_vec();
        if bytes > buffer.len() {
            buffer.reserve_exact(bytes - buffer.len());
            buffer.resize(bytes, 0);
        } else {
            buffer.truncate(bytes);
        }
        self.buffer = buffer.into_boxed_slice();
    }

    /// All integers, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = i64> + DoubleEndedIterator + '_ {
        let width = self.width();
        (0..self.len()).map(move |at| self.read(at, width))
    }

    /// The bytes the allocator has set aside.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Moves the allocation.
    pub(crate) fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        relocation.bytes(&mut self.buffer);
    }

    /// Checks the invariants.
    ///
    /// # Panics
    /// If one does not hold.
    pub fn check_invariants(&self) {
        Intset::from_bytes(self.as_bytes()).expect("J1, J2");
        assert_eq!(self.buffer.len(), size_class(self.buffer.len()));
    }
}

impl Default for Intset {
    fn default() -> Self {
        Intset::new()
    }
}

impl fmt::Debug for Intset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

const _: () = assert!(size_of::<Intset>() == 16);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bytes_are_those_of_redis() {
        let mut intset = Intset::new();
        for value in [5, -3, 300] {
            assert!(intset.insert(value));
        }
        assert_eq!(intset.as_bytes(), [2, 0, 0, 0, 3, 0, 0, 0, 0xfd, 0xff, 5, 0, 0x2c, 1]);
        assert!(intset.insert(70_000));
        assert_eq!(intset.as_bytes()[..12], [4, 0, 0, 0, 4, 0, 0, 0, 0xfd, 0xff, 0xff, 0xff]);
        assert!(intset.remove(70_000));
        assert_eq!(intset.as_bytes()[0], 4, "integers never become narrower again");
    }

    #[test]
    fn malformed_bytes_are_refused() {
        let good = [2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0];
        assert!(Intset::from_bytes(&good).is_ok());
        for (at, byte) in [(0, 3), (0, 0), (4, 1), (4, 3), (7, 0xff), (8, 2), (8, 3)] {
            let mut bad = good;
            bad[at] = byte;
            assert_eq!(Intset::from_bytes(&bad).unwrap_err(), Malformed, "{at} {byte}");
        }
        for len in 0..good.len() {
            assert_eq!(Intset::from_bytes(&good[..len]).unwrap_err(), Malformed);
        }
    }

    fn value() -> impl Strategy<Value = i64> {
        prop_oneof![
            -20..20_i64,
            prop::sample::select(vec![
                i64::from(i16::MAX),
                i64::from(i16::MIN),
                i64::from(i16::MAX) + 1,
                i64::from(i32::MIN),
                i64::from(i32::MIN) - 1,
                i64::MAX,
                i64::MIN,
            ]),
            any::<i16>().prop_map(i64::from),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_a_tree(steps in prop::collection::vec((value(), any::<bool>()), 0..200)) {
            let (mut intset, mut model) = (Intset::new(), BTreeSet::new());
            for (value, inserts) in steps {
                if inserts {
                    prop_assert_eq!(intset.insert(value), model.insert(value));
                } else {
                    prop_assert_eq!(intset.remove(value), model.remove(&value));
                }
                prop_assert_eq!(intset.contains(value), inserts);
                intset.check_invariants();
            }
            prop_assert!(intset.iter().eq(model.iter().copied()));
            prop_assert!((0..intset.len()).map(|at| intset.get(at)).eq(model.iter().copied()));
        }

        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(0..5_u8, 0..40)) {
            if let Ok(intset) = Intset::from_bytes(&bytes) {
                prop_assert_eq!(intset.as_bytes(), &bytes[..]);
            }
        }
    }
}
