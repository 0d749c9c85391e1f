//! The picture of one instant, taken while everybody goes on writing.
//!
//! A save needs the keyspace as it is at one moment, and takes seconds. Copying the process' memory,
//! as `fork` does, costs a pause for the page tables and up to twice the memory. Here the keys are
//! written where they lie, and only what is about to change is written ahead of its turn:
//!
//! ```text
//!                    walker ──►
//!  buckets:   ■ ■ ■ ■ ■ □ □ ■ □ □ □ □       ■ covered: in the picture already
//!                           ▲               □ not yet
//!                           └── a writer was about to change it: handed over first
//! ```
//!
//! Each bucket has one bit, its *epoch*. While no picture is taken, all buckets of a shard carry the
//! shard's epoch. A picture begins behind the gate ([`Exclusive::begin_picture`]), at one instant for
//! all shards: each shard's epoch flips, so that no bucket is covered. From then on
//! - whoever changes, adds or removes an entry first hands over the bucket that the entry is in or
//!   comes into, if it is not covered ([`ShardGuard::hand_over`]);
//! - the walker goes through the buckets with a scan cursor and covers those that are not.
//!
//! Both happen under the shard's lock. A split gives its epoch to both halves and buckets of different
//! epochs are not merged (`table/mod.rs`), so an uncovered bucket holds exactly entries of the instant:
//! nothing came in, nothing left, nothing changed.
//!
//! A large collection is not handed over with its bucket, because that takes too long: only its own
//! picture is begun then (`russet_data::picture`), and whoever takes the picture comes back for it, wherever
//! the collection is by then.
//!
//! When no picture is taken, this costs one look at a field of a shard that is in the cache anyway.
//!
//! Invariants:
//!
//! - **N1** An entry that was in the keyspace at the instant is given to the picture exactly once, as it
//!   was then, unless its table was given to the picture whole. Of a large collection the picture is begun
//!   exactly once, at a time when it is as it was then.
//! - **N2** If a shard has no picture, all its buckets carry its epoch.

#[cfg(all(test, not(loom)))]
mod tests;

use std::sync::Arc;

use russet_data::keyed_hash::KeyedHash;
use russet_data::table::{KeyHasher, Table};
use smallvec::SmallVec;

use crate::entry::Entry;
use crate::keyspace::{Exclusive, ShardGuard};

/// Who takes a picture. Called with the shard's lock held, or behind the gate.
pub trait Picture: Send + Sync {
    /// Takes an entry of a physical database, whose bucket counts as covered from now on. Returns whether
    /// it did; otherwise the picture of the value is begun.
    fn take(&self, db: u32, entry: &Entry) -> bool;

    /// Begins the picture of an entry's value.
    fn begin(&self, db: u32, hash: u64, entry: &mut Entry);

    /// An entry whose value's picture has begun is about to come to another place.
    fn moved(&self, db: u32, hash: u64, entry: &Entry);

    /// Takes the table of a physical database that is being emptied. Buckets of the epoch `covered`
    /// are in the picture already.
    fn adopt(&self, db: u32, table: Table<Entry>, covered: bool);
}

