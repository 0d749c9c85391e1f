//! What was taken of the keyspace and is on its way into a file.
//!
//! Workers fill it, one thread empties it. Workers never wait for the disk: who goes through the keys
//! for the picture asks [`Spool::is_full`] and does something else meanwhile, and who hands over what
//! he is about to change is never refused.
//!
//! A large value comes in pieces, which must follow each other; what else arrives until its last
//! piece waits.
//!
//! The writer is not woken for less than a chunk, because workers and the writer may have to share one
//! processor, and changing between them for each key that is handed over costs more than writing it.
//!
//! How much can there be? The picture has each key once, so what is handed over is at most what the
//! keys of the instant are as a file, and only if all of them change faster than the disk takes them;
//! that is less than the copies of pages that `fork` would make of the same changes. While the spool is
//! full the writer leaves it to the system when bytes go from its cache to the disk, so that a disk
//! whose flushes are slow does not hold up what was handed over.

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
    pieces: VecDeque<Chunk>,
    bytes: usize,
    /// The last chunk that was taken continues.
    is_inside_value: bool,
    is_complete: bool,
}

impl State {
    /// Lets the writer have what was handed over so far.
    fn close(&mut self) {
        if !self.open.bytes.is_empty() {
            let next = Chunk { db: self.open.db, ..Chunk::default() };
            let chunk = std::mem::replace(&mut self.open, next);
            self.whole.push_back(chunk);
        }
    }
}

/// See the module's documentation.
#[derive(Default)]
pub struct Spool {
    state: Mutex<State>,
    changed: Condvar,
    is_flushing: AtomicBool,
}

impl Spool {
    /// Whether it is time to let the writer catch up.
    pub fn is_full(&self) -> bool {
        let most = if self.is_flushing.load(Ordering::Relaxed) { FULL_BYTES } else { BEHIND_BYTES };
        self.held_bytes() > most
    }

    /// Lets the writer wait for the disk, unless too much has been handed over for that.
    pub fn flush<E>(&self, flush: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.held_bytes() > FULL_BYTES {
            return Ok(());
        }
        self.is_flushing.store(true, Ordering::Relaxed);
        let result = flush();
        self.is_flushing.store(false, Ordering::Relaxed);
        result
    }

    /// Bytes of memory that is taken until it is in the file.
    pub fn held_bytes(&self) -> usize {
        self.state.lock().bytes
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
        write(&mut state.open.bytes);
        state.open.keys += 1;
        state.bytes += state.open.bytes.capacity() - before;
        if state.open.bytes.len() >= CHUNK_BYTES {
            state.close();
            self.changed.notify_one();
        }
    }

    /// Adds a piece of a large value.
    pub fn push_piece(&self, chunk: Chunk) {
        let mut state = self.state.lock();
        state.bytes += chunk.bytes.capacity();
        state.pieces.push_back(chunk);
        self.changed.notify_one();
    }

    /// Says that nothing more comes.
    pub fn complete(&self) {
        let mut state = self.state.lock();
        state.close();
        state.is_complete = true;
        self.changed.notify_one();
    }

    /// The next bytes for the file; waits for them. `None` after the last.
    pub fn next(&self) -> Option<Chunk> {
        let mut state = self.state.lock();
        loop {
            let mut chunk = state.pieces.pop_front();
            if chunk.is_none() && !state.is_inside_value {
                chunk = state.whole.pop_front();
            }
            if let Some(chunk) = chunk {
                state.bytes -= chunk.bytes.capacity();
                state.is_inside_value = chunk.continues;
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
        spool.push(chunk("a", false));
        spool.push_piece(chunk("b1", true));
        spool.append(0, |out| out.push(b'x'));
        assert_eq!(spool.next().map(|chunk| chunk.bytes), Some(b"b1".to_vec()));
        spool.push(chunk("c", false));
        spool.push_piece(chunk("b2", false));
        spool.complete();
        let rest: Vec<u8> =
            std::iter::from_fn(|| spool.next()).flat_map(|chunk| chunk.bytes).collect();
        assert_eq!(rest, b"b2acx");
        assert_eq!(spool.state.lock().bytes, 0);
    }

    #[test]
    fn it_is_full_until_it_is_emptied() {
        let spool = Spool::default();
        spool.push(Chunk { bytes: vec![0; FULL_BYTES + 1], ..Chunk::default() });
        assert!(spool.is_full());
        let flush = || -> Result<(), ()> { panic!("there is no time for that") };
        assert_eq!(spool.flush(flush), Ok(()));
        spool.next();
        assert!(!spool.is_full());
        spool.push(Chunk { bytes: vec![0; BEHIND_BYTES + 1], ..Chunk::default() });
        assert!(spool.is_full());
        let flush = || {
            assert!(!spool.is_full(), "what the disk takes its time for can be more");
            Err(())
        };
        assert_eq!(spool.flush(flush), Err(()));
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
