//! A hash table of records: large sets and hashes.
//!
//! To a [`Table`] this adds the hash of elements, and what the records cost, so that the memory of a
//! collection is known without visiting its elements.
//!
//! ```text
//! Records (one allocation, behind the value)
//! ┌───────┬──────────────┬─────────┬───────┐
//! │ Table │ record bytes │ sitting │ epoch │
//! └───┬───┴──────────────┴─────────┴───────┘
//!     ▼
//!  buckets ──► record: member, or field and value
//! ```
//!
//! Cost per element: its record (`record.rs`), and its share of the table (`table/mod.rs`).
//!
//! **Pictures.** While a picture is taken (`picture.rs`), a bucket that carries the records' epoch has been
//! taken. Whoever changes, adds or removes a record has its bucket taken first; so the others hold
//! what they held at the instant. Splits and merges keep that true, see `table/mod.rs`.
//!
//! Invariants:
//!
//! - **Q1** `record_bytes` is the sum over all records.
//! - **Q2** If no picture is taken, all buckets carry `epoch`.

mod picture;
mod record;
mod sample;

use std::fmt;

use smallvec::SmallVec;

pub use record::{Record, strings_of};
pub use sample::choose;

use crate::element_hash::{ElementHash, element_hash};
use crate::picture::{Sitting, finish};
use crate::random::Random;
use crate::relocation::Relocation;
use crate::size_class::size_class;
use crate::table::{Ahead, ItemRef, Iter, Statistics, Table};

/// See the module's documentation.
pub struct Records<const STRINGS: usize> {
    table: Table<Record<STRINGS>>,
    record_bytes: usize,
    /// The cursor of the next bucket to be taken.
    sitting: Sitting<u64>,
    epoch: bool,
}

impl<const STRINGS: usize> Records<STRINGS> {
    /// No records.
    #[must_use]
    pub fn new() -> Self {
        Records { table: Table::new(), record_bytes: 0, sitting: Sitting::NONE, epoch: false }
    }

    /// Number of records.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The record with this key.
    #[inline]
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<ItemRef<'_, Record<STRINGS>>> {
        self.find_hashed(element_hash(key), key)
    }

    /// The record with this key, whose [`element_hash`] is known.
    #[inline]
    #[must_use]
    pub fn find_hashed(&self, hash: u64, key: &[u8]) -> Option<ItemRef<'_, Record<STRINGS>>> {
        self.table.find(hash, key)
    }

    /// Adds a record, or gives the one that has its key already another last string if there is more
    /// than the key. Returns whether the record is new.
    #[inline]
    pub fn insert(&mut self, strings: [&[u8]; STRINGS]) -> bool {
        let hash = element_hash(strings[0]);
        self.hand_over(hash);
        if STRINGS == 1 {
            if self.table.find(hash, strings[0]).is_some() {
                return false;
            }
        } else if let Some(mut slot) = self.table.find_mut(hash, strings[0]) {
            let before = slot.item().allocated_bytes();
            slot.update(|record| record.set_last(strings[STRINGS - 1]));
            self.record_bytes = self.record_bytes - before + slot.item().allocated_bytes();
            return false;
        }
        let record = Record::new(strings);
        self.record_bytes += record.allocated_bytes();
        self.table.insert_unique(hash, record, &ElementHash);
        if self.epoch && self.len() == 1 {
            // The table had no bucket to carry the epoch.
            self.table.set_epoch(hash, true);
        }
        true
    }

    /// Takes out the record with this key.
    #[inline]
    pub fn remove(&mut self, key: &[u8]) -> Option<Record<STRINGS>> {
        let hash = element_hash(key);
        self.hand_over(hash);
        let record = self.table.remove(hash, key)?;
        self.record_bytes -= record.allocated_bytes();
        Some(record)
    }

    /// A record, every one being equally likely.
    pub fn random(&self, random: Random<'_>) -> Option<ItemRef<'_, Record<STRINGS>>> {
        self.table.random(random)
    }

    /// Takes out a record, every one being equally likely.
    pub fn remove_random(&mut self, random: Random<'_>) -> Option<Record<STRINGS>> {
        // The key is copied because it goes with its record.
        let key: SmallVec<[u8; 64]> = self.table.random(random)?.key().into();
        self.remove(&key)
    }

    /// All records, in no order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, Record<STRINGS>> {
        self.table.iter()
    }

    /// See [`Table::scan`].
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&Record<STRINGS>)) -> u64 {
        self.table.scan(cursor, visit)
    }

    /// See [`Value::prefetch_element`](crate::object::Value::prefetch_element).
    #[inline]
    pub fn prefetch(&self, hash: u64, ahead: Ahead) {
        self.table.prefetch(hash, ahead);
    }

    /// See [`Value::relocate`](crate::object::Value::relocate).
    pub fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        if cursor == 0 {
            self.table.relocate_pages(relocation);
        }
        self.table.relocate_bucket(cursor, &mut |record| record.relocate(relocation))
    }

    /// The bytes the allocator has set aside for table and records, `self` included.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        size_class(size_of::<Self>()) + self.table.allocated_bytes() + self.record_bytes
    }

    /// See [`Table::statistics`].
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.table.statistics()
    }

    /// Asserts all invariants.
    pub fn check_invariants(&self) {
        self.table.check_invariants(&ElementHash);
        let record_bytes: usize = self.iter().map(|record| record.allocated_bytes()).sum();
        assert_eq!(record_bytes, self.record_bytes, "Q1");
        assert!(self.sitting.is_on() || self.table.carries_epoch(self.epoch), "Q2");
    }
}

impl<const STRINGS: usize> Default for Records<STRINGS> {
    fn default() -> Self {
        Records::new()
    }
}

impl<const STRINGS: usize> Clone for Records<STRINGS> {
    fn clone(&self) -> Self {
        let mut table = Table::new();
        for record in &self.table {
            let copy = Record::clone(&record);
            table.insert_unique(element_hash(record.key()), copy, &ElementHash);
        }
        let record_bytes = self.record_bytes;
        Records { table, record_bytes, sitting: Sitting::NONE, epoch: false }
    }
}

impl<const STRINGS: usize> Drop for Records<STRINGS> {
    #[inline]
    fn drop(&mut self) {
        if self.sitting.is_on() {
            finish(self);
        }
    }
}

impl<'a, const STRINGS: usize> IntoIterator for &'a Records<STRINGS> {
    type Item = ItemRef<'a, Record<STRINGS>>;
    type IntoIter = Iter<'a, Record<STRINGS>>;

    fn into_iter(self) -> Iter<'a, Record<STRINGS>> {
        self.iter()
    }
}

impl<const STRINGS: usize> fmt::Debug for Records<STRINGS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter().map(|record| Record::clone(&record))).finish()
    }
}
