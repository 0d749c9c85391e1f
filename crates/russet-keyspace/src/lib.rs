//! The keyspace: entries, shards, expiry, and who may touch them when.
//!
//! Values come from `russet-data`; this crate knows neither commands nor connections, does no I/O
//! and reads no clock: time is passed in.

pub mod access;
mod barrier;
pub mod entry;
pub mod eviction;
pub mod expiry;
pub mod gate;
pub mod keyspace;
mod lock_order;
pub mod mailbox;
pub mod shard;
pub mod snapshot;
mod sync;
pub mod waiters;
pub mod wake_lock;
