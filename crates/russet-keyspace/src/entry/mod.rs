//! A key and its value in one allocation.
//!
//! A command that reads a short value touches one bucket of the table and one
//! entry, and an entry of a short key and value is one or two cache lines. So
//! nothing is boxed that can be inline, and no field is wider than it must be.
//!
//! ```text
//!  0      4   5   6
//! ┌──────┬───┬───┬┄┄┄┄┄┄┄┄┄┄┬┄┄┄┄┄┄┄┄┬───────────┬─────────────┐
//! │header│key│val│ long key ┊ expiry ┊ key bytes │ tail        │
//! │ u32  │len│len│ len, u64 ┊ i64 ms ┊           │             │
//! └──────┴───┴───┴┄┄┄┄┄┄┄┄┄┄┴┄┄┄┄┄┄┄┄┴───────────┴─────────────┘
//!                  optional   optional
//!
//! header: access 24 | type 4 | representation 2 | has expiry 1 | long 1
//!
//! tail:   embedded, edited   the bytes of a string
//!         integer            i64
//!         boxed              pointer to an Object
//! ```
//!
//! Both optional fields are eight bytes wide, so the key's offset is
//! `6 + 8 * (long + expiry)` and found without a branch. If the key or the tail
//! is longer than 255 bytes, the two length bytes become one `u16` for the tail
//! and the key's length moves to the optional field. Nothing but the header
//! word is aligned.
//!
//! **Inline or boxed.** A string of at most [`INLINE_MAX`] bytes is inline, a
//! longer one is a `Vec<u8>` in a boxed object. A box costs two more dependent
//! cache misses to read and two more allocations, about 40 bytes; inline, the
//! entry's other fields push a value whose length is a power of two (as the
//! long ones often are) into the next size class, a quarter more memory, and
//! whoever gives the entry another size copies the value. At 1 KiB both costs
//! are small. A boxed string adopts the `Vec` that a long argument
//! was received into, so that it is never copied.
//!
//! **Size classes.** An allocation is always a whole size class of the
//! allocator. A value that is overwritten by one of similar length, an integer
//! that becomes a string, an expiry that comes or goes change the entry where
//! it lies as long as the class stays. If it does not stay, the entry moves:
//! whoever holds entries by address (the table) gets to know by asking again
//! after each change. Cost: six bytes, eight with each optional field, and the
//! rounding up to the class.
//!
//! Invariants, beyond those of the block of bytes itself (see `layout`):
//!
//! - **E1** The representation is `Boxed` exactly if the tail is a pointer
//!   from `Box::into_raw` that this entry owns, and then the header's type is
//!   that object's.
//! - **E2** If the representation is `Integer`, the tail has eight bytes.

mod edit;
mod layout;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ptr::NonNull;

use russet_data::object::{Encoding, Object, ValueType, Variant};
use russet_data::size_class::size_class;
use russet_data::table::{CACHE_LINE_BYTES, ITEM_ALIGN, Item, prefetch};

use layout::{Block, Kind, Representation};
pub use layout::{ENTRY_ALIGN, INLINE_MAX};

/// Room to write an integer value as text, see [`Entry::string_bytes`].
pub type IntBuf = itoa::Buffer;

/// Cache lines of an entry that are asked for one by one; the processor goes on by itself.
const LINES_PREFETCHED: usize = 16;
/// The longest string that `OBJECT ENCODING` calls `embstr`, as in Redis.
const EMBSTR_MAX: usize = 44;

/// An owning pointer to a key and its value.
#[repr(transparent)]
pub struct Entry(Block);

// SAFETY: an entry owns its bytes and its object, shares nothing, and changes
// only through `&mut`, so it is as `Send` and `Sync` as the object is.
unsafe impl Send for Entry where Object: Send {}
// SAFETY: as above.
unsafe impl Sync for Entry where Object: Sync {}