impl ShardGuard<'_> {
    /// Gives the bucket of a hash to the picture before it changes, if there is a picture and the
    /// bucket is not covered.
    #[inline]
    pub(crate) fn hand_over(&mut self, db: u32, hash: u64) {
        if self.shard().has_picture {
            self.cover(db, hash);
        }
    }

    /// Whether the bucket of a scan cursor needs no covering.
    pub fn is_covered(&self, db: u32, cursor: u64) -> bool {
        let shard = self.shard();
        shard.db(db).is_none_or(|content| {
            content.table.is_empty() || content.table.epoch(cursor) == shard.epoch
        })
    }

    /// Gives the bucket of a hash, or of a scan cursor, to the picture unless it is covered.
    #[cold]
    pub fn cover(&mut self, db: u32, cursor: u64) {
        if let Some(picture) = self.picture() {
            self.cover_with(db, cursor, &mut |entry| picture.take(db, entry));
        }
    }

    /// As [`ShardGuard::cover`], by the walker, who knows another way than [`Picture::take`].
    pub fn cover_with(&mut self, db: u32, cursor: u64, take: &mut dyn FnMut(&Entry) -> bool) {
        let shard = self.shard_mut();
        let epoch = shard.epoch;
        if let Some(content) = shard.db_mut(db)
            && content.table.epoch(cursor) != epoch
        {
            let large = take_bucket(&content.table, cursor, take);
            content.table.set_epoch(cursor, epoch);
            if let Some(picture) = self.picture().filter(|_| !large.is_empty()) {
                let hasher = self.hasher();
                let table = &mut self.shard_mut().db_mut(db).expect("it is there").table;
                begin_all(&*picture, db, table, hasher, large);
            }
        }
    }

    /// Lends the entry of a key, if it is there, to go on with the picture of its value.
    pub fn lend_pictured<R>(
        &mut self,
        db: u32,
        hash: u64,
        key: &[u8],
        lend: impl FnOnce(&mut Entry) -> R,
    ) -> Option<R> {
        let mut slot = self.shard_mut().db_mut(db)?.table.find_mut(hash, key)?;
        Some(slot.update(lend))
    }

    /// Tells who takes a picture of it that an entry is about to come into this shard from elsewhere.
    pub fn announce_move(&self, db: u32, hash: u64, entry: &Entry) {
        if let Some(picture) = self.last_picture() {
            picture.moved(db, hash, entry);
        }
    }

    /// Has a table that was empty carry the shard's epoch, after something was put into it.
    #[inline]
    pub(crate) fn keep_epoch(&mut self, db: u32, hash: u64) {
        let shard = self.shard_mut();
        if shard.epoch
            && let Some(content) = shard.db_mut(db)
        {
            content.table.set_epoch(hash, true);
        }
    }

    /// Whether a picture is being taken of this shard.
    pub fn has_picture(&self) -> bool {
        self.shard().has_picture
    }

    /// The walker is through with this shard.
    ///
    /// # Panics
    /// In builds with assertions, if a bucket is not covered (N2).
    pub fn end_picture(&mut self) {
        let shard = self.shard_mut();
        debug_assert!(shard.carries_its_epoch(), "N2");
        shard.has_picture = false;
    }
}

/// Keys of large collections that are in one bucket.
type Large = SmallVec<[Box<[u8]>; 1]>;

/// Takes the entries of a bucket, and returns the keys of those that were not.
fn take_bucket(table: &Table<Entry>, cursor: u64, take: &mut dyn FnMut(&Entry) -> bool) -> Large {
    let mut large = Large::new();
    // All of them are asked for before the first is waited for.
    table.scan(cursor, &mut |entry| {
        entry.prefetch_rest();
    });
    table.scan(cursor, &mut |entry| {
        if !take(entry) {
            large.push(entry.key().into());
        }
    });
    large
}

fn begin_all(
    picture: &dyn Picture,
    db: u32,
    table: &mut Table<Entry>,
    hasher: &KeyedHash,
    large: Large,
) {
    for key in large {
        let hash = hasher.hash(&key);
        let mut slot = table.find_mut(hash, &key).expect("it was just seen");
        slot.update(|entry| picture.begin(db, hash, entry));
    }
}

/// Puts a bucket of a table that the picture got into the picture, unless it is of the epoch `covered`.
/// Returns the cursor of the next.
pub fn cover_adopted(
    picture: &dyn Picture,
    hasher: &KeyedHash,
    db: u32,
    table: &mut Table<Entry>,
    cursor: u64,
    covered: bool,
    take: &mut dyn FnMut(&Entry) -> bool,
) -> u64 {
    if table.epoch(cursor) != covered {
        let large = take_bucket(table, cursor, take);
        begin_all(picture, db, table, hasher, large);
    }
    table.next_cursor(cursor)
}

impl Exclusive<'_> {
    /// Begins a picture of this instant. No other may be going on.
    ///
    /// # Panics
    /// If one is.
    pub fn begin_picture(&mut self, picture: &Arc<dyn Picture>) {
        self.set_picture(picture);
        for index in 0..self.shard_count() {
            let shard = self.shard(index).shard_mut();
            assert!(!shard.has_picture, "one picture at a time");
            shard.has_picture = true;
            shard.epoch = !shard.epoch;
        }
    }
}
