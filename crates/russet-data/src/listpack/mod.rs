//! A listpack: a sequence of strings and integers in one flat piece of memory.
//!
//! Small lists, hashes, sets and sorted sets are one listpack, and a long list is a chain of them. An
//! element costs what it holds and two bytes, while any structure with pointers costs at least
//! sixteen; that everything must be walked through is no loss as long as it is a few cache lines.
//!
//! The bytes are those of Redis (since 7.0 also in RDB files and DUMP), so that loading and saving
//! copy them as they are. Only the last one, which says nothing, is not kept in memory: a hash of ten
//! small fields would need the next size class for it.
//!
//! ```text
//! ┌────────────┬──────────┬─────────┬─────────┬┄┄┄┬─────┐
//! │ all bytes  │ elements │ element │ element │   │ ff  │
//! │ u32        │ u16      │         │         │   │     │
//! └────────────┴──────────┴─────────┴─────────┴┄┄┄┴─────┘
//!  both with the low byte first; 65,535 elements mean "count them yourself"
//! ```
//!
//! Each element begins with its form and length and ends with its length once more, so that it can be
//! walked through both ways; `element.rs` has the bytes. Where the listpack lies in its allocation,
//! and how it grows at both ends, is in `room.rs`.
//!
//! Elements are addressed by [`Position`], which stays good for as long as nothing before it changes.
//! Bytes from outside come in through [`Listpack::from_bytes`], which refuses all that does not hold
//! the invariants; there is no `unsafe` here, so a position of another listpack is at worst a panic
//! or another element.
//!
//! Cost: 24 bytes, 6 bytes for the header, and per element what it holds, 1 byte of form and 1 of
//! length below 64 bytes; an integer of 7 bits takes 2 bytes in all, one of 13 bits 3.
//!
//! Invariants:
//!
//! - **P1** The header's first field is the number of bytes, the end counted; no first byte of an
//!   element is `ff`.
//! - **P2** Elements lie without gaps between header and end, each with its own length at its end.
//! - **P3** The header's second field is the number of elements, or 65,535 if there are or were that
//!   many.

mod element;
mod iter;
mod outside;
mod room;
#[cfg(test)]
mod tests;
mod validate;

use std::fmt;

pub use element::Element;
pub use iter::Iter;
pub use validate::Malformed;

use crate::relocation::Relocation;
use crate::table::{Ahead, prefetch};
use element::{END, Encoded, entry_len, read, read_back_length};
use room::Room;

/// Bytes before the first element.
const HEADER_BYTES: usize = 6;
/// The number of elements that stands for "not known".
const UNCOUNTED: u16 = u16::MAX;

/// Bytes of a listpack without elements.
pub const EMPTY_BYTES: usize = HEADER_BYTES + 1;

/// The most bytes a listpack is allowed to have, as in Redis; see [`Listpack::has_room_for`].
pub const MAX_BYTES: usize = 1 << 30;

/// See the module's documentation.
#[derive(Clone)]
pub struct Listpack {
    room: Room,
}

/// Where in a listpack an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u32);

impl Position {
    fn new(at: usize) -> Self {
        Position(u32::try_from(at).expect("a listpack has less than 4 GB"))
    }

    fn at(self) -> usize {
        self.0 as usize
    }
}

