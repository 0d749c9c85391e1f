//! Sorted sets.

mod add;
mod blocking;
mod bounds;
mod combine;
mod pop;
mod random;
mod range;
mod read;
mod remove;
mod reply;
mod scan;

use russet_data::sorted_set::Limits;

pub use add::{ScoreRule, put};
pub use reply::member;

use crate::command::{Begin, Command, Find, KeyFlags, KeySpec};
use crate::config::Config;
use crate::exec::{Ctx, Event, EventClass};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    blocking::BZMPOP,
    blocking::BZPOPMAX,
    blocking::BZPOPMIN,
    add::ZADD,
    read::ZCARD,
    read::ZCOUNT,
    combine::ZDIFF,
    combine::ZDIFFSTORE,
    add::ZINCRBY,
    combine::ZINTER,
    combine::ZINTERCARD,
    combine::ZINTERSTORE,
    read::ZLEXCOUNT,
    pop::ZMPOP,
    read::ZMSCORE,
    pop::ZPOPMAX,
    pop::ZPOPMIN,
    random::ZRANDMEMBER,
    range::ZRANGE,
    range::ZRANGEBYLEX,
    range::ZRANGEBYSCORE,
    range::ZRANGESTORE,
    read::ZRANK,
    remove::ZREM,
    remove::ZREMRANGEBYLEX,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    range::ZREVRANGE,
    range::ZREVRANGEBYLEX,
    range::ZREVRANGEBYSCORE,
    read::ZREVRANK,
    scan::ZSCAN,
    read::ZSCORE,
    combine::ZUNION,
    combine::ZUNIONSTORE,
];

/// One key that is read.
const READS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::READS)];

/// Keys after their number at argument `at`.
const fn counted_keys(at: usize, flags: KeyFlags) -> KeySpec {
    let find = Find::KeyNum { count: 0, first: 1, step: 1 };
    KeySpec { flags, begin: Begin::Index(at), find }
}

/// An event of a sorted set.
pub const fn event(name: &'static str) -> Event {
    Event::new(EventClass::SORTED_SET, name)
}

/// Up to where the configuration keeps a set small.
pub fn limits(ctx: &Ctx<'_>) -> Limits {
    limits_of(ctx.config())
}

/// As [`limits`].
pub fn limits_of(config: &Config) -> Limits {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        entries: size(config.zset_max_listpack_entries),
        member_bytes: size(config.zset_max_listpack_value),
    }
}
