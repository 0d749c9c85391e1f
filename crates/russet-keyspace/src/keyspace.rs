//! The keyspace: shards, and the only two ways to reach one.
//!
//! # Access
//!
//! - [`Keyspace::try_lock`] and its relatives give one shard to one worker, as a [`ShardGuard`], until
//!   the guard is dropped. They never wait.
//! - [`Exclusive`] gives all shards to the one worker that has closed the [`Gate`]. No shard lock is
//!   held then, because locks are taken and dropped inside the gate.
//!
//! There is no third way (I5). A guard offers the operations that keep a shard consistent (table,
//! expiry index and key counts change together), not the parts.
//!
//! # Layout
//!
//! ```text
//!  hash of a key:  [ 10 bits: shard | .......................... | low bits: bucket in its table ]
//!  ShardCell:      [ lock | Shard { database 0, ..., watchers } ]   own cache lines
//! ```
//!
//! Key counts are kept beside the shards, per database and striped by shard, so that DBSIZE and INFO
//! read them without taking a lock.

mod exclusive;
#[cfg(all(test, not(loom)))]
mod tests;

use std::cell::UnsafeCell;
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use parking_lot::RwLock;
use russet_data::keyed_hash::KeyedHash;
use russet_data::object::{Object, PlaceAhead};
use russet_data::relocation::Relocation;
use russet_data::table::{
    Ahead, CACHE_LINE_BYTES, ItemRef, KeyHasher, prefetch, prefetch_to_write,
};
use smallvec::SmallVec;

pub use self::exclusive::Exclusive;
use crate::entry::{Entry, ValueRef};
use crate::expiry::{DEADLINE_MAX_MS, Due};
use crate::gate::{Gate, Refused};
use crate::lock_order::{self, TryLocks};
use crate::shard::Shard;
use crate::snapshot::Picture;
use crate::waiters::Waiter;
use crate::wake_lock::{Sharing, WakeLock, WorkerSet};

/// Bits of the hash that choose the shard of a stand-alone server.
pub const SHARD_BITS: u32 = 10;
/// Shards of a stand-alone server.
pub const SHARDS: usize = 1 << SHARD_BITS;
/// Groups of shards, each with its own counters per database; neighbours are in different ones.
pub const SHARD_GROUPS: usize = 16;
/// The time of a shard in which nothing expires.
const NEVER: i64 = i64::MAX;

/// An entry lent by a shard.
pub type EntryRef<'a> = ItemRef<'a, Entry>;

/// Two cache lines, of which most commands need the first: the lock and the table of database 0.
#[repr(C, align(128))]
struct ShardCell {
    lock: WakeLock,
    shard: UnsafeCell<Shard>,
}

#[cfg(not(loom))]
const _: () = {
    assert!(size_of::<ShardCell>() == 128);
    assert!(offset_of!(ShardCell, shard) + Shard::TABLE_END <= CACHE_LINE_BYTES);
};

/// Coarse enough that each group can add up its share of half a billion deadlines in 64 bits.
const DEADLINE_UNIT_MS: i64 = 16;
const _: () = {
    let deadlines_per_group = i64::MAX / (DEADLINE_MAX_MS / DEADLINE_UNIT_MS);
    assert!(deadlines_per_group * SHARD_GROUPS as i64 >= 500_000_000);
};

/// What a key adds to the sum of deadlines; as in the expiry index, one far away counts as the last
/// that fits.
fn deadline_units(expire_at_ms: Option<i64>) -> i64 {
    expire_at_ms.map_or(0, |deadline_ms| deadline_ms.clamp(0, DEADLINE_MAX_MS) / DEADLINE_UNIT_MS)
}

#[derive(Default)]
#[repr(align(64))]
struct Stripe {
    keys: AtomicI64,
    expires: AtomicI64,
    /// The sum of all deadlines, in units of [`DEADLINE_UNIT_MS`].
    deadlines: AtomicI64,
}

/// Counters of one database, made when it gets its first key.
type DbCounts = OnceLock<Box<[Stripe; SHARD_GROUPS]>>;

/// Wakes workers that were refused a lock or turned away at the gate.
pub type Waker = Box<dyn Fn(WorkerSet) + Send + Sync>;

