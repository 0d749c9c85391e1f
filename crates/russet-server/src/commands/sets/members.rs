//! Members, one or several: adding, removing, asking.

use russet_data::set::Set;

use super::{EVENT_SADD, EVENT_SREM, FAST_READ, FAST_WRITE, READ, limits, look};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::collections::reply;
use crate::commands::element_scan::scan_elements;
use crate::error::Error;
use crate::exec::{Ctx, values};

pub const SADD: Command = Command {
    group: Group::Set,
    summary: "Adds members, and returns how many of them are new.",
    complexity: "O(1) for each member.",
    syntax: "key member...",
    history: &[("2.4.0", "Accepts several members.")],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    element: Some(2),
    ..Command::new("sadd", -3, FAST_WRITE.union(Flags::DENYOOM), sadd)
};

fn sadd(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, limits, args) = (ctx.key(1), limits(ctx), ctx.args);
    let added = values::upsert(&mut ctx.db, key, Set::new, |set| {
        args.iter_from(2).filter(|member| set.insert(member, &limits)).count()
    })?;
    if added > 0 {
        ctx.db.changed_by(key, EVENT_SADD, added as u64);
    }
    ctx.out.integer(added as i64);
    Ok(())
}

pub const SREM: Command = Command {
    name: "srem",
    flags: FAST_WRITE,
    summary: "Removes members, and the key with the last one.",
    complexity: "O(N) where N is the number of members to be removed.",
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    handler: srem,
    ..SADD
};

fn srem(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, args) = (ctx.key(1), ctx.args);
    let updated = values::update::<Set, _>(&mut ctx.db, key, |set| {
        args.iter_from(2).filter(|member| set.remove(member)).count()
    })?;
    let removed = updated.as_ref().map_or(0, |updated| updated.result);
    if removed > 0 {
        ctx.db.changed_by(key, EVENT_SREM, removed as u64);
    }
    if updated.is_some_and(|updated| updated.is_empty) {
        values::remove_emptied(&mut ctx.db, key);
    }
    ctx.out.integer(removed as i64);
    Ok(())
}

pub const SMOVE: Command = Command {
    name: "smove",
    arity: 4,
    flags: FAST_WRITE,
    summary: "Moves a member from one set to another.",
    complexity: "O(1)",
    syntax: "source:key destination:key member",
    history: &[],
    keys: &[
        KeySpec::one(1, KeyFlags::TAKES),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ],
    handler: smove,
    element: None,
    ..SADD
};

fn smove(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (from, to) = (ctx.nth_key(0, 1, 1), ctx.nth_key(1, 1, 1));
    let (limits, member) = (limits(ctx), ctx.args.get(3));
    // Both look-ups count as uses of what they find.
    let (has_source, _) = (ctx.db.use_for_write(from), ctx.db.use_for_write(to));
    if !has_source {
        ctx.out.integer(0);
        return Ok(());
    }
    let is_member = look(ctx, from)?.is_some_and(|set| set.contains(member));
    look(ctx, to)?;
    if from.bytes != to.bytes && is_member {
        let updated = values::update::<Set, _>(&mut ctx.db, from, |set| set.remove(member))?;
        ctx.db.changed(from, EVENT_SREM);
        if updated.is_some_and(|updated| updated.is_empty) {
            values::remove_emptied(&mut ctx.db, from);
        }
        let is_new = values::upsert(&mut ctx.db, to, Set::new, |set| set.insert(member, &limits))?;
        if is_new {
            ctx.db.changed(to, EVENT_SADD);
        }
    }
    ctx.out.integer(is_member.into());
    Ok(())
}

pub const SISMEMBER: Command = Command {
    name: "sismember",
    arity: 3,
    flags: FAST_READ,
    summary: "Tells whether a string is a member.",
    complexity: "O(1)",
    syntax: "key member",
    history: &[],
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    handler: |ctx| {
        let key = ctx.key(1);
        let set = values::read::<Set>(&mut ctx.db, key)?;
        let is_member = set.is_some_and(|set| set.contains(ctx.args.get(2)));
        ctx.out.integer(is_member.into());
        Ok(())
    },
    ..SADD
};

pub const SMISMEMBER: Command = Command {
    name: "smismember",
    arity: -3,
    since: "6.2.0",
    summary: "Tells of each of several strings whether it is a member.",
    complexity: "O(N) where N is the number of strings asked about.",
    syntax: "key member...",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    handler: smismember,
    ..SISMEMBER
};

fn smismember(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let Ctx { db, out, args, .. } = ctx;
    let set = values::read::<Set>(db, key)?;
    out.array(args.len() - 2);
    for member in args.iter_from(2) {
        out.integer(set.as_ref().is_some_and(|set| set.contains(member)).into());
    }
    Ok(())
}

pub const SCARD: Command = Command {
    name: "scard",
    arity: 2,
    summary: "Returns the number of members.",
    syntax: "key",
    handler: |ctx| {
        let key = ctx.key(1);
        let len = values::read::<Set>(&mut ctx.db, key)?.map_or(0, |set| set.len());
        ctx.out.integer(len as i64);
        Ok(())
    },
    ..SISMEMBER
};

pub const SMEMBERS: Command = Command {
    name: "smembers",
    arity: 2,
    flags: READ,
    summary: "Returns all members.",
    complexity: "O(N) where N is the number of members.",
    syntax: "key",
    tips: &["nondeterministic_output_order"],
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    handler: smembers,
    ..SISMEMBER
};

fn smembers(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let Ctx { db, out, .. } = ctx;
    match values::read::<Set>(db, key)? {
        Some(set) => {
            out.set(set.len());
            set.iter().for_each(|member| reply(out, member));
        }
        None => out.set(0),
    }
    Ok(())
}

pub const SSCAN: Command = Command {
    name: "sscan",
    arity: -3,
    since: "2.8.0",
    summary: "Lists the members in many steps; each returns where the next begins.",
    complexity: "O(1) for each call; O(N) for a whole scan, where N is the number of members.",
    syntax: "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    tips: &["nondeterministic_output"],
    handler: |ctx| {
        scan_elements::<Set>(ctx, 1, |set, cursor, page| {
            set.scan(cursor, &mut |member| page.offer(member, |_| ()))
        })
    },
    ..SMEMBERS
};
