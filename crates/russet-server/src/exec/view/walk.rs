//! Going through the keys of a database, shard by shard, holding one lock at a time and never for
//! long.

use russet_data::table::KeyHasher;
use russet_keyspace::entry::Entry;
use russet_keyspace::keyspace::{Keyspace, ShardGuard};
use russet_keyspace::wake_lock::WorkerSet;
use smallvec::SmallVec;

use super::View;
use crate::exec::{Event, Locks};

/// Buckets looked at under one hold of a lock. They hold some 200 keys, which takes about as long as
/// a few commands do.
const BUCKETS_AT_ONCE: usize = 32;

/// What [`View::walk`] did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stretch {
    /// Where to go on in this shard; 0 if it has been walked to its end.
    pub next: u64,
    /// Buckets seen.
    pub buckets: usize,
    /// Keys seen, those past their time included.
    pub keys: usize,
}

/// What came of [`View::random`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drawn {
    /// A key was shown.
    Shown,
    /// There is no key.
    None,
    /// Somebody holds this shard, and those that nobody holds have no key.
    Held(usize),
}

impl<'a> View<'a> {
    /// Shows a few of the keys that one shard has in the selected database, from the cursor `from`
    /// on (0 to begin), and stops when `most_keys` or more were seen. `None` if somebody else holds
    /// the shard.
    ///
    /// Whoever walks from 0 to the end is shown every key exactly once that is there all the time,
    /// and no key twice, whatever happens between two calls. Keys past their time are removed.
    pub fn walk(
        &mut self,
        shard: usize,
        from: u64,
        most_keys: usize,
        show: &mut dyn FnMut(&Entry),
    ) -> Option<Stretch> {
        let (db, now_ms, keyspace) = (self.physical, self.now_ms, self.keyspace);
        self.inspect_shard(shard, |guard| {
            let mut overdue = Overdue::new();
            let mut stretch = Stretch { next: from, ..Stretch::default() };
            let table = guard.shard().db(db).map(|db| db.table()).filter(|table| !table.is_empty());
            let Some(table) = table else { return (Stretch::default(), overdue) };
            while stretch.buckets < BUCKETS_AT_ONCE && stretch.keys < most_keys {
                let passed = stretch.next.reverse_bits();
                stretch.next = table.scan(stretch.next, &mut |entry| {
                    stretch.keys += 1;
                    if entry.is_expired(now_ms) {
                        overdue.push(entry.key().into());
                    } else if is_ahead(keyspace, entry, passed) {
                        show(entry);
                    }
                });
                stretch.buckets += 1;
                if stretch.next == 0 {
                    break;
                }
            }
            (stretch, overdue)
        })
    }

    /// Shows a key of the selected database, every one being equally likely.
    ///
    /// Draws a group of shards by the groups' key counts, a shard of it by the shards' sizes, and a
    /// key of that. A shard that somebody holds just then is passed over.
    pub fn random(&mut self, random: &mut fastrand::Rng, show: &mut dyn FnMut(&Entry)) -> Drawn {
        let (db, now_ms) = (self.physical, self.now_ms);
        loop {
            let counts = self.keyspace.group_key_counts(db);
            let total: usize = counts.iter().sum();
            if total == 0 {
                return Drawn::None;
            }
            let shard = match self.random_shard(group_at(&counts, random.usize(..total)), random) {
                Ok(Some(shard)) => shard,
                // Its shards have lost their keys since.
                Ok(None) => continue,
                Err(held) => return Drawn::Held(held),
            };
            let shown = self.inspect_shard(shard, |guard| {
                let mut overdue = Overdue::new();
                let content = guard.shard().db(db).map(|db| db.table());
                let entry = content.and_then(|table| table.random(&mut || random.u64(..)));
                let is_live = entry.as_ref().is_some_and(|entry| !entry.is_expired(now_ms));
                match entry {
                    Some(entry) if is_live => show(&entry),
                    Some(entry) => overdue.push(entry.key().into()),
                    None => {}
                }
                (is_live, overdue)
            });
            if shown == Some(true) {
                return Drawn::Shown;
            }
        }
    }

