//! What takes all shards at once, behind the closed gate: emptying databases and exchanging them.

use russet_data::table::Table;
use russet_keyspace::entry::Entry;
use russet_keyspace::keyspace::Exclusive;

use super::View;
use crate::lazy_free::Garbage;

impl<'a> View<'a> {
    fn everything(&mut self) -> &mut Exclusive<'a> {
        self.exclusive().expect("the command is declared exclusive")
    }

    /// Empties a logical database and returns its tables. Each key counts as a change, and its
    /// watchers are told; watchers of keys that are not there see no change.
    pub fn take_db(&mut self, db: u32) -> Vec<Table<Entry>> {
        let keyspace = self.keyspace;
        let physical = keyspace.physical_db(db);
        let keys = keyspace.key_count(physical);
        if keys == 0 {
            return Vec::new();
        }
        let everything = self.everything();
        for shard in 0..keyspace.shard_count() {
            let guard = everything.shard(shard);
            guard
                .shard()
                .touch_all(physical, |key| guard.find(physical, keyspace.hash(key), key).is_some());
        }
        let tables = everything.take_db(physical);
        self.tally.changes += keys as u64;
        tables
    }

    /// Has tables freed once this view is done, before its reply is sent, when nobody waits for its
    /// locks any more.
    pub fn free_afterwards(&mut self, tables: Vec<Table<Entry>>) {
        self.extras.get_or_insert_default().garbage.push(Garbage::Tables(tables));
    }

    /// Lets two logical databases change places. Watchers of a key are told if it was there, or is
    /// there now.
    pub fn swap_dbs(&mut self, one: u32, other: u32) {
        if one == other {
            return;
        }
        for shard in 0..self.keyspace.shard_count() {
            self.touch_swapped(shard, one, other);
            self.touch_swapped(shard, other, one);
            self.remove_watched_overdue(shard, one, other);
            self.remove_watched_overdue(shard, other, one);
        }
        self.everything().swap_dbs(one, other);
        let selected = self.logical;
        for db in [one, other] {
            self.note_all_ready(db);
        }
        self.select(selected);
    }

    /// Has all waiters of a logical database served that wait for a key which is there now.
    fn note_all_ready(&mut self, db: u32) {
        self.select(db);
        let (keyspace, physical) = (self.keyspace, self.physical);
        for shard in 0..keyspace.shard_count() {
            let waiters = self.everything().shard(shard).shard().waiters();
            let awaited: Vec<Box<[u8]>> = waiters.keys(physical).map(Into::into).collect();
            for key in awaited {
                self.note_ready(keyspace.hash(&key), &key);
            }
        }
    }

    /// Tells the watchers of a database in one shard that another one takes its place.
    fn touch_swapped(&mut self, shard: usize, replaced: u32, replacement: u32) {
        let (keyspace, now_ms) = (self.keyspace, self.now_ms);
        let (from, to) = (keyspace.physical_db(replaced), keyspace.physical_db(replacement));
        let guard = self.everything().shard(shard);
        guard.shard().touch_all(from, |key| {
            let hash = keyspace.hash(key);
            let arrives = guard.find(to, hash, key).is_some_and(|entry| !entry.is_expired(now_ms));
            arrives || guard.find(from, hash, key).is_some()
        });
    }

    /// Removes the overdue keys of `replacement` that are watched in `replaced`: their removal later
    /// must not look like a change since WATCH.
    fn remove_watched_overdue(&mut self, shard: usize, replaced: u32, replacement: u32) {
        let physical = self.keyspace.physical_db(replaced);
        let guard = self.everything().shard(shard);
        let watched: Vec<Box<[u8]>> = guard.shard().watched(physical).map(Into::into).collect();
        for key in watched {
            self.remove_overdue(replacement, self.keyspace.hash(&key), &key);
        }
    }
}
