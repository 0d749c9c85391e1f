//! Moving allocations, so that the allocator can give back memory of which little is in use.
//!
//! Whoever asks for it says which allocations are in a bad place, and has arranged for new ones to be
//! in a better one. Structures go through what they own in steps ([`Value::relocate`]), so that a
//! collection of millions of elements keeps nobody waiting.
//!
//! [`Value::relocate`]: crate::object::Value::relocate

use std::ptr::NonNull;

/// Which allocations are to be moved, and how many have been.
pub struct Relocation<'a> {
    is_misplaced: &'a mut dyn FnMut(NonNull<u8>) -> bool,
    /// Allocations that were looked at.
    pub examined: u64,
    /// Allocations that were moved.
    pub moved: u64,
}

impl<'a> Relocation<'a> {
    /// Moves what `is_misplaced` holds for.
    pub fn new(is_misplaced: &'a mut dyn FnMut(NonNull<u8>) -> bool) -> Self {
        Relocation { is_misplaced, examined: 0, moved: 0 }
    }

    /// Whether the allocation at this address is to be moved: then it counts as moved.
    pub fn concerns<T>(&mut self, allocation: *const T) -> bool {
        let Some(allocation) = NonNull::new(allocation.cast_mut().cast()) else { return false };
        let moves = (self.is_misplaced)(allocation);
        self.examined += 1;
        self.moved += u64::from(moves);
        moves
    }

    /// Moves bytes.
    pub fn bytes(&mut self, bytes: &mut Box<[u8]>) {
        if !bytes.is_empty() && self.concerns(bytes.as_ptr()) {
            *bytes = bytes.clone();
        }
    }

    /// Moves the allocation of a vector, not what its elements own.
    pub fn vec<T>(&mut self, vec: &mut Vec<T>) {
        if vec.capacity() > 0 && self.concerns(vec.as_ptr()) {
            let mut elsewhere = Vec::with_capacity(vec.capacity());
            elsewhere.append(vec);
            *vec = elsewhere;
        }
    }

    /// Moves a value, not what it owns. The placeholder takes its place meanwhile.
    pub fn boxed<T>(&mut self, value: &mut Box<T>, placeholder: T) {
        if self.concerns(&raw const **value) {
            let content = std::mem::replace(&mut **value, placeholder);
            // Not written into the old box: another allocation is the point.
            drop(std::mem::replace(value, Box::new(content)));
        }
    }
}
