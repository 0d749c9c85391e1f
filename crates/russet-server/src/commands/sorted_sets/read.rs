//! Asking about members, scores and ranks.

use russet_data::sorted_set::SortedSet;

use super::READS;
use super::bounds::{Bounds, By};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, values};

const FLAGS: Flags = Flags::READONLY.union(Flags::FAST);

pub const ZCARD: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Returns the number of members in a sorted set.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    ..Command::new("zcard", 2, FLAGS, zcard)
};

pub const ZSCORE: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Returns the score of a member of a sorted set.",
    syntax: "key member",
    keys: READS,
    element: Some(2),
    ..Command::new("zscore", 3, FLAGS, zscore)
};

pub const ZMSCORE: Command = Command {
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Returns the scores of several members of a sorted set.",
    complexity: "O(N) where N is the number of members asked for.",
    syntax: "key member...",
    keys: READS,
    element: Some(2),
    ..Command::new("zmscore", -3, FLAGS, zmscore)
};

pub const ZRANK: Command = Command {
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Returns how many members of a sorted set come before one, by ascending score.",
    complexity: "O(log(N))",
    syntax: "key member [WITHSCORE]",
    history: &[("7.2.0", "Added the optional `WITHSCORE` argument.")],
    keys: READS,
    element: Some(2),
    ..Command::new("zrank", -3, FLAGS, zrank)
};

pub const ZREVRANK: Command = Command {
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Returns how many members of a sorted set come before one, by descending score.",
    complexity: "O(log(N))",
    syntax: "key member [WITHSCORE]",
    history: &[("7.2.0", "Added the optional `WITHSCORE` argument.")],
    keys: READS,
    element: Some(2),
    ..Command::new("zrevrank", -3, FLAGS, zrevrank)
};

pub const ZCOUNT: Command = Command {
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Returns how many members of a sorted set have scores within a range.",
    complexity: "O(log(N)) where N is the number of elements in the sorted set.",
    syntax: "key min:double max:double",
    keys: READS,
    ..Command::new("zcount", 4, FLAGS, zcount)
};

pub const ZLEXCOUNT: Command = Command {
    group: Group::SortedSet,
    since: "2.8.9",
    summary: "Returns how many members of a sorted set lie within a range of byte strings.",
    complexity: "O(log(N)) where N is the number of elements in the sorted set.",
    syntax: "key min max",
    keys: READS,
    ..Command::new("zlexcount", 4, FLAGS, zlexcount)
};

fn zcard(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let len = values::read::<SortedSet>(&mut ctx.db, key)?.map_or(0, |set| set.len());
    ctx.out.integer(len as i64);
    Ok(())
}

fn zscore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, member) = (ctx.key(1), ctx.args.get(2));
    let set = values::read::<SortedSet>(&mut ctx.db, key)?;
    match set.and_then(|set| set.score(member)) {
        Some(score) => ctx.out.double(score),
        None => ctx.out.null(),
    }
    Ok(())
}

fn zmscore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let set = values::read::<SortedSet>(&mut ctx.db, key)?;
    ctx.out.array(ctx.args.len() - 2);
    for member in ctx.args.iter_from(2) {
        match set.as_ref().and_then(|set| set.score(member)) {
            Some(score) => ctx.out.double(score),
            None => ctx.out.null(),
        }
    }
    Ok(())
}

fn zrank(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    rank(ctx, |rank, _| rank)
}

fn zrevrank(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    rank(ctx, |rank, len| len - 1 - rank)
}

fn rank(ctx: &mut Ctx<'_>, from: fn(usize, usize) -> usize) -> Result<(), Error> {
    let with_score = match ctx.args.len() {
        3 => false,
        4 if ctx.is(3, "WITHSCORE") => true,
        4 => return Err(Error::SYNTAX),
        _ => return Err(Error::wrong_arity(&ctx.command.full_name)),
    };
    let (key, member) = (ctx.key(1), ctx.args.get(2));
    let set = values::read::<SortedSet>(&mut ctx.db, key)?;
    let found =
        set.and_then(|set| set.rank(member).map(|(rank, score)| (from(rank, set.len()), score)));
    match found {
        Some((rank, score)) if with_score => {
            ctx.out.array(2);
            ctx.out.integer(rank as i64);
            ctx.out.double(score);
        }
        Some((rank, _)) => ctx.out.integer(rank as i64),
        None if with_score => ctx.out.null_array(),
        None => ctx.out.null(),
    }
    Ok(())
}

fn zcount(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    count(ctx, By::Score)
}

fn zlexcount(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    count(ctx, By::Lex)
}

fn count(ctx: &mut Ctx<'_>, by: By) -> Result<(), Error> {
    let bounds = Bounds::parse(ctx, by, 2, 3)?;
    let key = ctx.key(1);
    let set = values::read::<SortedSet>(&mut ctx.db, key)?;
    ctx.out.integer(set.map_or(0, |set| bounds.ranks(&set, false).len()) as i64);
    Ok(())
}
