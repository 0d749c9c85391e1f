//! Keys as such: whether they are there, how long, under which name, in which database.

mod copy;
mod databases;
mod delete;
mod dump;
mod expire;
mod object;
mod presence;
mod rename;
pub(super) mod scan;
#[cfg(test)]
mod tests;
mod ttl;
pub(super) mod walk;

use crate::command::{Command, Flags, KeyFlags};
use crate::error::Error;
use crate::exec::Ctx;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    copy::COPY,
    databases::DBSIZE,
    databases::FLUSHALL,
    databases::FLUSHDB,
    databases::SELECT,
    databases::SWAPDB,
    delete::DEL,
    delete::UNLINK,
    dump::DUMP,
    dump::RESTORE,
    expire::EXPIRE,
    expire::EXPIREAT,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    copy::MOVE,
    object::OBJECT,
    presence::EXISTS,
    presence::TOUCH,
    presence::TYPE,
    rename::RENAME,
    rename::RENAMENX,
    scan::SCAN,
    ttl::EXPIRETIME,
    ttl::PERSIST,
    ttl::PEXPIRETIME,
    ttl::PTTL,
    ttl::TTL,
    walk::KEYS,
    walk::RANDOMKEY,
];

/// Changes something about the value that its reader would not see.
const UPDATES: KeyFlags = KeyFlags::RW.union(KeyFlags::UPDATE);

const FAST_READ: Flags = Flags::READONLY.union(Flags::FAST);
const FAST_WRITE: Flags = Flags::WRITE.union(Flags::FAST);

/// Tips to cluster proxies for commands that add up something over keys.
const SUM_OVER_SHARDS: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];

/// Argument `at` as an integer of 32 bits.
fn int32(ctx: &Ctx<'_>, at: usize) -> Result<i32, Error> {
    i32::try_from(ctx.int(at)?).map_err(|_| {
        let (least, most) = (i32::MIN, i32::MAX);
        Error::new(format!("ERR value is out of range, value must between {least} and {most}"))
    })
}

/// The logical database of an index.
fn database(ctx: &Ctx<'_>, index: i32) -> Result<u32, Error> {
    u32::try_from(index)
        .ok()
        .filter(|db| *db < ctx.server.keyspace.databases())
        .ok_or(Error::DB_OUT_OF_RANGE)
}
