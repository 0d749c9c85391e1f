//! A shard: the part of every database whose keys hash to it.
//!
//! A shard holds *all* logical databases of its keys, so that MOVE and COPY between databases stay
//! local to it, and everything else that hangs on a key: its expiry, watchers and waiters. It does no
//! locking of its own; [`crate::keyspace`] hands out access (I5).
//!
//! Database 0 lies in the shard itself, because nearly every server uses no other; the rest are
//! made when a key needs them and dropped when they are empty: there are a thousand shards.

use std::collections::HashMap;
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::entry::Entry;
use crate::expiry::{Due, ExpiryIndex, HASH_BITS};
use crate::waiters::Waiters;
use russet_data::keyed_hash::KeyedHash;
use russet_data::table::{KeyHasher, Table};

/// The keys of one database in one shard, and the order in which they expire.
#[derive(Default)]
#[repr(C)] // see `Shard`
pub struct Db {
    pub(crate) table: Table<Entry>,
    pub(crate) expiry: ExpiryIndex,
}

impl Db {
    /// Keys held, expired ones that were not yet removed included.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The table of entries, to read.
    pub fn table(&self) -> &Table<Entry> {
        &self.table
    }

    /// The index of expiries, to read.
    pub fn expiry(&self) -> &ExpiryIndex {
        &self.expiry
    }

    /// Shows a key that an item of the expiry index stands for, with its hash.
    pub(crate) fn visit_due(
        &self,
        due: Due,
        hasher: &KeyedHash,
        show: &mut dyn FnMut(&Entry, u64),
    ) {
        let mut is_found = false;
        self.table.candidates(due.hash_low.into(), HASH_BITS, &mut |entry| {
            let mut hash = 0;
            let hash_of_entry = || {
                hash = hasher.hash(entry.key());
                hash
            };
            if !is_found && due.is_for(entry.expire_at_ms(), hash_of_entry) {
                is_found = true;
                show(entry, hash);
            }
        });
    }

    /// Asserts what must hold between table and expiry index. For tests and fuzzers.
    pub fn check_invariants(&self, hasher: &KeyedHash) {
        self.table.check_invariants(hasher);
        self.expiry.check_invariants();
        let with_expiry = self.table.iter().filter(|entry| entry.expire_at_ms().is_some()).count();
        assert_eq!(with_expiry, self.expiry.len(), "each expiring key is indexed once");
    }
}

/// A flag that a client's WATCH hangs on keys, raised when one of them is touched.
pub type WatchFlag = Arc<AtomicBool>;

/// The flags on watched keys, by database and key.
type Watchers = HashMap<(u32, Box<[u8]>), Vec<WatchFlag>>;

/// See the module's documentation. In the order of its fields, so that what nearly every command
/// needs lies in the first cache line, behind the shard's lock.
#[derive(Default)]
#[repr(C)]
pub struct Shard {
    /// Nothing on nearly every shard at nearly every time.
    watchers: Option<Box<Watchers>>,
    /// Whether a picture is being taken of this shard.
    pub(crate) has_picture: bool,
    /// The epoch of buckets that are in the last picture.
    pub(crate) epoch: bool,
    first: Db,
    /// The other databases with keys, by ascending number.
    others: Box<[(u32, Db)]>,
    /// Who waits for keys to come into being.
    pub(crate) waiters: Waiters,
}

impl Shard {
    /// Where the table of database 0 ends, in bytes from the shard's start.
    pub(crate) const TABLE_END: usize = offset_of!(Shard, first) + size_of::<Table<Entry>>();

    /// The database of that number, if it has keys here.
    #[inline]
    pub fn db(&self, db: u32) -> Option<&Db> {
        match db {
            0 => Some(&self.first),
            _ => self.place(db).ok().map(|place| &self.others[place].1),
        }
    }

    #[inline]
    pub(crate) fn db_mut(&mut self, db: u32) -> Option<&mut Db> {
        match db {
            0 => Some(&mut self.first),
            _ => self.place(db).ok().map(|place| &mut self.others[place].1),
        }
    }

