//! Inserting and removing.

use std::ops::Range;

use super::{Branch, INNER_MAX, Inner, Leaf, Node, Place, Slot, Tree, child_at};
use crate::relocation::Relocation;
use crate::size_class::size_class;

impl<T: Copy> Tree<T> {
    /// Puts an item with the prefix at a place.
    pub(in super::super) fn insert(
        &mut self,
        prefix: u32,
        item: T,
        place: Place<impl Fn(T) -> bool>,
    ) {
        let slot = Slot { prefix, item };
        if let Some(right) = self.root.insert(&place, slot) {
            let left = std::mem::replace(&mut self.root, Node::Leaf(Leaf::new()));
            self.root = Node::Inner(Box::new(Inner::new(vec![Branch::of(left), right])));
        }
        self.len += 1;
    }

    /// Takes out the last of the items before a place.
    pub(in super::super) fn remove_before(
        &mut self,
        place: Place<impl Fn(T) -> bool>,
    ) -> Option<T> {
        match self.take_before(place, |_, _| false)? {
            Taken::Kept => None,
            Taken::Out(item) => Some(item),
        }
    }

    /// Moves the last of the items before a place to another place, and gives it another prefix, if
    /// both places are well inside one leaf: most items whose keys change a little stay there. If not, it
    /// is taken out. Returns whether it was moved.
    pub(in super::super) fn move_or_remove(
        &mut self,
        old: Place<impl Fn(T) -> bool>,
        new: Place<impl Fn(T) -> bool>,
        prefix: u32,
    ) -> bool {
        let keep = |leaf: &mut Leaf<T>, from: usize| {
            // The item itself counts, with the key that it had.
            let to = leaf.search(&new);
            // Before the first and after the last, other leaves may hold what comes in between.
            let is_inside = 0 < to && to < leaf.len();
            if is_inside {
                leaf.shift(from, to, prefix);
            }
            is_inside
        };
        matches!(self.take_before(old, keep), Some(Taken::Kept))
    }

    /// Takes out the last of the items before a place, unless `keep`, which is given its leaf and its
    /// position there, does something else with it.
    fn take_before(
        &mut self,
        place: Place<impl Fn(T) -> bool>,
        keep: impl FnOnce(&mut Leaf<T>, usize) -> bool,
    ) -> Option<Taken<T>> {
        let taken = self.root.take_before(&place, keep)?;
        if matches!(taken, Taken::Out(_)) {
            self.len -= 1;
            self.lower_root();
        }
        Some(taken)
    }

