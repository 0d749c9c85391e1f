//! Ways through a table: by cursor, by part of a hash, at random, from end to end.

use std::iter::FusedIterator;
use std::ptr::NonNull;

use super::bucket::Items;
use super::geometry::{Place, next_cursor};
use super::prefetch::{CACHE_LINE_BYTES, prefetch};
use super::slot::Slot;
use super::{Item, ItemRef, Table};
use crate::random::{Foreseen, Random};

impl<T: Item> Table<T> {
    /// Visits the items of one bucket and returns the cursor of the next; 0 begins and ends.
    ///
    /// The contract is Redis': an item that is in the table from the beginning of a scan to its end
    /// is visited at least once, whatever the table grew or shrank to meanwhile. It may be visited
    /// more than once if the table shrank. Any number is a valid cursor.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&T)) -> u64 {
        let Some(Place { bucket, .. }) = self.place(cursor) else { return 0 };
        let items = self.directory.bucket(bucket).items();
        // The items are scattered: ask for all of them before waiting for the first.
        for pointer in items.clone().filter_map(Slot::pointer) {
            prefetch(pointer.as_ptr());
        }
        items.for_each(|slot| self.visit(slot, visit));
        self.cursor_after(cursor, bucket)
    }

    /// Begins to fetch the items of the bucket that follows the one of a cursor, and returns its cursor,
    /// for those who go on there soon.
    pub fn prefetch_after(&self, cursor: u64) -> u64 {
        let Some(Place { bucket, .. }) = self.place(cursor) else { return 0 };
        let next = self.cursor_after(cursor, bucket);
        if next != 0
            && let Some(Place { bucket, .. }) = self.place(next)
        {
            self.prefetch_items(bucket);
            self.prefetch_bucket(self.cursor_after(next, bucket));
        }
        next
    }

    /// Begins to fetch the items of a bucket, the first two cache lines of each.
    fn prefetch_items(&self, bucket: u32) {
        for pointer in self.directory.bucket(bucket).items().filter_map(Slot::pointer) {
            prefetch(pointer.as_ptr());
            prefetch(pointer.as_ptr().wrapping_add(CACHE_LINE_BYTES));
        }
    }

    /// The cursor of the bucket that follows the one of `cursor`; 0 after the last.
    pub fn next_cursor(&self, cursor: u64) -> u64 {
        self.place(cursor).map_or(0, |place| self.cursor_after(cursor, place.bucket))
    }

    /// The cursor of the bucket that follows the one of `cursor`, whose number is `bucket`.
    pub(super) fn cursor_after(&self, cursor: u64, bucket: u32) -> u64 {
        next_cursor(cursor, self.geometry.depth(bucket, self.directory.buckets()))
    }

    /// Whether all buckets are of this epoch, found by visiting them all.
    pub fn carries_epoch(&self, epoch: bool) -> bool {
        (0..self.directory.buckets()).all(|bucket| self.directory.bucket(bucket).epoch() == epoch)
    }

    /// Visits every item whose hash has the low `bits` bits of `hash`, and perhaps some others.
    ///
    /// If there are no more than `2^bits` buckets, that is one bucket, and nearly always one item of
    /// it, because the tags are compared as far as `bits` go.
    pub fn candidates(&self, hash: u64, bits: u32, visit: &mut dyn FnMut(&T)) {
        let Some(place) = self.place(hash) else { return };
        let buckets = self.directory.buckets();
        let depth = self.geometry.depth(place.bucket, buckets);
        let (first, step) = if depth <= bits {
            (place.bucket, buckets as usize)
        } else {
            (hash as u32 & ((1 << bits) - 1), 1 << bits)
        };
        for bucket in (first..buckets).step_by(step) {
            let known_bits = bits.min(self.geometry.known_bits(bucket, buckets));
            for slot in self.directory.bucket(bucket).items() {
                let known = self.geometry.known_hash(Place { bucket, tag: slot.tag() }, buckets);
                if (known ^ hash) & ((1 << known_bits) - 1) == 0 {
                    self.visit(slot, visit);
                }
            }
        }
    }

    /// An item, every one being equally likely.
    ///
    /// Draws a bucket and a position in its chain until there is an item at that position. The
    /// expected number of draws is the bound on the chains' length divided by the load: a handful.
    /// What numbers that are foreseen will choose is prefetched.
    pub fn random(&self, random: Random<'_>) -> Option<ItemRef<'_, T>> {
        if self.is_empty() {
            return None;
        }
        loop {
            let (bucket, position) = self.spot(random.next());
            if let Some(Foreseen { sooner, later }) = random.foreseen() {
                prefetch(self.directory.prefetch_address(self.spot(later).0));
                let (bucket, position) = self.spot(sooner);
                if let Some(raw) = self.pointer_at(bucket, position) {
                    prefetch(raw.as_ptr());
                }
            }
            if let Some(raw) = self.pointer_at(bucket, position) {
                // SAFETY: the table owns the item (C4) and is borrowed.
                return Some(unsafe { ItemRef::new(raw) });
            }
        }
    }

    /// The bucket and the position in its chain for a random number. A chain may not have that position.
    #[inline]
    fn spot(&self, number: u64) -> (u32, usize) {
        let longest = u128::from(self.longest_chain).min(self.len as u128);
        // A number below the product of both bounds, from the high half of a multiplication.
        let spot = u128::from(number) * u128::from(self.directory.buckets());
        let position = (u128::from(spot as u64) * longest) >> u64::BITS;
        ((spot >> u64::BITS) as u32, position as usize)
    }

    #[inline]
    fn pointer_at(&self, bucket: u32, position: usize) -> Option<NonNull<u8>> {
        self.directory.bucket(bucket).item_at(position).and_then(Slot::pointer)
    }

    /// All items, in no order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { table: self, bucket: 0, items: None }
    }

    /// How the items are spread, found by visiting every bucket.
    pub fn statistics(&self) -> Statistics {
        let mut chains_by_len = vec![0; self.longest_chain as usize + 1];
        for bucket in 0..self.directory.buckets() {
            chains_by_len[self.directory.bucket(bucket).items().count()] += 1;
        }
        while chains_by_len.last() == Some(&0) {
            chains_by_len.pop();
        }
        Statistics {
            chains_by_len,
            overflow_slots: self.overflow_slots as usize,
            allocated_bytes: self.allocated_bytes(),
        }
    }

    fn visit(&self, slot: Slot, visit: &mut dyn FnMut(&T)) {
        if let Some(raw) = slot.pointer() {
            // SAFETY: the table owns the item (C4) and is borrowed.
            let item = unsafe { ItemRef::new(raw) };
            visit(&item);
        }
    }
}