    /// A shard of a group, as likely as it has keys; if there is none because one is held, that one.
    fn random_shard(
        &mut self,
        group: usize,
        random: &mut fastrand::Rng,
    ) -> Result<Option<usize>, usize> {
        let db = self.physical;
        let (mut chosen, mut seen, mut held) = (None, 0, None);
        for shard in self.keyspace.shards_of_group(group) {
            let keys = self.visit(shard, |guard| guard.shard().db(db).map_or(0, |db| db.len()));
            if keys.is_none() {
                held = Some(shard);
            }
            let keys = keys.unwrap_or(0);
            seen += keys;
            // Each replaces its predecessors with its share of the keys so far.
            if keys > 0 && random.usize(..seen) < keys {
                chosen = Some(shard);
            }
        }
        match (chosen, held) {
            (None, Some(held)) => Err(held),
            _ => Ok(chosen),
        }
    }

    /// Lends one shard to a walker that holds one lock at a time. `None` if somebody else holds it:
    /// the walker comes back, or goes elsewhere.
    pub fn visit<R>(
        &mut self,
        shard: usize,
        look: impl FnOnce(&mut ShardGuard<'a>) -> R,
    ) -> Option<R> {
        match &mut self.locks {
            Locks::All(exclusive) => Some(look(exclusive.shard(shard))),
            _ => self.keyspace.try_briefly(shard).map(|mut guard| look(&mut guard)),
        }
    }

    /// As [`View::visit`], and removes the keys whose time was found to have come.
    fn inspect_shard<R>(
        &mut self,
        shard: usize,
        look: impl FnOnce(&mut ShardGuard<'a>) -> (R, Overdue),
    ) -> Option<R> {
        let (keyspace, physical, logical) = (self.keyspace, self.physical, self.logical);
        // Behind the gate the effects wait for those of the whole command; otherwise they enter the
        // journal now, because the lock is not held any longer (I3).
        let journal = self.journal.filter(|_| !matches!(self.locks, Locks::All(_)));
        let events = self.events;
        let mut addressed = WorkerSet::default();
        let (result, removed) = self.visit(shard, |guard| {
            let (result, overdue) = look(guard);
            let remove = |key: &SmallVec<[u8; 32]>| {
                guard.shard().touch(physical, key);
                guard.remove(physical, keyspace.hash(key), key)
            };
            let removed: Vec<Entry> = overdue.iter().filter_map(remove).collect();
            if let Some(journal) = journal
                && !removed.is_empty()
            {
                let expiry = |entry: &Entry| journal.expiry(logical, entry.key());
                journal.append(removed.iter().map(expiry).collect());
            }
            if let Some(events) = events {
                let mut publish = |entry: &Entry| {
                    events.publish(Event::EXPIRED, logical, entry.key(), &mut addressed);
                };
                removed.iter().for_each(&mut publish);
            }
            (result, removed)
        })?;
        self.wake_later(addressed);
        for entry in removed {
            if let Some(later) = self.journal.filter(|_| journal.is_none()) {
                let expiry = later.expiry(logical, entry.key());
                self.effects().push(expiry);
            }
            self.buried(entry);
        }
        Some(result)
    }
}

/// Keys found to be past their time.
type Overdue = SmallVec<[SmallVec<[u8; 32]>; 4]>;

/// Whether an entry lies ahead of a point in the order of the scan, the order of hashes read
/// backwards: a bucket that was merged from two holds keys on both sides.
fn is_ahead(keyspace: &Keyspace, entry: &Entry, passed: u64) -> bool {
    passed == 0 || keyspace.hasher().hash(entry.key()).reverse_bits() >= passed
}

/// The group that holds the key number `nth` when they are counted one after the other.
fn group_at(counts: &[usize], mut nth: usize) -> usize {
    for (group, count) in counts.iter().enumerate() {
        if nth < *count {
            return group;
        }
        nth -= count;
    }
    unreachable!("nth is below the sum of all counts")
}
