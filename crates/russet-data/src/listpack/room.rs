//! Bytes with room to grow at both ends.
//!
//! A `Vec<u8>` that gets longer at its front moves everything in it. A list is pushed to and popped
//! from at either end, so the bytes of a listpack lie somewhere inside their allocation, and a
//! change moves what is on its shorter side:
//!
//! ```text
//! 0          start                     end            capacity
//! ┌──────────┬─────────────────────────┬──────────────┐
//! │   room   │          bytes          │     room     │
//! └──────────┴─────────────────────────┴──────────────┘
//! ```
//!
//! The capacity is always a whole size class of the allocator. Classes are a quarter of their
//! predecessor apart, so bytes that grow from nothing are copied a bounded number of times each. What
//! has become less than half full is given a smaller allocation.
//!
//! Cost: 24 bytes, and the room, which is what the size class has left over unless bytes have been
//! removed.
//!
//! Invariant: **R1** `start <= end <= capacity`.

use crate::relocation::Relocation;
use crate::size_class::size_class;

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Room {
    buffer: Box<[u8]>,
    start: u32,
    end: u32,
}

impl Room {
    /// Nothing, with room for `capacity` bytes.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Room { buffer: vec![0; size_class(capacity)].into_boxed_slice(), start: 0, end: 0 }
    }

    /// The bytes.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start as usize..self.end as usize]
    }

    /// The bytes, to change them in place.
    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start as usize..self.end as usize]
    }

    /// The number of bytes.
    #[inline]
    pub(super) fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// The size of the allocation.
    pub(super) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Replaces the `removed` bytes from `at` on by `inserted` bytes, which are returned to be
    /// written: what they hold is not specified.
    ///
    /// # Panics
    /// If the removed bytes are not all there, or there would be more bytes than a `u32` counts.
    pub(super) fn splice(&mut self, at: usize, removed: usize, inserted: usize) -> &mut [u8] {
        let len = self.len();
        assert!(at + removed <= len, "removes what is there");
        let new_len = len - removed + inserted;
        if removed != inserted {
            let (front, back) = (at, len - at - removed);
            match self.place(front, back, removed, inserted) {
                Some(start) => self.shift(start, front, back, removed, inserted),
                None => self.reallocate(new_len, front, back, removed, inserted),
            }
        }
        let from = self.start as usize + at;
        &mut self.buffer[from..from + inserted]
    }

    /// Moves the allocation.
    pub(super) fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        relocation.bytes(&mut self.buffer);
    }

    /// Gives back what is not needed.
    pub(super) fn shrink_to_fit(&mut self) {
        let len = self.len();
        if size_class(len) < self.capacity() {
            self.reallocate(len, len, 0, 0, 0);
        }
    }

    /// Where the bytes are to start in the present allocation, if they are to stay in it: `front`
    /// bytes before the change and `back` bytes after it. What moves is the shorter side, if it can.
    fn place(&self, front: usize, back: usize, removed: usize, inserted: usize) -> Option<usize> {
        let new_len = front + inserted + back;
        if new_len > self.capacity() || (removed > inserted && new_len * 2 <= self.capacity()) {
            return None;
        }
        let start = self.start as usize;
        let front_moves = (start + removed).checked_sub(inserted);
        let back_moves = (start + new_len <= self.capacity()).then_some(start);
        let (first, second) =
            if front < back { (front_moves, back_moves) } else { (back_moves, front_moves) };
        // Room on neither side alone: both move, and share what room is left.
        first.or(second).or(Some((self.capacity() - new_len) / 2))
    }

    /// Moves the bytes before and after a change within the allocation.
    fn shift(&mut self, to: usize, front: usize, back: usize, removed: usize, inserted: usize) {
        let start = self.start as usize;
        let (back_from, back_to) = (start + front + removed, to + front + inserted);
        let back_bytes = back_from..back_from + back;
        // The side that moves away from the other goes first, so that neither overwrites the other.
        if to <= start {
            self.buffer.copy_within(start..start + front, to);
            self.buffer.copy_within(back_bytes, back_to);
        } else {
            self.buffer.copy_within(back_bytes, back_to);
            self.buffer.copy_within(start..start + front, to);
        }
        self.set_bounds(to, back_to + back);
    }

    /// Moves the bytes before and after a change to an allocation that fits them. Its room is on the
    /// side on which bytes were inserted, for the next ones.
    #[cold]
    fn reallocate(
        &mut self,
        new_len: usize,
        front: usize,
        back: usize,
        removed: usize,
        inserted: usize,
    ) {
        let capacity = size_class(new_len);
        let mut buffer = vec![0; capacity].into_boxed_slice();
        let start = if front < back { capacity - new_len } else { 0 };
        let old = self.bytes();
        buffer[start..start + front].copy_from_slice(&old[..front]);
        let back_to = start + front + inserted;
        buffer[back_to..back_to + back].copy_from_slice(&old[front + removed..]);
        self.buffer = buffer;
        self.set_bounds(start, start + new_len);
    }

    fn set_bounds(&mut self, start: usize, end: usize) {
        let bound = |at| u32::try_from(at).expect("a listpack has less than 4 GB");
        (self.start, self.end) = (bound(start), bound(end));
        debug_assert!(start <= end && end <= self.capacity(), "R1");
    }
}

