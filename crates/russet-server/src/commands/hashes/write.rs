//! Changing hashes.

use russet_data::hash::Hash;

use super::{FAST_ADD, UPDATES, event, limits};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, values};

pub const HSET: Command = Command {
    group: Group::Hash,
    since: "2.0.0",
    summary: "Sets the values of fields, and returns how many of them are new.",
    complexity: "O(1) for each field.",
    syntax: "key data(field value)...",
    history: &[("4.0.0", "Accepts several fields and values.")],
    keys: &[KeySpec::one(1, UPDATES)],
    element: Some(2),
    ..Command::new("hset", -4, FAST_ADD, |ctx| {
        let added = set_all(ctx, "hset")?;
        ctx.out.integer(added as i64);
        Ok(())
    })
};

pub const HMSET: Command = Command {
    name: "hmset",
    summary: "Sets the values of fields.",
    complexity: "O(N) where N is the number of fields.",
    history: &[],
    replaced_by: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
    handler: |ctx| {
        set_all(ctx, "hmset")?;
        ctx.out.ok();
        Ok(())
    },
    ..HSET
};

const EVENT_HSET: Event = event("hset");

/// Sets the fields that the arguments name, and returns how many are new.
fn set_all(ctx: &mut Ctx<'_>, name: &str) -> Result<usize, Error> {
    if !ctx.args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity(name));
    }
    let (key, limits, args) = (ctx.key(1), limits(ctx), ctx.args);
    let added = values::upsert(&mut ctx.db, key, Hash::new, |hash| {
        let pairs = (2..args.len()).step_by(2);
        let is_new = pairs.map(|at| hash.insert(args.get(at), args.get(at + 1), &limits));
        is_new.filter(|is_new| *is_new).count()
    })?;
    ctx.db.changed_by(key, EVENT_HSET, (args.len() as u64 - 2) / 2);
    Ok(added)
}

pub const HSETNX: Command = Command {
    name: "hsetnx",
    arity: 4,
    summary: "Sets the value of a field, unless it exists.",
    complexity: "O(1)",
    syntax: "key field value",
    history: &[],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    handler: hsetnx,
    ..HSET
};

fn hsetnx(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, limits) = (ctx.key(1), limits(ctx));
    let (field, value) = (ctx.args.get(2), ctx.args.get(3));
    let is_set = values::upsert(&mut ctx.db, key, Hash::new, |hash| {
        !hash.contains(field) && hash.insert(field, value, &limits)
    })?;
    if is_set {
        ctx.db.changed(key, EVENT_HSET);
    }
    ctx.out.integer(is_set.into());
    Ok(())
}

pub const HDEL: Command = Command {
    name: "hdel",
    arity: -3,
    flags: Flags::WRITE.union(Flags::FAST),
    summary: "Removes fields, and the key with the last one.",
    complexity: "O(N) where N is the number of fields to be removed.",
    syntax: "key field...",
    history: &[("2.4.0", "Accepts several fields.")],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    handler: hdel,
    ..HSET
};

const EVENT_HDEL: Event = event("hdel");

fn hdel(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, args) = (ctx.key(1), ctx.args);
    let updated = values::update::<Hash, _>(&mut ctx.db, key, |hash| {
        args.iter_from(2).filter(|field| hash.remove(field)).count()
    })?;
    let removed = updated.as_ref().map_or(0, |updated| updated.result);
    if removed > 0 {
        ctx.db.changed_by(key, EVENT_HDEL, removed as u64);
    }
    if updated.is_some_and(|updated| updated.is_empty) {
        values::remove_emptied(&mut ctx.db, key);
    }
    ctx.out.integer(removed as i64);
    Ok(())
}
