//! Which keys expire next.
//!
//! A shard must find the keys whose time has passed at once, not by sampling,
//! and there is one index per shard and database: thousands of them, each with
//! few keys or none. So the index holds nothing but 64-bit items in order, and
//! an item says just enough for the shard to find its key in the table:
//!
//! ```text
//!  63                    22 21                  0
//! ┌────────────────────────┬─────────────────────┐
//! │ deadline, ms since 1970│ low bits of key hash│
//! └────────────────────────┴─────────────────────┘
//! ```
//!
//! The hash bits are those by which the table chooses a bucket. Several keys
//! may share an item; then it is there several times. The shard looks at the
//! table's candidates for the hash bits and takes any one that the item stands
//! for ([`Due::is_for`]): taking another key of the same deadline would leave
//! the index with an item whose key is gone.
//!
//! Up to [`LEAF_MAX`] items are one sorted vector. More are a sorted sequence
//! of such vectors, the leaves, each next to its smallest item:
//!
//! ```text
//! root ─► (minimum, leaf) (minimum, leaf) (minimum, leaf) ...
//!                   │
//!                   └─► item item item item (room for a few more)
//! ```
//!
//! To find an item takes two binary searches. A full leaf splits in half, but
//! the last one, if its new item is the largest, gives away only an eighth:
//! deadlines mostly ascend, and leaves that nothing will be added to should be
//! full. A leaf that has become small is merged with a neighbour.
//!
//! **Cost.** Leaves grow in steps of one size class of the allocator, so little
//! of an item's neighbourhood is empty; with its share of the root an item
//! takes at most 12 bytes at a thousand items, in any order of insertion (a
//! test measures it). The root is a plain ring: a split or a merge moves up to
//! half of its elements, which at a million items in one index are some
//! ten thousand, once per [`LEAF_MAX`] / 2 insertions.
//!
//! **Limits.** The 42 bits end in the year 2109. A later deadline is stored as
//! the last one that fits, and never reported as due: such a key is found
//! expired only when it is accessed. Deadlines before 1970 count as 1970.
//!
//! Invariants:
//!
//! - **X1** All items in the order of leaves are sorted.
//! - **X2** No leaf is empty, or larger than `LEAF_MAX`, and each has its own
//!   first item as `minimum`.
//! - **X3** A sequence has at least two leaves.

use std::collections::VecDeque;

use russet_data::relocation::Relocation;
use russet_data::size_class::size_class;

/// The low bits of a key's hash that an item holds.
pub const HASH_BITS: u32 = 22;

/// The deadline that stands for itself and for all later ones.
pub const DEADLINE_MAX_MS: i64 = (1 << (u64::BITS - HASH_BITS)) - 1;

/// The most items in a leaf: eight cache lines.
const LEAF_MAX: usize = 64;
/// What the last leaf keeps if it splits for the sake of a new largest item.
const LEAF_KEPT_WHEN_ASCENDING: usize = LEAF_MAX - LEAF_MAX / 8;
/// A leaf with fewer items looks for a neighbour to merge with.
const LEAF_MIN: usize = LEAF_MAX / 4;
/// Two leaves merge if they have no more items than this together, which
/// leaves room to grow before the next split.
const MERGED_MAX: usize = LEAF_MAX * 3 / 4;

/// A multiset of deadlines with hash bits, in order.
#[derive(Debug)]
pub struct ExpiryIndex {
    root: Root,
}

#[derive(Debug)]
enum Root {
    Leaf(Vec<u64>),
    Sequence(Box<Sequence>),
}

#[derive(Debug)]
struct Sequence {
    leaves: VecDeque<Leaf>,
    len: usize,
}

#[derive(Debug)]
struct Leaf {
    minimum: u64,
    items: Vec<u64>,
}

/// A key whose time has passed, as the index knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The deadline, in milliseconds since the Unix epoch, as the index stores
    /// it: not before 1970.
    pub deadline_ms: i64,
    /// The low [`HASH_BITS`] bits of the key's hash.
    pub hash_low: u32,
}

impl Due {
    /// Whether a key that expires at `expire_at_ms` may be this one. Asks for
    /// the key's hash only if the time agrees.
    #[must_use]
    pub fn is_for(self, expire_at_ms: Option<i64>, hash: impl FnOnce() -> u64) -> bool {
        expire_at_ms.is_some_and(|expire_at_ms| {
            clamp_deadline(expire_at_ms) == self.deadline_ms && hash_low(hash()) == self.hash_low
        })
    }
}

