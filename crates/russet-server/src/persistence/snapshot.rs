//! The picture that a save is made of, and how workers take it.
//!
//! The instant is one command's, behind the gate. From then on each worker gives a part of its time to
//! going through shards ([`Walker`]), encodes the keys and puts them into the [`Spool`]; a worker that
//! is about to change a key that nobody has visited yet puts its bucket there first
//! (`russet_keyspace::snapshot`). A thread writes what is in the spool, and does nothing else.
//!
//! Of a large collection only the picture is begun when its bucket is covered (`russet_data::picture`). From
//! then on it is a matter of its own: it is taken in parts by whoever has time, ahead of its turn by who
//! changes the collection, and by who drops the collection if it is removed. See `large.rs`.
//!
//! - **N3** A large collection of the instant has its picture begun, once, before it changes; and until that
//!   is done the picture of the keyspace is not complete.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use russet_data::table::Table;
use russet_keyspace::entry::{Entry, ValueRef};
use russet_keyspace::keyspace::{Exclusive, Keyspace};
use russet_keyspace::snapshot::Picture;
use russet_persist::rdb::{Encoder, Options};

use super::Scribe;
use super::large::{LargeValues, is_large};
use super::spool::Spool;

/// Strings up to this many bytes are compressed in no time.
const SHORT_BYTES: usize = 1 << 10;

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
    /// The large collections whose pictures are being taken.
    pub(super) large: LargeValues,
    me: Weak<Snapshot>,
    pub(super) orphans: Mutex<Vec<Orphan>>,
    pub(super) next_shard: AtomicUsize,
    /// Shards, orphans and large collections that are not through yet.
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
        let snapshot = Arc::new_cyclic(|me| Snapshot {
            me: me.clone(),
            scribe,
            logical: databases.clone().map(|db| keyspace.logical_db(db)).collect(),
            spool: Spool::default(),
            large: LargeValues::default(),
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
    pub(super) fn hasty_scribe(&self) -> Scribe {
        let options = Options { compression: false };
        Scribe { encoder: Encoder { options, ..self.scribe.encoder }, ..self.scribe }
    }
}

impl Picture for Snapshot {
    fn take(&self, db: u32, entry: &Entry) -> bool {
        if is_large(entry) {
            return false;
        }
        if self.is_abandoned() {
            return true;
        }
        // A client waits for this: only what is short is compressed.
        let is_short =
            matches!(entry.value(), ValueRef::Bytes(bytes) if bytes.len() <= SHORT_BYTES);
        let scribe = if is_short { self.scribe } else { self.hasty_scribe() };
        self.spool.append(self.logical[db as usize], |out| scribe.entry(out, entry));
        true
    }

    fn begin(&self, db: u32, hash: u64, entry: &mut Entry) {
        let snapshot = self.me.upgrade().expect("it is in use");
        // Before the part that this belongs to is through.
        self.parts_left.fetch_add(1, Ordering::AcqRel);
        self.large.begin(snapshot, db, hash, entry);
    }

    fn moved(&self, db: u32, hash: u64, entry: &Entry) {
        self.large.note_move(db, hash, entry);
    }

    fn adopt(&self, db: u32, table: Table<Entry>, covered: bool) {
        self.parts_left.fetch_add(1, Ordering::AcqRel);
        self.orphans.lock().push(Orphan { db, table, covered });
    }
}
