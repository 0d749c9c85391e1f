//! Large collections on their way into the file.
//!
//! What becomes of one after the picture of the keyspace has come to it:
//!
//! ```text
//!  bucket covered        parts, by a worker that has time;           the last part
//!  picture begun  ──►    ahead of their turn, by who changes them ──►  told to the snapshot
//!                        the rest, by who drops the collection
//! ```
//!
//! Workers give their time to the one that began first, because its parts go into the file next: a file has
//! one value after the other, see `spool.rs`. They find it where it was last; who renames it says
//! so ([`LargeValues::note_move`]). One that is found nowhere has been removed, and whoever drops it takes
//! the rest of its picture.
//!
//! Whoever hands out or takes parts has the collection for himself: its shard is locked, or it is in no
//! shard any more. So each [`Large`] gets its parts from one thread at a time.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use russet_data::picture::{ElementSink, Part};
use russet_keyspace::entry::{Entry, ValueRef};
use russet_keyspace::keyspace::{Keyspace, ShardGuard};
use russet_persist::rdb::Encoder;

use super::snapshot::Snapshot;
use super::spool::{CHUNK_BYTES, Chunk, ValueId};

/// Collections whose elements take more bytes than this are written in parts.
const LARGE_BYTES: usize = 64 << 10;

/// Whether a value is to be written in parts.
pub(super) fn is_large(entry: &Entry) -> bool {
    match entry.value() {
        ValueRef::Object(object) => {
            object.divisible().is_some_and(|collection| collection.element_bytes() > LARGE_BYTES)
        }
        ValueRef::Int(_) | ValueRef::Bytes(_) => false,
    }
}

/// Where a key is.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    db: u32,
    hash: u64,
    key: Vec<u8>,
}

/// See the module's documentation.
pub(super) struct Large {
    snapshot: Arc<Snapshot>,
    id: ValueId,
    /// The logical database of the instant.
    db: u32,
    place: Mutex<Place>,
    content: Mutex<Content>,
    /// Held by the worker that goes on with it.
    turn: Mutex<()>,
}

/// What is not in the spool yet.
#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    /// The node of a list that comes next, and those that were taken ahead of their turn.
    next_node: u32,
    early_nodes: BTreeMap<u32, Vec<u8>>,
}

/// What came of going on with a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// Some parts were taken.
    Some,
    /// None were, because somebody else has it.
    Busy,
}

/// The collections whose pictures were begun and have not ended, in this order.
#[derive(Default)]
pub(super) struct LargeValues(Mutex<VecDeque<Arc<Large>>>);

impl LargeValues {
    /// Begins the picture of an entry's value.
    pub(super) fn begin(&self, snapshot: Arc<Snapshot>, db: u32, hash: u64, entry: &mut Entry) {
        let mut bytes = Vec::new();
        snapshot.scribe.key(&mut bytes, entry);
        let place = Mutex::new(Place { db, hash, key: entry.key().to_vec() });
        let object = entry.object_mut().expect("large values are objects");
        snapshot.scribe.encoder.count(&mut bytes, object);
        let db = snapshot.logical[db as usize];
        let content = Mutex::new(Content { bytes, ..Content::default() });
        let mut values = self.0.lock();
        let id = snapshot.spool.begin_value();
        let large = Arc::new(Large { snapshot, id, db, place, content, turn: Mutex::default() });
        values.push_back(large.clone());
        drop(values);
        object.divisible_mut().expect("the caller has looked").begin_picture(large);
    }

    /// The one that workers are to go on with.
    pub(super) fn first(&self) -> Option<Arc<Large>> {
        self.0.lock().front().cloned()
    }

    /// An entry whose value is among these is about to be there.
    pub(super) fn note_move(&self, db: u32, hash: u64, entry: &Entry) {
        let values = self.0.lock();
        if let Some(large) = values.iter().find(|large| large.is_of(entry)) {
            *large.place.lock() = Place { db, hash, key: entry.key().to_vec() };
        }
    }

    /// Workers have nothing more to do with this one.
    fn forget(&self, large: &Large) {
        self.0.lock().retain(|known| !std::ptr::eq(&raw const **known, large));
    }
}

