//! Changing an entry: other values, edits in place, other keys.
//!
//! Setters hand back the boxed value they displace, so that the caller can
//! leave freeing a large one to the background.

use std::ptr::NonNull;

use russet_data::object::{Object, Variant};
use russet_data::relocation::Relocation;
use russet_data::size_class::size_class;

use super::layout::{Block, Kind, Representation};
use super::{Entry, INLINE_MAX, IntBuf, POINTER_BYTES, boxed_string};

/// Up to this length a boxed string that grows doubles its capacity, and from
/// there on gets this much to spare, as in Redis.
const GROWTH_MAX: usize = 1 << 20;

impl Entry {
    /// Sets or removes the time at which the key expires.
    #[inline]
    pub fn set_expire_at_ms(&mut self, expire_at_ms: Option<i64>) {
        self.0.set_expire_at_ms(expire_at_ms);
    }

    /// Overwrites the value with a string, in place if the size class stays.
    /// Key, expiry and access bits remain.
    #[inline]
    pub fn set_bytes(&mut self, value: &[u8]) -> Option<Box<Object>> {
        if value.len() > INLINE_MAX {
            return self.set_long_bytes(value);
        }
        let displaced = self.take_box();
        self.0.set_kind(Kind::EMBEDDED);
        self.0.replace_tail(value);
        displaced
    }

    fn set_long_bytes(&mut self, value: &[u8]) -> Option<Box<Object>> {
        if let Some(Object::String(bytes)) = self.object_mut()
            && bytes.capacity() >= value.len()
            && size_class(bytes.capacity()) == size_class(value.len())
        {
            bytes.clear();
            bytes.extend_from_slice(value);
            return None;
        }
        self.set_object(boxed_string(value.to_vec()))
    }

    /// Overwrites the value with a string that is stored as an integer.
    #[inline]
    pub fn set_int(&mut self, value: i64) -> Option<Box<Object>> {
        let displaced = self.take_box();
        self.0.replace_tail(&value.to_ne_bytes());
        self.0.set_kind(Kind::INTEGER);
        displaced
    }

    /// Overwrites the value with a string. A long one is adopted without copying.
    pub fn set_vec(&mut self, value: Vec<u8>) -> Option<Box<Object>> {
        if value.len() <= INLINE_MAX {
            return self.set_bytes(&value);
        }
        self.set_object(boxed_string(value))
    }

    /// Overwrites the value with a boxed one.
    pub fn set_object(&mut self, object: Box<Object>) -> Option<Box<Object>> {
        let displaced = self.take_box();
        self.0.set_kind(Kind::EMBEDDED);
        self.0.replace_tail(&[0; POINTER_BYTES]);
        self.store_box(object);
        displaced
    }