/// See the module's documentation.
pub struct Keyspace {
    shards: Box<[ShardCell]>,
    /// For each shard: no key expires before this time in milliseconds. Removing a key may leave it
    /// too early, never too late. Beside the shards, so that looking at all of them is cheap.
    next_expiry_ms: Box<[AtomicI64]>,
    /// How often one of `next_expiry_ms` was moved forward.
    expiry_advances: AtomicU64,
    /// Keys that somebody waits for.
    awaited_keys: AtomicUsize,
    hasher: KeyedHash,
    gate: Gate,
    sharing: Sharing,
    waker: Waker,
    counts: Box<[DbCounts]>,
    /// Which physical database a logical one is: SWAPDB permutes this.
    physical: Box<[AtomicU32]>,
    /// Who takes a picture, if some shard has one; see [`crate::snapshot`].
    picture: RwLock<Option<Arc<dyn Picture>>>,
}

// SAFETY: a `Shard` inside its `UnsafeCell` is reached only through a `ShardGuard`, or through an
// `Exclusive`, which lends it as its guard is lent. By W1 and G1 there is at most one guard for a
// shard at any time, so sharing the keyspace hands each shard from thread to thread, which
// `Shard: Send` allows (the assertion below).
unsafe impl Sync for Keyspace {}

const fn assert_send<T: Send>() {}
const _: () = assert_send::<Shard>();

impl Keyspace {
    /// An empty keyspace of `databases` databases, used by `workers` workers, under a hash key.
    pub fn new(databases: u32, workers: usize, hash_key: [u8; 16], waker: Waker) -> Self {
        let cell =
            || ShardCell { lock: WakeLock::default(), shard: UnsafeCell::new(Shard::default()) };
        Keyspace {
            shards: (0..SHARDS).map(|_| cell()).collect(),
            next_expiry_ms: (0..SHARDS).map(|_| AtomicI64::new(NEVER)).collect(),
            expiry_advances: AtomicU64::new(0),
            awaited_keys: AtomicUsize::new(0),
            hasher: KeyedHash::with_key(hash_key),
            gate: Gate::new(workers),
            sharing: Sharing::among(workers),
            waker,
            counts: (0..databases).map(|_| OnceLock::new()).collect(),
            physical: (0..databases).map(AtomicU32::new).collect(),
            picture: RwLock::new(None),
        }
    }

    /// The hash that all other methods mean.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    /// The hash function, for checks.
    pub fn hasher(&self) -> &KeyedHash {
        &self.hasher
    }

    /// The shard of a hash.
    #[inline]
    pub fn shard_of(&self, hash: u64) -> usize {
        (hash >> (u64::BITS - SHARD_BITS)) as usize
    }

    /// Number of shards.
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Number of databases.
    pub fn databases(&self) -> u32 {
        self.physical.len() as u32
    }

    /// The physical database that logical database `db` is now.
    #[inline]
    pub fn physical_db(&self, db: u32) -> u32 {
        self.physical[db as usize].load(Ordering::Relaxed)
    }

    /// The logical database that a physical one is now.
    pub fn logical_db(&self, physical: u32) -> u32 {
        let is_it = |db: &u32| self.physical_db(*db) == physical;
        (0..self.databases()).find(is_it).expect("a permutation has every number")
    }

