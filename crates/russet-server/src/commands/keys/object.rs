//! OBJECT: what is known about a value besides the value.

use russet_data::object::Encoding;
use russet_keyspace::access::{AccessPolicy, frequency, idle_ms};
use russet_keyspace::entry::{Entry, ValueRef};

use crate::command::{Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::help;
use crate::error::Error;
use crate::exec::Ctx;
use crate::exec::values::encoding_name;

pub const OBJECT: Command = Command {
    group: Group::Generic,
    since: "2.2.3",
    summary: "Shows how values are stored and used.",
    complexity: "Depends on the subcommand.",
    subcommands: &[ENCODING, FREQ, HELP, IDLETIME, REFCOUNT],
    ..Command::new("object", -2, Flags::empty(), help::without_subcommand)
};

const HELP: Command =
    Command { categories: Categories::KEYSPACE, ..help::declare(Group::Generic, "6.2.0") };

const ENCODING: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    since: "2.2.3",
    summary: "Names the representation in which a value is stored.",
    syntax: "key",
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    ..Command::new("encoding", 3, Flags::READONLY, encoding)
};

fn encoding(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(2);
    let compatibility = ctx.config().compatibility;
    match ctx.db.examine(key) {
        Some(entry) => ctx.out.bulk(encoding_name(&entry, compatibility).as_bytes()),
        None => ctx.out.null(),
    }
    Ok(())
}

const FREQ: Command = Command {
    name: "freq",
    since: "4.0.0",
    summary: "Estimates how often a value is used, on a logarithmic scale.",
    handler: |ctx| {
        let (policy, now_ms) = (ctx.worker.access_policy, ctx.db.now_ms());
        integer(ctx, |entry| match policy {
            AccessPolicy::Lfu { .. } => Ok(frequency(entry.access_bits(), policy, now_ms).into()),
            AccessPolicy::Lru => Err(untracked("is not", "access frequency")),
        })
    },
    ..ENCODING
};

const IDLETIME: Command = Command {
    name: "idletime",
    summary: "Tells for how many seconds a value has not been used.",
    handler: |ctx| {
        let (policy, now_ms) = (ctx.worker.access_policy, ctx.db.now_ms());
        integer(ctx, |entry| match policy {
            AccessPolicy::Lru => Ok(idle_ms(entry.access_bits(), policy, now_ms) / 1000),
            AccessPolicy::Lfu { .. } => Err(untracked("is", "idle time")),
        })
    },
    ..ENCODING
};

const REFCOUNT: Command = Command {
    name: "refcount",
    summary: "Tells how many references to a value there are.",
    handler: |ctx| {
        let shares = !ctx.config().maxmemory_policy.tracks_access() || ctx.config().maxmemory == 0;
        integer(ctx, |entry| Ok(references(entry, shares)))
    },
    ..ENCODING
};

/// Redis has one object for each of these integers, shared by all keys that hold it.
const SHARED_INTEGERS: std::ops::Range<i64> = 0..10_000;

/// What Redis would answer. Here a value has one owner, always; but clients that look at shared
/// integers find them.
fn references(entry: &Entry, shares_integers: bool) -> i64 {
    match entry.value() {
        ValueRef::Int(value) if shares_integers && SHARED_INTEGERS.contains(&value) => {
            debug_assert_eq!(entry.encoding(), Encoding::Int);
            i32::MAX.into()
        }
        _ => 1,
    }
}

/// Answers with a number that `of` finds out about an entry.
fn integer(ctx: &mut Ctx<'_>, of: impl FnOnce(&Entry) -> Result<i64, Error>) -> Result<(), Error> {
    let key = ctx.key(2);
    match ctx.db.examine(key) {
        Some(entry) => ctx.out.integer(of(&entry)?),
        None => ctx.out.null(),
    }
    Ok(())
}

fn untracked(is: &str, what: &str) -> Error {
    Error::new(format!(
        "ERR An LFU maxmemory policy {is} selected, {what} not tracked. Please note that when \
         switching between policies at runtime LRU and LFU data will take some time to adjust."
    ))
}
