//! The bytes of an entry: where each field lies, and the allocation itself.
//!
//! [`Block`] owns the allocation and keeps these invariants, which every
//! `unsafe` block here leans on:
//!
//! - **B1** The allocation is `allocation_bytes()` of the shape that its own
//!   flags and lengths describe, so it can be freed from its contents alone.
//! - **B2** Every byte from the header word to the end of the tail is
//!   initialised.
//! - **B3** `LONG` is set exactly when a length does not fit one byte, and
//!   `EXPIRY` exactly when the expiry field is there.
//!
//! A block does not know what its tail means. [`Entry`](super::Entry) does.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::{self, NonNull};

use russet_data::object::ValueType;
use russet_data::size_class::size_class;

/// Alignment of an entry's address: its four low bits are zero, for whoever
/// stores entries to keep flags in. It costs nothing, since allocators align
/// all blocks of 16 bytes and more to 16.
pub const ENTRY_ALIGN: usize = 16;

/// The longest string that is stored inside its entry, see the module's essay.
pub const INLINE_MAX: usize = 1024;

/// Bits of the header word that belong to the eviction policy.
pub(super) const ACCESS_MASK: u32 = (1 << 24) - 1;

const TYPE_SHIFT: u32 = 24;
const REPRESENTATION_SHIFT: u32 = 28;
/// The block has an expiry field.
const EXPIRY: u32 = 1 << 30;
/// The block has a 64-bit key length, and a 16-bit tail length.
const LONG: u32 = 1 << 31;

/// Header word and lengths of a block without optional fields.
const FIXED_BYTES: usize = 6;
/// Each optional field (long key length, expiry) takes eight bytes.
const OPTIONAL_BYTES: usize = 8;
const LENGTHS_OFFSET: usize = 4;

/// How the tail of an entry holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Representation {
    /// The bytes of a string that was stored whole.
    Embedded = 0,
    /// The bytes of a string that was edited in place: `OBJECT ENCODING` calls
    /// it `raw`, however short.
    Edited = 1,
    /// A 64-bit integer in native byte order.
    Integer = 2,
    /// A pointer to a boxed object, which the entry owns.
    Boxed = 3,
}

/// Type and representation: the bits of the header word that say what the tail is.
#[derive(Clone, Copy)]
pub(super) struct Kind(u32);

impl Kind {
    const MASK: u32 = 0xf << TYPE_SHIFT | 0x3 << REPRESENTATION_SHIFT;

    pub(super) const EMBEDDED: Self = Self::new(ValueType::String, Representation::Embedded);
    pub(super) const EDITED: Self = Self::new(ValueType::String, Representation::Edited);
    pub(super) const INTEGER: Self = Self::new(ValueType::String, Representation::Integer);

    pub(super) const fn boxed(value_type: ValueType) -> Self {
        Self::new(value_type, Representation::Boxed)
    }

    const fn new(value_type: ValueType, representation: Representation) -> Self {
        Self((value_type as u32) << TYPE_SHIFT | (representation as u32) << REPRESENTATION_SHIFT)
    }

    #[inline]
    pub(super) const fn representation(self) -> Representation {
        match self.0 >> REPRESENTATION_SHIFT & 0x3 {
            0 => Representation::Embedded,
            1 => Representation::Edited,
            2 => Representation::Integer,
            _ => Representation::Boxed,
        }
    }

    #[inline]
    pub(super) fn value_type(self) -> ValueType {
        ValueType::ALL[(self.0 >> TYPE_SHIFT & 0xf) as usize]
    }
}

/// What decides the size of a block and the places of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// `EXPIRY` and `LONG`.
    flags: u32,
    key_len: usize,
    tail_len: usize,
}

impl Shape {
    #[inline]
    pub(super) const fn new(has_expiry: bool, key_len: usize, tail_len: usize) -> Self {
        assert!(tail_len <= INLINE_MAX, "a longer value belongs into a box");
        let expiry = if has_expiry { EXPIRY } else { 0 };
        let long = if key_len > 0xff || tail_len > 0xff { LONG } else { 0 };
        Self { flags: expiry | long, key_len, tail_len }
    }

    #[inline]
    const fn key_offset(self) -> usize {
        key_offset(self.flags)
    }

