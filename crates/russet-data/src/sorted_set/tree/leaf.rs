//! The items of a leaf, and the prefixes of their sort keys.
//!
//! Prefixes lie side by side, as items do: a search compares all of them, which are a few cache lines that
//! come from memory at the same time, where steps of a search by halves would wait for each other. Of the
//! items it asks only those that share the prefix.

use std::ops::Range;

use super::Slot;
use super::edit::{insert_or_split, join, shrink};
use super::place::{Place, count_below};
use crate::relocation::Relocation;
use crate::size_class::size_class;
use crate::table::{CACHE_LINE_BYTES, prefetch};

/// Items of a leaf: as many as fill size classes of the allocator, both theirs and that of their prefixes.
pub(super) const LEAF_MAX: usize = 96;
pub(super) const LEAF_MIN: usize = LEAF_MAX / 4;

const _: () = {
    let (prefixes, items) = (LEAF_MAX * size_of::<u32>(), LEAF_MAX * size_of::<u64>());
    assert!(size_class(prefixes) == prefixes && size_class(items) == items);
};

/// Items in order, with as many prefixes.
pub(super) struct Leaf<T> {
    prefixes: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Leaf<T> {
    /// An empty leaf, which allocates nothing.
    pub(super) const fn new() -> Self {
        Leaf { prefixes: Vec::new(), items: Vec::new() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn prefixes(&self) -> &[u32] {
        &self.prefixes
    }

    /// The first item of a leaf that is not empty.
    #[inline]
    pub(super) fn first(&self) -> Slot<T> {
        Slot { prefix: self.prefixes[0], item: self.items[0] }
    }

    /// The first item of a prefix, if there is one.
    pub(super) fn first_with(&self, prefix: u32) -> Option<T> {
        let at = count_below(&self.prefixes, prefix);
        (self.prefixes.get(at) == Some(&prefix)).then(|| self.items[at])
    }

    /// How many items come before a place.
    #[inline]
    pub(super) fn search(&self, place: &Place<impl Fn(T) -> bool>) -> usize {
        place.search(&self.prefixes, &self.prefixes, |at| self.items[at])
    }

    /// Begins to fetch all of it: what is searched, and what moves if an item comes or goes.
    pub(super) fn prefetch(&self) {
        for line in self.prefixes.chunks(CACHE_LINE_BYTES / size_of::<u32>()) {
            prefetch(line.as_ptr().cast());
        }
        for line in self.items.chunks(CACHE_LINE_BYTES / size_of::<T>()) {
            prefetch(line.as_ptr().cast());
        }
    }

    /// Inserts an item; a leaf that is full is split, and the right part returned.
    pub(super) fn insert(&mut self, at: usize, slot: Slot<T>) -> Option<Leaf<T>> {
        let items = insert_or_split(&mut self.items, at, slot.item, LEAF_MAX);
        let prefixes = insert_or_split(&mut self.prefixes, at, slot.prefix, LEAF_MAX);
        Some(Leaf { prefixes: prefixes?, items: items? })
    }

    pub(super) fn remove(&mut self, at: usize) -> T {
        self.prefixes.remove(at);
        let item = self.items.remove(at);
        self.shrink();
        item
    }

    /// Removes items, and shows each of them.
    pub(super) fn remove_range(&mut self, positions: Range<usize>, visit: &mut impl FnMut(T)) {
        self.prefixes.drain(positions.clone());
        self.items.drain(positions).for_each(visit);
        self.shrink();
    }

    fn shrink(&mut self) {
        shrink(&mut self.prefixes);
        shrink(&mut self.items);
    }

    pub(super) fn replace(&mut self, at: usize, item: T) {
        self.items[at] = item;
    }

    /// Moves the item at a position to where so many of the others, or itself, come before it, and gives
    /// it another prefix.
    pub(super) fn shift(&mut self, from: usize, to: usize, prefix: u32) {
        self.prefixes[from] = prefix;
        if from < to {
            self.prefixes[from..to].rotate_left(1);
            self.items[from..to].rotate_left(1);
        } else {
            self.prefixes[to..=from].rotate_right(1);
            self.items[to..=from].rotate_right(1);
        }
    }

    /// See [`join`].
    pub(super) fn join(&mut self, right: &mut Leaf<T>) {
        join(&mut self.prefixes, &mut right.prefixes, LEAF_MAX);
        join(&mut self.items, &mut right.items, LEAF_MAX);
    }

    pub(super) fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        relocation.vec(&mut self.prefixes);
        relocation.vec(&mut self.items);
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        size_class(self.prefixes.capacity() * size_of::<u32>())
            + size_class(self.items.capacity() * size_of::<T>())
    }

    pub(super) fn check_invariants(&self) {
        assert!(self.items.len() <= LEAF_MAX, "N3");
        assert_eq!(self.prefixes.len(), self.items.len(), "N4");
    }
}