    /// The gate that workers enter around the execution of commands.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The shard, unless somebody holds it.
    #[inline]
    pub fn try_lock(&self, shard: usize) -> Option<ShardGuard<'_>> {
        self.try_take(shard).map(|taken| self.guard(taken))
    }

    /// The shard, if it is free or becomes free within a moment.
    #[inline]
    pub fn try_briefly(&self, shard: usize) -> Option<ShardGuard<'_>> {
        lock_order::try_briefly(self, shard)
    }

    /// The shard; or, if it stays busy, nothing: then `worker` is woken when it is let go.
    #[inline]
    pub fn lock(&self, shard: usize, worker: usize) -> Option<ShardGuard<'_>> {
        lock_order::lock_one(self, shard, worker)
    }

    /// All of these shards, whose numbers ascend; or none, and `worker` is woken when it should try
    /// again.
    pub fn lock_all(&self, shards: &[usize], worker: usize) -> Option<Vec<ShardGuard<'_>>> {
        lock_order::lock_all(self, shards, worker)
    }

    /// All shards at once, for a worker that is outside the gate.
    ///
    /// # Errors
    ///
    /// `None` if another worker is inside and does not leave: the caller sets the command aside.
    pub fn exclusive(&self, worker: usize) -> Option<Exclusive<'_>> {
        match self.gate.close(worker) {
            Ok(alone) => Some(Exclusive::new(self, alone)),
            Err(Refused::Registered) => None,
            Err(Refused::Crowded(woken)) => {
                self.wake(woken);
                None
            }
        }
    }

    /// Begins to fetch the line of a shard that a command will lock soon.
    #[inline]
    pub fn prefetch_shard(&self, shard: usize) {
        prefetch_to_write(std::ptr::from_ref(&self.shards[shard]).cast());
    }

    /// The guard of a shard whose lock is not held, behind the closed gate.
    fn unlocked(&self, shard: usize) -> ShardGuard<'_> {
        let number = ShardNumber::new(shard, false);
        ShardGuard { cell: &self.shards[shard], keyspace: self, number }
    }

    fn wake(&self, workers: WorkerSet) {
        if !workers.is_empty() {
            (self.waker)(workers);
        }
    }

    fn count(&self, db: u32, shard: usize) -> &Stripe {
        &self.counts[db as usize].get_or_init(Default::default)[shard % SHARD_GROUPS]
    }

    fn sum(&self, db: u32, counter: impl Fn(&Stripe) -> &AtomicI64) -> usize {
        let stripes = self.counts[db as usize].get().map_or(&[][..], |stripes| &stripes[..]);
        let sum: i64 = stripes.iter().map(|stripe| counter(stripe).load(Ordering::Relaxed)).sum();
        sum.max(0) as usize
    }

    /// Keys in a physical database, without taking a lock.
    pub fn key_count(&self, db: u32) -> usize {
        self.sum(db, |stripe| &stripe.keys)
    }

    /// Keys in each group of shards of a physical database, without taking a lock.
    pub fn group_key_counts(&self, db: u32) -> [usize; SHARD_GROUPS] {
        let Some(stripes) = self.counts[db as usize].get() else { return [0; SHARD_GROUPS] };
        std::array::from_fn(|at| stripes[at].keys.load(Ordering::Relaxed).max(0) as usize)
    }

    /// The shards of a group.
    pub fn shards_of_group(&self, group: usize) -> impl Iterator<Item = usize> + use<> {
        (group..self.shard_count()).step_by(SHARD_GROUPS)
    }

    /// Keys with an expiry in a physical database, without taking a lock.
    pub fn expiring_count(&self, db: u32) -> usize {
        self.sum(db, |stripe| &stripe.expires)
    }

    /// The mean deadline of the keys with an expiry in a physical database, in Unix milliseconds,
    /// give or take 16; `None` if there are none. What is before 1970 or after
    /// [`DEADLINE_MAX_MS`] counts as these.
    pub fn mean_deadline_ms(&self, db: u32) -> Option<i64> {
        let keys = i64::try_from(self.expiring_count(db)).ok().filter(|keys| *keys > 0)?;
        let stripes = self.counts[db as usize].get()?;
        let sums = stripes.iter().map(|stripe| stripe.deadlines.load(Ordering::Relaxed));
        let sum: i128 = sums.map(i128::from).sum();
        // Multiplied first, so that the division adds nothing to the error of the units.
        i64::try_from(sum * i128::from(DEADLINE_UNIT_MS) / i128::from(keys)).ok()
    }

    /// The shards from `from` up to `until` (exclusive) in which some key's time has come, seen
    /// without taking a lock.
    pub fn due_shards(
        &self,
        from: usize,
        until: usize,
        now_ms: i64,
    ) -> impl Iterator<Item = usize> {
        (from..until)
            .filter(move |shard| self.next_expiry_ms[*shard].load(Ordering::Relaxed) < now_ms)
    }

    /// No key in the shards from `from` up to `until` (exclusive) expires before this time in
    /// milliseconds. `None`: nothing expires there.
    pub fn next_expiry_ms(&self, from: usize, until: usize) -> Option<i64> {
        let times = self.next_expiry_ms[from..until].iter();
        times.map(|time| time.load(Ordering::Relaxed)).min().filter(|time| *time != NEVER)
    }

    /// The shard in which, as far as is known without taking a lock, a key expires before those of
    /// all others.
    pub fn first_shard_to_expire(&self) -> Option<usize> {
        let times = self.next_expiry_ms.iter().map(|time| time.load(Ordering::Relaxed));
        let (time, shard) = times.zip(0..).min()?;
        (time != NEVER).then_some(shard)
    }

    /// Keys that may be evicted in all databases, without taking a lock.
    pub fn evictable_count(&self, volatile: bool) -> usize {
        let count = if volatile { Self::expiring_count } else { Self::key_count };
        (0..self.databases()).map(|db| count(self, db)).sum()
    }

    /// How many keys somebody waits for.
    pub fn awaited_keys(&self) -> usize {
        self.awaited_keys.load(Ordering::Relaxed)
    }

    /// A number that changes whenever some shard's next expiry moves forward: until it does, what
    /// [`Keyspace::next_expiry_ms`] said is not too late.
    #[inline]
    pub fn expiry_advances(&self) -> u64 {
        self.expiry_advances.load(Ordering::Relaxed)
    }
}