    /// The size of the allocation: a whole size class, so that a value may
    /// change its length within the class without a new allocation.
    #[inline]
    pub(super) const fn allocation_bytes(self) -> usize {
        let bytes = size_class(self.key_offset() + self.key_len + self.tail_len);
        if bytes < ENTRY_ALIGN { ENTRY_ALIGN } else { bytes }
    }

    /// How many bytes, from the key on, a block keeps that changes its shape.
    #[inline]
    fn payload_shared_with(self, other: Self) -> usize {
        debug_assert_eq!(self.key_len, other.key_len);
        self.key_len + self.tail_len.min(other.tail_len)
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.allocation_bytes(), ENTRY_ALIGN)
            .expect("the key is in memory, so its length is far from the limit")
    }

    fn allocate(self) -> NonNull<u8> {
        let layout = self.layout();
        // SAFETY: the layout has at least ENTRY_ALIGN bytes, so it is not empty.
        NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
    }
}

/// Offset of the key: behind the fixed fields and whichever optional ones there are.
#[inline]
const fn key_offset(header: u32) -> usize {
    let long = (header & LONG) >> LONG.trailing_zeros();
    let expiry = (header & EXPIRY) >> EXPIRY.trailing_zeros();
    FIXED_BYTES + OPTIONAL_BYTES * (long + expiry) as usize
}

/// Offset of the expiry field, if there is one.
#[inline]
const fn expiry_offset(header: u32) -> usize {
    key_offset(header & LONG)
}

/// One allocation with a header, a key and a tail.
#[repr(transparent)]
pub(super) struct Block(NonNull<u8>);

impl Block {
    /// Allocates a block and fills it.
    pub(super) fn new(kind: Kind, expire_at_ms: Option<i64>, key: &[u8], tail: &[u8]) -> Self {
        let shape = Shape::new(expire_at_ms.is_some(), key.len(), tail.len());
        let start = shape.allocate();
        // SAFETY: the allocation has the header word and is aligned to ENTRY_ALIGN.
        unsafe { start.cast::<u32>().write(kind.0) };
        let mut block = Self(start);
        // SAFETY: the allocation was made for `shape`; the key and the tail
        // that follow complete the initialisation (B2) before anything reads.
        unsafe {
            block.write_fields(shape, expire_at_ms);
            let payload = start.add(shape.key_offset()).as_ptr();
            ptr::copy_nonoverlapping(key.as_ptr(), payload, key.len());
            ptr::copy_nonoverlapping(tail.as_ptr(), payload.add(key.len()), tail.len());
        }
        block
    }

    /// Writes flags, lengths and expiry, and leaves kind and access bits alone.
    ///
    /// # Safety
    /// The allocation must be large enough for `shape`, the header word
    /// initialised, and `expire_at_ms` present exactly if `shape` says so.
    #[inline]
    unsafe fn write_fields(&mut self, shape: Shape, expire_at_ms: Option<i64>) {
        let header = self.header() & (ACCESS_MASK | Kind::MASK) | shape.flags;
        self.set_header(header);
        // SAFETY: all offsets lie before `shape`'s key, inside the allocation.
        unsafe {
            let lengths = self.0.add(LENGTHS_OFFSET);
            if shape.flags & LONG == 0 {
                lengths.write(shape.key_len as u8);
                lengths.add(1).write(shape.tail_len as u8);
            } else {
                lengths.cast::<u16>().write(shape.tail_len as u16);
                self.0.add(FIXED_BYTES).cast::<u64>().write_unaligned(shape.key_len as u64);
            }
            if let Some(expire_at_ms) = expire_at_ms {
                let field = self.0.add(expiry_offset(header)).cast::<i64>();
                field.write_unaligned(expire_at_ms);
            }
        }
    }

    #[inline]
    fn header(&self) -> u32 {
        // SAFETY: B2; the address is aligned to ENTRY_ALIGN.
        unsafe { self.0.cast::<u32>().read() }
    }

    #[inline]
    fn set_header(&mut self, header: u32) {
        // SAFETY: the word lies inside the allocation, which `self` owns.
        unsafe { self.0.cast::<u32>().write(header) }
    }

    #[inline]
    pub(super) fn kind(&self) -> Kind {
        Kind(self.header() & Kind::MASK)
    }

    #[inline]
    pub(super) fn set_kind(&mut self, kind: Kind) {
        self.set_header(self.header() & !Kind::MASK | kind.0);
    }

