//! The picture that a save is made of, and how workers take it.
//!
//! The instant is one command's, behind the gate. From then on each worker gives a part of its time to
//! going through shards ([`Walker`]), encodes the keys and puts them into the [`Spool`]; a worker that
//! is about to change a key that nobody has visited yet puts its bucket there first
//! (`russet_keyspace::snapshot`). A thread writes what is in the spool, and does nothing else.
//!
//! A large collection is encoded in pieces, between which its shard's lock is let go. If it is to be
//! changed meanwhile, whoever changes it writes the rest first. Only one is under way at a time, because
//! its pieces must not be mixed with those of another; and its bucket is covered only after it, so that
//! the change is noticed:
//!
//! - **N3** A key that is in `Large` has been written whole or is being written, and its bucket is not
//!   covered. Whoever covers the bucket leaves the key out, or finishes it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use russet_data::object::Object;
use russet_data::table::Table;
use russet_keyspace::entry::{Entry, ValueRef};
use russet_keyspace::keyspace::{Exclusive, Keyspace};
use russet_keyspace::snapshot::Picture;
use russet_persist::rdb::{Encoder, Options, Progress};

use super::Scribe;
use super::spool::{Chunk, Spool};

/// Collections that take more bytes than this are written in pieces.
const LARGE_BYTES: usize = 64 << 10;
/// Strings up to this many bytes are compressed in no time.
const SHORT_BYTES: usize = 1 << 10;
/// The bytes of a piece.
const PIECE_BYTES: usize = 16 << 10;

/// A key, with its physical database.
type Id = (u32, Vec<u8>);

/// A value that is being written in pieces.
pub(super) struct UnderWay {
    pub(super) id: Id,
    pub(super) hash: u64,
    pub(super) progress: Progress,
    /// The worker that goes on with it.
    pub(super) worker: usize,
}

/// See N3.
#[derive(Default)]
pub(super) struct Large {
    pub(super) under_way: Option<UnderWay>,
    pub(super) done: HashSet<Id>,
}

/// A table that was taken out of the keyspace after the instant.
pub(super) struct Orphan {
    pub(super) db: u32,
    pub(super) table: Table<Entry>,
    /// The epoch of buckets that are in the picture already.
    pub(super) covered: bool,
}

/// See the module's documentation.
pub struct Snapshot {
    pub(super) scribe: Scribe,
    /// The logical databases of the instant, by physical ones.
    pub(super) logical: Vec<u32>,
    /// What is on its way into the file.
    pub spool: Spool,
    pub(super) large: Mutex<Large>,
    /// How many keys are in `large`.
    pub(super) large_keys: AtomicUsize,
    pub(super) orphans: Mutex<Vec<Orphan>>,
    pub(super) next_shard: AtomicUsize,
    /// Shards and orphans that are not through yet.
    parts_left: AtomicUsize,
    is_abandoned: AtomicBool,
    /// Whether it becomes the base of the append-only log, and not the configured file.
    pub is_base: bool,
    /// Keys at the instant.
    pub keys: u64,
    /// Keys that are in the file.
    pub written_keys: AtomicU64,
}

impl Snapshot {
    /// Begins a picture of this instant.
    pub fn begin(
        exclusive: &mut Exclusive<'_>,
        keyspace: &Keyspace,
        scribe: Scribe,
        is_base: bool,
    ) -> Arc<Self> {
        let databases = 0..keyspace.databases();
        let snapshot = Arc::new(Snapshot {
            scribe,
            logical: databases.clone().map(|db| keyspace.logical_db(db)).collect(),
            spool: Spool::default(),
            large: Mutex::default(),
            large_keys: AtomicUsize::new(0),
            orphans: Mutex::default(),
            next_shard: AtomicUsize::new(0),
            parts_left: AtomicUsize::new(keyspace.shard_count()),
            is_abandoned: AtomicBool::new(false),
            is_base,
            keys: databases.map(|db| keyspace.key_count(db) as u64).sum(),
            written_keys: AtomicU64::new(0),
        });
        let picture: Arc<dyn Picture> = snapshot.clone();
        exclusive.begin_picture(&picture);
        snapshot
    }

