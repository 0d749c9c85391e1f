//! Inserting and removing.

use std::ops::Range;

use super::{Branch, INNER_MAX, Inner, LEAF_MAX, Node, Slot, Tree, child_at};
use crate::relocation::Relocation;
use crate::size_class::size_class;

impl<T: Copy> Tree<T> {
    /// Puts an item at a place.
    pub(in super::super) fn insert(
        &mut self,
        prefix: u32,
        item: T,
        is_before: impl Fn(u32, T) -> bool,
    ) {
        let slot = Slot { prefix, item };
        if let Some(right) = self.root.insert(&is_before, slot) {
            let left = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
            self.root = Node::Inner(Box::new(Inner::new(vec![Branch::of(left), right])));
        }
        self.len += 1;
    }

    /// Takes out the last of the items before a place.
    pub(in super::super) fn remove_before(
        &mut self,
        is_before: impl Fn(u32, T) -> bool,
    ) -> Option<T> {
        let removed = self.root.remove_before(&is_before)?;
        self.len -= 1;
        self.lower_root();
        Some(removed)
    }

    /// Moves the last of the items before a place to another place, and gives it another prefix, if
    /// both places are well inside one leaf: most items whose keys change a little stay there. Returns
    /// whether it did.
    pub(in super::super) fn move_within_leaf(
        &mut self,
        is_before_old: impl Fn(u32, T) -> bool,
        is_before_new: impl Fn(u32, T) -> bool,
        prefix: u32,
    ) -> bool {
        self.root.move_within_leaf(&is_before_old, &is_before_new, prefix)
    }

    /// Puts another item in the place of the last one before a place; its key must be the same.
    pub(in super::super) fn replace_before(&mut self, is_before: impl Fn(u32, T) -> bool, item: T) {
        self.root.replace_before(&is_before, item);
    }

    /// Moves the leaf that holds a position, and the nodes above it. Returns the position after the
    /// leaf, if that is not the end.
    pub(in super::super) fn relocate_leaf(
        &mut self,
        position: usize,
        relocation: &mut Relocation<'_>,
    ) -> Option<usize> {
        let position = position.min(self.len);
        let next = position + self.root.relocate_leaf(position, relocation);
        (next < self.len).then_some(next)
    }

    /// Takes out the items at a range of positions, and shows each of them.
    ///
    /// # Panics
    ///
    /// If there are not that many.
    pub(in super::super) fn remove_range(
        &mut self,
        positions: Range<usize>,
        visit: &mut impl FnMut(T),
    ) {
        assert!(positions.start <= positions.end && positions.end <= self.len);
        if positions.is_empty() {
            return;
        }
        let seam = positions.start;
        self.len -= positions.len();
        if self.len == 0 {
            let root = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
            root.visit(visit);
            return;
        }
        self.root.remove_range(positions, visit);
        // A root that becomes the only child's may need to be mended anew.
        loop {
            self.root.mend(seam);
            if !self.lower_root() {
                return;
            }
        }
    }

    /// Replaces an inner root of a single child by that child.
    fn lower_root(&mut self) -> bool {
        let mut lowered = false;
        while let Node::Inner(inner) = &mut self.root
            && inner.branches.len() == 1
            && let Some(only) = inner.branches.pop()
        {
            self.root = only.node;
            lowered = true;
        }
        lowered
    }
}

impl<T: Copy> FromIterator<(u32, T)> for Tree<T> {
    /// A tree of items that are in order.
    fn from_iter<I: IntoIterator<Item = (u32, T)>>(items: I) -> Self {
        let mut tree = Tree::new();
        for (prefix, item) in items {
            tree.insert(prefix, item, |_, _| true);
        }
        tree
    }
}

impl<T: Copy> Branch<T> {
    fn of(node: Node<T>) -> Self {
        Branch { count: node.count(), first: node.first(), node }
    }

    /// Removes a part of the items below, not all of them.
    fn remove_range(&mut self, positions: Range<usize>, visit: &mut impl FnMut(T)) {
        self.count -= positions.len();
        self.node.remove_range(positions, visit);
        self.first = self.node.first();
    }
}

impl<T: Copy> Node<T> {
    /// Inserts below this node; returns the node to the right if it had to be split.
    fn insert(&mut self, is_before: &impl Fn(u32, T) -> bool, slot: Slot<T>) -> Option<Branch<T>> {
        match self {
            Node::Leaf(slots) => {
                let at = slots.partition_point(|other| other.passes(is_before));
                let right = insert_or_split(slots, at, slot, LEAF_MAX);
                right.map(|right| Branch::of(Node::Leaf(right)))
            }
            Node::Inner(inner) => {
                let at = inner.last_before(is_before).unwrap_or(0);
                let branch = &mut inner.branches[at];
                let right = branch.node.insert(is_before, slot);
                branch.count += 1;
                branch.count -= right.as_ref().map_or(0, |right| right.count);
                inner.note_first(at);
                let right = insert_or_split(&mut inner.branches, at + 1, right?, INNER_MAX);
                inner.note_firsts();
                right.map(|right| Branch::of(Node::Inner(Box::new(Inner::new(right)))))
            }
        }
    }

