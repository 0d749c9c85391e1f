//! Sets.

mod combine;
mod members;
mod random;
#[cfg(test)]
mod tests;

use russet_data::set::{Limits, Set};

use crate::command::{Command, Flags};
use crate::config::Config;
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass, Key, values};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    members::SADD,
    members::SCARD,
    combine::SDIFF,
    combine::SDIFFSTORE,
    combine::SINTER,
    combine::SINTERCARD,
    combine::SINTERSTORE,
    members::SISMEMBER,
    members::SMEMBERS,
    members::SMISMEMBER,
    members::SMOVE,
    random::SPOP,
    random::SRANDMEMBER,
    members::SREM,
    members::SSCAN,
    combine::SUNION,
    combine::SUNIONSTORE,
];

const READ: Flags = Flags::READONLY;
const FAST_READ: Flags = Flags::READONLY.union(Flags::FAST);
const FAST_WRITE: Flags = Flags::WRITE.union(Flags::FAST);

/// An event of sets.
const fn event(name: &'static str) -> Event {
    Event::new(EventClass::SET, name)
}

const EVENT_SADD: Event = event("sadd");
const EVENT_SREM: Event = event("srem");

/// An intset's count is a `u32`, and its bytes are moved about: Redis allows no more than this either.
const INTSET_ENTRIES_MAX: u64 = 1 << 30;

/// Up to which sizes a set is one block, by the configuration.
fn limits(ctx: &Ctx<'_>) -> Limits {
    limits_of(ctx.config())
}

/// As [`limits`].
pub fn limits_of(config: &Config) -> Limits {
    Limits {
        intset_entries: config.set_max_intset_entries.min(INTSET_ENTRIES_MAX) as usize,
        listpack_entries: config.set_max_listpack_entries as usize,
        listpack_value: config.set_max_listpack_value as usize,
    }
}

/// The set of a key that was read before, for commands that need several at once.
fn look<'v>(ctx: &'v Ctx<'_>, key: Key<'_>) -> Result<Option<values::Held<'v, Set>>, Error> {
    values::held(ctx.db.look(key))
}