impl Listpack {
    /// A listpack without elements.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(EMPTY_BYTES)
    }

    /// A listpack without elements that can have this many bytes in all before it moves.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut room = Room::with_capacity(bytes.max(EMPTY_BYTES) - 1);
        room.splice(0, 0, HEADER_BYTES).fill(0);
        let mut listpack = Listpack { room };
        listpack.set_total();
        listpack
    }

    /// Takes over bytes from outside.
    ///
    /// # Errors
    /// If they are not a listpack, see the invariants.
    pub fn from_bytes(mut bytes: Vec<u8>) -> Result<Self, Malformed> {
        validate::validate(&bytes)?;
        bytes.pop();
        Ok(Listpack { room: bytes.into() })
    }

    /// The bytes, as Redis has them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.bytes(), &[END]].concat()
    }

    /// Header and elements.
    #[inline]
    fn bytes(&self) -> &[u8] {
        self.room.bytes()
    }

    /// Begins to fetch the first bytes, if that is where a look-up is going.
    #[inline]
    pub(crate) fn prefetch(&self, ahead: Ahead) {
        if ahead == Ahead::Bucket {
            prefetch(self.bytes().as_ptr());
        }
    }

    /// The elements.
    #[inline]
    fn elements(&self) -> &[u8] {
        &self.bytes()[HEADER_BYTES..]
    }

    /// The number of bytes, header and end included.
    #[inline]
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.room.len() + 1
    }

    /// The number of elements. They are counted if there are, or ever were, 65,535 or more.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match self.counted() {
            UNCOUNTED => self.iter().count(),
            count => count.into(),
        }
    }

    /// Whether there are no elements.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.byte_len() == EMPTY_BYTES
    }

    /// The bytes the allocator has set aside.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.room.capacity()
    }

    /// Moves the allocation.
    pub(crate) fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        self.room.relocate(relocation);
    }

    /// Whether elements of `bytes` in all can be added; whoever adds asks, and makes another
    /// structure of the listpack if they cannot.
    #[inline]
    #[must_use]
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.byte_len().saturating_add(bytes) <= MAX_BYTES
    }

    /// How many bytes an element adds to the listpack it is added to.
    #[inline]
    #[must_use]
    pub fn added_bytes<'e>(element: impl Into<Element<'e>>) -> usize {
        Encoded::new(element.into()).len()
    }

    /// The first element.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<Position> {
        (!self.is_empty()).then(|| Position::new(HEADER_BYTES))
    }

    /// The last element.
    #[inline]
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        self.previous(self.end())
    }

    /// Where an element is to be inserted to become the last.
    #[inline]
    #[must_use]
    pub fn end(&self) -> Position {
        Position::new(self.bytes().len())
    }

    /// The element after another.
    #[inline]
    #[must_use]
    pub fn next(&self, position: Position) -> Option<Position> {
        let at = position.at();
        let next = at + entry_len(&self.bytes()[at..])?;
        (next < self.bytes().len()).then(|| Position::new(next))
    }

    /// The element before another, or before the end.
    #[inline]
    #[must_use]
    pub fn previous(&self, position: Position) -> Option<Position> {
        let before = &self.bytes()[HEADER_BYTES..position.at()];
        let body = (!before.is_empty()).then(|| read_back_length(before))??;
        Some(Position::new(position.at() - body - element::back_length_bytes(body)))
    }

    /// The element with an index: from 0 on forwards, from -1 on backwards from the last.
    #[must_use]
    pub fn seek(&self, index: i64) -> Option<Position> {
        let count = i64::from(self.counted());
        let forwards = if count == i64::from(UNCOUNTED) {
            index
        } else {
            // The nearer end is known.
            let from_first = if index < 0 { index + count } else { index };
            if from_first < 0 || from_first >= count {
                return None;
            }
            if from_first <= count / 2 { from_first } else { from_first - count }
        };
        if forwards >= 0 {
            let mut position = self.first()?;
            for _ in 0..forwards {
                position = self.next(position)?;
            }
            Some(position)
        } else {
            let mut position = self.last()?;
            for _ in 1..forwards.unsigned_abs() {
                position = self.previous(position)?;
            }
            Some(position)
        }
    }

    /// The element at a position.
    #[inline]
    #[must_use]
    pub fn get(&self, position: Position) -> Element<'_> {
        read(&self.bytes()[position.at()..]).0
    }

    /// All elements, from either end.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self.elements())
    }

    /// The element at a position and those after it.
    #[inline]
    #[must_use]
    pub fn iter_from(&self, position: Position) -> Iter<'_> {
        Iter::new(&self.bytes()[position.at()..])
    }

    /// The elements before a position.
    #[inline]
    #[must_use]
    pub fn iter_to(&self, position: Position) -> Iter<'_> {
        Iter::new(&self.bytes()[HEADER_BYTES..position.at()])
    }

    /// The first element that is the string `wanted`, from a position on; after each element that is
    /// looked at, `skipped` ones are not (1 finds a field among fields and values).
    #[must_use]
    pub fn find(&self, wanted: &[u8], from: Position, skipped: usize) -> Option<Position> {
        let bytes = self.bytes();
        // Only an element that is an integer can equal an integer, unless it comes from outside.
        let wanted_int = crate::number::parse_i64(wanted);
        let mut at = from.at();
        loop {
            if at == bytes.len() {
                return None;
            }
            let (element, taken) = read(&bytes[at..]);
            let found = match element {
                Element::Int(value) => wanted_int == Some(value),
                Element::Bytes(text) => text == wanted,
            };
            if found {
                return Some(Position::new(at));
            }
            at += taken;
            for _ in 0..skipped {
                at += entry_len(&bytes[at..]).unwrap_or(0);
            }
        }
    }

    /// Adds an element after the last.
    #[inline]
    pub fn push_back<'e>(&mut self, element: impl Into<Element<'e>>) {
        self.insert(self.end(), element);
    }

    /// Adds an element before the first.
    #[inline]
    pub fn push_front<'e>(&mut self, element: impl Into<Element<'e>>) {
        self.insert(Position::new(HEADER_BYTES), element);
    }

    /// Puts an element before another, or before the end; it is then at that position.
    pub fn insert<'e>(&mut self, before: Position, element: impl Into<Element<'e>>) {
        let encoded = Encoded::new(element.into());
        encoded.write(self.room.splice(before.at(), 0, encoded.len()));
        self.set_total();
        self.add_to_count(1);
    }

    /// Puts an element after another, and returns where it is.
    pub fn insert_after<'e>(
        &mut self,
        position: Position,
        element: impl Into<Element<'e>>,
    ) -> Position {
        let after = self.next(position).unwrap_or_else(|| self.end());
        self.insert(after, element);
        after
    }

    /// Puts an element in the place of another.
    pub fn replace<'e>(&mut self, position: Position, element: impl Into<Element<'e>>) {
        let encoded = Encoded::new(element.into());
        let (_, old_len) = read(&self.bytes()[position.at()..]);
        encoded.write(self.room.splice(position.at(), old_len, encoded.len()));
        self.set_total();
    }

    /// Removes an element. The next, which is returned, is then at its position.
    pub fn remove(&mut self, position: Position) -> Option<Position> {
        self.remove_many(position, 1);
        (position != self.end()).then_some(position)
    }

    /// Removes an element and the ones after it, `count` in all or as many as there are, and returns
    /// how many that was.
    pub fn remove_many(&mut self, from: Position, count: usize) -> usize {
        let bytes = &self.bytes()[from.at()..];
        let (mut length, mut removed) = (0, 0);
        while removed < count
            && let Some(taken) = entry_len(&bytes[length..])
        {
            length += taken;
            removed += 1;
        }
        self.remove_bytes(from.at(), length, removed);
        removed
    }

    /// Removes an element and all after it, and returns them in a listpack of their own.
    #[must_use]
    pub fn split_off(&mut self, from: Position) -> Listpack {
        let at = from.at();
        let moved = &self.bytes()[at..];
        let count = Iter::new(moved).count();
        let mut other = Listpack::with_capacity(EMPTY_BYTES + moved.len());
        other.room.splice(HEADER_BYTES, 0, moved.len()).copy_from_slice(moved);
        other.set_total();
        other.add_to_count(count);
        let length = moved.len();
        self.remove_bytes(at, length, count);
        other
    }

    /// Adds all elements of another after the last.
    pub fn append(&mut self, other: &Listpack) {
        let added = other.elements();
        self.room.splice(self.room.len(), 0, added.len()).copy_from_slice(added);
        self.set_total();
        self.add_to_count(other.len());
    }

    /// Removes all elements.
    pub fn clear(&mut self) {
        *self = Listpack::new();
    }

    /// Gives back memory that is not needed.
    pub fn shrink_to_fit(&mut self) {
        self.room.shrink_to_fit();
    }

    /// Checks the invariants.
    ///
    /// # Panics
    /// If one does not hold.
    pub fn check_invariants(&self) {
        validate::validate(&self.to_bytes()).expect("P1, P2, P3");
    }

    fn remove_bytes(&mut self, at: usize, length: usize, count: usize) {
        self.room.splice(at, length, 0);
        self.set_total();
        let left = match self.counted() {
            UNCOUNTED => UNCOUNTED,
            counted => counted - u16::try_from(count).expect("no more than there are"),
        };
        self.set_count(left);
    }

    #[inline]
    fn counted(&self) -> u16 {
        let [.., low, high] = *self.header();
        u16::from_le_bytes([low, high])
    }

    fn header(&self) -> &[u8; HEADER_BYTES] {
        self.bytes().first_chunk().expect("P1")
    }

    fn set_total(&mut self) {
        let total = u32::try_from(self.byte_len()).expect("a listpack has less than 4 GB");
        self.room.bytes_mut()[..4].copy_from_slice(&total.to_le_bytes());
    }

    fn set_count(&mut self, count: u16) {
        self.room.bytes_mut()[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
    }

    fn add_to_count(&mut self, added: usize) {
        let count = usize::from(self.counted()).saturating_add(added);
        self.set_count(u16::try_from(count).unwrap_or(UNCOUNTED));
    }
}

impl Default for Listpack {
    fn default() -> Self {
        Listpack::new()
    }
}

/// Two listpacks are equal if their elements are.
impl PartialEq for Listpack {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Listpack {}

impl<'e> FromIterator<&'e [u8]> for Listpack {
    fn from_iter<T: IntoIterator<Item = &'e [u8]>>(elements: T) -> Self {
        let mut listpack = Listpack::new();
        elements.into_iter().for_each(|element| listpack.push_back(element));
        listpack
    }
}

impl<'a> IntoIterator for &'a Listpack {
    type Item = Element<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Listpack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

const _: () = {
    assert!(size_of::<Listpack>() == 24);
    assert!(EMPTY_BYTES == 7);
};
