//! The keyspace: entries, tables, shards, expiry.