    /// The bytes of the string value, to change them without changing their
    /// number. An integer becomes its text; the encoding becomes `raw`.
    ///
    /// # Panics
    /// If the value is not a string.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let len = self.string_len();
        self.resize_bytes(len)
    }

    /// The memory of a long string value, which is empty then: for a caller that replaces the entry, and
    /// can use memory that is there already. `None` if the value is short, or no string.
    pub fn take_long_string(&mut self) -> Option<Vec<u8>> {
        self.object_mut().and_then(Vec::of_mut).map(std::mem::take)
    }

    /// Cuts the string value off at `len` bytes or extends it with zeros, and
    /// returns it for writing. An integer becomes its text; the encoding
    /// becomes `raw`. A long string that grows gets capacity to spare, so that
    /// growing it byte by byte costs constant time each.
    ///
    /// # Panics
    /// If the value is not a string.
    pub fn resize_bytes(&mut self, len: usize) -> &mut [u8] {
        if self.0.kind().representation() == Representation::Boxed {
            let bytes = self.string_mut();
            reserve(bytes, len);
            bytes.resize(len, 0);
            return bytes;
        }
        self.spell_out_integer();
        if len > INLINE_MAX {
            // Memory that the allocator hands out zeroed need not be touched:
            // a bit set far out costs little until the rest is used.
            let old = self.0.tail();
            // What has just been made is not growing yet.
            let capacity = if old.is_empty() { len } else { grown_capacity(len) };
            let mut bytes = vec![0; capacity];
            bytes.truncate(len);
            bytes[..old.len()].copy_from_slice(old);
            self.set_object(Box::new(Object::String(bytes)));
            return self.string_mut();
        }
        self.0.set_kind(Kind::EDITED);
        self.0.resize_tail(len);
        self.0.tail_mut()
    }

    /// Appends to the string value and returns its new length. Encoding and
    /// spare capacity are as with [`Entry::resize_bytes`].
    ///
    /// # Panics
    /// If the value is not a string.
    pub fn append_bytes(&mut self, suffix: &[u8]) -> usize {
        let old_len = self.string_len();
        let len = old_len + suffix.len();
        if self.0.kind().representation() == Representation::Boxed {
            let bytes = self.string_mut();
            reserve(bytes, len);
            bytes.extend_from_slice(suffix);
        } else {
            self.resize_bytes(len)[old_len..].copy_from_slice(suffix);
        }
        len
    }

    /// Moves the allocation of the entry, and that of a boxed value, but not what the value owns.
    pub fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        if let Some(object) = self.object_mut()
            && relocation.concerns(&raw const *object)
        {
            let mut object = self.take_box().expect("it is there");
            let placeholder = Object::String(Vec::new());
            object = Box::new(std::mem::replace(&mut *object, placeholder));
            self.store_box(object);
        }
        if relocation.concerns(self.0.address().as_ptr()) {
            self.0.move_elsewhere();
        }
    }

    /// See [`Object::relocate`].
    pub fn relocate_value(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        self.object_mut().map_or(0, |object| object.relocate(cursor, relocation))
    }

    /// Takes the boxed value out, if there is one, and drops the rest.
    #[must_use]
    pub fn take_object(mut self) -> Option<Box<Object>> {
        self.take_box()
    }

    /// The entry under another key, as `RENAME` wants it: value, expiry and
    /// access bits move, and a boxed value is not copied.
    #[must_use]
    pub fn with_key(mut self, key: &[u8]) -> Self {
        match self.take_box() {
            Some(object) => {
                let mut renamed = Self::with_object(key, object, self.expire_at_ms());
                renamed.set_access_bits(self.access_bits());
                renamed
            }
            None => self.copy_inline(key),
        }
    }

    /// A copy of the entry under another key, with expiry and access bits.
    #[must_use]
    pub fn duplicate(&self, key: &[u8]) -> Self {
        if self.0.kind().representation() == Representation::Boxed {
            let object = Box::new(self.boxed().clone());
            let mut copy = Self::with_object(key, object, self.expire_at_ms());
            copy.set_access_bits(self.access_bits());
            copy
        } else {
            self.copy_inline(key)
        }
    }

    /// A copy under another key of an entry whose value is not boxed.
    fn copy_inline(&self, key: &[u8]) -> Self {
        debug_assert_ne!(self.0.kind().representation(), Representation::Boxed);
        let mut block = Block::new(self.0.kind(), self.expire_at_ms(), key, self.0.tail());
        block.set_access_bits(self.access_bits());
        Self(block)
    }

    /// Turns an integer into its text.
    fn spell_out_integer(&mut self) {
        if self.0.kind().representation() == Representation::Integer {
            let mut scratch = IntBuf::new();
            let text = scratch.format(self.integer());
            self.0.set_kind(Kind::EDITED);
            self.0.replace_tail(text.as_bytes());
        }
    }

    /// The boxed string.
    ///
    /// # Panics
    /// If the value is not a boxed string.
    fn string_mut(&mut self) -> &mut Vec<u8> {
        let string = self.object_mut().and_then(Vec::of_mut);
        string.expect("the caller knows the value to be a boxed string")
    }

    /// Makes the tail, which must have the size of a pointer, own `object`.
    pub(super) fn store_box(&mut self, object: Box<Object>) {
        debug_assert_eq!(self.0.tail().len(), POINTER_BYTES);
        let kind = Kind::boxed(object.value_type());
        let pointer = NonNull::from(Box::leak(object));
        // SAFETY: the tail has room for the pointer, and `self` is borrowed
        // exclusively. Setting the kind completes E1.
        unsafe { self.0.tail_start().cast::<NonNull<Object>>().write_unaligned(pointer) };
        self.0.set_kind(kind);
    }

    /// Takes the box out of the tail and leaves a string of arbitrary bytes.
    #[inline]
    pub(super) fn take_box(&mut self) -> Option<Box<Object>> {
        if self.0.kind().representation() != Representation::Boxed {
            return None;
        }
        let pointer = self.boxed_pointer();
        self.0.set_kind(Kind::EMBEDDED);
        // SAFETY: by E1 the pointer came from a box, and the new kind says that
        // it is no longer the entry's.
        Some(unsafe { Box::from_raw(pointer.as_ptr()) })
    }
}

/// Makes room for `len` bytes, and for more to come if there was not enough.
fn reserve(bytes: &mut Vec<u8>, len: usize) {
    if len > bytes.capacity() {
        bytes.reserve_exact(grown_capacity(len) - bytes.len());
    }
}

/// The capacity of a string that has just grown to `len` bytes.
fn grown_capacity(len: usize) -> usize {
    len + len.min(GROWTH_MAX)
}
