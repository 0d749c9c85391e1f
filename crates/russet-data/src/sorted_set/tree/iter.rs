//! Walking along the leaves of a tree.

use std::iter::FusedIterator;
use std::ops::Range;
use std::slice;

use super::Tree;

/// How far ahead items are fetched: about as many as are read while one comes from memory.
const AHEAD: usize = 6;

/// The items at a range of positions. It finds a leaf from the root whenever it has come to the end
/// of one, so it needs no stack and leaves need no links.
pub struct Items<'a, T> {
    tree: &'a Tree<T>,
    /// Positions that are still to come.
    positions: Range<usize>,
    /// What is left of the leaf at the front; may reach beyond `positions`.
    front: slice::Iter<'a, T>,
    /// The same at the back.
    back: slice::Iter<'a, T>,
}

impl<'a, T: Copy> Items<'a, T> {
    pub(super) fn new(tree: &'a Tree<T>, positions: Range<usize>) -> Self {
        Items { tree, positions, front: [].iter(), back: [].iter() }
    }

    /// The item that comes a few after the next one, if it lies in the same leaf: for prefetching.
    #[inline]
    pub(in super::super) fn peek_ahead(&self) -> Option<T> {
        self.front.as_slice().get(AHEAD).copied()
    }

    /// The same from the back.
    #[inline]
    pub(in super::super) fn peek_ahead_back(&self) -> Option<T> {
        let rest = self.back.as_slice();
        rest.len().checked_sub(AHEAD + 1).map(|at| rest[at])
    }
}

impl<T: Copy> Iterator for Items<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let position = self.positions.next()?;
        if self.front.as_slice().is_empty() {
            self.front = self.tree.leaf_at(position).0.iter();
        }
        self.front.next().copied()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.positions.size_hint()
    }
}

impl<T: Copy> DoubleEndedIterator for Items<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        let position = self.positions.next_back()?;
        if self.back.as_slice().is_empty() {
            let (after, before) = self.tree.leaf_at(position);
            self.back = before.iter();
            return after.first().copied();
        }
        self.back.next_back().copied()
    }
}

impl<T: Copy> ExactSizeIterator for Items<'_, T> {}
impl<T: Copy> FusedIterator for Items<'_, T> {}
