//! Adding elements at an end.

use russet_data::list::{End, List};

use super::{limits, pushed};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, values};

pub const LPUSH: Command = Command {
    group: Group::List,
    summary: "Adds elements at the left end of a list, one after the other, creating it if need be.",
    complexity: "O(N) where N is the number of elements added.",
    syntax: "key element...",
    history: &[("2.4.0", "Accepts multiple `element` arguments.")],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    ..Command::new("lpush", -3, PUSHES, lpush)
};

pub const RPUSH: Command = Command {
    summary: "Adds elements at the right end of a list, creating it if need be.",
    name: "rpush",
    handler: rpush,
    ..LPUSH
};

pub const LPUSHX: Command = Command {
    since: "2.2.0",
    summary: "Adds elements at the left end of a list, one after the other, if there is such a list.",
    history: &[("4.0.0", "Accepts multiple `element` arguments.")],
    name: "lpushx",
    handler: lpushx,
    ..LPUSH
};

pub const RPUSHX: Command = Command {
    summary: "Adds elements at the right end of a list, if there is such a list.",
    name: "rpushx",
    handler: rpushx,
    ..LPUSHX
};

const PUSHES: Flags = Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST);

fn lpush(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    push(ctx, End::Left, Absent::Create)
}

fn rpush(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    push(ctx, End::Right, Absent::Create)
}

fn lpushx(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    push(ctx, End::Left, Absent::Leave)
}

fn rpushx(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    push(ctx, End::Right, Absent::Leave)
}

/// What to do if there is no list.
enum Absent {
    Create,
    Leave,
}

fn push(ctx: &mut Ctx<'_>, end: End, absent: Absent) -> Result<(), Error> {
    let key = ctx.key(1);
    let (limits, args) = (limits(ctx.server, ctx.config()), ctx.args);
    let count = args.len() - 2;
    let add = |list: &mut List| {
        list.prepare(limits, args.iter_from(2).map(<[u8]>::len).sum(), count);
        args.iter_from(2).for_each(|element| list.push(end, element));
        list.len()
    };
    let len = match absent {
        Absent::Create => values::upsert(&mut ctx.db, key, List::new, add)?,
        Absent::Leave => match values::update(&mut ctx.db, key, add)? {
            Some(updated) => updated.result,
            None => {
                ctx.out.integer(0);
                return Ok(());
            }
        },
    };
    ctx.db.changed_by(key, pushed(end), count as u64);
    ctx.out.integer(len as i64);
    Ok(())
}
