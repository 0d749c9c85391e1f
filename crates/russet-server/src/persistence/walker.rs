//! A worker's share of taking a picture.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use russet_keyspace::entry::Entry;
use russet_keyspace::keyspace::ShardGuard;

use super::snapshot::{Large, Orphan, Snapshot, UnderWay, is_large};
use super::spool::{CHUNK_BYTES, Chunk};
use crate::lazy_free::Garbage;
use crate::server::Server;

/// The longest and the shortest time given to the picture at once.
const SLICE_MAX: Duration = Duration::from_micros(100);
const SLICE_MIN: Duration = Duration::from_micros(50);
/// The picture gets one part in so many of a busy worker's time.
const SHARE: u32 = 5;
/// Who has to wait looks again after this time.
const RETRY: Duration = Duration::from_millis(1);
/// Buckets covered under one hold of a shard's lock.
const BUCKETS_AT_ONCE: usize = 4;

/// What the worker goes through at present.
enum Part {
    Shard { shard: usize, db: u32, cursor: u64 },
    Orphan { orphan: Orphan, cursor: u64 },
}

/// Whether there is more to do at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Yes.
    On,
    /// Not before something else has happened: the disk, another worker.
    Wait,
    /// No.
    Done,
}

/// What a worker remembers of its share.
#[derive(Default)]
pub struct Walker {
    snapshot: Option<Arc<Snapshot>>,
    part: Option<Part>,
    chunk: Chunk,
    last_slice_ended: Option<Instant>,
    next: Option<Duration>,
}

impl Walker {
    /// How long the worker may sleep before it goes on.
    pub fn until_next(&self) -> Option<Duration> {
        self.next
    }