impl ExpiryIndex {
    /// An empty index, which owns no memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { root: Root::Leaf(Vec::new()) }
    }

    /// Adds a key that expires at `deadline_ms` (milliseconds since the Unix
    /// epoch) and hashes to `hash`.
    pub fn insert(&mut self, deadline_ms: i64, hash: u64) {
        let item = item(deadline_ms, hash);
        match &mut self.root {
            Root::Leaf(items) if items.len() < LEAF_MAX => insert_into_leaf(items, item),
            Root::Leaf(items) => {
                let mut sequence = Sequence::of_one_leaf(std::mem::take(items));
                sequence.insert(item);
                self.root = Root::Sequence(Box::new(sequence));
            }
            Root::Sequence(sequence) => sequence.insert(item),
        }
    }

    /// Removes what [`ExpiryIndex::insert`] added with the same arguments.
    /// Returns whether it was there.
    pub fn remove(&mut self, deadline_ms: i64, hash: u64) -> bool {
        let item = item(deadline_ms, hash);
        match &mut self.root {
            Root::Leaf(items) => {
                let Ok(position) = items.binary_search(&item) else { return false };
                remove_from_leaf(items, position);
                true
            }
            Root::Sequence(sequence) => {
                let found = sequence.remove(item);
                self.collapse();
                found
            }
        }
    }

    /// The earliest deadline, in milliseconds since the Unix epoch, that will
    /// be reported as due some day.
    #[must_use]
    pub fn first(&self) -> Option<i64> {
        let deadline_ms = deadline_ms(self.first_item()?);
        (deadline_ms < DEADLINE_MAX_MS).then_some(deadline_ms)
    }

    /// Removes the earliest key whose deadline has passed at `now_ms`. In the
    /// millisecond of the deadline it has not yet, as for
    /// [`Entry::is_expired`](crate::entry::Entry::is_expired).
    pub fn pop_due(&mut self, now_ms: i64) -> Option<Due> {
        let deadline_ms = self.first()?;
        if now_ms <= deadline_ms {
            return None;
        }
        let item = match &mut self.root {
            Root::Leaf(items) => remove_from_leaf(items, 0),
            Root::Sequence(sequence) => {
                let item = sequence.remove_at(0, 0);
                self.collapse();
                item
            }
        };
        Some(Due { deadline_ms, hash_low: hash_low(item) })
    }

    /// A key of the index, every one being equally likely if `next_u64` gives uniform numbers.
    #[must_use]
    pub fn random(&self, next_u64: &mut dyn FnMut() -> u64) -> Option<Due> {
        let mut below = |bound: usize| ((u128::from(next_u64()) * bound as u128) >> 64) as usize;
        let item = match &self.root {
            Root::Leaf(items) if items.is_empty() => return None,
            Root::Leaf(items) => items[below(items.len())],
            // A position that a leaf does not have is drawn again, with another leaf: otherwise
            // small leaves would be favoured.
            Root::Sequence(sequence) => loop {
                let leaf = &sequence.leaves[below(sequence.leaves.len())];
                if let Some(item) = leaf.items.get(below(LEAF_MAX)) {
                    break *item;
                }
            },
        };
        Some(Due { deadline_ms: deadline_ms(item), hash_low: hash_low(item) })
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.root {
            Root::Leaf(items) => items.len(),
            Root::Sequence(sequence) => sequence.len,
        }
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes the allocator has set aside for the index, without the
    /// `ExpiryIndex` itself.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        match &self.root {
            Root::Leaf(items) => leaf_bytes(items),
            Root::Sequence(sequence) => {
                let root_bytes = sequence.leaves.capacity() * size_of::<Leaf>();
                let leaves_bytes: usize =
                    sequence.leaves.iter().map(|leaf| leaf_bytes(&leaf.items)).sum();
                size_class(size_of::<Sequence>()) + size_class(root_bytes) + leaves_bytes
            }
        }
    }

    /// Moves the leaves.
    pub fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        match &mut self.root {
            Root::Leaf(items) => relocation.vec(items),
            Root::Sequence(sequence) => {
                sequence.leaves.iter_mut().for_each(|leaf| relocation.vec(&mut leaf.items));
            }
        }
    }

    /// Checks X1 to X3.
    ///
    /// # Panics
    /// If one does not hold.
    pub fn check_invariants(&self) {
        match &self.root {
            Root::Leaf(items) => {
                assert!(items.len() <= LEAF_MAX);
                assert!(items.is_sorted(), "X1");
            }
            Root::Sequence(sequence) => {
                let leaves = &sequence.leaves;
                assert!(leaves.len() >= 2, "X3");
                assert!(leaves.iter().flat_map(|leaf| &leaf.items).is_sorted(), "X1");
                for leaf in leaves {
                    assert!((1..=LEAF_MAX).contains(&leaf.items.len()), "X2");
                    assert_eq!(leaf.items[0], leaf.minimum, "X2");
                }
                let len: usize = leaves.iter().map(|leaf| leaf.items.len()).sum();
                assert_eq!(len, sequence.len);
            }
        }
    }

    fn first_item(&self) -> Option<u64> {
        match &self.root {
            Root::Leaf(items) => items.first().copied(),
            Root::Sequence(sequence) => sequence.leaves.front().map(|leaf| leaf.minimum),
        }
    }

    /// Turns a sequence of one leaf back into that leaf (X3).
    fn collapse(&mut self) {
        if let Root::Sequence(sequence) = &mut self.root
            && sequence.leaves.len() == 1
            && let Some(leaf) = sequence.leaves.pop_front()
        {
            self.root = Root::Leaf(leaf.items);
        }
    }
}