impl Large {
    /// Whether this is the picture of an entry's value.
    fn is_of(&self, entry: &Entry) -> bool {
        let ValueRef::Object(object) = entry.value() else { return false };
        let sink = object.divisible().and_then(|collection| collection.sink());
        sink.is_some_and(|sink| std::ptr::addr_eq(Arc::as_ptr(sink), self))
    }

    /// Whether the writer is to catch up before there are more parts.
    pub(super) fn is_ahead(&self) -> bool {
        self.snapshot.spool.is_value_ahead(self.id)
    }

    /// Has some more parts taken, for a worker that is inside the gate: one, and others until it is so late.
    /// How long a part takes differs too much to count them: a node of a list may have to be compressed.
    pub(super) fn go_on(&self, keyspace: &Keyspace, until: Instant) -> Progress {
        let Some(_turn) = self.turn.try_lock() else { return Progress::Busy };
        let place = self.place.lock().clone();
        let shard = keyspace.shard_of(place.hash);
        let Some(mut guard) = keyspace.try_briefly(shard) else { return Progress::Busy };
        if !self.take_some(&mut guard, &place, until) && *self.place.lock() == place {
            // It was removed, and whoever drops it takes the rest.
            self.snapshot.large.forget(self);
        }
        Progress::Some
    }

    /// Takes some parts of the collection, if it is there.
    fn take_some(&self, guard: &mut ShardGuard<'_>, place: &Place, until: Instant) -> bool {
        let Place { db, hash, key } = place;
        let taken = guard.lend_pictured(*db, *hash, key, |entry| {
            if !self.is_of(entry) {
                return None;
            }
            let collection = entry.object_mut()?.divisible_mut()?;
            let encoder = self.snapshot.scribe.encoder;
            let mut content = self.content.lock();
            let mut add = |part: Part<'_>| self.add(&mut content, encoder, part);
            loop {
                let is_done = collection.continue_picture(&mut add);
                if is_done || Instant::now() >= until {
                    return Some(is_done);
                }
            }
        });
        if taken.flatten() == Some(true) {
            self.end();
        }
        taken.flatten().is_some()
    }

    fn add(&self, content: &mut Content, encoder: Encoder, part: Part<'_>) {
        if self.snapshot.is_abandoned() {
            return;
        }
        match part {
            Part::Node(place, _) if place != content.next_node => {
                let mut bytes = Vec::new();
                encoder.part(&mut bytes, part);
                self.snapshot.spool.hold(bytes.capacity());
                content.early_nodes.insert(place, bytes);
            }
            part => {
                encoder.part(&mut content.bytes, part);
                if let Part::Node(..) = part {
                    content.next_node += 1;
                    self.add_early_nodes(content);
                }
                if content.bytes.len() >= CHUNK_BYTES {
                    self.push(mem::take(&mut content.bytes), false);
                }
            }
        }
    }

    /// Adds nodes that were taken ahead of their turn, which has come now.
    fn add_early_nodes(&self, content: &mut Content) {
        while let Some(bytes) = content.early_nodes.remove(&content.next_node) {
            content.next_node += 1;
            if !content.bytes.is_empty() {
                self.push(mem::take(&mut content.bytes), false);
            }
            self.snapshot.spool.let_go(bytes.capacity());
            self.push(bytes, false);
        }
    }

    fn push(&self, bytes: Vec<u8>, is_last: bool) {
        let chunk = Chunk { db: self.db, bytes, keys: is_last.into(), continues: !is_last };
        self.snapshot.spool.push_piece(self.id, chunk);
    }
}

impl ElementSink for Large {
    fn take(&self, part: Part<'_>) {
        // Somebody may wait for it.
        let encoder = self.snapshot.hasty_scribe().encoder;
        self.add(&mut self.content.lock(), encoder, part);
    }

    fn end(&self) {
        let mut content = self.content.lock();
        debug_assert!(content.early_nodes.is_empty() || self.snapshot.is_abandoned(), "V1");
        self.push(mem::take(&mut content.bytes), true);
        self.snapshot.large.forget(self);
        self.snapshot.end_part();
    }
}
