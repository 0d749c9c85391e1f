//! What was taken of the keyspace and is on its way into a file.
//!
//! Workers fill it, one thread empties it. Workers never wait for the disk: who goes through the keys
//! for the picture asks [`Spool::is_full`] and does something else meanwhile, and who hands over what
//! he is about to change is never refused.
//!
//! A large value comes in pieces, which must follow each other; what else arrives until its last
//! piece waits. If there are several such values, they are written in the order in which they began, and
//! the pieces of the later ones wait.
//!
//! The writer is not woken for less than a chunk, because workers and the writer may have to share one
//! processor, and changing between them for each key that is handed over costs more than writing it.
//!
//! How much can there be? The picture has each key once, so what is handed over is at most what the
//! keys of the instant are as a file, and only if all of them change faster than the disk takes them;
//! that is less than the copies of pages that `fork` would make of the same changes. While the spool is
//! full the writer leaves it to the system when bytes go from its cache to the disk, so that a disk
//! that is slow does not hold up what was handed over.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

/// With so many bytes on their way, no more keys are visited while the writer waits for the disk.
const FULL_BYTES: usize = 8 << 20;
/// Nor with so many, if the writer does not: it may be waiting for the processor that it shares with
/// who visits them.
const BEHIND_BYTES: usize = 1 << 20;
/// Keys are put together to about this many bytes.
pub const CHUNK_BYTES: usize = 64 << 10;
/// Room for a chunk and the key that makes it one.
const BUFFER_BYTES: usize = CHUNK_BYTES + CHUNK_BYTES / 4;
/// Buffers that are kept for the next chunks.
const SPARE_BUFFERS: usize = 16;

/// Bytes for the file.
#[derive(Default)]
pub struct Chunk {
    /// The logical database of the keys.
    pub db: u32,
    /// Keys with their values; or a piece of them.
    pub bytes: Vec<u8>,
    /// Keys that end here.
    pub keys: u64,
    /// The rest of the last value is in the next piece.
    pub continues: bool,
}

#[derive(Default)]
struct State {
    /// What is handed over key by key, until it is a chunk.
    open: Chunk,
    whole: VecDeque<Chunk>,
    /// Large values of which the writer has not got the last piece.
    values: VecDeque<Value>,
    next_value: ValueId,
    bytes: usize,
    /// Buffers of chunks that were written. Memory that is in use already is in the caches, and needs no
    /// pages from the system.
    spare: Vec<Vec<u8>>,
    /// The writer has got some pieces of the first value, and needs the others before anything else.
    is_inside_value: bool,
    is_complete: bool,
}

/// Which large value a piece belongs to.
pub type ValueId = u64;

/// The pieces of a large value.
struct Value {
    id: ValueId,
    pieces: VecDeque<Chunk>,
    bytes: usize,
}

impl State {
    fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(BUFFER_BYTES))
    }

    /// Lets the writer have what was handed over so far.
    fn close(&mut self) {
        if !self.open.bytes.is_empty() {
            let next = Chunk { db: self.open.db, ..Chunk::default() };
            let chunk = std::mem::replace(&mut self.open, next);
            self.whole.push_back(chunk);
        }
    }

    /// The next piece of the first large value.
    fn next_piece(&mut self) -> Option<Chunk> {
        let value = self.values.front_mut()?;
        let chunk = value.pieces.pop_front()?;
        value.bytes -= chunk.bytes.capacity();
        self.bytes -= chunk.bytes.capacity();
        self.is_inside_value = chunk.continues;
        if !chunk.continues {
            self.values.pop_front();
        }
        Some(chunk)
    }
}

/// See the module's documentation.
#[derive(Default)]
pub struct Spool {
    state: Mutex<State>,
    changed: Condvar,
    is_waiting: AtomicBool,
}

impl Spool {
    /// Whether it is time to let the writer catch up.
    pub fn is_full(&self) -> bool {
        let most = if self.is_waiting.load(Ordering::Relaxed) { FULL_BYTES } else { BEHIND_BYTES };
        self.held_bytes() > most
    }

    /// Lets the writer wait for the disk, unless too much has been handed over for that.
    pub fn wait_for_disk<E>(&self, wait: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.held_bytes() > FULL_BYTES {
            return Ok(());
        }
        self.is_waiting.store(true, Ordering::Relaxed);
        let result = wait();
        self.is_waiting.store(false, Ordering::Relaxed);
        result
    }

    /// Bytes of memory that is taken until it is in the file.
    pub fn held_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// A buffer for a chunk.
    pub fn buffer(&self) -> Vec<u8> {
        self.state.lock().buffer()
    }

    /// Takes back the buffer of a chunk that was written.
    pub fn recycle(&self, mut buffer: Vec<u8>) {
        let mut state = self.state.lock();
        if buffer.capacity() == BUFFER_BYTES
            && state.spare.len() < SPARE_BUFFERS
            && !state.is_complete
        {
            buffer.clear();
            state.spare.push(buffer);
        }
    }

    /// Adds keys.
    pub fn push(&self, chunk: Chunk) {
        let mut state = self.state.lock();
        state.bytes += chunk.bytes.capacity();
        state.whole.push_back(chunk);
        self.changed.notify_one();
    }

    /// Adds one key, which `write` appends to what it is given.
    pub fn append(&self, db: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state.lock();
        if state.open.db != db {
            state.close();
            state.open.db = db;
        }
        let before = state.open.bytes.capacity();
        if before == 0 {
            state.open.bytes = state.buffer();
        }
        write(&mut state.open.bytes);
        state.open.keys += 1;
        state.bytes += state.open.bytes.capacity() - before;
        if state.open.bytes.len() >= CHUNK_BYTES {
            state.close();
            self.changed.notify_one();
        }
    }