impl Default for ExpiryIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl Sequence {
    /// The start of a sequence; it must grow to two leaves at once (X3).
    fn of_one_leaf(items: Vec<u64>) -> Self {
        let len = items.len();
        Self { leaves: VecDeque::from([Leaf::new(items)]), len }
    }

    fn insert(&mut self, item: u64) {
        let mut index = self.leaf_for(item);
        if self.leaves[index].items.len() == LEAF_MAX {
            self.split(index, item);
            index = self.leaf_for(item);
        }
        let leaf = &mut self.leaves[index];
        insert_into_leaf(&mut leaf.items, item);
        leaf.minimum = leaf.items[0];
        self.len += 1;
    }

    fn remove(&mut self, item: u64) -> bool {
        let index = self.leaf_for(item);
        let Ok(position) = self.leaves[index].items.binary_search(&item) else { return false };
        self.remove_at(index, position);
        true
    }

    /// Removes one item and keeps the leaf from becoming too small.
    fn remove_at(&mut self, index: usize, position: usize) -> u64 {
        self.len -= 1;
        let leaf = &mut self.leaves[index];
        let item = remove_from_leaf(&mut leaf.items, position);
        if let Some(&minimum) = leaf.items.first() {
            leaf.minimum = minimum;
        }
        if leaf.items.len() < LEAF_MIN {
            if index + 1 < self.leaves.len() {
                self.merge_with_next(index);
            } else if index > 0 {
                self.merge_with_next(index - 1);
            }
        }
        item
    }

    /// The leaf that `item` belongs to: the last one that does not begin
    /// behind it, or the first of all. If the item is there at all, it is
    /// there, even if equal ones are in leaves before it.
    fn leaf_for(&self, item: u64) -> usize {
        self.leaves.partition_point(|leaf| leaf.minimum <= item).saturating_sub(1)
    }

    /// Splits a full leaf to make room for `item`.
    fn split(&mut self, index: usize, item: u64) {
        let is_last = index + 1 == self.leaves.len();
        let items = &mut self.leaves[index].items;
        let ascending = is_last && items.last().is_some_and(|&last| last <= item);
        let kept = if ascending { LEAF_KEPT_WHEN_ASCENDING } else { LEAF_MAX / 2 };
        let given_away = items.split_off(kept);
        items.shrink_to(leaf_capacity(kept));
        self.leaves.insert(index + 1, Leaf::new(given_away));
    }

    /// Merges two neighbours if they fit together, or if one is empty (X2).
    fn merge_with_next(&mut self, index: usize) {
        let lens = [index, index + 1].map(|index| self.leaves[index].items.len());
        let together: usize = lens.iter().sum();
        if together > MERGED_MAX && !lens.contains(&0) {
            return;
        }
        let Some(next) = self.leaves.remove(index + 1) else { return };
        let leaf = &mut self.leaves[index];
        if leaf.items.is_empty() {
            *leaf = next;
        } else {
            leaf.items.reserve_exact(leaf_capacity(together).saturating_sub(leaf.items.len()));
            leaf.items.extend_from_slice(&next.items);
        }
        if self.leaves.len() < self.leaves.capacity() / 4 {
            self.leaves.shrink_to(self.leaves.len() * 2);
        }
    }
}

impl Leaf {
    fn new(items: Vec<u64>) -> Self {
        Self { minimum: items[0], items }
    }
}

fn insert_into_leaf(items: &mut Vec<u64>, item: u64) {
    if items.len() == items.capacity() {
        items.reserve_exact(leaf_capacity(items.len() + 1) - items.len());
    }
    let position = items.partition_point(|&other| other <= item);
    items.insert(position, item);
}

fn remove_from_leaf(items: &mut Vec<u64>, position: usize) -> u64 {
    let item = items.remove(position);
    // Half a step of slack, so that a leaf at a boundary does not move back
    // and forth.
    let capacity = leaf_capacity(items.len() + items.len() / 8);
    if items.capacity() > capacity + capacity / 4 {
        items.shrink_to(capacity);
    }
    item
}

/// The room that a leaf of `len` items gets: a whole size class of the allocator.
fn leaf_capacity(len: usize) -> usize {
    let step = if len <= 16 { 4 } else { 8 };
    len.next_multiple_of(step)
}

fn leaf_bytes(items: &Vec<u64>) -> usize {
    size_class(items.capacity() * size_of::<u64>())
}

fn item(deadline_ms: i64, hash: u64) -> u64 {
    (clamp_deadline(deadline_ms) as u64) << HASH_BITS | u64::from(hash_low(hash))
}

fn clamp_deadline(deadline_ms: i64) -> i64 {
    deadline_ms.clamp(0, DEADLINE_MAX_MS)
}

fn deadline_ms(item: u64) -> i64 {
    (item >> HASH_BITS) as i64
}

fn hash_low(item_or_hash: u64) -> u32 {
    (item_or_hash & ((1 << HASH_BITS) - 1)) as u32
}

const _: () = {
    assert!(size_of::<ExpiryIndex>() == 24);
    assert!(size_of::<Leaf>() == 32);
    assert!(MERGED_MAX < LEAF_MAX && LEAF_MIN * 2 <= MERGED_MAX);
};

#[cfg(test)]
mod tests;
