//! An element of a large sorted set: score and member in one allocation.
//!
//! The table owns elements and finds them by member; the tree keeps copies of their addresses in
//! order. So the member is stored once, and whoever has the element has its score.
//!
//! ```text
//!  0         1              1 + width
//! ┌─────────┬──────────────┬┄┄┄┄┄┄┄┄┄┄┄┄┄┄┬──────────────┐
//! │ header  │ score        ┊ long length  ┊ member       │
//! └─────────┴──────────────┴┄┄┄┄┄┄┄┄┄┄┄┄┄┄┴──────────────┘
//!  width - 1: 3 bits          1 or 8 bytes
//!  length: 5 bits
//! ```
//!
//! Most scores are whole numbers: timestamps, counts, ranks. One that is takes as many bytes as the
//! number needs, up to seven, others the eight of a float. The length of a member of up to 29 bytes
//! is in the header; 30 and 31 there say that it follows as a byte or as eight. A member of 12 bytes
//! with a score below eight million takes the 16 bytes of its size class.
//!
//! A score that changes is overwritten if its width stays; otherwise the element moves.
//!
//! Invariants:
//!
//! - **S1** An element is an allocation of `Shape::layout` of what its header says, aligned to
//!   [`ITEM_ALIGN`] and at least eight bytes long, all of which the header describes are initialised.
//! - **S2** Of the whole numbers' widths, a score has the smallest one it fits.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::size_class::size_class;
use crate::table::{ITEM_ALIGN, Item};

/// Length fields in the header that stand for a length of one byte, and of eight, behind the score.
const SHORT_LENGTH: usize = 30;
const LONG_LENGTH: usize = 31;
const LENGTH_BITS: u32 = 5;
/// The width of a score that is stored as a float.
const FLOAT_WIDTH: usize = 8;

/// An owning pointer to a score and a member.
pub(super) struct Element(NonNull<u8>);

// SAFETY: an element owns its bytes, and changes them only through `&mut`.
unsafe impl Send for Element {}
// SAFETY: as above.
unsafe impl Sync for Element {}

/// The address of an element that somebody else owns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle(NonNull<u8>);

// SAFETY: a handle gives access to nothing; `Handle::get` is where access is argued for.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

/// An element as it is read.
#[derive(Clone, Copy)]
pub(super) struct ElementRef<'a> {
    start: NonNull<u8>,
    element: PhantomData<&'a u8>,
}

/// How a score and a member's length are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shape {
    width: usize,
    length: usize,
}

impl Shape {
    fn of(score: f64, member: &[u8]) -> Self {
        Shape { width: score_width(score), length: member.len() }
    }

    fn length_field(self) -> usize {
        match self.length {
            length @ ..SHORT_LENGTH => length,
            length if length <= usize::from(u8::MAX) => SHORT_LENGTH,
            _ => LONG_LENGTH,
        }
    }

    fn member_at(self) -> usize {
        1 + self.width
            + match self.length_field() {
                SHORT_LENGTH => 1,
                LONG_LENGTH => size_of::<u64>(),
                _ => 0,
            }
    }

    fn layout(self) -> Layout {
        let bytes = (self.member_at() + self.length).max(size_of::<u64>());
        Layout::from_size_align(bytes, ITEM_ALIGN)
            .expect("a member is shorter than half the memory")
    }
}

const _: () = assert!(size_class(1 + 3 + 12) == 16);

/// The bytes that a score needs, of one to eight.
fn score_width(score: f64) -> usize {
    match whole_number(score) {
        // One bit more than the magnitude's, for the sign.
        Some(number) => {
            let bits = u64::BITS - (number ^ (number >> 63)).leading_zeros() + 1;
            bits.div_ceil(8) as usize
        }
        None => FLOAT_WIDTH,
    }
}

/// The score as an integer of at most seven bytes, if it is one. Negative zero is not.
fn whole_number(score: f64) -> Option<i64> {
    const END: f64 = (1_u64 << 55) as f64;
    let number = score as i64;
    let is_same = (number as f64).to_bits() == score.to_bits();
    (is_same && (-END..END).contains(&score)).then_some(number)
}