/// A value as an entry holds it.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// A string stored as an integer.
    Int(i64),
    /// A string stored inside the entry.
    Bytes(&'a [u8]),
    /// Any other value.
    Object(&'a Object),
}

impl Entry {
    /// An entry with a string value, taken as it is: no check whether the
    /// bytes would do as an integer.
    #[must_use]
    pub fn with_bytes(key: &[u8], value: &[u8], expire_at_ms: Option<i64>) -> Self {
        if value.len() > INLINE_MAX {
            return Self::with_object(key, boxed_string(value.to_vec()), expire_at_ms);
        }
        Self(Block::new(Kind::EMBEDDED, expire_at_ms, key, value))
    }

    /// An entry with a string value that is stored as an integer.
    #[must_use]
    pub fn with_int(key: &[u8], value: i64, expire_at_ms: Option<i64>) -> Self {
        Self(Block::new(Kind::INTEGER, expire_at_ms, key, &value.to_ne_bytes()))
    }

    /// An entry with a string value. A long one is adopted without copying.
    #[must_use]
    pub fn with_vec(key: &[u8], value: Vec<u8>, expire_at_ms: Option<i64>) -> Self {
        if value.len() <= INLINE_MAX {
            return Self::with_bytes(key, &value, expire_at_ms);
        }
        Self::with_object(key, boxed_string(value), expire_at_ms)
    }

    /// An entry that owns `object`.
    #[must_use]
    pub fn with_object(key: &[u8], object: Box<Object>, expire_at_ms: Option<i64>) -> Self {
        let block = Block::new(Kind::EMBEDDED, expire_at_ms, key, &[0; POINTER_BYTES]);
        let mut entry = Self(block);
        entry.store_box(object);
        entry
    }

    /// The key.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.0.key()
    }

    /// The type of the value.
    #[inline]
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        self.0.kind().value_type()
    }

    /// How the value is stored, in Redis' terms.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        match self.0.kind().representation() {
            Representation::Embedded if self.0.tail().len() <= EMBSTR_MAX => Encoding::Embstr,
            Representation::Embedded | Representation::Edited => Encoding::Raw,
            Representation::Integer => Encoding::Int,
            Representation::Boxed => self.boxed().encoding(),
        }
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn value(&self) -> ValueRef<'_> {
        match self.0.kind().representation() {
            Representation::Embedded | Representation::Edited => ValueRef::Bytes(self.0.tail()),
            Representation::Integer => ValueRef::Int(self.integer()),
            Representation::Boxed => ValueRef::Object(self.boxed()),
        }
    }

    /// Begins to fetch what lies behind the entry's first two cache lines, as far as the processor does
    /// not do so by itself. Returns whether there is any.
    pub fn prefetch_rest(&self) -> bool {
        let ValueRef::Bytes(bytes) = self.value() else { return false };
        let is_long = bytes.len() > CACHE_LINE_BYTES;
        if is_long {
            let rest = bytes.chunks(CACHE_LINE_BYTES).skip(1).take(LINES_PREFETCHED);
            rest.for_each(|line| prefetch(line.as_ptr()));
            prefetch(&raw const bytes[bytes.len() - 1]);
        }
        is_long
    }

    /// Whether the picture of the value is being taken (`russet_data::picture`).
    #[must_use]
    pub fn is_being_pictured(&self) -> bool {
        match self.value() {
            ValueRef::Object(object) => object.divisible().is_some_and(|it| it.sink().is_some()),
            ValueRef::Int(_) | ValueRef::Bytes(_) => false,
        }
    }

    /// The boxed value, if there is one, to change it. It must remain of its type.
    #[inline]
    pub fn object_mut(&mut self) -> Option<&mut Object> {
        (self.0.kind().representation() == Representation::Boxed).then(|| {
            // SAFETY: by E1 the tail points to an object that `self` owns, and
            // `self` is borrowed exclusively.
            unsafe { self.boxed_pointer().as_mut() }
        })
    }

    /// The length of the string value.
    ///
    /// # Panics
    /// If the value is not a string.
    #[inline]
    #[must_use]
    pub fn string_len(&self) -> usize {
        match self.value() {
            ValueRef::Int(value) => decimal_len(value),
            ValueRef::Bytes(bytes) => bytes.len(),
            ValueRef::Object(object) => long_string(object).len(),
        }
    }

    /// The string value; `scratch` is where an integer is written as text.
    ///
    /// # Panics
    /// If the value is not a string.
    #[inline]
    #[must_use]
    pub fn string_bytes<'a>(&'a self, scratch: &'a mut IntBuf) -> &'a [u8] {
        match self.value() {
            ValueRef::Int(value) => scratch.format(value).as_bytes(),
            ValueRef::Bytes(bytes) => bytes,
            ValueRef::Object(object) => long_string(object),
        }
    }

    /// When the key expires, in milliseconds since the Unix epoch.
    #[inline]
    #[must_use]
    pub fn expire_at_ms(&self) -> Option<i64> {
        self.0.expire_at_ms()
    }

    /// Whether the key's time has passed: it is still there in the very
    /// millisecond of its expiry, as in Redis.
    #[inline]
    #[must_use]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expire_at_ms().is_some_and(|expire_at_ms| now_ms > expire_at_ms)
    }

    /// The 24 bits in which the eviction policy remembers uses of the key.
    #[inline]
    #[must_use]
    pub fn access_bits(&self) -> u32 {
        self.0.access_bits()
    }

    /// Sets the 24 bits of the eviction policy; higher bits are ignored.
    #[inline]
    pub fn set_access_bits(&mut self, bits: u32) {
        self.0.set_access_bits(bits);
    }

    /// The bytes the allocator has set aside for entry and value.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        let boxed_bytes = match self.value() {
            ValueRef::Int(_) | ValueRef::Bytes(_) => 0,
            ValueRef::Object(object) => size_class(size_of::<Object>()) + object.allocated_bytes(),
        };
        self.0.shape().allocation_bytes() + boxed_bytes
    }

    /// The work of dropping the entry, in the units of [`Object::free_cost`].
    #[must_use]
    pub fn free_cost(&self) -> usize {
        match self.value() {
            ValueRef::Int(_) | ValueRef::Bytes(_) => 1,
            ValueRef::Object(object) => 1 + object.free_cost(),
        }
    }

    /// Checks what must hold between header and tail.
    ///
    /// # Panics
    /// If it does not.
    pub fn check_invariants(&self) {
        match self.value() {
            ValueRef::Int(_) => assert_eq!(self.0.tail().len(), size_of::<i64>()),
            ValueRef::Bytes(bytes) => assert!(bytes.len() <= INLINE_MAX),
            ValueRef::Object(object) => assert_eq!(object.value_type(), self.value_type()),
        }
        assert_eq!(self.0.tail_start().as_ptr(), self.key().as_ptr_range().end.cast_mut());
        let shape = self.0.shape();
        let described = layout::Shape::new(
            self.expire_at_ms().is_some(),
            self.key().len(),
            self.0.tail().len(),
        );
        assert_eq!(shape, described);
    }

    #[inline]
    fn integer(&self) -> i64 {
        debug_assert_eq!(self.0.kind().representation(), Representation::Integer);
        // SAFETY: by E2 the tail has eight bytes.
        unsafe { self.0.tail_start().cast::<i64>().read_unaligned() }
    }

    #[inline]
    fn boxed_pointer(&self) -> NonNull<Object> {
        debug_assert_eq!(self.0.kind().representation(), Representation::Boxed);
        // SAFETY: by E1 the tail is such a pointer; every caller has looked at
        // the representation.
        unsafe { self.0.tail_start().cast::<NonNull<Object>>().read_unaligned() }
    }

    #[inline]
    fn boxed(&self) -> &Object {
        // SAFETY: by E1 the object is alive as long as `self` owns it.
        unsafe { self.boxed_pointer().as_ref() }
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        drop(self.take_box());
    }
}

