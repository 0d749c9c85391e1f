//! Moving an element from list to list.

use russet_data::list::{End, Limits, List};
use russet_resp::ReplyWriter;

use super::{end, limits, popped, pushed, removed};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key, View, values};

pub const LMOVE: Command = Command {
    group: Group::List,
    since: "6.2.0",
    summary: "Removes an element from an end of a list, adds it at an end of another, and returns it.",
    syntax: "source:key destination:key wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT)",
    keys: &[
        KeySpec::one(1, KeyFlags::TAKES),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ],
    ..Command::new("lmove", 5, Flags::WRITE.union(Flags::DENYOOM), lmove)
};

pub const RPOPLPUSH: Command = Command {
    since: "1.2.0",
    summary: "Removes the element at the right end of a list, adds it at the left end of another, and \
              returns it.",
    syntax: "source:key destination:key",
    replaced_by: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    name: "rpoplpush",
    arity: 3,
    handler: rpoplpush,
    ..LMOVE
};

fn lmove(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (from, to) = (end(ctx.args.get(3))?, end(ctx.args.get(4))?);
    transfer_or_null(ctx, from, to)
}

fn rpoplpush(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    transfer_or_null(ctx, End::Right, End::Left)
}

fn transfer_or_null(ctx: &mut Ctx<'_>, from: End, to: End) -> Result<(), Error> {
    let (source, destination) = (ctx.nth_key(0, 1, 1), ctx.nth_key(1, 1, 1));
    let limits = limits(ctx.server, ctx.config());
    if !transfer(limits, &mut ctx.db, &mut ctx.out, source, destination, from, to)? {
        ctx.out.null();
    }
    Ok(())
}

/// Moves an element from an end of one list to an end of another, which may be the same, and replies
/// with it. If there is no source, there is no reply, and the result is false.
pub(super) fn transfer(
    limits: Limits,
    db: &mut View<'_>,
    out: &mut ReplyWriter<'_>,
    source: Key<'_>,
    destination: Key<'_>,
    from: End,
    to: End,
) -> Result<bool, Error> {
    let same = source.bytes == destination.bytes;
    // Nothing is taken before it is known that it can be put somewhere.
    if values::update(db, source, |_: &mut List| ())?.is_none() {
        return Ok(false);
    }
    if !same {
        values::update(db, destination, |_: &mut List| ())?;
    }
    let taken = values::update(db, source, |list: &mut List| {
        let element = list.peek(from).expect("no key holds an empty list").to_vec();
        list.drop_one(from);
        if same {
            add(list, limits, to, &element);
        } else {
            list.settle(limits);
        }
        element
    })?;
    let taken = taken.expect("the list was there");
    if !same {
        let add = |list: &mut List| add(list, limits, to, &taken.result);
        values::upsert(db, destination, List::new, add)?;
    }
    out.bulk(&taken.result);
    // One change, although there are two events.
    db.changed_by(destination, pushed(to), 0);
    removed(db, source, popped(from), 1, taken.is_empty);
    Ok(true)
}

fn add(list: &mut List, limits: Limits, to: End, element: &[u8]) {
    list.prepare(limits, element.len(), 1);
    list.push(to, element);
}