    #[inline]
    pub(super) fn access_bits(&self) -> u32 {
        self.header() & ACCESS_MASK
    }

    #[inline]
    pub(super) fn set_access_bits(&mut self, bits: u32) {
        self.set_header(self.header() & !ACCESS_MASK | bits & ACCESS_MASK);
    }

    #[inline]
    fn key_len(&self, header: u32) -> usize {
        // SAFETY: B2 and B3: the flag says which of the fields is there.
        unsafe {
            if header & LONG == 0 {
                usize::from(self.0.add(LENGTHS_OFFSET).read())
            } else {
                self.0.add(FIXED_BYTES).cast::<u64>().read_unaligned() as usize
            }
        }
    }

    #[inline]
    fn tail_len(&self, header: u32) -> usize {
        // SAFETY: B2 and B3: the flag says which of the fields is there.
        unsafe {
            let lengths = self.0.add(LENGTHS_OFFSET);
            if header & LONG == 0 {
                usize::from(lengths.add(1).read())
            } else {
                usize::from(lengths.cast::<u16>().read())
            }
        }
    }

    #[inline]
    pub(super) fn shape(&self) -> Shape {
        let header = self.header();
        Shape {
            flags: header & (EXPIRY | LONG),
            key_len: self.key_len(header),
            tail_len: self.tail_len(header),
        }
    }

    #[inline]
    pub(super) fn key(&self) -> &[u8] {
        let header = self.header();
        // SAFETY: the key lies at its offset with its length, initialised (B2),
        // and cannot change while `self` is borrowed.
        unsafe {
            let key = self.0.add(key_offset(header));
            NonNull::slice_from_raw_parts(key, self.key_len(header)).as_ref()
        }
    }

    /// Where the tail starts. Good for any access to the tail's bytes, and for
    /// writing only if `self` is not borrowed elsewhere.
    #[inline]
    pub(super) fn tail_start(&self) -> NonNull<u8> {
        let header = self.header();
        // SAFETY: the tail begins inside the allocation or at its end (B1).
        unsafe { self.0.add(key_offset(header) + self.key_len(header)) }
    }

    #[inline]
    pub(super) fn tail(&self) -> &[u8] {
        let len = self.tail_len(self.header());
        // SAFETY: the tail has `len` initialised bytes (B2), borrowed with `self`.
        unsafe { NonNull::slice_from_raw_parts(self.tail_start(), len).as_ref() }
    }

    #[inline]
    pub(super) fn tail_mut(&mut self) -> &mut [u8] {
        let len = self.tail_len(self.header());
        // SAFETY: as in `tail`, and `self` is borrowed exclusively.
        unsafe { NonNull::slice_from_raw_parts(self.tail_start(), len).as_mut() }
    }

    #[inline]
    pub(super) fn expire_at_ms(&self) -> Option<i64> {
        let header = self.header();
        // SAFETY: B3: the flag says that the field is there.
        (header & EXPIRY != 0)
            .then(|| unsafe { self.0.add(expiry_offset(header)).cast::<i64>().read_unaligned() })
    }

    #[inline]
    pub(super) fn set_expire_at_ms(&mut self, expire_at_ms: Option<i64>) {
        let tail_len = self.tail_len(self.header());
        // SAFETY: the length of the tail stays, so all of it is kept.
        unsafe { self.reshape(expire_at_ms, tail_len) }
    }

    /// Replaces the tail. No allocation if the size class stays.
    #[inline]
    pub(super) fn replace_tail(&mut self, tail: &[u8]) {
        if tail.len() != self.tail_len(self.header()) {
            // SAFETY: the whole tail is written below.
            unsafe { self.reshape(self.expire_at_ms(), tail.len()) };
        }
        // SAFETY: the tail now has room for `tail.len()` bytes, and the source
        // cannot overlap a block that is borrowed exclusively.
        unsafe {
            ptr::copy_nonoverlapping(tail.as_ptr(), self.tail_start().as_ptr(), tail.len());
        }
    }

