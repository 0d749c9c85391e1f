//! A counted B+-tree: a sequence in which items are found by order and by position.
//!
//! A skip list, which Redis uses, follows about one pointer per doubling of the number of elements,
//! and nearly each of them is a cache miss; its nodes also cost a pointer and a span per level. Here
//! items lie in leaves of up to 85, and what a search reads of each is the *prefix* of its sort key,
//! which lies in the leaf itself. Only items with the prefix that is looked for are asked
//! themselves.
//!
//! ```text
//!            ┌───────────────┬───────────────┬─ ─
//!   inner    │ first, count  │ first, count  │        a branch for each child: its first item
//!            └──┬────────────┴──┬────────────┴─ ─     and how many items are below it; their
//!               │               │                     prefixes once more, side by side
//!               ▼               ▼
//!      ┌────────┬────────┬─ ─  ┌────────┬─ ─
//! leaf │ prefix │ prefix │     │ prefix │             12 bytes for each item
//!      │ item   │ item   │     │ item   │
//!      └────────┴────────┴─ ─  └────────┴─ ─
//! ```
//!
//! The tree does not know how items compare. Whoever searches brings a predicate of prefix and item
//! that holds for the first so many items, and for none after them: they come *before* the place that
//! is looked for.
//!
//! **Memory.** Nodes are as large as what is in them, rounded up to a size class of the allocator:
//! an insertion that does not fit moves the leaf to the next class. So a leaf that is half full after
//! a split is not half wasted, and the tree costs 12 bytes for each item and up to four for branches
//! and rounding (a test keeps the figure).
//!
//! **Deleting a range** of `m` items drops the nodes that lie inside as a whole and leaves a seam
//! between what was before and after; only nodes that touch it can be too small, and they are
//! mended on the way along it. That is O(log n) besides what dropping takes.
//!
//! Invariants:
//!
//! - **N1** All leaves are equally deep.
//! - **N2** A branch's `first` and `count` are those of its child, and an inner node's `prefixes` those
//!   of its branches, followed by [`NO_PREFIX`]; `is_lowest` says what its children are.
//! - **N3** A node has at most [`LEAF_MAX`] items or [`INNER_MAX`] branches; one that is not the root
//!   has at least [`LEAF_MIN`] or [`INNER_MIN`]. An inner root has at least two branches.

mod edit;
mod iter;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use iter::Items;

use crate::size_class::size_class;
use crate::table::{CACHE_LINE_BYTES, prefetch as prefetch_line};

/// Items of a leaf: as many as fit 1,024 bytes.
const LEAF_MAX: usize = 85;
const LEAF_MIN: usize = LEAF_MAX / 4;
/// Branches of an inner node.
const INNER_MAX: usize = 64;
const INNER_MIN: usize = INNER_MAX / 4;
/// In the place of the prefix of a branch that is not there: no prefix is above it.
const NO_PREFIX: u32 = u32::MAX;

/// An item with its prefix, without the padding that the alignment of items asks for.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
struct Slot<T> {
    prefix: u32,
    item: T,
}

const _: () = {
    assert!(size_of::<Slot<u64>>() == 12);
    assert!(size_class(LEAF_MAX * 12) == 1024 && size_class((LEAF_MAX + 1) * 12) > 1024);
};

impl<T: Copy> Slot<T> {
    #[inline]
    fn passes(&self, is_before: impl Fn(u32, T) -> bool) -> bool {
        is_before(self.prefix, self.item)
    }
}

/// A node that has others below it.
struct Inner<T> {
    /// Whether its children are leaves.
    is_lowest: bool,
    branches: Vec<Branch<T>>,
    /// Those of the branches' first items, then [`NO_PREFIX`]. A search reads these, which lie in a few
    /// cache lines, and of the branches little more than the one that it takes.
    prefixes: [u32; INNER_MAX],
}

/// A child of an inner node.
struct Branch<T> {
    node: Node<T>,
    /// Items below.
    count: usize,
    first: Slot<T>,
}

enum Node<T> {
    Leaf(Vec<Slot<T>>),
    Inner(Box<Inner<T>>),
}

/// See the module's documentation.
pub(super) struct Tree<T> {
    root: Node<T>,
    len: usize,
}

impl<T: Copy> Tree<T> {
    /// An empty tree, which allocates nothing.
    pub(super) const fn new() -> Self {
        Tree { root: Node::Leaf(Vec::new()), len: 0 }
    }

