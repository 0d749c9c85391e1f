//! A hash table that grows and shrinks by one bucket at a time.
//!
//! It holds the keys of a shard and the elements of large hashes and sets. A general-purpose hash
//! map doubles: a pause proportional to its size, and memory for both halves meanwhile. This one is
//! *linear hashing* (Witold Litwin, 1980): when the load passes a bound, one bucket, whichever's
//! turn it is, is split in two. No operation takes time proportional to the table.
//!
//! ```text
//!  hash:  63 ...           window + 16     window          level      0
//!        ┌─────────────────┬───────────────────────┬──────────────────┐
//!        │                 │ tag                   │                  │
//!        └─────────────────┴───────────────────────┴──────────────────┘
//!                                     └─ may overlap ─┘   bucket number
//!
//!  directory      page            bucket, 64 bytes                overflow block
//!  ┌─────┐      ┌───────┐        ┌────────────┐              ┌─────────────────┐
//!  │     ├─────►│bucket ├───────►│ 8 slots of ├─────────────►│2, 4, 6, 8 slots │
//!  ├─────┤      ├───────┤        │ 8 bytes    │ last slot,   └─────────────────┘
//!  │     │      │  ...  │        └─────┬──────┘ if there are more than 8
//!  └─────┘      └───────┘              ▼
//!                            tag and address of an item
//! ```
//!
//! **Lookup.** The bucket's number comes from the low bits of the hash; all tags of its cache line
//! are compared at once, and only an item whose tag matches is looked at. One line of the table and
//! one item is all that most lookups touch. A caller with several lookups at hand fetches ahead, in
//! passes over all of them: [`Table::prefetch_bucket`], [`Table::prefetch_item`], and, if the items
//! are too many for the caches, [`Table::prefetch_overflow_item`].
//!
//! **Tags** are 16 bits of the hash, chosen so that a split finds the bit it goes by in the tag and
//! leaves the items alone, see `geometry.rs`. At least 9 of them tell items of a bucket apart.
//!
//! **Load.** A bucket is split when there are more than `MAX_LOAD` items per four buckets, two are
//! merged when there are fewer than `MIN_LOAD`; the gap between them keeps insertions and deletions in
//! turn from splitting and merging the same bucket. As the buckets of a round wait for their split,
//! some are twice as full as others, so a high load costs little space: a bucket that is too full
//! pays for a small block, one that is half empty for all its slots.
//!
//! **Memory** for `n` items, all included but the items themselves (tests keep these figures):
//!
//! | n | bytes per item | further blocks visited by a hit |
//! | --- | --- | --- |
//! | 976 on average, as in a shard of a million keys | 10.0 at most | 0.25 at most |
//! | anything from 500 to 40,000 | 10.5 at most | 0.30 at most |
//!
//! **Scanning** follows Redis' contract, see [`Table::scan`]; the cursor's arithmetic is in
//! `geometry.rs`.
//!
//! **Epochs.** A bucket has one bit for its owner, meant for snapshots: which of two epochs it has
//! been seen in. A split hands it on, and buckets that differ in it are not merged.
//!
//! Invariants, beyond those of `bucket.rs` (C1 to C4) and `directory.rs` (D1 to D3):
//!
//! - **T1** An item is in the chain of the bucket that `geometry.rs` gives for its hash, under the tag
//!   it gives.
//! - **T2** `len` counts the items, `overflow_slots` the slots of overflow blocks, and no chain is
//!   longer than `longest_chain`.
//! - **T3** An empty table has no buckets.

mod bucket;
mod directory;
mod geometry;
mod item;
mod node;
mod prefetch;
mod relocate;
mod scan;
mod slot;
mod tag_match;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use directory::Directory;
use geometry::{Geometry, MAX_BUCKETS, Place};
pub use item::{ITEM_ALIGN, Item, ItemRef, KeyHasher, SlotMut};
use node::OverflowSlots;
pub use prefetch::{Ahead, CACHE_LINE_BYTES, prefetch, prefetch_to_write};
pub use scan::{IntoIter, Iter, Statistics};
use slot::Slot;

/// More items per four buckets than this, and a bucket is split.
const MAX_LOAD: usize = 33;
/// Fewer items per four buckets than this would leave, and two buckets are merged.
const MIN_LOAD: usize = 24;