    fn remove_before(&mut self, is_before: &impl Fn(u32, T) -> bool) -> Option<T> {
        match self {
            Node::Leaf(slots) => {
                let after = slots.partition_point(|slot| slot.passes(is_before));
                let removed = slots.remove(after.checked_sub(1)?);
                shrink(slots);
                Some(removed.item)
            }
            Node::Inner(inner) => {
                let at = inner.last_before(is_before)?;
                let branch = &mut inner.branches[at];
                let removed = branch.node.remove_before(is_before)?;
                branch.count -= 1;
                if branch.node.is_sparse() {
                    inner.join_with_neighbour(at);
                } else {
                    inner.note_first(at);
                }
                Some(removed)
            }
        }
    }

    fn replace_before(&mut self, is_before: &impl Fn(u32, T) -> bool, item: T) {
        match self {
            Node::Leaf(slots) => {
                let after = slots.partition_point(|slot| slot.passes(is_before));
                if let Some(at) = after.checked_sub(1) {
                    slots[at].item = item;
                }
            }
            Node::Inner(inner) => {
                if let Some(at) = inner.last_before(is_before) {
                    inner.branches[at].node.replace_before(is_before, item);
                    inner.note_first(at);
                }
            }
        }
    }

    /// Returns how many items the leaf has from the position on.
    fn relocate_leaf(&mut self, mut position: usize, relocation: &mut Relocation<'_>) -> usize {
        match self {
            Node::Leaf(slots) => {
                relocation.vec(slots);
                slots.len() - position
            }
            Node::Inner(inner) => {
                relocation.boxed(inner, Inner::new(Vec::new()));
                relocation.vec(&mut inner.branches);
                let at = child_at(&inner.branches, &mut position);
                inner.branches[at].node.relocate_leaf(position, relocation)
            }
        }
    }

    fn move_within_leaf(
        &mut self,
        is_before_old: &impl Fn(u32, T) -> bool,
        is_before_new: &impl Fn(u32, T) -> bool,
        prefix: u32,
    ) -> bool {
        match self {
            Node::Leaf(slots) => {
                let Some(from) =
                    slots.partition_point(|slot| slot.passes(is_before_old)).checked_sub(1)
                else {
                    return false;
                };
                // The item itself counts, with the key that it had.
                let to = slots.partition_point(|slot| slot.passes(is_before_new));
                // Before the first and after the last, other leaves may hold what comes in between.
                if to == 0 || to == slots.len() {
                    return false;
                }
                let now_at = if from < to {
                    slots[from..to].rotate_left(1);
                    to - 1
                } else {
                    slots[to..=from].rotate_right(1);
                    to
                };
                slots[now_at].prefix = prefix;
                true
            }
            Node::Inner(inner) => {
                let Some(at) = inner.last_before(is_before_old) else { return false };
                let node = &mut inner.branches[at].node;
                let moved = node.move_within_leaf(is_before_old, is_before_new, prefix);
                if moved {
                    inner.note_first(at);
                }
                moved
            }
        }
    }

    /// Removes a part of the items below, not all of them. What is left may be too small.
    fn remove_range(&mut self, positions: Range<usize>, visit: &mut impl FnMut(T)) {
        match self {
            Node::Leaf(slots) => {
                slots.drain(positions).for_each(|slot| visit(slot.item));
                shrink(slots);
            }
            Node::Inner(inner) => {
                let branches = &mut inner.branches;
                let mut from = positions.start;
                let mut at = child_at(branches, &mut from);
                let first_touched = at;
                let mut left = positions.len();
                if from > 0 || left < branches[at].count {
                    let removed = left.min(branches[at].count - from);
                    branches[at].remove_range(from..from + removed, visit);
                    left -= removed;
                    at += 1;
                }
                let is_whole = |branch: &&Branch<T>| {
                    let is_whole = branch.count <= left;
                    left -= if is_whole { branch.count } else { 0 };
                    is_whole
                };
                let whole = branches[at..].iter().take_while(is_whole).count();
                branches.drain(at..at + whole).for_each(|branch| branch.node.visit(visit));
                if left > 0 {
                    branches[at].remove_range(0..left, visit);
                }
                if whole > 0 {
                    shrink(branches);
                    inner.note_firsts();
                } else {
                    for touched in first_touched..=at.min(branches.len() - 1) {
                        inner.prefixes[touched] = inner.branches[touched].first.prefix;
                    }
                }
            }
        }
    }