    /// Number of items.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The position of a place: how many items come before it. If the predicate is not as it should
    /// be, that is any number up to the length.
    pub(super) fn position(&self, is_before: impl Fn(u32, T) -> bool) -> usize {
        let mut node = &self.root;
        let mut position = 0;
        loop {
            match node {
                Node::Leaf(slots) => {
                    return position + slots.partition_point(|slot| slot.passes(&is_before));
                }
                Node::Inner(inner) => {
                    let Some(at) = inner.last_before(&is_before) else { return position };
                    let before = inner.branches[..at].iter();
                    position += before.map(|branch| branch.count).sum::<usize>();
                    node = &inner.branches[at].node;
                }
            }
        }
    }

    /// The branch of the leaf in which the items of a prefix begin, or would; `None` if the root is that
    /// leaf. The branch itself is not read.
    #[inline(always)]
    fn branch_of(&self, prefix: u32) -> Option<&Branch<T>> {
        let mut node = &self.root;
        while let Node::Inner(inner) = node {
            let branch = &inner.branches[inner.count_below(prefix).saturating_sub(1)];
            if inner.is_lowest {
                return Some(branch);
            }
            node = &branch.node;
        }
        None
    }

    /// That leaf.
    fn leaf_of(&self, prefix: u32) -> &[Slot<T>] {
        match self.branch_of(prefix).map_or(&self.root, |branch| &branch.node) {
            Node::Leaf(slots) => slots,
            Node::Inner(_) => unreachable!("N2: the lowest inner nodes have leaves"),
        }
    }

    /// Begins to fetch that branch.
    pub(super) fn prefetch_branch(&self, prefix: u32) {
        if let Some(branch) = self.branch_of(prefix) {
            prefetch_line((&raw const *branch).cast());
        }
    }

    /// Begins to fetch that leaf.
    pub(super) fn prefetch_leaf(&self, prefix: u32) {
        for line in self.leaf_of(prefix).chunks(CACHE_LINE_BYTES / size_of::<Slot<T>>()) {
            prefetch_line(line.as_ptr().cast());
        }
    }

    /// The first item of a prefix, if there is one and it is in that leaf.
    pub(super) fn first_with(&self, prefix: u32) -> Option<T> {
        let leaf = self.leaf_of(prefix);
        let slot = leaf.get(leaf.partition_point(|slot| slot.prefix < prefix))?;
        (slot.prefix == prefix).then_some(slot.item)
    }

    /// The items at a range of positions, from either end.
    ///
    /// # Panics
    ///
    /// If there are not that many.
    pub(super) fn range(&self, positions: Range<usize>) -> Items<'_, T> {
        assert!(positions.start <= positions.end && positions.end <= self.len);
        Items::new(self, positions)
    }

    /// The leaf that holds a position, as the items from that position on, and those before it.
    fn leaf_at(&self, mut position: usize) -> (&[Slot<T>], &[Slot<T>]) {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(slots) => {
                    let (before, after) = slots.split_at(position);
                    return (after, before);
                }
                Node::Inner(inner) => {
                    let at = child_at(&inner.branches, &mut position);
                    node = &inner.branches[at].node;
                }
            }
        }
    }

    /// Bytes of the allocator's that the tree takes.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.root.allocated_bytes()
    }

    /// Asserts all invariants, and that `is_ordered` holds for each two neighbours.
    pub(super) fn check_invariants(&self, is_ordered: impl Fn(T, T) -> bool) {
        let (count, _) = self.root.check_invariants(true);
        assert_eq!(count, self.len, "N2");
        let mut before: Option<Slot<T>> = None;
        for slot in Items::slots(self, 0..self.len) {
            if let Some(before) = before {
                let (one, other) = (before.prefix, slot.prefix);
                assert!(one <= other, "prefixes ascend");
                assert!(is_ordered(before.item, slot.item));
            }
            before = Some(slot);
        }
    }
}

/// The child that holds a position, which becomes relative to it; the last one has also the position
/// after its end.
fn child_at<T>(branches: &[Branch<T>], position: &mut usize) -> usize {
    let mut at = 0;
    while at + 1 < branches.len() && *position >= branches[at].count {
        *position -= branches[at].count;
        at += 1;
    }
    at
}