impl Element {
    /// A copy of a member with a score, which must not be NaN.
    pub(super) fn new(score: f64, member: &[u8]) -> Self {
        let shape = Shape::of(score, member);
        let layout = shape.layout();
        // SAFETY: the layout is not empty.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }) else {
            handle_alloc_error(layout)
        };
        let length = member.len();
        let field = shape.length_field();
        // SAFETY: all offsets are within the layout: `member_at` counts header, score and a length
        // that follows, and `layout` the member and at least eight bytes. Those that are written last
        // overwrite what a score of fewer than eight bytes leaves behind itself (S1).
        unsafe {
            if layout.size() == size_of::<u64>() {
                start.cast::<u64>().write(0);
            }
            start.write((shape.width - 1) as u8 | (field << (8 - LENGTH_BITS)) as u8);
            write_score(start, score, shape.width);
            match field {
                SHORT_LENGTH => start.add(1 + shape.width).write(length as u8),
                LONG_LENGTH => {
                    start.add(1 + shape.width).cast::<u64>().write_unaligned(length as u64);
                }
                _ => {}
            }
            start
                .add(shape.member_at())
                .copy_from_nonoverlapping(NonNull::from(member).cast(), length);
        }
        Element(start)
    }

    /// The address by which the tree names the element.
    #[inline]
    pub(super) fn handle(&self) -> Handle {
        Handle(self.0)
    }

    #[inline]
    pub(super) fn get(&self) -> ElementRef<'_> {
        ElementRef { start: self.0, element: PhantomData }
    }

    /// Whether the element stays where it is if it gets this score.
    #[inline]
    pub(super) fn has_room_for(&self, score: f64) -> bool {
        score_width(score) == self.get().shape().width
    }

    /// Changes the score; the element may move.
    pub(super) fn set_score(&mut self, score: f64) {
        if self.has_room_for(score) {
            // SAFETY: the score has the width of the one that it replaces, and `self` is borrowed
            // exclusively.
            unsafe { write_score(self.0, score, self.get().shape().width) };
        } else {
            *self = Element::new(score, self.get().member());
        }
    }

    /// Bytes of the allocator's.
    pub(super) fn allocated_bytes(&self) -> usize {
        size_class(self.get().shape().layout().size())
    }
}

/// # Safety
///
/// `start` is that of an element with a score of `width` bytes, and nobody else uses it.
unsafe fn write_score(start: NonNull<u8>, score: f64, width: usize) {
    let bytes = match whole_number(score) {
        Some(number) => number.to_le_bytes(),
        None => score.to_le_bytes(),
    };
    // SAFETY: the score lies behind the header (S1), and no score is wider than eight bytes.
    unsafe { start.add(1).copy_from_nonoverlapping(NonNull::from(&bytes).cast(), width) };
}

impl Drop for Element {
    fn drop(&mut self) {
        let layout = self.get().shape().layout();
        // SAFETY: the element owns the allocation, which has this layout (S1).
        unsafe { dealloc(self.0.as_ptr(), layout) };
    }
}

// SAFETY: the address is that of an allocation aligned to `ITEM_ALIGN`, in the lower half of the
// address space. The member lies in the allocation, to which `Element` holds a `NonNull` only.
unsafe impl Item for Element {
    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        let start = self.0;
        std::mem::forget(self);
        start
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Element(raw)
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.get().member()
    }
}

impl Handle {
    /// The element.
    ///
    /// # Safety
    ///
    /// The element exists and is not changed during `'a`.
    #[inline]
    pub(super) unsafe fn get<'a>(self) -> ElementRef<'a> {
        ElementRef { start: self.0, element: PhantomData }
    }

    /// Where the element is, for prefetching.
    #[inline]
    pub(super) fn address(self) -> *const u8 {
        self.0.as_ptr()
    }
}

