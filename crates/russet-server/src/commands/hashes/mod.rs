//! Hashes.

mod counters;
mod random;
mod read;
#[cfg(test)]
mod tests;
mod write;

use russet_data::hash::Limits;

use crate::command::{Command, Flags, KeyFlags};
use crate::config::Config;
use crate::exec::{Ctx, Event, EventClass};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    write::HDEL,
    read::HEXISTS,
    read::HGET,
    read::HGETALL,
    counters::HINCRBY,
    counters::HINCRBYFLOAT,
    read::HKEYS,
    read::HLEN,
    read::HMGET,
    write::HMSET,
    random::HRANDFIELD,
    read::HSCAN,
    write::HSET,
    write::HSETNX,
    read::HSTRLEN,
    read::HVALS,
];

const READ: Flags = Flags::READONLY;
const FAST_READ: Flags = Flags::READONLY.union(Flags::FAST);
const FAST_ADD: Flags = Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST);

/// What HSET does with its key.
const UPDATES: KeyFlags = KeyFlags::RW.union(KeyFlags::UPDATE);

/// An event of hashes.
const fn event(name: &'static str) -> Event {
    Event::new(EventClass::HASH, name)
}

/// Up to which sizes a hash is one block, by the configuration.
fn limits(ctx: &Ctx<'_>) -> Limits {
    limits_of(ctx.config())
}

/// As [`limits`].
pub fn limits_of(config: &Config) -> Limits {
    Limits {
        entries: config.hash_max_listpack_entries as usize,
        value: config.hash_max_listpack_value as usize,
    }
}
