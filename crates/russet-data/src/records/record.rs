//! One or several strings in one allocation.
//!
//! ```text
//! ┌─────┬─────┬┄┄┄┄┄┄┄┄┄┄┬┄┄┄┄┄┄┄┄┄┄┬─────────┬─────────┐
//! │ len │ len │ long len ┊ long len ┊ string  │ string  │
//! │ u8  │ u8  │ u64      ┊ u64      ┊         │         │
//! └─────┴─────┴┄┄┄┄┄┄┄┄┄┄┴┄┄┄┄┄┄┄┄┄┄┴─────────┴─────────┘
//!  one for each         only of strings whose
//!  string               length byte is ff
//! ```
//!
//! A member of a set is a record of one string, a field and its value are one of two. The first
//! string is the key. A member of 12 bytes lies in an allocation of 16.
//!
//! Invariant: **K1** the pointer is to an allocation of the size that the lengths add up to, with the
//! layout that [`layout_of`] gives, owned by the record.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::ptr::NonNull;
use std::slice;

use crate::relocation::Relocation;
use crate::size_class::size_class;
use crate::table::{ITEM_ALIGN, Item, ItemRef};

/// The length byte of a string that is longer than the bytes below it say.
const LONG: u8 = u8::MAX;
/// Bytes of the length of such a string.
const LONG_BYTES: usize = size_of::<u64>();

/// See the module's documentation.
#[repr(transparent)]
pub struct Record<const STRINGS: usize>(NonNull<u8>);

// SAFETY: a record owns its bytes, shares nothing, and changes only through `&mut`.
unsafe impl<const STRINGS: usize> Send for Record<STRINGS> {}
// SAFETY: as above.
unsafe impl<const STRINGS: usize> Sync for Record<STRINGS> {}

/// Where the strings of a record are.
struct Spans<const STRINGS: usize> {
    /// Where each begins; the next one begins where it ends.
    starts: [usize; STRINGS],
    /// Where the last one ends.
    end: usize,
}

impl<const STRINGS: usize> Spans<STRINGS> {
    fn of_lengths(lengths: [usize; STRINGS]) -> Self {
        let long = lengths.iter().filter(|len| **len >= LONG.into()).count();
        let mut end = STRINGS + long * LONG_BYTES;
        let starts = lengths.map(|len| {
            let start = end;
            end += len;
            start
        });
        Spans { starts, end }
    }

    fn range(&self, string: usize) -> (usize, usize) {
        let start = self.starts[string];
        (start, self.starts.get(string + 1).copied().unwrap_or(self.end) - start)
    }
}

/// The layout of a record of so many bytes.
fn layout_of(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, ITEM_ALIGN).expect("strings fit into memory")
}

impl<const STRINGS: usize> Record<STRINGS> {
    /// A record of these strings.
    #[must_use]
    pub fn new(strings: [&[u8]; STRINGS]) -> Self {
        let spans = Spans::of_lengths(strings.map(<[u8]>::len));
        let layout = layout_of(spans.end);
        // SAFETY: there is a length byte at least, so the size is not zero.
        let Some(raw) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        // K1 from here on; `write` initialises all bytes.
        let mut record = Record(raw);
        record.write(&spans, strings, 0);
        record
    }

    /// Writes the lengths of the strings, and the strings from number `from` on; those before must be
    /// there already, where `spans` has them.
    fn write(&mut self, spans: &Spans<STRINGS>, strings: [&[u8]; STRINGS], from: usize) {
        let mut long_at = STRINGS;
        for (number, string) in strings.iter().enumerate() {
            // SAFETY: by K1 the allocation has `spans.end` bytes, within which are the length bytes,
            // then a long length for each string that has one, then the strings.
            unsafe {
                let short = u8::try_from(string.len()).ok().filter(|len| *len != LONG);
                self.0.add(number).write(short.unwrap_or(LONG));
                if short.is_none() {
                    let len = string.len() as u64;
                    self.0.add(long_at).cast::<u64>().write_unaligned(len);
                    long_at += LONG_BYTES;
                }
                if number >= from {
                    let to = self.0.add(spans.starts[number]);
                    to.copy_from_nonoverlapping(NonNull::from(*string).cast(), string.len());
                }
            }
        }
    }

    #[inline]
    fn lengths(&self) -> [usize; STRINGS] {
        let mut long_at = STRINGS;
        std::array::from_fn(|number| {
            // SAFETY: by K1 there is a length byte for each string, and a long length for each whose
            // byte says so.
            unsafe {
                match self.0.add(number).read() {
                    LONG => {
                        let len = self.0.add(long_at).cast::<u64>().read_unaligned();
                        long_at += LONG_BYTES;
                        len as usize
                    }
                    short => short.into(),
                }
            }
        })
    }

