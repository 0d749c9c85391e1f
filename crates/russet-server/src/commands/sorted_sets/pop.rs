//! Taking the lowest or highest elements out.

use russet_data::number::parse_i64;
use russet_data::sorted_set::SortedSet;
use russet_resp::{Protocol, ReplyWriter};

use super::{counted_keys, event, reply};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key, View, values};

const FLAGS: Flags = Flags::WRITE.union(Flags::FAST);
const TAKES: &[KeySpec] = &[KeySpec::one(1, KeyFlags::TAKES)];
const COMPLEXITY: &str = "O(log(N)*M) where N is the number of elements in the sorted set and M the \
                          number of those taken out.";

pub const ZPOPMIN: Command = Command {
    group: Group::SortedSet,
    since: "5.0.0",
    summary: "Takes the members with the lowest scores out of a sorted set and returns them.",
    complexity: COMPLEXITY,
    syntax: "key [count:integer]",
    keys: TAKES,
    ..Command::new("zpopmin", -2, FLAGS, zpopmin)
};

pub const ZPOPMAX: Command = Command {
    group: Group::SortedSet,
    since: "5.0.0",
    summary: "Takes the members with the highest scores out of a sorted set and returns them.",
    complexity: COMPLEXITY,
    syntax: "key [count:integer]",
    keys: TAKES,
    ..Command::new("zpopmax", -2, FLAGS, zpopmax)
};

pub const ZMPOP: Command = Command {
    group: Group::SortedSet,
    since: "7.0.0",
    summary: "Takes the members with the lowest or highest scores out of the first of several sorted \
              sets that has any.",
    complexity: "O(K) + O(M*log(N)) where K is the number of keys, N the number of elements in the \
                 sorted set and M the number of those taken out.",
    syntax: "numkeys:integer key... where(MIN|MAX) [COUNT count:integer]",
    keys: &[counted_keys(1, KeyFlags::TAKES)],
    ..Command::new("zmpop", -4, Flags::WRITE, zmpop)
};

/// Which end elements are taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Min,
    Max,
}

impl End {
    /// The command that takes elements from this end, which is also the event's name.
    pub fn command(self) -> &'static str {
        match self {
            End::Min => "zpopmin",
            End::Max => "zpopmax",
        }
    }
}

/// How elements are replied that were taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Members and scores in turn.
    Flat,
    /// An array of pairs.
    Pairs,
    /// The key, the only member, its score.
    KeyAndOne,
    /// The key, then an array of pairs.
    KeyAndPairs,
}

/// Takes up to `count` elements out of a set and replies them; `None`, without a reply, if there is no
/// such key.
pub fn pop(
    db: &mut View<'_>,
    out: &mut ReplyWriter<'_>,
    key: Key<'_>,
    end: End,
    count: usize,
    shape: Shape,
) -> Result<Option<usize>, Error> {
    let updated = values::update(db, key, |set: &mut SortedSet| {
        let len = set.len();
        let count = count.min(len);
        let ranks = match end {
            End::Min => 0..count,
            End::Max => len - count..len,
        };
        match shape {
            Shape::Flat => out.array(2 * count),
            Shape::Pairs => out.array(count),
            Shape::KeyAndOne => {
                out.array(1 + 2 * count);
                out.bulk(key.bytes);
            }
            Shape::KeyAndPairs => {
                out.array(2);
                out.bulk(key.bytes);
                out.array(count);
            }
        }
        let mut write = |(member, score)| {
            if matches!(shape, Shape::Pairs | Shape::KeyAndPairs) {
                out.array(2);
            }
            reply::member(out, member);
            out.double(score);
        };
        match end {
            End::Min => set.range(ranks.clone()).for_each(&mut write),
            End::Max => set.range(ranks.clone()).rev().for_each(&mut write),
        }
        set.remove_range(ranks);
        count
    })?;
    let Some(updated) = updated else { return Ok(None) };
    if updated.result > 0 {
        db.changed_by(key, event(end.command()), updated.result as u64);
    }
    if updated.is_empty {
        values::remove_emptied(db, key);
    }
    Ok(Some(updated.result))
}

fn zpopmin(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    pop_from_one(ctx, End::Min)
}

fn zpopmax(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    pop_from_one(ctx, End::Max)
}

fn pop_from_one(ctx: &mut Ctx<'_>, end: End) -> Result<(), Error> {
    let count = match ctx.args.len() {
        2 => None,
        3 => Some(at_least(ctx.args.get(2), 0).ok_or(Error::NOT_POSITIVE)?),
        _ => return Err(Error::SYNTAX),
    };
    let nested = count.is_some() && ctx.out.protocol() == Protocol::Resp3;
    let shape = if nested { Shape::Pairs } else { Shape::Flat };
    let key = ctx.key(1);
    if pop(&mut ctx.db, &mut ctx.out, key, end, count.unwrap_or(1), shape)?.is_none() {
        ctx.out.empty_array();
    }
    Ok(())
}

/// A number that is not below `least`.
fn at_least(text: &[u8], least: i64) -> Option<usize> {
    parse_i64(text).filter(|number| *number >= least).and_then(|number| number.try_into().ok())
}

fn zmpop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (keys, end, count) = parse_many(ctx, 1)?;
    for nth in 0..keys {
        let key = ctx.nth_key(nth, 2, 1);
        let (db, out) = (&mut ctx.db, &mut ctx.out);
        if let Some(popped) = pop(db, out, key, end, count, Shape::KeyAndPairs)? {
            let popped = popped.to_string();
            ctx.db.journal_as(&[end.command().as_bytes(), key.bytes, popped.as_bytes()]);
            return Ok(());
        }
    }
    ctx.out.null_array();
    Ok(())
}

/// The arguments of ZMPOP and its like from the number of keys on: that number, the end, the count.
pub fn parse_many(ctx: &Ctx<'_>, at: usize) -> Result<(usize, End, usize), Error> {
    let keys = at_least(ctx.args.get(at), 1);
    let keys = keys.ok_or(Error::new("ERR numkeys should be greater than 0"))?;
    let end_at = at.saturating_add(keys).saturating_add(1);
    let end = match () {
        () if end_at >= ctx.args.len() => return Err(Error::SYNTAX),
        () if ctx.is(end_at, "MIN") => End::Min,
        () if ctx.is(end_at, "MAX") => End::Max,
        () => return Err(Error::SYNTAX),
    };
    let mut count = None;
    for at in (end_at + 1..ctx.args.len()).step_by(2) {
        if count.is_some() || !ctx.is(at, "COUNT") || at + 1 == ctx.args.len() {
            return Err(Error::SYNTAX);
        }
        let given = at_least(ctx.args.get(at + 1), 1);
        count = Some(given.ok_or(Error::new("ERR count should be greater than 0"))?);
    }
    Ok((keys, end, count.unwrap_or(1)))
}