    /// Begins a large value.
    pub fn begin_value(&self) -> ValueId {
        let mut state = self.state.lock();
        let id = state.next_value;
        state.next_value += 1;
        state.values.push_back(Value { id, pieces: VecDeque::new(), bytes: 0 });
        id
    }

    /// Adds a piece of a large value, which has not had its last one.
    pub fn push_piece(&self, id: ValueId, chunk: Chunk) {
        let mut state = self.state.lock();
        let bytes = chunk.bytes.capacity();
        state.bytes += bytes;
        let value = state.values.iter_mut().find(|value| value.id == id).expect("it is not over");
        value.bytes += bytes;
        value.pieces.push_back(chunk);
        if state.values[0].id == id {
            self.changed.notify_one();
        }
    }

    /// Whether it is time to let the writer catch up with a large value, whatever else there is: inside a
    /// value it wants nothing else.
    pub fn is_value_ahead(&self, id: ValueId) -> bool {
        let state = self.state.lock();
        let value = state.values.iter().find(|value| value.id == id);
        value.is_some_and(|value| value.bytes > BEHIND_BYTES)
    }

    /// Counts bytes that are kept elsewhere until their turn comes.
    pub fn hold(&self, bytes: usize) {
        self.state.lock().bytes += bytes;
    }

    /// Bytes that were kept elsewhere are so no more.
    pub fn let_go(&self, bytes: usize) {
        self.state.lock().bytes -= bytes;
    }

    /// Says that nothing more comes.
    pub fn complete(&self) {
        let mut state = self.state.lock();
        state.close();
        state.is_complete = true;
        state.spare = Vec::new();
        self.changed.notify_one();
    }

    /// The next bytes for the file; waits for them. `None` after the last.
    pub fn next(&self) -> Option<Chunk> {
        let mut state = self.state.lock();
        loop {
            if let Some(chunk) = state.next_piece() {
                return Some(chunk);
            }
            if !state.is_inside_value
                && let Some(chunk) = state.whole.pop_front()
            {
                state.bytes -= chunk.bytes.capacity();
                return Some(chunk);
            }
            if state.is_complete {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(text: &str, continues: bool) -> Chunk {
        Chunk { bytes: text.into(), continues, ..Chunk::default() }
    }

    #[test]
    fn pieces_of_a_value_are_not_interrupted() {
        let spool = Spool::default();
        let (first, second) = (spool.begin_value(), spool.begin_value());
        spool.push(chunk("a", false));
        spool.push_piece(second, chunk("d1", true));
        spool.push_piece(first, chunk("b1", true));
        spool.append(0, |out| out.push(b'x'));
        assert_eq!(spool.next().map(|chunk| chunk.bytes), Some(b"b1".to_vec()));
        spool.push(chunk("c", false));
        spool.push_piece(second, chunk("d2", false));
        spool.push_piece(first, chunk("b2", false));
        spool.complete();
        let rest: Vec<u8> =
            std::iter::from_fn(|| spool.next()).flat_map(|chunk| chunk.bytes).collect();
        assert_eq!(rest, b"b2d1d2acx");
        assert_eq!(spool.held_bytes(), 0);
    }

    /// Or the writer would wait for the next piece, and the worker for the writer.
    #[test]
    fn what_waits_behind_a_value_does_not_hold_up_its_pieces() {
        let spool = Spool::default();
        let id = spool.begin_value();
        spool.push_piece(id, chunk("piece", true));
        spool.next();
        spool.push(Chunk { bytes: vec![0; FULL_BYTES + 1], ..Chunk::default() });
        assert!(spool.is_full() && !spool.is_value_ahead(id));
        spool.push_piece(id, Chunk { bytes: vec![0; BEHIND_BYTES + 1], ..Chunk::default() });
        assert!(spool.is_value_ahead(id));
        spool.next();
        assert!(spool.is_full() && !spool.is_value_ahead(id));
    }

    #[test]
    fn it_is_full_until_it_is_emptied() {
        let spool = Spool::default();
        spool.push(Chunk { bytes: vec![0; FULL_BYTES + 1], ..Chunk::default() });
        assert!(spool.is_full());
        let wait = || -> Result<(), ()> { panic!("there is no time for that") };
        assert_eq!(spool.wait_for_disk(wait), Ok(()));
        spool.next();
        assert!(!spool.is_full());
        spool.push(Chunk { bytes: vec![0; BEHIND_BYTES + 1], ..Chunk::default() });
        assert!(spool.is_full());
        let wait = || {
            assert!(!spool.is_full(), "what the disk takes its time for can be more");
            Err(())
        };
        assert_eq!(spool.wait_for_disk(wait), Err(()));
        assert!(spool.is_full());
    }

    #[test]
    fn keys_that_are_handed_over_one_by_one_are_put_together() {
        let spool = Spool::default();
        let add = |db| spool.append(db, |out| out.extend([b'x'; 1000]));
        (0..100).for_each(|_| add(0));
        let chunk = spool.next().expect("the first is full");
        assert!(
            chunk.bytes.len() >= CHUNK_BYTES && chunk.keys as usize * 1000 == chunk.bytes.len()
        );
        add(1);
        let rest = spool.next().expect("another database is another chunk");
        assert_eq!((rest.db, chunk.keys + rest.keys), (0, 100));
        spool.complete();
        assert_eq!(spool.next().map(|chunk| (chunk.db, chunk.keys)), Some((1, 1)));
        assert!(spool.next().is_none());
        assert_eq!(spool.held_bytes(), 0);
    }
}