/// See the module's documentation.
pub struct Table<T: Item> {
    directory: Directory,
    geometry: Geometry,
    len: usize,
    overflow_slots: OverflowSlots,
    /// Upper bound on the items of a chain, from which [`Table::random`] draws.
    longest_chain: u32,
    items: PhantomData<T>,
}

/// Small enough to lie inside a shard or a value.
const TABLE_BYTES: usize = 40;

// SAFETY: a table owns its memory and its items, and changes them only through `&mut`.
unsafe impl<T: Item + Send> Send for Table<T> {}
// SAFETY: as above; `&Table` lends items only as `&T`.
unsafe impl<T: Item + Sync> Sync for Table<T> {}

impl<T: Item> Table<T> {
    /// An empty table, which allocates nothing.
    pub const fn new() -> Self {
        const { assert!(size_of::<Self>() == TABLE_BYTES) };
        Table {
            directory: Directory::new(),
            geometry: Geometry::of(0),
            len: 0,
            overflow_slots: 0,
            longest_chain: 0,
            items: PhantomData,
        }
    }

    /// Number of items.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no items.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of buckets.
    pub fn bucket_count(&self) -> usize {
        self.directory.buckets() as usize
    }

    /// Bytes that the table has asked from the allocator, those of the items not included.
    pub fn allocated_bytes(&self) -> usize {
        self.directory.allocated_bytes() + self.overflow_slots as usize * size_of::<Slot>()
    }

    /// Where a hash belongs; `None` if there are no buckets.
    #[inline]
    fn place(&self, hash: u64) -> Option<Place> {
        let buckets = self.directory.buckets();
        (buckets != 0).then(|| self.geometry.place(hash, buckets))
    }