impl From<Vec<u8>> for Room {
    fn from(bytes: Vec<u8>) -> Self {
        let mut room = Room::default();
        if bytes.capacity() == size_class(bytes.len()) && bytes.len() == bytes.capacity() {
            let len = bytes.len();
            room.buffer = bytes.into_boxed_slice();
            room.set_bounds(0, len);
        } else {
            room.splice(0, 0, bytes.len()).copy_from_slice(&bytes);
        }
        room
    }
}

impl Clone for Room {
    fn clone(&self) -> Self {
        let mut room = Room::default();
        room.splice(0, 0, self.len()).copy_from_slice(self.bytes());
        room
    }
}

const _: () = assert!(size_of::<Room>() == 24);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a `Vec`: any splices leave the same bytes, in an allocation that is no more
        /// than twice too large.
        #[test]
        fn splices_like_a_vec(
            splices in prop::collection::vec(
                (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..80, any::<u8>()),
                0..80,
            ),
        ) {
            let mut room = Room::default();
            let mut model = Vec::new();
            for (at, removed, inserted, byte) in splices {
                let at = at.index(model.len() + 1);
                let removed = removed.index(model.len() - at + 1);
                room.splice(at, removed, inserted).fill(byte);
                model.splice(at..at + removed, std::iter::repeat_n(byte, inserted));
                prop_assert_eq!(room.bytes(), &model[..]);
                prop_assert_eq!(room.len(), model.len());
                prop_assert_eq!(size_class(room.capacity()), room.capacity());
            }
            room.shrink_to_fit();
            prop_assert_eq!(room.bytes(), &model[..]);
            prop_assert_eq!(room.capacity(), size_class(model.len()));
            let adopted = Room::from(model.clone());
            prop_assert_eq!(adopted.bytes(), &model[..]);
        }
    }

    #[test]
    fn bytes_that_are_removed_give_memory_back() {
        let mut room = Room::with_capacity(8192);
        room.splice(0, 0, 8192);
        while room.len() > 0 {
            room.splice(0, room.len().min(100), 0);
            assert!(
                room.capacity() < room.len() * 2 + 200,
                "{} of {}",
                room.len(),
                room.capacity()
            );
        }
    }

    /// A queue's steady state: what goes in at one end leaves at the other.
    #[test]
    fn bytes_wander_through_their_allocation() {
        let mut room = Room::with_capacity(1024);
        room.splice(0, 0, 900);
        for _ in 0..1000 {
            room.splice(room.len(), 0, 20);
            room.splice(0, 20, 0);
            assert_eq!((room.len(), room.capacity()), (900, 1024));
        }
    }
}
