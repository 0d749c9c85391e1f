//! Keys in files: what of it is the server's business, and not the formats' (`russet-persist`).
//!
//! Saving while everybody goes on writing is in `snapshot.rs` and `walker.rs`, large collections apart
//! in `large.rs`, what is on its way to the disk in `spool.rs`, the file in `file.rs`; `aof/` is the log of changes. `save.rs` decides when, `load.rs` is the way back, and
//! `status.rs` is what others ask about.

pub mod aof;
mod file;
mod large;
pub mod load;
pub mod save;
pub mod snapshot;
mod spool;
mod status;
#[cfg(test)]
mod tests;
mod walker;
mod writeback;

use russet_keyspace::access::{AccessPolicy, frequency, idle_ms};
use russet_keyspace::entry::Entry;
use russet_persist::rdb::{Access, Encoder, Level, Limits, Options};

pub use status::Persistence;
pub use walker::Walker;

use crate::commands::{hashes, lists, sets, sorted_sets};
use crate::config::{Compatibility, Config};
use crate::server::Server;

/// Up to which sizes collections that come from outside are small.
pub fn limits(server: &Server, config: &Config) -> Limits {
    Limits {
        list: lists::limits(server, config),
        set: sets::limits_of(config),
        hash: hashes::limits_of(config),
        sorted_set: sorted_sets::limits_of(config),
    }
}

/// How values are written.
pub fn encoder(config: &Config) -> Encoder {
    let level = match config.compatibility {
        Compatibility::V4_0 => Level::Redis4,
        Compatibility::V7_2 => Level::Redis7,
    };
    Encoder { level, options: Options { compression: config.rdbcompression } }
}

/// How keys are written.
#[derive(Clone, Copy, Debug)]
pub struct Scribe {
    /// How their values are.
    pub encoder: Encoder,
    /// Which uses of keys are noted, if any are.
    policy: Option<AccessPolicy>,
    now_ms: i64,
}

impl Scribe {
    /// By the configuration, for keys as they are at a time.
    pub fn new(config: &Config, policy: AccessPolicy, now_ms: i64) -> Self {
        let is_tracked = config.maxmemory_policy.tracks_access();
        Scribe { encoder: encoder(config), policy: is_tracked.then_some(policy), now_ms }
    }

    fn access(&self, entry: &Entry) -> Option<Access> {
        let policy = self.policy?;
        let bits = entry.access_bits();
        Some(match policy {
            AccessPolicy::Lru => Access::Idle(idle_ms(bits, policy, self.now_ms) as u64 / 1000),
            AccessPolicy::Lfu { .. } => {
                Access::Frequency(frequency(bits, policy, self.now_ms) as u8)
            }
        })
    }

    /// Everything about a key but its value.
    pub fn key(&self, out: &mut Vec<u8>, entry: &Entry) {
        self.encoder.key(out, entry, self.access(entry));
    }

    /// A key with its value.
    pub fn entry(&self, out: &mut Vec<u8>, entry: &Entry) {
        self.encoder.entry(out, entry, self.access(entry));
    }
}