    /// The item with this key.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<ItemRef<'_, T>> {
        let place = self.place(hash)?;
        let slot = self.directory.bucket(place.bucket).find(place.tag, has_key::<T>(key))?;
        // SAFETY: the table owns the item (C4) and is borrowed.
        slot.pointer().map(|raw| unsafe { ItemRef::new(raw) })
    }

    /// The item with this key, to change.
    #[inline]
    pub fn find_mut(&mut self, hash: u64, key: &[u8]) -> Option<SlotMut<'_, T>> {
        let place = self.place(hash)?;
        let bucket = self.directory.bucket_mut(place.bucket);
        let slot = bucket.find_mut(place.tag, has_key::<T>(key))?;
        let raw = slot.pointer()?;
        // SAFETY: the slot holds this item, which the table owns (C4).
        Some(unsafe { SlotMut::new(slot, raw) })
    }

    /// Adds an item whose key is not in the table, and splits at most one bucket.
    #[inline]
    pub fn insert_unique(&mut self, hash: u64, item: T, hasher: &impl KeyHasher) {
        debug_assert!(self.find(hash, item.key()).is_none(), "the key is not in the table");
        if self.directory.buckets() == 0 {
            self.directory.push();
            self.geometry = Geometry::of(1);
        }
        let buckets = self.directory.buckets();
        let Place { bucket, tag } = self.geometry.place(hash, buckets);
        self.push(bucket, Slot::of_item(tag, item.into_raw()));
        self.len += 1;
        if 4 * self.len > MAX_LOAD * buckets as usize && buckets < MAX_BUCKETS {
            self.split(hasher);
        }
    }

    /// Takes out the item with this key, and merges at most two buckets.
    #[inline]
    pub fn remove(&mut self, hash: u64, key: &[u8]) -> Option<T> {
        let Place { bucket, tag } = self.place(hash)?;
        let bucket = self.directory.bucket_mut(bucket);
        let slot = bucket.remove(tag, has_key::<T>(key), &mut self.overflow_slots)?;
        self.len -= 1;
        if self.is_sparse() {
            self.shrink();
        }
        // SAFETY: no slot names the item any more that the table owned (C4).
        slot.pointer().map(|raw| unsafe { T::from_raw(raw) })
    }

    /// Begins to fetch the bucket of a hash.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        if let Some(place) = self.place(hash) {
            prefetch(self.directory.prefetch_address(place.bucket));
        }
    }

    /// Reads the bucket of a hash and begins to fetch what a lookup will read next: two cache lines
    /// of the item that the tag points out or, if there is none, of the overflow block. Returns
    /// whether it is the latter: then [`Table::prefetch_overflow_item`] gets further.
    #[inline]
    pub fn prefetch_item(&self, hash: u64) -> bool {
        let Some(Place { bucket, tag }) = self.place(hash) else { return false };
        let (guess, is_overflow) = self.directory.bucket(bucket).guess(tag);
        prefetch(guess);
        prefetch(guess.wrapping_add(CACHE_LINE_BYTES));
        is_overflow
    }

    /// For the few items that lie behind a bucket: reads the overflow block of a hash, which
    /// [`Table::prefetch_item`] began to fetch, and does as that does.
    #[inline]
    pub fn prefetch_overflow_item(&self, hash: u64) {
        if let Some(Place { bucket, tag }) = self.place(hash)
            && let Some(guess) = self.directory.bucket(bucket).guess_overflow(tag)
        {
            prefetch(guess);
            prefetch(guess.wrapping_add(CACHE_LINE_BYTES));
        }
    }

    /// A step of a look-up that is prefetched in two.
    #[inline]
    pub fn prefetch(&self, hash: u64, ahead: Ahead) {
        match ahead {
            Ahead::Bucket => self.prefetch_bucket(hash),
            Ahead::Element => {
                self.prefetch_item(hash);
            }
        }
    }

    /// An item that is likely to be the one with this hash, of those that `could_be`: for what is
    /// advice too.
    #[inline]
    pub fn guess(&self, hash: u64, could_be: impl Fn(&T) -> bool) -> Option<ItemRef<'_, T>> {
        let Place { bucket, tag } = self.place(hash)?;
        // SAFETY: the table owns the items that its slots name (C4), and is borrowed.
        let item = |raw| unsafe { ItemRef::<T>::new(raw) };
        self.directory.bucket(bucket).find(tag, |raw| could_be(&item(raw)))?.pointer().map(item)
    }

    /// The epoch of the bucket of a hash. A scan cursor stands for its bucket here. The epoch of a
    /// table without buckets is `false`.
    pub fn epoch(&self, hash: u64) -> bool {
        self.place(hash).is_some_and(|place| self.directory.bucket(place.bucket).epoch())
    }

    /// Changes the epoch of the bucket of a hash, if there are buckets.
    pub fn set_epoch(&mut self, hash: u64, epoch: bool) {
        if let Some(place) = self.place(hash) {
            self.directory.bucket_mut(place.bucket).set_epoch(epoch);
        }
    }

    /// Frees all items and all memory.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Frees the items for which `keep` does not hold.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for bucket in 0..self.directory.buckets() {
            for slot in self.directory.bucket_mut(bucket).drain(&mut self.overflow_slots) {
                let Some(raw) = slot.pointer() else { continue };
                // SAFETY: the item is in no slot now, so it is ours (C4), until it is pushed again.
                let item = unsafe { T::from_raw(raw) };
                if keep(&item) {
                    self.push(bucket, Slot::of_item(slot.tag(), item.into_raw()));
                } else {
                    self.len -= 1;
                }
            }
        }
        while self.is_sparse() && self.shrink() {}
    }

    #[inline]
    fn push(&mut self, bucket: u32, slot: Slot) {
        let chain = self.directory.bucket_mut(bucket).push(slot, &mut self.overflow_slots);
        self.longest_chain = self.longest_chain.max(chain as u32);
    }

    /// Whether there are too few items even for one bucket less.
    #[inline]
    fn is_sparse(&self) -> bool {
        self.len < (MIN_LOAD * self.bucket_count().saturating_sub(1) / 4).max(1)
    }

    /// Splits the bucket whose turn it is.
    fn split(&mut self, hasher: &impl KeyHasher) {
        let (before, buckets) = (self.geometry, self.directory.buckets());
        let (source, partner) = before.next_split(buckets);
        self.directory.push();
        self.geometry = Geometry::of(buckets + 1);
        let epoch = self.directory.bucket(source).epoch();
        self.directory.bucket_mut(partner).set_epoch(epoch);
        let mut lens = [0; 2];
        for slot in self.directory.bucket_mut(source).drain(&mut self.overflow_slots) {
            let place = Place { bucket: source, tag: slot.tag() };
            let moves = before.moves_at_split(before.known_hash(place, buckets));
            let tag = match slot.pointer() {
                Some(raw) if before.split_moves_window() => {
                    // SAFETY: the table owns the item (C4), which nobody changes meanwhile.
                    before.split_tag(hasher.hash(unsafe { ItemRef::<T>::new(raw) }.key()))
                }
                _ => slot.tag(),
            };
            let half = usize::from(moves);
            let bucket = self.directory.bucket_mut([source, partner][half]);
            lens[half] = bucket.push_to(lens[half], slot.with_tag(tag), &mut self.overflow_slots);
        }
    }

    /// Merges the last two buckets to have been split, or frees the last one of an empty table.
    /// Returns whether that was possible.
    #[cold]
    fn shrink(&mut self) -> bool {
        if self.len == 0 {
            debug_assert_eq!(self.overflow_slots, 0);
            *self = Self::new();
            return false;
        }
        let buckets = self.directory.buckets() - 1;
        if buckets == 0 {
            return false;
        }
        let (before, after) = (self.geometry, Geometry::of(buckets));
        let (target, partner) = after.next_split(buckets);
        if self.directory.bucket(target).epoch() != self.directory.bucket(partner).epoch() {
            return false;
        }
        let tag_in = |bucket: u32| {
            move |slot: Slot| {
                let place = Place { bucket, tag: slot.tag() };
                after.unsplit_tag(before.known_hash(place, buckets + 1))
            }
        };
        if after.split_moves_window() {
            self.directory.bucket_mut(target).retag(tag_in(target));
        }
        let merged = self.directory.bucket_mut(partner).drain(&mut self.overflow_slots);
        self.directory.pop();
        self.geometry = after;
        for slot in merged {
            self.push(target, slot.with_tag(tag_in(partner)(slot)));
        }
        true
    }

    /// Asserts all invariants.
    pub fn check_invariants(&self, hasher: &impl KeyHasher) {
        let buckets = self.directory.buckets();
        assert_eq!(self.len == 0, buckets == 0, "T3");
        let (mut len, mut overflow_slots) = (0, 0);
        for number in 0..buckets {
            let bucket = self.directory.bucket(number);
            overflow_slots += bucket.check_invariants();
            let before = len;
            for slot in bucket.items() {
                let raw = slot.pointer().expect("an item has an address");
                // SAFETY: the table owns the item (C4) and is borrowed.
                let item = unsafe { ItemRef::<T>::new(raw) };
                let place = self.geometry.place(hasher.hash(item.key()), buckets);
                assert_eq!((number, slot.tag()), (place.bucket, place.tag), "T1");
                len += 1;
            }
            assert!(len - before <= self.longest_chain as usize, "T2");
        }
        assert_eq!((len, overflow_slots), (self.len, self.overflow_slots), "T2");
        assert!(4 * len <= MAX_LOAD * buckets as usize || buckets == MAX_BUCKETS);
    }
}