impl<'a> TryLocks for &'a Keyspace {
    type Taken = TakenShard<'a>;
    type Guard = ShardGuard<'a>;

    #[inline]
    fn try_take(self, shard: usize) -> Option<TakenShard<'a>> {
        let cell = &self.shards[shard];
        cell.lock.try_acquire(self.sharing).then_some(TakenShard { cell, index: shard })
    }

    fn take_or_register(self, shard: usize, worker: usize) -> Option<TakenShard<'a>> {
        let cell = &self.shards[shard];
        let taken = cell.lock.acquire_or_register(worker, self.sharing);
        taken.then_some(TakenShard { cell, index: shard })
    }

    #[inline]
    fn guard(self, taken: TakenShard<'a>) -> ShardGuard<'a> {
        let TakenShard { cell, index } = taken;
        ShardGuard { cell, keyspace: self, number: ShardNumber::new(index, true) }
    }
}

/// A shard whose lock was taken, and of which no guard was made yet.
#[must_use]
pub(crate) struct TakenShard<'a> {
    cell: &'a ShardCell,
    index: usize,
}

/// One shard, for as long as this lives.
pub struct ShardGuard<'a> {
    /// The shard of that number, looked up once.
    cell: &'a ShardCell,
    keyspace: &'a Keyspace,
    number: ShardNumber,
}

/// The number of a shard and whether its lock is to be let go, which behind a closed gate is not held.
/// In one word, because a guard is made for every command: one with a smaller field is moved by loads
/// that have to wait until the stores that made it have reached the cache.
#[derive(Clone, Copy)]
struct ShardNumber(usize);

impl ShardNumber {
    #[inline]
    fn new(index: usize, is_locked: bool) -> Self {
        ShardNumber(index << 1 | usize::from(is_locked))
    }

    #[inline]
    fn index(self) -> usize {
        self.0 >> 1
    }

    #[inline]
    fn is_locked(self) -> bool {
        self.0 & 1 == 1
    }
}

impl Drop for ShardGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.number.is_locked() {
            let woken = self.cell.lock.release(self.keyspace.sharing);
            if !woken.is_empty() {
                self.keyspace.wake(woken);
            }
        }
    }
}

impl<'a> ShardGuard<'a> {
    /// The number of the shard.
    #[inline]
    pub fn index(&self) -> usize {
        self.number.index()
    }

    /// Who takes a picture of this shard.
    pub(crate) fn picture(&self) -> Option<Arc<dyn Picture>> {
        if self.shard().has_picture { self.last_picture() } else { None }
    }

    /// Who takes a picture, of this shard or not, or took the last one.
    pub(crate) fn last_picture(&self) -> Option<Arc<dyn Picture>> {
        self.keyspace.picture.read().clone()
    }