    /// Whether there is something to forget when the picture is done.
    pub fn is_at_work(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Gives a slice of time to the picture that is being taken. The worker is inside the gate.
    pub fn walk(&mut self, server: &Server, worker: usize) {
        let current = server.persistence.snapshot.load();
        let Some(current) = &*current else {
            *self = Walker::default();
            return;
        };
        if self.snapshot.as_ref().is_none_or(|known| !Arc::ptr_eq(known, current)) {
            *self = Walker { snapshot: Some(current.clone()), ..Walker::default() };
        }
        let began = Instant::now();
        let since = self.last_slice_ended.map_or(Duration::ZERO, |ended| began - ended);
        let slice = (since / SHARE).clamp(SLICE_MIN, SLICE_MAX);
        let step = loop {
            let step = self.step(current, server, worker);
            if step != Step::On || began.elapsed() >= slice {
                break step;
            }
        };
        if step != Step::On {
            self.flush(current);
        }
        self.next = match step {
            Step::On => Some(Duration::ZERO),
            Step::Wait => Some(RETRY),
            Step::Done => None,
        };
        self.last_slice_ended = Some(Instant::now());
    }

    fn step(&mut self, snapshot: &Snapshot, server: &Server, worker: usize) -> Step {
        if snapshot.spool.is_full() && !snapshot.is_abandoned() {
            return Step::Wait;
        }
        let part = match self.part.take().or_else(|| next_part(snapshot, server)) {
            Some(part) => part,
            None => return Step::Done,
        };
        match part {
            Part::Orphan { mut orphan, cursor } => {
                let next = self.orphan(snapshot, &mut orphan, cursor);
                if next == 0 {
                    self.flush(snapshot);
                    server.lazy_free.defer(Garbage::Tables(vec![orphan.table]));
                    snapshot.end_part();
                } else {
                    self.part = Some(Part::Orphan { orphan, cursor: next });
                }
                Step::On
            }
            Part::Shard { shard, mut db, mut cursor } => {
                let Some(mut guard) = server.keyspace.try_briefly(shard) else {
                    self.part = Some(Part::Shard { shard, db, cursor });
                    return Step::Wait;
                };
                let mut step = Step::On;
                for _ in 0..BUCKETS_AT_ONCE {
                    match write_large(snapshot, server, &guard, worker, db, cursor) {
                        LargeStep::None => {}
                        LargeStep::Wrote => break,
                        LargeStep::Wait => {
                            step = Step::Wait;
                            break;
                        }
                    }
                    let table = guard.shard().db(db).map(|db| db.table());
                    let next = table.map_or(0, |table| table.prefetch_after(cursor));
                    guard.cover_with(db, cursor, &mut |entry| self.entry(snapshot, db, entry));
                    cursor = next;
                    if cursor == 0 {
                        db += 1;
                        if db == server.keyspace.databases() {
                            guard.end_picture();
                            drop(guard);
                            self.flush(snapshot);
                            snapshot.end_part();
                            return Step::On;
                        }
                    }
                }
                self.part = Some(Part::Shard { shard, db, cursor });
                step
            }
        }
    }

    /// Writes a bucket of an orphan, and returns the cursor of the next.
    fn orphan(&mut self, snapshot: &Snapshot, orphan: &mut Orphan, cursor: u64) -> u64 {
        let is_covered = orphan.table.epoch(cursor) == orphan.covered;
        let db = orphan.db;
        orphan.table.scan(cursor, &mut |entry| {
            if !is_covered {
                self.entry(snapshot, db, entry);
            }
        })
    }

    fn entry(&mut self, snapshot: &Snapshot, db: u32, entry: &Entry) {
        if snapshot.is_abandoned() || snapshot.was_large(db, entry.key()) {
            return;
        }
        let logical = snapshot.logical[db as usize];
        if self.chunk.db != logical || self.chunk.bytes.len() >= CHUNK_BYTES {
            self.flush(snapshot);
            self.chunk.db = logical;
        }
        snapshot.scribe.entry(&mut self.chunk.bytes, entry);
        self.chunk.keys += 1;
    }

    fn flush(&mut self, snapshot: &Snapshot) {
        if !self.chunk.bytes.is_empty() {
            let db = self.chunk.db;
            snapshot.spool.push(mem::replace(&mut self.chunk, Chunk { db, ..Chunk::default() }));
        }
    }
}

fn next_part(snapshot: &Snapshot, server: &Server) -> Option<Part> {
    if let Some(orphan) = snapshot.orphans.lock().pop() {
        return Some(Part::Orphan { orphan, cursor: 0 });
    }
    if snapshot.next_shard.load(Ordering::Relaxed) >= server.keyspace.shard_count() {
        return None;
    }
    let shard = snapshot.next_shard.fetch_add(1, Ordering::Relaxed);
    let is_one = shard < server.keyspace.shard_count();
    is_one.then_some(Part::Shard { shard, db: 0, cursor: 0 })
}

/// What was done about large values.
enum LargeStep {
    /// Nothing: the bucket has none that is not written.
    None,
    /// A piece of one was written.
    Wrote,
    /// Nothing, because that of another worker is under way.
    Wait,
}

/// Writes one piece of the worker's large value, or begins with one that is in the bucket.
fn write_large(
    snapshot: &Snapshot,
    server: &Server,
    guard: &ShardGuard<'_>,
    worker: usize,
    db: u32,
    cursor: u64,
) -> LargeStep {
    if snapshot.is_abandoned() {
        return LargeStep::None;
    }
    let has_own = |large: &Large| large.under_way.as_ref().is_some_and(|it| it.worker == worker);
    let is_under_way = snapshot.has_large() && has_own(&snapshot.large.lock());
    if !is_under_way {
        let Some(key) = unwritten_large(snapshot, guard, db, cursor) else {
            return LargeStep::None;
        };
        let mut large = snapshot.large.lock();
        if large.under_way.is_some() {
            return LargeStep::Wait;
        }
        let hash = server.keyspace.hash(&key);
        let (id, progress) = ((db, key), Default::default());
        large.under_way = Some(UnderWay { id, hash, progress, worker });
        snapshot.large_keys.fetch_add(1, Ordering::Relaxed);
    }
    let mut large = snapshot.large.lock();
    let Some(UnderWay { id: (db, key), hash, .. }) = &large.under_way else {
        return LargeStep::Wrote;
    };
    // Whoever changes it finishes it, so it is there.
    let entry = guard.find(*db, *hash, key).expect("N3");
    if snapshot.go_on(&mut large, &entry) {
        let Large { under_way, done } = &mut *large;
        done.extend(under_way.take().map(|ended| ended.id));
    }
    LargeStep::Wrote
}

/// A large value in a bucket that is not covered, which nobody has written.
fn unwritten_large(
    snapshot: &Snapshot,
    guard: &ShardGuard<'_>,
    db: u32,
    cursor: u64,
) -> Option<Vec<u8>> {
    if guard.is_covered(db, cursor) {
        return None;
    }
    let mut found = None;
    guard.shard().db(db)?.table().scan(cursor, &mut |entry| {
        if is_large(entry) && found.is_none() {
            let key = entry.key().to_vec();
            let is_done =
                snapshot.has_large() && snapshot.large.lock().done.contains(&(db, key.clone()));
            if !is_done {
                found = Some(key);
            }
        }
    });
    found
}