    #[inline]
    pub(crate) fn db_or_make(&mut self, db: u32) -> &mut Db {
        if db == 0 {
            return &mut self.first;
        }
        let place = self.place(db).unwrap_or_else(|place| {
            let mut others = std::mem::take(&mut self.others).into_vec();
            others.reserve_exact(1);
            others.insert(place, (db, Db::default()));
            self.others = others.into_boxed_slice();
            place
        });
        &mut self.others[place].1
    }

    /// Where a database is among the others, or belongs.
    fn place(&self, db: u32) -> Result<usize, usize> {
        self.others.binary_search_by_key(&db, |(number, _)| *number)
    }

    /// Drops a database that has become empty, other than the first.
    #[inline]
    pub(crate) fn drop_if_empty(&mut self, db: u32) {
        if db != 0
            && let Ok(place) = self.place(db)
            && self.others[place].1.is_empty()
        {
            let mut others = std::mem::take(&mut self.others).into_vec();
            others.remove(place);
            self.others = others.into_boxed_slice();
        }
    }

    /// The databases that exist here, with their numbers.
    pub(crate) fn dbs(&self) -> impl Iterator<Item = (u32, &Db)> {
        std::iter::once((0, &self.first))
            .chain(self.others.iter().map(|(number, db)| (*number, db)))
    }

    /// Whether all buckets carry the shard's epoch, found by visiting them all.
    pub(crate) fn carries_its_epoch(&self) -> bool {
        self.dbs().all(|(_, db)| db.table.carries_epoch(self.epoch))
    }

    /// Who waits for keys.
    #[inline]
    pub fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// Hangs `flag` on a key.
    pub fn watch(&mut self, db: u32, key: &[u8], flag: &WatchFlag) {
        let watchers = self.watchers.get_or_insert_default();
        let flags = watchers.entry((db, key.into())).or_default();
        if !flags.iter().any(|known| Arc::ptr_eq(known, flag)) {
            flags.push(flag.clone());
        }
    }

    /// Takes `flag` off a key.
    pub fn unwatch(&mut self, db: u32, key: &[u8], flag: &WatchFlag) {
        let Some(watchers) = &mut self.watchers else { return };
        let id = (db, key.into());
        if let Some(flags) = watchers.get_mut(&id) {
            flags.retain(|known| !Arc::ptr_eq(known, flag));
            if flags.is_empty() {
                watchers.remove(&id);
            }
        }
        if watchers.is_empty() {
            self.watchers = None;
        }
    }

    /// Raises the flags on a key that was written to.
    #[inline]
    pub fn touch(&self, db: u32, key: &[u8]) {
        if let Some(watchers) = &self.watchers {
            Self::touch_watched(watchers, db, key);
        }
    }

    #[cold]
    fn touch_watched(watchers: &Watchers, db: u32, key: &[u8]) {
        if let Some(flags) = watchers.get(&(db, key.into())) {
            flags.iter().for_each(|flag| flag.store(true, Ordering::Relaxed));
        }
    }

    /// Raises the flags on all keys of a database for which `touched` holds, for the commands that
    /// replace a database's content at once.
    pub fn touch_all(&self, db: u32, touched: impl Fn(&[u8]) -> bool) {
        let watchers = self.watchers.iter().flat_map(|watchers| watchers.iter());
        for ((_, key), flags) in watchers.filter(|((of, _), _)| *of == db) {
            if touched(key) {
                flags.iter().for_each(|flag| flag.store(true, Ordering::Relaxed));
            }
        }
    }

    /// The watched keys of a database.
    pub fn watched(&self, db: u32) -> impl Iterator<Item = &[u8]> {
        let keys = self.watchers.iter().flat_map(|watchers| watchers.keys());
        keys.filter(move |(of, _)| *of == db).map(|(_, key)| &**key)
    }

    /// Hangs the watchers of two databases on the same keys of the other one.
    pub(crate) fn swap_watchers(&mut self, one: u32, other: u32) {
        if self.watched(one).chain(self.watched(other)).next().is_none() {
            return;
        }
        let swapped = |db| match db {
            _ if db == one => other,
            _ if db == other => one,
            _ => db,
        };
        if let Some(watchers) = &mut self.watchers {
            let taken = std::mem::take(&mut **watchers).into_iter();
            **watchers = taken.map(|((db, key), flags)| ((swapped(db), key), flags)).collect();
        }
    }
}