    /// The shard, to read.
    #[inline]
    pub fn shard(&self) -> &Shard {
        // SAFETY: the guard is the only one for its shard (W1 for the lock, G1 behind the gate),
        // and the borrow of the guard keeps `shard_mut` from being called meanwhile.
        unsafe { &*self.cell.shard.get() }
    }

    /// The shard, to change what no count depends on (its watchers).
    #[inline]
    pub fn shard_mut(&mut self) -> &mut Shard {
        // SAFETY: as in `shard`, and the guard is borrowed mutably.
        unsafe { &mut *self.cell.shard.get() }
    }

    /// Has somebody wait for a key.
    pub fn add_waiter(&mut self, db: u32, key: &[u8], waiter: Arc<dyn Waiter>) {
        if self.shard_mut().waiters.add(db, key, waiter) {
            self.keyspace.awaited_keys.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has somebody wait no more for a key.
    pub fn remove_waiter(&mut self, db: u32, key: &[u8], waiter: &Arc<dyn Waiter>) {
        if self.shard_mut().waiters.remove(db, key, waiter) {
            self.keyspace.awaited_keys.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Begins to fetch the bucket of a hash.
    #[inline]
    pub fn prefetch_bucket(&self, db: u32, hash: u64) {
        if let Some(db) = self.shard().db(db) {
            db.table.prefetch_bucket(hash);
        }
    }

    /// Begins to fetch the entry of a hash, whose bucket should be in the cache by now. Returns
    /// whether it may lie behind the bucket, where [`ShardGuard::prefetch_overflow_entry`] looks.
    #[inline]
    pub fn prefetch_entry(&self, db: u32, hash: u64) -> bool {
        self.shard().db(db).is_some_and(|db| db.table.prefetch_item(hash))
    }

    /// Begins to fetch what of the string of a hash lies behind what [`ShardGuard::prefetch_entry`]
    /// fetches. Returns whether there is any.
    #[inline]
    pub fn prefetch_rest(&self, db: u32, hash: u64) -> bool {
        let entry = self.shard().db(db).and_then(|db| db.table.guess(hash, |_| true));
        entry.is_some_and(|entry| entry.prefetch_rest())
    }

    /// Begins to fetch the value of the key of a hash, if it lies apart from its entry.
    #[inline]
    pub fn prefetch_object(&self, db: u32, hash: u64) {
        self.with_guess(db, hash, |object| prefetch(std::ptr::from_ref(object).cast()));
    }

    /// Begins to fetch what a look-up of an element in that value will read.
    #[inline]
    pub fn prefetch_element(&self, db: u32, hash: u64, element: u64, ahead: Ahead) {
        self.with_guess(db, hash, |object| object.prefetch_element(element, ahead));
    }

    /// Begins to fetch what will be read when that element gets this score.
    #[inline]
    pub fn prefetch_place(&self, db: u32, hash: u64, element: u64, score: f64, ahead: PlaceAhead) {
        self.with_guess(db, hash, |object| object.prefetch_place(element, score, ahead));
    }

    #[inline]
    fn with_guess(&self, db: u32, hash: u64, look: impl FnOnce(&Object)) {
        let has_object = |entry: &Entry| matches!(entry.value(), ValueRef::Object(_));
        if let Some(entry) = self.shard().db(db).and_then(|db| db.table.guess(hash, has_object))
            && let ValueRef::Object(object) = entry.value()
        {
            look(object);
        }
    }

    /// Begins to fetch the entry of a hash that lies behind its bucket, if it does.
    #[inline]
    pub fn prefetch_overflow_entry(&self, db: u32, hash: u64) {
        if let Some(db) = self.shard().db(db) {
            db.table.prefetch_overflow_item(hash);
        }
    }

    /// The entry of a key, expired or not.
    #[inline]
    pub fn find(&self, db: u32, hash: u64, key: &[u8]) -> Option<EntryRef<'_>> {
        self.shard().db(db)?.table.find(hash, key)
    }

    /// The entry of a key that is being used: `mark` says what its access bits become.
    #[inline]
    pub fn find_marked(
        &mut self,
        db: u32,
        hash: u64,
        key: &[u8],
        mark: impl FnOnce(&Entry) -> u32,
    ) -> Option<EntryRef<'_>> {
        let mut slot = self.shard_mut().db_mut(db)?.table.find_mut(hash, key)?;
        let bits = mark(slot.item());
        // Most keys are used many times within the resolution of the clock.
        if bits != slot.item().access_bits() {
            slot.update(|entry| entry.set_access_bits(bits));
        }
        Some(slot.into_ref())
    }

    /// Changes the entry of a key in place; its key must stay the same. Expiry index and counts
    /// follow if the closure changes the expiry.
    #[inline]
    pub fn update<R>(
        &mut self,
        db: u32,
        hash: u64,
        key: &[u8],
        change: impl FnOnce(&mut Entry) -> R,
    ) -> Option<R> {
        self.hand_over(db, hash);
        let mut slot = self.shard_mut().db_mut(db)?.table.find_mut(hash, key)?;
        let before = slot.item().expire_at_ms();
        let result = slot.update(change);
        let after = slot.item().expire_at_ms();
        if before != after {
            self.expiry_changed(db, hash, before, after);
        }
        Some(result)
    }

    /// Puts an entry in the place of the one with the same key, which is returned.
    pub fn replace(&mut self, db: u32, hash: u64, entry: Entry) -> Option<Entry> {
        self.hand_over(db, hash);
        let after = entry.expire_at_ms();
        let mut slot = self.shard_mut().db_mut(db)?.table.find_mut(hash, entry.key())?;
        let old = slot.replace(entry);
        self.expiry_changed(db, hash, old.expire_at_ms(), after);
        Some(old)
    }

    /// Adds an entry whose key must not be there yet.
    pub fn insert(&mut self, db: u32, hash: u64, entry: Entry) {
        let keyspace = self.keyspace;
        let expire_at_ms = entry.expire_at_ms();
        self.hand_over(db, hash);
        let table = &mut self.shard_mut().db_or_make(db).table;
        let was_empty = table.is_empty();
        table.insert_unique(hash, entry, &keyspace.hasher);
        if was_empty {
            self.keep_epoch(db, hash);
        }
        keyspace.count(db, self.index()).keys.fetch_add(1, Ordering::Relaxed);
        if expire_at_ms.is_some() {
            self.expiry_changed(db, hash, None, expire_at_ms);
        }
    }

    /// Removes the entry of a key.
    pub fn remove(&mut self, db: u32, hash: u64, key: &[u8]) -> Option<Entry> {
        let keyspace = self.keyspace;
        self.hand_over(db, hash);
        let entry = self.shard_mut().db_mut(db)?.table.remove(hash, key)?;
        keyspace.count(db, self.index()).keys.fetch_sub(1, Ordering::Relaxed);
        let expire_at_ms = entry.expire_at_ms();
        if expire_at_ms.is_some() {
            self.expiry_changed(db, hash, expire_at_ms, None);
        }
        self.shard_mut().drop_if_empty(db);
        Some(entry)
    }

    fn expiry_changed(&mut self, db: u32, hash: u64, before: Option<i64>, after: Option<i64>) {
        let index = &mut self.shard_mut().db_or_make(db).expiry;
        if let Some(deadline_ms) = before {
            let known = index.remove(deadline_ms, hash);
            debug_assert!(known, "each expiring key is indexed");
        }
        if let Some(deadline_ms) = after {
            index.insert(deadline_ms, hash);
            let next = &self.keyspace.next_expiry_ms[self.index()];
            if deadline_ms < next.load(Ordering::Relaxed) {
                next.store(deadline_ms, Ordering::Relaxed);
                self.keyspace.expiry_advances.fetch_add(1, Ordering::Relaxed);
            }
        }
        let counts = self.keyspace.count(db, self.index());
        let difference = i64::from(after.is_some()) - i64::from(before.is_some());
        if difference != 0 {
            counts.expires.fetch_add(difference, Ordering::Relaxed);
        }
        let units = deadline_units(after) - deadline_units(before);
        counts.deadlines.fetch_add(units, Ordering::Relaxed);
    }

    /// Removes up to `limit` keys whose time has come and hands them to `expired` with their
    /// database. Returns how many there were; fewer than `limit` means that none is left.
    pub fn expire_due(
        &mut self,
        now_ms: i64,
        limit: usize,
        mut expired: impl FnMut(&mut Self, u32, Entry),
    ) -> usize {
        let mut removed = 0;
        let databases: SmallVec<[u32; 16]> = self.shard().dbs().map(|(db, _)| db).collect();
        for db in databases {
            while removed < limit {
                let Some(entry) = self.take_due(db, now_ms) else { break };
                expired(self, db, entry);
                removed += 1;
            }
        }
        self.renew_next_expiry();
        removed
    }

    /// Looks up when the next key of the shard expires, and announces it.
    pub fn renew_next_expiry(&mut self) -> Option<i64> {
        let first = self.shard().dbs().filter_map(|(_, db)| db.expiry.first()).min();
        self.keyspace.next_expiry_ms[self.index()].store(first.unwrap_or(NEVER), Ordering::Relaxed);
        first
    }

    /// Takes out the key of the database that is due first.
    fn take_due(&mut self, db: u32, now_ms: i64) -> Option<Entry> {
        let due = self.shard_mut().db_mut(db)?.expiry.pop_due(now_ms)?;
        Some(self.take_unindexed(db, due))
    }

    /// Takes out the key of the shard that expires first, with its physical database.
    pub fn take_first_to_expire(&mut self) -> Option<(u32, Entry)> {
        let firsts =
            self.shard().dbs().filter_map(|(db, content)| Some((content.expiry.first()?, db)));
        let (_, db) = firsts.min()?;
        let due = self.shard_mut().db_mut(db)?.expiry.pop_due(i64::MAX)?;
        self.renew_next_expiry();
        Some((db, self.take_unindexed(db, due)))
    }

    /// Takes out the entry of what was taken out of the index.
    fn take_unindexed(&mut self, db: u32, due: Due) -> Entry {
        let keyspace = self.keyspace;
        let content = self.shard_mut().db_mut(db).expect("its index had the key");
        let mut found: Option<(SmallVec<[u8; 64]>, u64)> = None;
        content.visit_due(due, &keyspace.hasher, &mut |entry, hash| {
            found = Some((SmallVec::from_slice(entry.key()), hash));
        });
        let (key, hash) = found.expect("each indexed deadline has its entry");
        self.hand_over(db, hash);
        let content = self.shard_mut().db_mut(db).expect("it is still there");
        let entry = content.table.remove(hash, &key).expect("it was just seen");
        let counts = keyspace.count(db, self.index());
        counts.keys.fetch_sub(1, Ordering::Relaxed);
        counts.expires.fetch_sub(1, Ordering::Relaxed);
        counts.deadlines.fetch_sub(deadline_units(entry.expire_at_ms()), Ordering::Relaxed);
        self.shard_mut().drop_if_empty(db);
        entry
    }

    /// Lends the entries in one bucket of a database to `entry`, which may move them and what their
    /// values own, and at the beginning moves what the database itself has allocated. Cursors are those
    /// of a scan. Returns the next one.
    pub fn relocate(
        &mut self,
        db: u32,
        cursor: u64,
        relocation: &mut Relocation<'_>,
        entry: &mut dyn FnMut(&mut Entry, &mut Relocation<'_>),
    ) -> u64 {
        let Some(content) = self.shard_mut().db_mut(db) else { return 0 };
        if cursor == 0 {
            content.table.relocate_pages(relocation);
            content.expiry.relocate(relocation);
        }
        content.table.relocate_bucket(cursor, &mut |lent| entry(lent, relocation))
    }

    /// Goes on to move what the value of a key owns, see [`Object::relocate`]; 0 if the key is not there.
    ///
    /// [`Object::relocate`]: russet_data::object::Object::relocate
    pub fn relocate_value(
        &mut self,
        db: u32,
        hash: u64,
        key: &[u8],
        cursor: u64,
        relocation: &mut Relocation<'_>,
    ) -> u64 {
        let Some(content) = self.shard_mut().db_mut(db) else { return 0 };
        let Some(mut slot) = content.table.find_mut(hash, key) else { return 0 };
        slot.update(|entry| entry.relocate_value(cursor, relocation))
    }

    /// The hash function of the keyspace.
    pub fn hasher(&self) -> &'a KeyedHash {
        &self.keyspace.hasher
    }
}
