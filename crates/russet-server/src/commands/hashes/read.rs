//! Reading hashes.

use russet_data::hash::Hash;
use russet_data::listpack::Element;

use super::{FAST_READ, READ};
use crate::command::{Command, Group, KeyFlags, KeySpec};
use crate::commands::collections::reply;
use crate::commands::element_scan::scan_elements;
use crate::error::Error;
use crate::exec::{Ctx, values};

pub const HGET: Command = Command {
    group: Group::Hash,
    since: "2.0.0",
    summary: "Returns the value of a field.",
    syntax: "key field",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    element: Some(2),
    ..Command::new("hget", 3, FAST_READ, hget)
};

fn hget(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let hash = values::read::<Hash>(&mut ctx.db, key)?;
    match hash.as_ref().and_then(|hash| hash.get(ctx.args.get(2))) {
        Some(value) => reply(&mut ctx.out, value),
        None => ctx.out.null(),
    }
    Ok(())
}

pub const HMGET: Command = Command {
    name: "hmget",
    arity: -3,
    summary: "Returns the values of several fields, null for a field that does not exist.",
    complexity: "O(N) where N is the number of fields asked for.",
    syntax: "key field...",
    handler: hmget,
    ..HGET
};

fn hmget(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let Ctx { db, out, args, .. } = ctx;
    let hash = values::read::<Hash>(db, key)?;
    out.array(args.len() - 2);
    for field in args.iter_from(2) {
        match hash.as_ref().and_then(|hash| hash.get(field)) {
            Some(value) => reply(out, value),
            None => out.null(),
        }
    }
    Ok(())
}

pub const HEXISTS: Command = Command {
    name: "hexists",
    summary: "Tells whether a field exists.",
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    handler: |ctx| {
        let key = ctx.key(1);
        let hash = values::read::<Hash>(&mut ctx.db, key)?;
        let exists = hash.is_some_and(|hash| hash.contains(ctx.args.get(2)));
        ctx.out.integer(exists.into());
        Ok(())
    },
    ..HGET
};

pub const HSTRLEN: Command = Command {
    name: "hstrlen",
    since: "3.2.0",
    summary: "Returns the length of the value of a field, 0 if it does not exist.",
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    handler: |ctx| {
        let key = ctx.key(1);
        let hash = values::read::<Hash>(&mut ctx.db, key)?;
        let len = hash.as_ref().and_then(|hash| hash.get(ctx.args.get(2)));
        ctx.out.integer(len.map_or(0, |value| value.text_len()) as i64);
        Ok(())
    },
    ..HGET
};

pub const HLEN: Command = Command {
    name: "hlen",
    arity: 2,
    summary: "Returns the number of fields.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    handler: |ctx| {
        let key = ctx.key(1);
        let len = values::read::<Hash>(&mut ctx.db, key)?.map_or(0, |hash| hash.len());
        ctx.out.integer(len as i64);
        Ok(())
    },
    ..HGET
};

pub const HGETALL: Command = Command {
    name: "hgetall",
    arity: 2,
    flags: READ,
    summary: "Returns all fields with their values.",
    complexity: "O(N) where N is the number of fields.",
    syntax: "key",
    tips: &["nondeterministic_output_order"],
    handler: hgetall,
    ..HGET
};

fn hgetall(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let Ctx { db, out, .. } = ctx;
    match values::read::<Hash>(db, key)? {
        Some(hash) => {
            out.map(hash.len());
            for (field, value) in hash.iter() {
                reply(out, field);
                reply(out, value);
            }
        }
        None => out.map(0),
    }
    Ok(())
}

pub const HKEYS: Command = Command {
    name: "hkeys",
    summary: "Returns all fields.",
    handler: |ctx| list(ctx, |(field, _)| field),
    ..HGETALL
};

pub const HVALS: Command = Command {
    name: "hvals",
    summary: "Returns the values of all fields.",
    handler: |ctx| list(ctx, |(_, value)| value),
    ..HGETALL
};

/// Answers with one part of every field.
fn list(
    ctx: &mut Ctx<'_>,
    part: for<'a> fn((Element<'a>, Element<'a>)) -> Element<'a>,
) -> Result<(), Error> {
    let key = ctx.key(1);
    let Ctx { db, out, .. } = ctx;
    match values::read::<Hash>(db, key)? {
        Some(hash) => {
            out.array(hash.len());
            hash.iter().for_each(|pair| reply(out, part(pair)));
        }
        None => out.empty_array(),
    }
    Ok(())
}

pub const HSCAN: Command = Command {
    name: "hscan",
    arity: -3,
    flags: READ,
    since: "2.8.0",
    summary: "Lists the fields and their values in many steps; each returns where the next begins.",
    complexity: "O(1) for each call; O(N) for a whole scan, where N is the number of fields.",
    syntax: "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    tips: &["nondeterministic_output"],
    handler: |ctx| {
        scan_elements::<Hash>(ctx, 2, |hash, cursor, page| {
            hash.scan(cursor, &mut |field, value| page.offer(field, |out| reply(out, value)))
        })
    },
    element: None,
    ..HGET
};
