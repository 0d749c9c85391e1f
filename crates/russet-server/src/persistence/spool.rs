//! What was taken of the keyspace and is on its way into a file.
//!
//! Workers fill it, one thread empties it. Workers never wait for the disk: who goes through the keys
//! for the picture asks [`Spool::is_full`] and does something else meanwhile, and who hands over what
//! he is about to change is never refused.
//!
//! A large value comes in pieces, which must follow each other; what else arrives until its last
//! piece waits.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

/// With so many bytes on their way, no more keys are visited.
const FULL_BYTES: usize = 8 << 20;
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
    whole: VecDeque<Chunk>,
    pieces: VecDeque<Chunk>,
    bytes: usize,
    /// The last chunk that was taken continues.
    is_inside_value: bool,
    is_complete: bool,
}

/// See the module's documentation.
#[derive(Default)]
pub struct Spool {
    state: Mutex<State>,
    changed: Condvar,
}

impl Spool {
    /// Whether it is time to let the disk catch up.
    pub fn is_full(&self) -> bool {
        self.held_bytes() > FULL_BYTES
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
        let is_open = |chunk: &&mut Chunk| chunk.db == db && chunk.bytes.len() < CHUNK_BYTES;
        if state.whole.back_mut().filter(is_open).is_none() {
            state.whole.push_back(Chunk { db, ..Chunk::default() });
        }
        let chunk = state.whole.back_mut().expect("there is an open one");
        let before = chunk.bytes.capacity();
        write(&mut chunk.bytes);
        chunk.keys += 1;
        state.bytes += state.whole.back().map_or(0, |chunk| chunk.bytes.capacity() - before);
        self.changed.notify_one();
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
        self.state.lock().is_complete = true;
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
        assert_eq!(rest, b"b2axc");
        assert_eq!(spool.state.lock().bytes, 0);
    }

    #[test]
    fn it_is_full_until_it_is_emptied() {
        let spool = Spool::default();
        spool.push(Chunk { bytes: vec![0; FULL_BYTES + 1], ..Chunk::default() });
        assert!(spool.is_full());
        spool.next();
        assert!(!spool.is_full());
    }
}