    /// Puts another item in the place of the last one before a place; its key must be the same.
    pub(in super::super) fn replace_before(&mut self, place: Place<impl Fn(T) -> bool>, item: T) {
        self.root.replace_before(&place, item);
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
        if positions.len() == 1 {
            visit(self.root.remove_at(seam));
            self.lower_root();
            return;
        }
        if self.len == 0 {
            let root = std::mem::replace(&mut self.root, Node::Leaf(Leaf::new()));
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

/// What became of an item.
enum Taken<T> {
    Kept,
    Out(T),
}

impl<T: Copy> FromIterator<(u32, T)> for Tree<T> {
    /// A tree of items that are in order.
    fn from_iter<I: IntoIterator<Item = (u32, T)>>(items: I) -> Self {
        let mut tree = Tree::new();
        for (prefix, item) in items {
            tree.insert(prefix, item, Place::anywhere(|_| true));
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
    fn insert(&mut self, place: &Place<impl Fn(T) -> bool>, slot: Slot<T>) -> Option<Branch<T>> {
        match self {
            Node::Leaf(leaf) => {
                let right = leaf.insert(leaf.search(place), slot);
                right.map(|right| Branch::of(Node::Leaf(right)))
            }
            Node::Inner(inner) => {
                let at = inner.last_before(place).unwrap_or(0);
                let branch = &mut inner.branches[at];
                let right = branch.node.insert(place, slot);
                branch.count += 1;
                branch.count -= right.as_ref().map_or(0, |right| right.count);
                inner.note_first(at);
                let right = insert_or_split(&mut inner.branches, at + 1, right?, INNER_MAX);
                inner.note_firsts();
                right.map(|right| Branch::of(Node::Inner(Box::new(Inner::new(right)))))
            }
        }
    }

    fn take_before(
        &mut self,
        place: &Place<impl Fn(T) -> bool>,
        keep: impl FnOnce(&mut Leaf<T>, usize) -> bool,
    ) -> Option<Taken<T>> {
        match self {
            Node::Leaf(leaf) => {
                let at = leaf.search(place).checked_sub(1)?;
                let is_kept = keep(leaf, at);
                Some(if is_kept { Taken::Kept } else { Taken::Out(leaf.remove(at)) })
            }
            Node::Inner(inner) => {
                let at = inner.last_before(place)?;
                let taken = inner.branches[at].node.take_before(place, keep)?;
                match taken {
                    Taken::Kept => inner.note_first(at),
                    Taken::Out(_) => inner.note_removal(at),
                }
                Some(taken)
            }
        }
    }

    fn remove_at(&mut self, mut position: usize) -> T {
        match self {
            Node::Leaf(leaf) => leaf.remove(position),
            Node::Inner(inner) => {
                let at = child_at(&inner.branches, &mut position);
                let removed = inner.branches[at].node.remove_at(position);
                inner.note_removal(at);
                removed
            }
        }
    }

    fn replace_before(&mut self, place: &Place<impl Fn(T) -> bool>, item: T) {
        match self {
            Node::Leaf(leaf) => {
                if let Some(at) = leaf.search(place).checked_sub(1) {
                    leaf.replace(at, item);
                }
            }
            Node::Inner(inner) => {
                if let Some(at) = inner.last_before(place) {
                    inner.branches[at].node.replace_before(place, item);
                    inner.note_first(at);
                }
            }
        }
    }

    /// Returns how many items the leaf has from the position on.
    fn relocate_leaf(&mut self, mut position: usize, relocation: &mut Relocation<'_>) -> usize {
        match self {
            Node::Leaf(leaf) => {
                leaf.relocate(relocation);
                leaf.len() - position
            }
            Node::Inner(inner) => {
                relocation.boxed(inner, Inner::new(Vec::new()));
                relocation.vec(&mut inner.branches);
                let at = child_at(&inner.branches, &mut position);
                inner.branches[at].node.relocate_leaf(position, relocation)
            }
        }
    }

    /// Removes a part of the items below, not all of them. What is left may be too small.
    fn remove_range(&mut self, positions: Range<usize>, visit: &mut impl FnMut(T)) {
        match self {
            Node::Leaf(leaf) => leaf.remove_range(positions, visit),
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
            Node::Leaf(leaf) => leaf.items().iter().copied().for_each(visit),
            Node::Inner(inner) => {
                inner.branches.into_iter().for_each(|branch| branch.node.visit(visit));
            }
        }
    }

    /// Moves everything from the node to the right, or as much as makes both the same size.
    fn join(&mut self, right: &mut Node<T>) {
        match (self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => left.join(right),
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
    /// Notes that a child has lost an item, and mends it if it has too few now.
    fn note_removal(&mut self, at: usize) {
        let branch = &mut self.branches[at];
        branch.count -= 1;
        if branch.node.is_sparse() {
            self.join_with_neighbour(at);
        } else {
            self.note_first(at);
        }
    }

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

/// Moves everything from `right` to `left` if that makes no more than `max`, or else as much as makes
/// both the same size.
pub(super) fn join<S>(left: &mut Vec<S>, right: &mut Vec<S>, max: usize) {
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
pub(super) fn insert_or_split<S>(
    node: &mut Vec<S>,
    at: usize,
    element: S,
    max: usize,
) -> Option<Vec<S>> {
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
pub(super) fn shrink<S>(node: &mut Vec<S>) {
    let enough = room_for::<S>(room_for::<S>(node.len()) + 1);
    if node.capacity() > enough {
        node.shrink_to(room_for::<S>(node.len() + 1));
    }
}