    #[inline]
    fn spans(&self) -> Spans<STRINGS> {
        Spans::of_lengths(self.lengths())
    }

    /// One of the strings.
    ///
    /// # Panics
    /// If there are not that many.
    #[inline]
    #[must_use]
    pub fn string(&self, number: usize) -> &[u8] {
        let (start, len) = self.spans().range(number);
        // SAFETY: by K1 the string lies in the allocation, which lives as long as `self`.
        unsafe { slice::from_raw_parts(self.0.add(start).as_ptr(), len) }
    }

    /// All strings.
    #[must_use]
    pub fn strings(&self) -> [&[u8]; STRINGS] {
        std::array::from_fn(|number| self.string(number))
    }

    /// Puts another string in the place of the last one, where it is if the length stays.
    pub fn set_last(&mut self, string: &[u8]) {
        let mut strings = self.strings();
        strings[STRINGS - 1] = string;
        let (old, new) = (self.spans(), Spans::of_lengths(strings.map(<[u8]>::len)));
        if old.end == new.end && old.starts == new.starts {
            let to = self.0;
            // SAFETY: by K1 the last string lies there, as long as the new one, which cannot be part
            // of it because `self` is borrowed exclusively.
            unsafe {
                to.add(new.starts[STRINGS - 1])
                    .copy_from_nonoverlapping(NonNull::from(string).cast(), string.len());
            }
        } else {
            *self = Record::new(strings);
        }
    }

    /// Moves the allocation.
    pub(super) fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        if relocation.concerns(self.0.as_ptr()) {
            *self = self.clone();
        }
    }

    /// The bytes the allocator has set aside.
    #[inline]
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        size_class(self.spans().end)
    }
}

/// The strings of a record that a table lends, for as long as the table is borrowed.
#[inline]
#[must_use]
pub fn strings_of<'a, const STRINGS: usize>(
    record: &ItemRef<'a, Record<STRINGS>>,
) -> [&'a [u8]; STRINGS] {
    record.strings().map(|string| {
        let string: *const [u8] = string;
        // SAFETY: the string lies in the record's allocation, which neither changes nor goes during
        // `'a`: that is what an `ItemRef` stands for.
        unsafe { &*string }
    })
}

impl<const STRINGS: usize> Drop for Record<STRINGS> {
    #[inline]
    fn drop(&mut self) {
        let layout = layout_of(self.spans().end);
        // SAFETY: by K1 it was allocated with this layout and is not used after this.
        unsafe { dealloc(self.0.as_ptr(), layout) }
    }
}

// SAFETY: the allocator hands out addresses in the lower half of the address space, aligned as
// `layout_of` asks. The key lies in the allocation, to which a `NonNull` claims nothing.
unsafe impl<const STRINGS: usize> Item for Record<STRINGS> {
    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Record(raw)
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.string(0)
    }
}

impl<const STRINGS: usize> Clone for Record<STRINGS> {
    fn clone(&self) -> Self {
        Record::new(self.strings())
    }
}

impl<const STRINGS: usize> fmt::Debug for Record<STRINGS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strings = self.strings().map(|string| string.escape_ascii().to_string());
        formatter.debug_list().entries(strings).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_any_length_come_back() {
        for key in [0, 1, 12, 254, 255, 256, 70_000] {
            for value in [0, 1, 254, 255, 300] {
                let strings = [&*vec![b'k'; key], &*vec![b'v'; value]];
                let record = Record::new(strings);
                assert_eq!(record.strings(), strings);
                assert_eq!(record.clone().strings(), strings);
                assert_eq!(record.key(), strings[0]);
            }
        }
    }

    #[test]
    fn the_last_string_changes_in_place_or_moves() {
        let mut record = Record::new([b"field", b"value"]);
        let address = record.key().as_ptr();
        record.set_last(b"other");
        assert_eq!((record.strings(), record.key().as_ptr()), ([&b"field"[..], b"other"], address));
        for len in [0, 5, 254, 255, 256, 1000, 3] {
            let value = vec![b'x'; len];
            record.set_last(&value);
            assert_eq!(record.strings(), [b"field", &value[..]]);
        }
    }

    #[test]
    fn costs_are_what_the_essay_says() {
        assert_eq!(Record::new([&[b'm'; 12]]).allocated_bytes(), 16);
        assert_eq!(Record::new([&[b'm'; 15]]).allocated_bytes(), 16);
        assert_eq!(Record::new([&[b'm'; 255]]).allocated_bytes(), size_class(1 + 8 + 255));
        assert_eq!(Record::new([b"", b""]).allocated_bytes(), 8);
    }
}