    /// Joins nodes that are too small on both sides of a position, from here down to the leaves.
    fn mend(&mut self, seam: usize) {
        let Node::Inner(inner) = self else { return };
        loop {
            let branches = &mut inner.branches;
            // The children before and after the seam; they may be the same.
            let mut inside = seam.saturating_sub(1);
            let left = child_at(branches, &mut inside);
            let mut relative = seam;
            let right = child_at(branches, &mut relative);
            let sparse = [right, left].into_iter().find(|at| branches[*at].node.is_sparse());
            match sparse {
                Some(at) if branches.len() > 1 => inner.join_with_neighbour(at),
                _ => {
                    let widths =
                        |branches: &[Branch<T>]| [left, right].map(|at| branches[at].node.width());
                    let before = widths(branches);
                    branches[right].node.mend(relative);
                    if left != right {
                        let end = branches[left].count;
                        branches[left].node.mend(end);
                    }
                    // Mending below takes children away, which may make these too small in turn.
                    if widths(branches) == before {
                        return;
                    }
                }
            }
        }
    }

    /// Shows all items.
    fn visit(self, visit: &mut impl FnMut(T)) {
        match self {
            Node::Leaf(slots) => slots.into_iter().for_each(|slot| visit(slot.item)),
            Node::Inner(inner) => {
                inner.branches.into_iter().for_each(|branch| branch.node.visit(visit));
            }
        }
    }

    /// Moves everything from the node to the right, or as much as makes both the same size.
    fn join(&mut self, right: &mut Node<T>) {
        match (self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => join(left, right, LEAF_MAX),
            (Node::Inner(left), Node::Inner(right)) => {
                join(&mut left.branches, &mut right.branches, INNER_MAX);
                left.note_firsts();
                right.note_firsts();
            }
            _ => unreachable!("N1: neighbours are equally deep"),
        }
    }
}

impl<T: Copy> Inner<T> {
    /// Joins the child at a place, which is too small, with one next to it: into one, or into two of the
    /// same size if they hold too much for one.
    fn join_with_neighbour(&mut self, at: usize) {
        let at = at.min(self.branches.len() - 2);
        let (before, after) = self.branches.split_at_mut(at + 1);
        let (left, right) = (&mut before[at], &mut after[0]);
        left.node.join(&mut right.node);
        left.count = left.node.count();
        left.first = left.node.first();
        if right.node.width() == 0 {
            self.branches.remove(at + 1);
            shrink(&mut self.branches);
        } else {
            right.count = right.node.count();
            right.first = right.node.first();
        }
        self.note_firsts();
    }
}

fn join<S>(left: &mut Vec<S>, right: &mut Vec<S>, max: usize) {
    let total = left.len() + right.len();
    if total <= max {
        left.reserve_exact(room_for::<S>(total) - left.len());
        left.append(right);
        return;
    }
    let half = total / 2;
    if left.len() < half {
        left.reserve_exact(room_for::<S>(half) - left.len());
        left.extend(right.drain(..half - left.len()));
    } else {
        let moved = left.len() - half;
        right.reserve_exact(room_for::<S>(right.len() + moved) - right.len());
        right.splice(..0, left.drain(half..));
    }
    shrink(left);
    shrink(right);
}

/// Inserts into a node; one that is full is split, and the right part returned.
fn insert_or_split<S>(node: &mut Vec<S>, at: usize, element: S, max: usize) -> Option<Vec<S>> {
    if node.len() < max {
        if node.len() == node.capacity() {
            node.reserve_exact(room_for::<S>(node.len() + 1) - node.len());
        }
        node.insert(at, element);
        return None;
    }
    // What is filled in ascending order keeps three quarters of each node.
    let kept = if at == max { max - max / 4 } else { max / 2 };
    let mut right = Vec::with_capacity(room_for::<S>(max - kept + 1));
    right.extend(node.drain(kept..));
    if at > kept {
        right.insert(at - kept, element);
    } else {
        node.insert(at, element);
    }
    shrink(node);
    Some(right)
}

/// How many elements fit the size class of `len` of them.
fn room_for<S>(len: usize) -> usize {
    size_class(len * size_of::<S>()) / size_of::<S>()
}

/// Gives memory back if there is a size class between what is used and what is there, so that
/// insertions and deletions in turn do not move a node each time.
fn shrink<S>(node: &mut Vec<S>) {
    let enough = room_for::<S>(room_for::<S>(node.len()) + 1);
    if node.capacity() > enough {
        node.shrink_to(room_for::<S>(node.len() + 1));
    }
}
