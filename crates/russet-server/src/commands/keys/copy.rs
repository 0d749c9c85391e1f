//! COPY and MOVE.

use super::{FAST_WRITE, database, int32};
use crate::command::{Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::config::Compatibility;
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass};

pub const COPY: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    since: "6.2.0",
    summary: "Copies a value to another key, in the same database or another.",
    complexity: "O(N) where N is the number of elements of the value; O(1) for strings.",
    syntax: "source:key destination:key [DB destination-db:integer] [REPLACE]",
    keys: &[KeySpec::one(1, KeyFlags::READS), KeySpec::one(2, KeyFlags::OVERWRITES)],
    ..Command::new("copy", -3, Flags::WRITE.union(Flags::DENYOOM), copy)
};

const EVENT_COPY_TO: Event = Event::new(EventClass::GENERIC, "copy_to");

fn copy(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let here = ctx.db.selected();
    let (mut there, mut replace, mut at) = (here, false, 3);
    while at < ctx.args.len() {
        if ctx.is(at, "REPLACE") {
            replace = true;
        } else if ctx.is(at, "DB") && at + 1 < ctx.args.len() {
            there = database(ctx, int32(ctx, at + 1)?)?;
            at += 1;
        } else {
            return Err(Error::SYNTAX);
        }
        at += 1;
    }
    let (from, to) = (ctx.nth_key(0, 1, 1), ctx.nth_key(1, 1, 1));
    if here == there && from.bytes == to.bytes {
        return Err(Error::SAME_OBJECT);
    }
    if ctx.db.read(from).is_none() {
        ctx.out.integer(0);
        return Ok(());
    }
    ctx.db.select(there);
    let is_free = replace || ctx.db.peek(to).is_none();
    ctx.db.select(here);
    if is_free {
        let copied = ctx.db.peek(from).expect("it was just read").duplicate(to.bytes);
        ctx.db.select(there);
        if let Some(replaced) = ctx.db.remove(to) {
            ctx.server.lazy_free.free(replaced);
        }
        ctx.db.add(to.hash, copied);
        ctx.db.changed(to, EVENT_COPY_TO);
        ctx.db.select(here);
    }
    ctx.out.integer(is_free.into());
    Ok(())
}

pub const MOVE: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    summary: "Moves a key to another database, unless it exists there.",
    syntax: "key db:integer",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    ..Command::new("move", 3, FAST_WRITE, move_key)
};

const EVENT_MOVE_FROM: Event = Event::new(EventClass::GENERIC, "move_from");
const EVENT_MOVE_TO: Event = Event::new(EventClass::GENERIC, "move_to");

fn move_key(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (here, key) = (ctx.db.selected(), ctx.key(1));
    let there = int32(ctx, 2).and_then(|index| database(ctx, index));
    let there = match ctx.config().compatibility {
        Compatibility::V4_0 => there.map_err(|_| Error::INDEX_OUT_OF_RANGE)?,
        Compatibility::V7_2 => there?,
    };
    if here == there {
        return Err(Error::SAME_OBJECT);
    }
    // Both look-ups count as uses of what they find.
    let mut moves = ctx.db.update(key, |_| ()).is_some();
    if moves {
        ctx.db.select(there);
        moves = ctx.db.update(key, |_| ()).is_none();
        ctx.db.select(here);
    }
    if moves {
        let entry = ctx.db.remove(key).expect("it was just found");
        ctx.db.touch(key);
        ctx.db.select(there);
        ctx.db.put_used(key.hash, entry);
        ctx.db.select(here);
        ctx.db.notify(EVENT_MOVE_FROM, key.bytes);
        ctx.db.select(there);
        ctx.db.changed(key, EVENT_MOVE_TO);
        ctx.db.select(here);
    }
    ctx.out.integer(moves.into());
    Ok(())
}
