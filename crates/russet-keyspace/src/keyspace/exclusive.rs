//! All shards at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use russet_data::table::Table;

use super::{EntryRef, Keyspace, NEVER, ShardGuard};
use crate::entry::Entry;
use crate::gate::Alone;
use crate::shard::Db;
use crate::snapshot::Picture;

/// All shards, for the only worker inside a closed gate. The gate reopens when this is dropped.
pub struct Exclusive<'a> {
    keyspace: &'a Keyspace,
    alone: Option<Alone<'a>>,
    /// Moved from shard to shard; the only guard there is.
    guard: ShardGuard<'a>,
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        let alone = self.alone.take().expect("taken only here");
        self.keyspace.wake(alone.reopen());
    }
}

impl<'a> Exclusive<'a> {
    /// All shards of a keyspace whose gate was closed.
    pub(super) fn new(keyspace: &'a Keyspace, alone: Alone<'a>) -> Self {
        Exclusive { keyspace, alone: Some(alone), guard: keyspace.unlocked(0) }
    }

    /// One of the shards.
    pub fn shard(&mut self, index: usize) -> &mut ShardGuard<'a> {
        self.guard = self.keyspace.unlocked(index);
        &mut self.guard
    }

    /// The entry of a key in one of the shards, expired or not.
    pub fn find(&self, shard: usize, db: u32, hash: u64, key: &[u8]) -> Option<EntryRef<'_>> {
        // SAFETY: nobody else is inside the closed gate (G1), and whoever changes a shard through
        // this borrows it mutably.
        let shard = unsafe { &*self.keyspace.shards[shard].shard.get() };
        shard.db(db)?.table.find(hash, key)
    }

    /// Gives all shards to who takes a picture.
    pub(crate) fn set_picture(&mut self, picture: &Arc<dyn Picture>) {
        *self.keyspace.picture.write() = Some(picture.clone());
    }

    /// Lets two logical databases change places. Watchers and waiters stay with their logical
    /// database.
    pub fn swap_dbs(&mut self, one: u32, other: u32) {
        let (a, b) = (self.keyspace.physical_db(one), self.keyspace.physical_db(other));
        for index in 0..self.keyspace.shard_count() {
            let shard = self.shard(index).shard_mut();
            shard.swap_watchers(a, b);
            shard.waiters.swap(a, b);
        }
        self.keyspace.physical[one as usize].store(b, Ordering::Relaxed);
        self.keyspace.physical[other as usize].store(a, Ordering::Relaxed);
    }

    /// Number of shards.
    pub fn shard_count(&self) -> usize {
        self.keyspace.shard_count()
    }

    /// Empties a physical database and returns its tables, to be freed wherever the caller likes. If a
    /// picture is being taken, it gets the tables and frees them.
    pub fn take_db(&mut self, db: u32) -> Vec<Table<Entry>> {
        let mut tables = Vec::new();
        for index in 0..self.keyspace.shard_count() {
            let guard = self.shard(index);
            if let Some(Db { table, .. }) = guard.shard_mut().db_mut(db).map(std::mem::take)
                && !table.is_empty()
            {
                match guard.picture() {
                    Some(picture) => picture.adopt(db, table, guard.shard().epoch),
                    None => tables.push(table),
                }
            }
            guard.shard_mut().drop_if_empty(db);
            let first = guard.shard().dbs().filter_map(|(_, db)| db.expiry.first()).min();
            let next = &guard.keyspace.next_expiry_ms[index];
            next.store(first.unwrap_or(NEVER), Ordering::Relaxed);
        }
        for stripe in self.keyspace.counts[db as usize].get().into_iter().flat_map(|all| &all[..]) {
            stripe.keys.store(0, Ordering::Relaxed);
            stripe.expires.store(0, Ordering::Relaxed);
            stripe.deadlines.store(0, Ordering::Relaxed);
        }
        tables
    }
}