/// Whether an address is of an item with this key.
#[inline]
fn has_key<T: Item>(key: &[u8]) -> impl Fn(NonNull<u8>) -> bool {
    // SAFETY: callers pass addresses from the slots of a table that is borrowed, which owns the
    // items (C4).
    move |raw| same_bytes(unsafe { ItemRef::<T>::new(raw) }.key(), key)
}

/// Whether two keys are equal. Most keys have 8 to 16 bytes, for which two overlapping words from
/// either end are compared without a call.
#[inline]
fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match (one.first_chunk::<8>(), one.last_chunk::<8>()) {
        (Some(first), Some(last)) if one.len() <= 16 => {
            other.first_chunk() == Some(first) && other.last_chunk() == Some(last)
        }
        _ => one == other,
    }
}

impl<T: Item> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Item> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("len", &self.len)
            .field("buckets", &self.directory.buckets())
            .field("allocated_bytes", &self.allocated_bytes())
            .finish()
    }
}

impl<T: Item> Drop for Table<T> {
    fn drop(&mut self) {
        for bucket in 0..self.directory.buckets() {
            for slot in self.directory.bucket_mut(bucket).drain(&mut self.overflow_slots) {
                // SAFETY: the item is in no slot now, so it is ours (C4).
                drop(slot.pointer().map(|raw| unsafe { T::from_raw(raw) }));
            }
        }
    }
}
