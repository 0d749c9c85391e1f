//! Several strings at once.

use russet_data::object::ValueType;
use russet_keyspace::entry::IntBuf;

use super::store::store_plain;

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::Ctx;

pub const MGET: Command = Command {
    group: Group::String,
    summary: "Returns the string values of several keys, null for a key without one.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "key...",
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::READS)],
    tips: &["request_policy:multi_shard"],
    ..Command::new("mget", -2, Flags::READONLY.union(Flags::FAST), mget)
};

pub const MSET: Command = Command {
    group: Group::String,
    since: "1.0.1",
    summary: "Sets the string values of several keys at once.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "data(key value)...",
    keys: &[KeySpec::range(1, -1, 2, KeyFlags::OVERWRITES)],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    ..Command::new("mset", -3, Flags::WRITE.union(Flags::DENYOOM), mset)
};

pub const MSETNX: Command = Command {
    group: Group::String,
    since: "1.0.1",
    summary: "Sets the string values of several keys at once, but only if none of them exists.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "data(key value)...",
    keys: &[KeySpec::range(1, -1, 2, KeyFlags::INSERTS)],
    ..Command::new("msetnx", -3, Flags::WRITE.union(Flags::DENYOOM), msetnx)
};

fn mget(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let count = ctx.args.len() - 1;
    ctx.out.array(count);
    for nth in 0..count {
        let key = ctx.nth_key(nth, 1, 1);
        match ctx.db.read(key) {
            Some(entry) if entry.value_type() == ValueType::String => {
                ctx.out.bulk(entry.string_bytes(&mut IntBuf::new()));
            }
            _ => ctx.out.null(),
        }
    }
    Ok(())
}

fn mset(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let pairs = pairs(ctx)?;
    set_all(ctx, pairs);
    ctx.out.ok();
    Ok(())
}

fn msetnx(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let pairs = pairs(ctx)?;
    for nth in 0..pairs {
        let key = ctx.nth_key(nth, 1, 2);
        if ctx.db.use_for_write(key) {
            ctx.out.integer(0);
            return Ok(());
        }
    }
    set_all(ctx, pairs);
    ctx.out.integer(1);
    Ok(())
}

/// How many pairs of keys and values there are.
fn pairs(ctx: &Ctx<'_>) -> Result<usize, Error> {
    if ctx.args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity(&ctx.command.full_name));
    }
    Ok((ctx.args.len() - 1) / 2)
}

fn set_all(ctx: &mut Ctx<'_>, pairs: usize) {
    for nth in 0..pairs {
        let key = ctx.nth_key(nth, 1, 2);
        store_plain(ctx, key, ctx.args.get(2 + nth * 2));
    }
}