impl<T: Copy> Inner<T> {
    /// A node of at most [`INNER_MAX`] branches.
    fn new(branches: Vec<Branch<T>>) -> Self {
        let is_lowest = matches!(branches.first(), Some(Branch { node: Node::Leaf(_), .. }));
        let mut inner = Inner { is_lowest, branches, prefixes: [NO_PREFIX; INNER_MAX] };
        inner.note_firsts();
        inner
    }

    /// Notes the prefixes of all branches, after some came or went.
    fn note_firsts(&mut self) {
        self.prefixes = [NO_PREFIX; INNER_MAX];
        for (prefix, branch) in self.prefixes.iter_mut().zip(&self.branches) {
            *prefix = branch.first.prefix;
        }
    }

    /// How many children begin with a smaller prefix. All are compared, which vectors do faster than a
    /// search whose every step is a guess.
    #[inline]
    fn count_below(&self, prefix: u32) -> usize {
        self.prefixes.iter().map(|other| u32::from(*other < prefix)).sum::<u32>() as usize
    }

    /// Notes that a child may begin with another item.
    #[inline]
    fn note_first(&mut self, at: usize) {
        let branch = &mut self.branches[at];
        branch.first = branch.node.first();
        self.prefixes[at] = branch.first.prefix;
    }

    /// The last child whose first item comes before a place.
    #[inline]
    fn last_before(&self, is_before: &impl Fn(u32, T) -> bool) -> Option<usize> {
        let (mut from, mut until) = (0, self.branches.len());
        while from < until {
            let middle = usize::midpoint(from, until);
            if is_before(self.prefixes[middle], self.branches[middle].first.item) {
                from = middle + 1;
            } else {
                until = middle;
            }
        }
        from.checked_sub(1)
    }
}

impl<T: Copy> Node<T> {
    /// Number of items or branches in the node itself.
    fn width(&self) -> usize {
        match self {
            Node::Leaf(slots) => slots.len(),
            Node::Inner(inner) => inner.branches.len(),
        }
    }

    /// Whether there is too little in a node that is not the root.
    fn is_sparse(&self) -> bool {
        match self {
            Node::Leaf(slots) => slots.len() < LEAF_MIN,
            Node::Inner(inner) => inner.branches.len() < INNER_MIN,
        }
    }

    fn first(&self) -> Slot<T> {
        match self {
            Node::Leaf(slots) => slots[0],
            Node::Inner(inner) => inner.branches[0].first,
        }
    }

    /// Number of items below.
    fn count(&self) -> usize {
        match self {
            Node::Leaf(slots) => slots.len(),
            Node::Inner(inner) => inner.branches.iter().map(|branch| branch.count).sum(),
        }
    }

    fn allocated_bytes(&self) -> usize {
        match self {
            Node::Leaf(slots) => size_class(slots.capacity() * size_of::<Slot<T>>()),
            Node::Inner(inner) => {
                let branches = &inner.branches;
                let own = size_class(branches.capacity() * size_of::<Branch<T>>())
                    + size_class(size_of::<Inner<T>>());
                own + branches.iter().map(|branch| branch.node.allocated_bytes()).sum::<usize>()
            }
        }
    }

    /// Returns the items below and the depth of the leaves.
    fn check_invariants(&self, is_root: bool) -> (usize, usize) {
        assert!(is_root || !self.is_sparse(), "N3");
        match self {
            Node::Leaf(slots) => {
                assert!(slots.len() <= LEAF_MAX, "N3");
                (slots.len(), 0)
            }
            Node::Inner(inner) => {
                let branches = &inner.branches;
                assert!((2..=INNER_MAX).contains(&branches.len()), "N3");
                let mut depths = Vec::new();
                let mut total = 0;
                let unused = &inner.prefixes[branches.len()..];
                assert!(unused.iter().all(|prefix| *prefix == NO_PREFIX), "N2");
                for (branch, prefix) in branches.iter().zip(inner.prefixes) {
                    assert_eq!(matches!(branch.node, Node::Leaf(_)), inner.is_lowest, "N2");
                    let (count, depth) = branch.node.check_invariants(false);
                    assert_eq!(count, branch.count, "N2");
                    let (first, known) = (branch.node.first().prefix, branch.first.prefix);
                    assert_eq!(first, known, "N2");
                    assert_eq!(prefix, known, "N2");
                    depths.push(depth);
                    total += count;
                }
                assert!(depths.iter().all(|depth| *depth == depths[0]), "N1");
                (total, depths[0] + 1)
            }
        }
    }
}
