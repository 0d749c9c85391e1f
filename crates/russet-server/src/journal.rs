//! The journal: the one seam where ordered write effects leave the keyspace.
//!
//! A command's effects (usually itself; for commands whose outcome depends on time or chance, what
//! came of it) enter the journal as one [`Unit`] before the locks of its shards are let go (I3). So
//! for any two units that share a shard, the order here is the order in which they happened, and
//! replaying the journal from the start rebuilds the keyspace.
//!
//! Nothing is collected while nobody consumes.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// One write command, in the logical database it is to be replayed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    /// The logical database.
    pub db: u32,
    /// Name and arguments.
    pub argv: Vec<Vec<u8>>,
}

impl Effect {
    /// The removal of a key; see [`removal_name`].
    pub fn removal(db: u32, key: &[u8], lazily: bool) -> Self {
        Effect { db, argv: vec![removal_name(lazily).to_vec(), key.to_vec()] }
    }
}

/// The command that removes a key, by the `lazyfree-` directive that it is subject to: whoever replays
/// the journal may be a server for which it makes a difference.
#[must_use]
pub fn removal_name(lazily: bool) -> &'static [u8] {
    if lazily { b"UNLINK" } else { b"DEL" }
}

/// The effects of one command, transaction or script: all or nothing.
pub type Unit = Vec<Effect>;

/// Somebody who takes units in order. Called with shard locks held: must be quick and must not wait.
pub trait Consumer: Send {
    /// Takes the next unit.
    fn take(&mut self, unit: &Unit);
}

/// See the module's documentation.
#[derive(Default)]
pub struct Journal {
    consumed: AtomicBool,
    /// `lazyfree-lazy-expire`.
    expires_lazily: AtomicBool,
    consumers: Mutex<Vec<Box<dyn Consumer>>>,
}

impl Journal {
    /// Adds a consumer, which gets every unit from now on. To be called before workers run or
    /// behind the closed gate, so that it misses no part of a unit.
    pub fn add(&self, consumer: Box<dyn Consumer>) {
        self.consumers.lock().push(consumer);
        self.consumed.store(true, Ordering::Release);
    }

    /// Lets all consumers go, behind the closed gate.
    pub fn remove_all(&self) {
        self.consumed.store(false, Ordering::Release);
        self.consumers.lock().clear();
    }

    /// Whether effects need to be collected at all.
    #[inline]
    pub fn is_consumed(&self) -> bool {
        self.consumed.load(Ordering::Relaxed)
    }

    /// Takes over `lazyfree-lazy-expire`.
    pub fn set_expires_lazily(&self, lazily: bool) {
        self.expires_lazily.store(lazily, Ordering::Relaxed);
    }

    /// The removal of a key whose time has come.
    pub fn expiry(&self, db: u32, key: &[u8]) -> Effect {
        Effect::removal(db, key, self.expires_lazily.load(Ordering::Relaxed))
    }

    /// Appends a unit.
    pub fn append(&self, unit: Unit) {
        for consumer in self.consumers.lock().iter_mut() {
            consumer.take(&unit);
        }
    }
}

/// A consumer that keeps everything, for tests.
#[derive(Clone, Default)]
pub struct Memory(std::sync::Arc<Mutex<Vec<Unit>>>);

impl Memory {
    /// All units so far.
    pub fn units(&self) -> Vec<Unit> {
        self.0.lock().clone()
    }
}

impl Consumer for Memory {
    fn take(&mut self, unit: &Unit) {
        self.0.lock().push(unit.clone());
    }
}