impl<'a> ElementRef<'a> {
    #[inline]
    fn shape(self) -> Shape {
        // SAFETY: the element is borrowed for `'a` and begins with a header (S1).
        let header = unsafe { self.start.read() };
        let width = usize::from(header & 7) + 1;
        let field = usize::from(header >> (8 - LENGTH_BITS));
        let length = match field {
            // SAFETY: this field says that the length follows the score (S1).
            SHORT_LENGTH => usize::from(unsafe { self.start.add(1 + width).read() }),
            // SAFETY: as above.
            LONG_LENGTH => unsafe {
                self.start.add(1 + width).cast::<u64>().read_unaligned() as usize
            },
            length => length,
        };
        Shape { width, length }
    }

    /// The score.
    #[inline]
    pub(super) fn score(self) -> f64 {
        // SAFETY: an element has at least eight bytes, which are initialised, and its alignment (S1).
        let word = u64::from_le(unsafe { self.start.cast::<u64>().read() });
        let width = (word & 7) as u32 + 1;
        if width as usize == FLOAT_WIDTH {
            // SAFETY: the float lies behind the header (S1).
            return f64::from_le_bytes(unsafe { self.start.add(1).cast::<[u8; 8]>().read() });
        }
        // The number lies in the bytes 1 to `width` of the word: those above go, with the sign moved
        // to the top; then the header goes.
        let above = u64::BITS - 8 - 8 * width;
        ((word << above) as i64 >> (above + 8)) as f64
    }

    /// The member.
    #[inline]
    pub(super) fn member(self) -> &'a [u8] {
        let shape = self.shape();
        // SAFETY: so many bytes from there on are the member's (S1), borrowed for `'a`.
        unsafe {
            NonNull::slice_from_raw_parts(self.start.add(shape.member_at()), shape.length).as_ref()
        }
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let element = self.get();
        write!(f, "{} \"{}\"", element.score(), element.member().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCORES: [f64; 22] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        127.0,
        128.0,
        -128.0,
        -129.0,
        8_388_607.0,
        8_388_608.0,
        -8_388_608.0,
        -8_388_609.0,
        0.5,
        36_028_797_018_963_967.0,
        36_028_797_018_963_968.0,
        -36_028_797_018_963_968.0,
        -36_028_797_018_963_976.0,
        1e300,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NEG_INFINITY,
        9_223_372_036_854_775_808.0,
    ];

    fn assert_holds(element: &Element, score: f64, member: &[u8]) {
        let held = element.get();
        assert_eq!(held.score().to_bits(), score.to_bits(), "{score}");
        assert_eq!(held.member(), member);
        assert_eq!(held.shape(), Shape::of(score, member), "S2");
    }

    #[test]
    fn every_score_and_length_at_a_boundary_is_kept() {
        for score in SCORES {
            for length in [0, 1, 5, 6, 7, 12, 29, 30, 31, 254, 255, 256, 257, 70_000] {
                let member = vec![b'm'; length];
                let mut element = Element::new(score, &member);
                assert_holds(&element, score, &member);
                for other in SCORES {
                    element.set_score(other);
                    assert_holds(&element, other, &member);
                }
            }
        }
    }

    #[test]
    fn small_numbers_take_few_bytes() {
        let bytes = |score, length| Element::new(score, &vec![b'm'; length]).allocated_bytes();
        assert_eq!(bytes(8_388_607.0, 12), 16);
        assert_eq!(bytes(8_388_608.0, 12), 32);
        assert_eq!(bytes(0.1, 12), 32);
        assert_eq!(bytes(1.0, 6), 8);
        assert_eq!(bytes(1.0, 0), 8);
    }

    proptest! {
        #[test]
        fn scores_are_kept(bits: u64, number: i64, shift in 0u32..64, member: Vec<u8>) {
            for score in [f64::from_bits(bits), (number >> shift) as f64] {
                if !score.is_nan() {
                    assert_holds(&Element::new(score, &member), score, &member);
                }
            }
        }
    }
}