// SAFETY: the address is that of the allocation, aligned to ENTRY_ALIGN and in the lower half of the
// address space. The key lies in the allocation, to which `Entry` holds no more than a `NonNull`.
unsafe impl Item for Entry {
    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        // SAFETY: `Entry` is a transparent wrapper of `Block`, and `self` is
        // forgotten, so that the block keeps one owner.
        let block = unsafe { std::mem::transmute::<Self, Block>(self) };
        block.into_raw()
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise, which is the block's condition.
        Self(unsafe { Block::from_raw(raw) })
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.0.key()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entry")
            .field("key", &self.key().escape_ascii().to_string())
            .field("value", &self.value())
            .field("encoding", &self.encoding())
            .field("expire_at_ms", &self.expire_at_ms())
            .field("access_bits", &self.access_bits())
            .finish()
    }
}

const POINTER_BYTES: usize = size_of::<NonNull<Object>>();

/// A string as a boxed value, without more spare capacity than the size class has.
fn boxed_string(mut value: Vec<u8>) -> Box<Object> {
    if size_class(value.capacity()) > size_class(value.len()) {
        value.shrink_to_fit();
    }
    Box::new(Object::String(value))
}

/// The string that an object must be.
fn long_string(object: &Object) -> &[u8] {
    Vec::of(object).expect("the caller knows the value to be a string")
}

/// How many bytes `value` takes in decimal.
fn decimal_len(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

const _: () = {
    assert!(size_of::<Entry>() == 8 && size_of::<Option<Entry>>() == 8);
    assert!(POINTER_BYTES == 8);
    // What a box costs beyond the bytes in it, as the essay says.
    assert!(POINTER_BYTES + size_class(size_of::<Object>()) == 40);
    assert!(ENTRY_ALIGN.is_multiple_of(ITEM_ALIGN));
};
