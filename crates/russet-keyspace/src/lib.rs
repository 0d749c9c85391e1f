//! The keyspace: entries, tables, shards, expiry.

pub mod entry;
pub mod expiry;