    /// Cuts the tail off at `tail_len`, or extends it with zeros.
    pub(super) fn resize_tail(&mut self, tail_len: usize) {
        let old_len = self.tail_len(self.header());
        if tail_len == old_len {
            return;
        }
        // SAFETY: whatever the tail has gained is zeroed below, in bounds.
        unsafe {
            self.reshape(self.expire_at_ms(), tail_len);
            if let Some(gained) = tail_len.checked_sub(old_len) {
                self.tail_start().add(old_len).write_bytes(0, gained);
            }
        }
    }

    /// Moves the fields to where another expiry or length of tail wants them,
    /// into another allocation if the size class differs.
    ///
    /// # Safety
    /// The tail keeps what fits of its bytes. Those it gains are not
    /// initialised: the caller does that before anything else.
    #[inline]
    unsafe fn reshape(&mut self, expire_at_ms: Option<i64>, tail_len: usize) {
        let old = self.shape();
        let new = Shape::new(expire_at_ms.is_some(), old.key_len, tail_len);
        // SAFETY: if the sizes agree, the payload has room for either shape in
        // this allocation; source and target may overlap, which `copy` allows.
        // The fields are written after the payload has left their place.
        // Otherwise `relocate` has just what it asks for.
        unsafe {
            if old.allocation_bytes() == new.allocation_bytes() {
                if old.key_offset() != new.key_offset() {
                    let from = self.0.add(old.key_offset());
                    let to = self.0.add(new.key_offset());
                    ptr::copy(from.as_ptr(), to.as_ptr(), old.payload_shared_with(new));
                }
                self.write_fields(new, expire_at_ms);
            } else {
                self.relocate(old, new, expire_at_ms);
            }
        }
    }

    /// Moves the block to an allocation of its own size.
    ///
    /// # Safety
    /// `old` must be the shape of the block, `new` one with the same key, and
    /// `expire_at_ms` present exactly if `new` says so. The new tail is as
    /// [`Block::reshape`] leaves it.
    #[inline(never)]
    unsafe fn relocate(&mut self, old: Shape, new: Shape, expire_at_ms: Option<i64>) {
        let source = std::mem::replace(&mut self.0, new.allocate());
        // SAFETY: the shared payload is initialised in the old block and has
        // room in the new one. By B1 the old layout is the one the old
        // allocation was made with, and nothing points to it any more.
        unsafe {
            self.0.cast::<u32>().write(source.cast::<u32>().read());
            self.write_fields(new, expire_at_ms);
            let from = source.add(old.key_offset());
            let to = self.0.add(new.key_offset());
            ptr::copy_nonoverlapping(from.as_ptr(), to.as_ptr(), old.payload_shared_with(new));
            dealloc(source.as_ptr(), old.layout());
        }
    }

    /// The address of the allocation.
    pub(super) fn address(&self) -> NonNull<u8> {
        self.0
    }

    /// Moves the block to another allocation of the same size.
    pub(super) fn move_elsewhere(&mut self) {
        let (shape, expire_at_ms) = (self.shape(), self.expire_at_ms());
        // SAFETY: both are the block's own.
        unsafe { self.relocate(shape, shape, expire_at_ms) };
    }

    /// Gives the allocation away. [`Block::from_raw`] takes it back.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    /// # Safety
    /// `raw` must come from [`Block::into_raw`]. Of all the blocks made from it
    /// only one may be dropped or changed, and none used meanwhile.
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let layout = self.shape().layout();
        // SAFETY: by B1 the allocation was made with this layout, and `self` owns it.
        unsafe { dealloc(self.0.as_ptr(), layout) }
    }
}

const fn allocated_for(key_len: usize, tail_len: usize, has_expiry: bool) -> usize {
    Shape::new(has_expiry, key_len, tail_len).allocation_bytes()
}

const _: () = {
    // The sizes that the memory targets rest on.
    assert!(allocated_for(16, 8, false) == 32);
    assert!(allocated_for(16, 64, false) == 96 && allocated_for(16, 64, true) == 96);
    assert!(allocated_for(32, 200, false) == 256 && allocated_for(32, 200, true) == 256);
    assert!(allocated_for(0, 0, false) == ENTRY_ALIGN);
    // The cost of keeping 1 KiB inline, as the essay says: a quarter.
    assert!(allocated_for(16, 1024, false) == 1024 + 1024 / 4);
    // Tail lengths fit their long field.
    assert!(INLINE_MAX <= u16::MAX as usize);
    assert!(LENGTHS_OFFSET == size_of::<u32>());
};
