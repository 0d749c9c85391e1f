//! What a client keeps between MULTI and EXEC, and under WATCH.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::command::CommandEntry;
use crate::exec::OwnedCommand;

/// Commands queued since MULTI.
#[derive(Default)]
pub struct Transaction {
    /// In order.
    pub queue: Vec<(&'static CommandEntry, OwnedCommand)>,
    /// A command was refused: EXEC will be too.
    pub aborted: bool,
    /// A command needs the whole keyspace, or may: EXEC runs alone.
    pub runs_alone: bool,
    /// Bytes that the queued arguments take.
    pub size: usize,
}

impl Transaction {
    /// Queues a command.
    pub fn push(&mut self, entry: &'static CommandEntry, command: OwnedCommand) {
        self.size += command.size();
        self.queue.push((entry, command));
    }
}

/// A key under WATCH.
pub struct WatchedKey {
    /// The logical database it was watched in.
    pub db: u32,
    /// Its hash.
    pub hash: u64,
    /// The key.
    pub key: Box<[u8]>,
}

/// The keys of one client under WATCH and the flag that is raised when one of them is touched.
pub struct Watches {
    /// Each key once.
    pub keys: Vec<WatchedKey>,
    /// Shared with the shards of the keys.
    pub dirty: Arc<AtomicBool>,
}

impl Watches {
    /// No keys yet, with a flag to be raised.
    pub fn new(dirty: Arc<AtomicBool>) -> Self {
        Watches { keys: Vec::new(), dirty }
    }

    /// Whether a watched key was touched.
    pub fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Relaxed)
    }

    /// Whether a key of a logical database is watched already.
    pub fn contains(&self, db: u32, key: &[u8]) -> bool {
        self.keys.iter().any(|watched| watched.db == db && *watched.key == *key)
    }
}