    /// Nobody wants the picture any more: what is left of it is passed over.
    pub fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether nobody wants it any more.
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }

    /// One of the parts is through.
    pub(super) fn end_part(&self) {
        if self.parts_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.spool.complete();
        }
    }

    /// Writes without compressing.
    fn hasty_scribe(&self) -> Scribe {
        let options = Options { compression: false };
        Scribe { encoder: Encoder { options, ..self.scribe.encoder }, ..self.scribe }
    }

    /// Whether there is a large value that is being written, or was and is not covered.
    pub(super) fn has_large(&self) -> bool {
        self.large_keys.load(Ordering::Relaxed) > 0
    }

    /// Whether a key was written in pieces already; it is forgotten, because its bucket is being covered.
    pub(super) fn was_large(&self, db: u32, key: &[u8]) -> bool {
        self.has_large() && self.forget_done(&mut self.large.lock(), db, key)
    }

    fn forget_done(&self, large: &mut Large, db: u32, key: &[u8]) -> bool {
        let was_done = large.done.remove(&(db, key.to_vec()));
        if was_done {
            self.large_keys.fetch_sub(1, Ordering::Relaxed);
        }
        was_done
    }

    /// Writes a piece of the value that is under way. Returns whether that was the rest.
    pub(super) fn go_on(&self, large: &mut Large, entry: &Entry) -> bool {
        self.write_part(large, entry, PIECE_BYTES, self.scribe)
    }

    /// Writes the rest of the value that is under way, for somebody who waits for that.
    fn write_rest(&self, large: &mut Large, entry: &Entry) {
        let is_rest = self.write_part(large, entry, usize::MAX, self.hasty_scribe());
        debug_assert!(is_rest, "there was no limit");
    }

    fn write_part(
        &self,
        large: &mut Large,
        entry: &Entry,
        most_bytes: usize,
        scribe: Scribe,
    ) -> bool {
        let under_way = large.under_way.as_mut().expect("the caller has looked");
        let mut bytes = Vec::new();
        if under_way.progress == Progress::default() {
            scribe.key(&mut bytes, entry);
        }
        let progress = &mut under_way.progress;
        let is_rest = scribe.encoder.piece(&mut bytes, entry.value(), progress, most_bytes);
        let db = self.logical[under_way.id.0 as usize];
        let keys = u64::from(is_rest);
        self.spool.push_piece(Chunk { db, bytes, keys, continues: !is_rest });
        is_rest
    }
}

/// Whether a value is to be written in pieces.
pub(super) fn is_large(entry: &Entry) -> bool {
    match entry.value() {
        ValueRef::Object(Object::String(_)) | ValueRef::Int(_) | ValueRef::Bytes(_) => false,
        ValueRef::Object(object) => object.allocated_bytes() > LARGE_BYTES,
    }
}

impl Picture for Snapshot {
    fn take(&self, db: u32, hash: u64, entry: &Entry) {
        if self.is_abandoned() {
            return;
        }
        if self.has_large() {
            let mut large = self.large.lock();
            let is_it = |under_way: &UnderWay| {
                under_way.hash == hash && under_way.id.0 == db && under_way.id.1 == entry.key()
            };
            if large.under_way.as_ref().is_some_and(is_it) {
                self.write_rest(&mut large, entry);
                large.under_way = None;
                self.large_keys.fetch_sub(1, Ordering::Relaxed);
                return;
            }
            if self.forget_done(&mut large, db, entry.key()) {
                return;
            }
        }
        // A client waits for this: only what is short is compressed.
        let is_short =
            matches!(entry.value(), ValueRef::Bytes(bytes) if bytes.len() <= SHORT_BYTES);
        let scribe = if is_short { self.scribe } else { self.hasty_scribe() };
        self.spool.append(self.logical[db as usize], |out| scribe.entry(out, entry));
    }

    fn adopt(&self, db: u32, table: Table<Entry>, covered: bool) {
        let mut large = self.large.lock();
        if !self.is_abandoned()
            && let Some(under_way) = &large.under_way
            && under_way.id.0 == db
            && let Some(entry) = table.find(under_way.hash, &under_way.id.1)
        {
            self.write_rest(&mut large, &entry);
            let ended = large.under_way.take().expect("it was just under way");
            large.done.insert(ended.id);
        }
        self.parts_left.fetch_add(1, Ordering::AcqRel);
        self.orphans.lock().push(Orphan { db, table, covered });
    }
}
