//! Whether keys are there, and of which type.

use super::{FAST_READ, SUM_OVER_SHARDS};
use crate::command::{Categories, Command, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key};

pub const EXISTS: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    summary: "Counts how many of the keys exist.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "key...",
    history: &[("3.0.3", "Takes several keys.")],
    tips: SUM_OVER_SHARDS,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    ..Command::new("exists", -2, FAST_READ, exists)
};

fn exists(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    count(ctx, |ctx, key| ctx.db.inspect(key).is_some())
}

pub const TOUCH: Command = Command {
    name: "touch",
    since: "3.2.1",
    summary: "Marks keys as used now and counts how many of them exist.",
    history: &[],
    handler: touch,
    ..EXISTS
};

fn touch(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    count(ctx, |ctx, key| ctx.db.mark(key).is_some())
}

/// Answers for how many of its keys something is the case.
fn count(
    ctx: &mut Ctx<'_>,
    mut is_so: impl FnMut(&mut Ctx<'_>, Key<'_>) -> bool,
) -> Result<(), Error> {
    let mut count = 0;
    for nth in 0..ctx.args.len() - 1 {
        let key = ctx.nth_key(nth, 1, 1);
        count += i64::from(is_so(ctx, key));
    }
    ctx.out.integer(count);
    Ok(())
}

pub const TYPE: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    summary: "Names the type of a key's value.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    ..Command::new("type", 2, FAST_READ, value_type)
};

fn value_type(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    ctx.out.simple(ctx.db.inspect(key).map_or("none", |entry| entry.value_type().name()));
    Ok(())
}
