//! A worker's share of taking a picture.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use russet_keyspace::entry::Entry;
use russet_keyspace::snapshot::cover_adopted;

use super::large::{Progress, is_large};
use super::snapshot::{Orphan, Snapshot};
use super::spool::{CHUNK_BYTES, Chunk};
use crate::lazy_free::Garbage;
use crate::server::Server;

/// How long the worker gives itself to the picture at once.
const SLICE: Duration = Duration::from_micros(25);
/// The picture gets one part in so many of the time of a worker that has clients to serve.
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
    /// When the next slice is due, if the worker has something else to do until then.
    due: Option<Instant>,
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

    /// Gives a slice of time to the picture that is being taken, unless clients have something to do and
    /// the slice is due only after the time `pause`. Returns whether it took all of it. The worker is inside
    /// the gate.
    pub fn walk(&mut self, server: &Server, is_idle: bool, pause: Duration) -> bool {
        let current = server.persistence.snapshot.load();
        let Some(current) = &*current else {
            *self = Walker::default();
            return false;
        };
        if self.snapshot.as_ref().is_none_or(|known| !Arc::ptr_eq(known, current)) {
            *self = Walker { snapshot: Some(current.clone()), ..Walker::default() };
        }
        let began = Instant::now();
        let until_due = self.due.map_or(Duration::ZERO, |due| due - began);
        if !is_idle && until_due > pause {
            // Then there may be something to do again, whatever there was before.
            self.next = Some(until_due);
            return false;
        }
        let step = loop {
            let step = self.step(current, server, began + SLICE);
            if step != Step::On || began.elapsed() >= SLICE {
                break step;
            }
        };
        if step != Step::On {
            self.flush(current);
        }
        let ended = Instant::now();
        let rest = match step {
            Step::On => (ended - began) * (SHARE - 1),
            Step::Wait | Step::Done => RETRY,
        };
        self.due = Some(ended + rest);
        self.next = match step {
            Step::On if is_idle => Some(Duration::ZERO),
            Step::On | Step::Wait => Some(rest),
            Step::Done => None,
        };
        step == Step::On
    }

    /// Goes on with a large value until it is so late, or with a few buckets.
    fn step(&mut self, snapshot: &Snapshot, server: &Server, until: Instant) -> Step {
        let large = snapshot.large.first();
        if let Some(large) = &large
            && !large.is_ahead()
            && large.go_on(&server.keyspace, until) == Progress::Some
        {
            return Step::On;
        }
        if snapshot.spool.is_full() && !snapshot.is_abandoned() {
            return Step::Wait;
        }
        let part = match self.part.take().or_else(|| next_part(snapshot, server)) {
            Some(part) => part,
            None if large.is_some() => return Step::Wait,
            None => return Step::Done,
        };
        match part {
            Part::Orphan { mut orphan, cursor } => {
                let next = self.orphan(snapshot, server, &mut orphan, cursor);
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
                for _ in 0..BUCKETS_AT_ONCE {
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
                Step::On
            }
        }
    }

    /// Writes a bucket of an orphan, and returns the cursor of the next.
    fn orphan(
        &mut self,
        snapshot: &Snapshot,
        server: &Server,
        orphan: &mut Orphan,
        cursor: u64,
    ) -> u64 {
        let Orphan { db, table, covered } = orphan;
        let hasher = server.keyspace.hasher();
        cover_adopted(snapshot, hasher, *db, table, cursor, *covered, &mut |entry| {
            self.entry(snapshot, *db, entry)
        })
    }

    /// Writes an entry, unless it is large.
    fn entry(&mut self, snapshot: &Snapshot, db: u32, entry: &Entry) -> bool {
        if is_large(entry) {
            return false;
        }
        if snapshot.is_abandoned() {
            return true;
        }
        let logical = snapshot.logical[db as usize];
        if self.chunk.db != logical || self.chunk.bytes.len() >= CHUNK_BYTES {
            self.flush(snapshot);
            self.chunk.db = logical;
        }
        if self.chunk.bytes.capacity() == 0 {
            self.chunk.bytes = snapshot.spool.buffer();
        }
        snapshot.scribe.entry(&mut self.chunk.bytes, entry);
        self.chunk.keys += 1;
        true
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
