//! Random keys of a shard.

use super::next_u64;
use crate::entry::Entry;
use crate::keyspace::ShardGuard;
use crate::shard::Db;

/// A key that was drawn.
pub(super) struct Sampled<'a> {
    /// The physical database.
    pub db: u32,
    /// If it is known without computing it.
    pub hash: Option<u64>,
    pub entry: &'a Entry,
}

/// Whether a shard has keys that may be evicted.
pub(super) fn has_any(guard: &ShardGuard<'_>, volatile: bool) -> bool {
    guard.shard().dbs().any(|(_, db)| evictable(db, volatile) > 0)
}

fn evictable(db: &Db, volatile: bool) -> usize {
    if volatile { db.expiry.len() } else { db.len() }
}

/// Shows about `count` random keys of every database in a shard, or all if there are fewer. A key
/// may be shown twice.
pub(super) fn sample(
    guard: &ShardGuard<'_>,
    volatile: bool,
    count: usize,
    random: &mut u64,
    show: &mut dyn FnMut(Sampled<'_>),
) {
    for (number, db) in guard.shard().dbs() {
        let count = count.min(evictable(db, volatile));
        if count == 0 {
            continue;
        }
        if volatile {
            sample_volatile(guard, db, count, random, &mut |entry, hash| {
                show(Sampled { db: number, hash: Some(hash), entry });
            });
        } else {
            sample_any(db, count, random, &mut |entry| {
                show(Sampled { db: number, hash: None, entry });
            });
        }
    }
}

/// Shows whole buckets from a random one on. Wherever the table is in its growth, a random cursor
/// meets each key with the same probability: a bucket that has not been split yet stands for twice
/// the cursors and holds twice the keys.
fn sample_any(db: &Db, count: usize, random: &mut u64, show: &mut dyn FnMut(&Entry)) {
    let mut cursor = next_u64(random);
    let mut seen = 0;
    for _ in 0..db.table.bucket_count() {
        cursor = db.table.scan(cursor, &mut |entry| {
            seen += 1;
            show(entry);
        });
        if seen >= count {
            break;
        }
    }
}

fn sample_volatile(
    guard: &ShardGuard<'_>,
    db: &Db,
    count: usize,
    random: &mut u64,
    show: &mut dyn FnMut(&Entry, u64),
) {
    for _ in 0..count {
        if let Some(due) = db.expiry.random(&mut || next_u64(random)) {
            db.visit_due(due, guard.hasher(), show);
        }
    }
}
