//! Taking elements from an end.

use russet_data::list::{Direction, End, Limits, List};
use russet_data::number::{IntBuf, parse_i64};
use russet_resp::ReplyWriter;

use super::{end, limits, popped, removed, write};
use crate::command::{Begin, Command, Find, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key, View, values};

pub const LPOP: Command = Command {
    group: Group::List,
    summary: "Removes elements from the left end of a list and returns them.",
    complexity: "O(N) where N is the number of elements returned.",
    syntax: "key [count:integer]",
    history: &[("6.2.0", "Added the `count` argument.")],
    keys: &[KeySpec::one(1, KeyFlags::TAKES)],
    ..Command::new("lpop", -2, Flags::WRITE.union(Flags::FAST), lpop)
};

pub const RPOP: Command = Command {
    summary: "Removes elements from the right end of a list and returns them, the last one first.",
    name: "rpop",
    handler: rpop,
    ..LPOP
};

pub const LMPOP: Command = Command {
    group: Group::List,
    since: "7.0.0",
    summary: "Removes elements from an end of the first list that there is, and returns them.",
    complexity: "O(N + M) where N is the number of keys and M the number of elements returned.",
    syntax: "numkeys:integer key... where(LEFT|RIGHT) [COUNT count:integer]",
    keys: &[KeySpec {
        flags: KeyFlags::TAKES,
        begin: Begin::Index(1),
        find: Find::KeyNum { count: 0, first: 1, step: 1 },
    }],
    ..Command::new("lmpop", -4, Flags::WRITE, lmpop)
};

fn lpop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    pop(ctx, End::Left)
}

fn rpop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    pop(ctx, End::Right)
}

fn pop(ctx: &mut Ctx<'_>, end: End) -> Result<(), Error> {
    let key = ctx.key(1);
    match ctx.args.len() {
        2 => {
            let limits = limits(ctx.server, ctx.config());
            if !pop_one(limits, &mut ctx.db, &mut ctx.out, key, end)? {
                ctx.out.null();
            }
            Ok(())
        }
        3 => {
            let count = parse_i64(ctx.args.get(2)).and_then(|count| usize::try_from(count).ok());
            let count = count.ok_or(Error::NOT_POSITIVE)?;
            let (limits, reply) = (limits(ctx.server, ctx.config()), Reply::Elements);
            let (db, out) = (&mut ctx.db, &mut ctx.out);
            if pop_many(limits, db, out, key, end, count, reply)?.is_none() {
                ctx.out.null_array();
            }
            Ok(())
        }
        _ => Err(Error::wrong_arity(if end == End::Left { LPOP.name } else { RPOP.name })),
    }
}

/// Removes the element at an end of a list and replies with it; without a reply, if there is no list.
pub(super) fn pop_one(
    limits: Limits,
    db: &mut View<'_>,
    out: &mut ReplyWriter<'_>,
    key: Key<'_>,
    end: End,
) -> Result<bool, Error> {
    let taken = values::update(db, key, |list: &mut List| {
        let element = list.peek(end).expect("no key holds an empty list");
        write(out, element);
        list.drop_one(end);
        list.settle(limits);
    })?;
    if let Some(updated) = taken {
        removed(db, key, popped(end), 1, updated.is_empty);
    }
    Ok(taken.is_some())
}

/// What popped elements are returned as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// An array of them.
    Elements,
    /// The key, and an array of them.
    KeyAndElements,
}

/// Removes up to `count` elements from an end of a list, and returns how many there were; without a
/// reply, if there is no list.
pub(super) fn pop_many(
    limits: Limits,
    db: &mut View<'_>,
    out: &mut ReplyWriter<'_>,
    key: Key<'_>,
    end: End,
    count: usize,
    reply: Reply,
) -> Result<Option<usize>, Error> {
    let taken = values::update(db, key, |list: &mut List| {
        let len = list.len();
        let count = count.min(len);
        if reply == Reply::KeyAndElements {
            out.array(2);
            out.bulk(key.bytes);
        }
        out.array(count);
        let (from, direction) = match end {
            End::Left => (0, Direction::Forward),
            End::Right => (len - 1, Direction::Backward),
        };
        list.for_some(from, direction, count, |element| write(out, element));
        list.remove_range(if end == End::Left { 0 } else { len - count }, count);
        list.settle(limits);
        count
    })?;
    Ok(taken.map(|updated| {
        if updated.result > 0 {
            removed(db, key, popped(end), updated.result, updated.is_empty);
        }
        updated.result
    }))
}

fn lmpop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let request = ManyKeys::parse(ctx, 1)?;
    for nth in 0..request.keys {
        let key = ctx.nth_key(nth, 2, 1);
        let (limits, reply) = (limits(ctx.server, ctx.config()), Reply::KeyAndElements);
        let (db, out) = (&mut ctx.db, &mut ctx.out);
        if let Some(taken) = pop_many(limits, db, out, key, request.end, request.count, reply)? {
            let name: &[u8] = if request.end == End::Left { b"LPOP" } else { b"RPOP" };
            let mut count = IntBuf::new();
            ctx.db.journal_as(&[name, key.bytes, count.format_i64(taken as i64)]);
            return Ok(());
        }
    }
    ctx.out.null_array();
    Ok(())
}

/// What LMPOP and BLMPOP ask for.
pub(super) struct ManyKeys {
    /// How many keys there are, after their number.
    pub(super) keys: usize,
    pub(super) end: End,
    /// How many elements.
    pub(super) count: usize,
}

impl ManyKeys {
    /// Reads the arguments, of which the number of keys is at `at`.
    pub(super) fn parse(ctx: &Ctx<'_>, at: usize) -> Result<Self, Error> {
        let positive = |at: usize, text: &'static str| {
            let number =
                parse_i64(ctx.args.get(at)).and_then(|number| usize::try_from(number).ok());
            number.filter(|&number| number > 0).ok_or_else(|| Error::new(text))
        };
        let keys = positive(at, "ERR numkeys should be greater than 0")?;
        let last = ctx.args.len() - 1;
        let mut at = at.checked_add(keys + 1).filter(|&at| at <= last).ok_or(Error::SYNTAX)?;
        let end = end(ctx.args.get(at))?;
        let mut count = None;
        while at < last {
            if count.is_some() || !ctx.is(at + 1, "COUNT") || at + 2 > last {
                return Err(Error::SYNTAX);
            }
            count = Some(positive(at + 2, "ERR count should be greater than 0")?);
            at += 2;
        }
        Ok(ManyKeys { keys, end, count: count.unwrap_or(1) })
    }
}
