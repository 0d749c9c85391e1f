//! A counted B+-tree: a sequence in which items are found by order and by position.
//!
//! A skip list, which Redis uses, follows about one pointer per doubling of the number of elements,
//! and nearly each of them is a cache miss; its nodes also cost a pointer and a span per level. Here
//! items lie in leaves of up to 96, and what a search reads of each is the *prefix* of its sort key,
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
//! leaf │ prefix │ prefix │     │ prefix │             12 bytes for each item, the prefixes
//!      ├────────┼────────┼─ ─  ├────────┼─ ─          in one allocation, the items in another
//!      │ item   │ item   │     │ item   │
//!      └────────┴────────┴─ ─  └────────┴─ ─
//! ```
//!
//! The tree does not know how items compare. Whoever searches brings a [`Place`]: a prefix, and a
//! predicate that holds for the first so many of its items: they come *before* the place.
//!
//! **Memory.** Nodes are as large as what is in them, rounded up to a size class of the allocator:
//! an insertion that does not fit moves the leaf to the next class. So a leaf that is half full after
//! a split is not half wasted, and the tree costs 12 bytes for each item and up to six for branches
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
//! - **N4** A leaf has as many prefixes as items, and they ascend.

mod edit;
mod iter;
mod leaf;
mod place;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use iter::Items;
use leaf::{LEAF_MIN, Leaf};
pub(super) use place::Place;
use place::count_below;

use crate::size_class::size_class;
use crate::table::prefetch as prefetch_line;

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
    Leaf(Leaf<T>),
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
        Tree { root: Node::Leaf(Leaf::new()), len: 0 }
    }

    /// Number of items.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The position of a place: how many items come before it. If the predicate is not as it should
    /// be, that is any number up to the length.
    pub(super) fn position(&self, place: Place<impl Fn(T) -> bool>) -> usize {
        let mut node = &self.root;
        let mut position = 0;
        loop {
            match node {
                Node::Leaf(leaf) => return position + leaf.search(&place),
                Node::Inner(inner) => {
                    let Some(at) = inner.last_before(&place) else { return position };
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
            let branch = &inner.branches[count_below(&inner.prefixes, prefix).saturating_sub(1)];
            if inner.is_lowest {
                return Some(branch);
            }
            node = &branch.node;
        }
        None
    }

    /// That leaf.
    fn leaf_of(&self, prefix: u32) -> &Leaf<T> {
        match self.branch_of(prefix).map_or(&self.root, |branch| &branch.node) {
            Node::Leaf(leaf) => leaf,
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
        self.leaf_of(prefix).prefetch();
    }

    /// The first item of a prefix, if there is one and it is in that leaf.
    pub(super) fn first_with(&self, prefix: u32) -> Option<T> {
        self.leaf_of(prefix).first_with(prefix)
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
    fn leaf_at(&self, mut position: usize) -> (&[T], &[T]) {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let (before, after) = leaf.items().split_at(position);
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

    /// Asserts all invariants, that items have these prefixes, and that `is_ordered` holds for each two
    /// neighbours.
    pub(super) fn check_invariants(
        &self,
        prefix: impl Fn(T) -> u32,
        is_ordered: impl Fn(T, T) -> bool,
    ) {
        let mut prefixes = Vec::new();
        let (count, _) = self.root.check_invariants(true, &mut prefixes);
        assert_eq!(count, self.len, "N2");
        assert!(prefixes.is_sorted(), "N4");
        let items = self.range(0..self.len);
        assert!(items.map(prefix).eq(prefixes), "prefixes stay with their items");
        assert!(self.range(0..self.len).is_sorted_by(|one, other| is_ordered(*one, *other)));
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

    /// Notes that a child may begin with another item.
    #[inline]
    fn note_first(&mut self, at: usize) {
        let branch = &mut self.branches[at];
        branch.first = branch.node.first();
        self.prefixes[at] = branch.first.prefix;
    }

    /// The last child whose first item comes before a place.
    #[inline]
    fn last_before(&self, place: &Place<impl Fn(T) -> bool>) -> Option<usize> {
        let prefixes = &self.prefixes[..self.branches.len()];
        let item = |at: usize| self.branches[at].first.item;
        place.search(prefixes, &self.prefixes, item).checked_sub(1)
    }
}

impl<T: Copy> Node<T> {
    /// Number of items or branches in the node itself.
    fn width(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.branches.len(),
        }
    }

    /// Whether there is too little in a node that is not the root.
    fn is_sparse(&self) -> bool {
        match self {
            Node::Leaf(leaf) => leaf.len() < LEAF_MIN,
            Node::Inner(inner) => inner.branches.len() < INNER_MIN,
        }
    }

    fn first(&self) -> Slot<T> {
        match self {
            Node::Leaf(leaf) => leaf.first(),
            Node::Inner(inner) => inner.branches[0].first,
        }
    }

    /// Number of items below.
    fn count(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.branches.iter().map(|branch| branch.count).sum(),
        }
    }

    fn allocated_bytes(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.allocated_bytes(),
            Node::Inner(inner) => {
                let branches = &inner.branches;
                let own = size_class(branches.capacity() * size_of::<Branch<T>>())
                    + size_class(size_of::<Inner<T>>());
                own + branches.iter().map(|branch| branch.node.allocated_bytes()).sum::<usize>()
            }
        }
    }

    /// Returns the items below and the depth of the leaves, and adds all prefixes.
    fn check_invariants(&self, is_root: bool, all: &mut Vec<u32>) -> (usize, usize) {
        assert!(is_root || !self.is_sparse(), "N3");
        match self {
            Node::Leaf(leaf) => {
                leaf.check_invariants();
                all.extend_from_slice(leaf.prefixes());
                (leaf.len(), 0)
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
                    let (count, depth) = branch.node.check_invariants(false, all);
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