/// See [`Table::statistics`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// At place `n`, how many buckets have a chain of `n` items; as long as the longest chain needs.
    pub chains_by_len: Vec<usize>,
    /// Slots of all overflow blocks.
    pub overflow_slots: usize,
    /// Bytes of the table, those of the items not included.
    pub allocated_bytes: usize,
}

/// See [`Table::iter`].
pub struct Iter<'a, T: Item> {
    table: &'a Table<T>,
    /// The bucket after the one that `items` is from.
    bucket: u32,
    items: Option<Items<'a>>,
}

impl<'a, T: Item> Iterator for Iter<'a, T> {
    type Item = ItemRef<'a, T>;

    fn next(&mut self) -> Option<ItemRef<'a, T>> {
        loop {
            if let Some(raw) = self.items.as_mut().and_then(Iterator::next).and_then(Slot::pointer)
            {
                // SAFETY: the table owns the item (C4) and is borrowed for `'a`.
                return Some(unsafe { ItemRef::new(raw) });
            }
            if self.bucket == self.table.directory.buckets() {
                return None;
            }
            self.items = Some(self.table.directory.bucket(self.bucket).items());
            self.bucket += 1;
            if self.bucket < self.table.directory.buckets() {
                self.table.prefetch_items(self.bucket);
            }
        }
    }
}

impl<T: Item> FusedIterator for Iter<'_, T> {}

impl<'a, T: Item> IntoIterator for &'a Table<T> {
    type Item = ItemRef<'a, T>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The items of a table that is given up. Its memory is freed along the way, so that freeing a large
/// table can be done in steps.
pub struct IntoIter<T: Item>(Table<T>);

impl<T: Item> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let table = &mut self.0;
        while let Some(last) = table.directory.buckets().checked_sub(1) {
            if let Some(slot) = table.directory.bucket_mut(last).pop(&mut table.overflow_slots) {
                table.len -= 1;
                // SAFETY: no slot names the item any more that the table owned (C4).
                return slot.pointer().map(|raw| unsafe { T::from_raw(raw) });
            }
            table.directory.pop();
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len, Some(self.0.len))
    }
}

impl<T: Item> ExactSizeIterator for IntoIter<T> {}
impl<T: Item> FusedIterator for IntoIter<T> {}

impl<T: Item> IntoIterator for Table<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}
