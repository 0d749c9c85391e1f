//! ZRANGE with its forms, and ZRANGESTORE.

use std::ops::Range;

use russet_data::number::IntBuf;
use russet_data::sorted_set::{Builder, SortedSet};

use super::bounds::{Bounds, By};
use super::{READS, event, limits, reply};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, values};

const RANK_COMPLEXITY: &str = "O(log(N)+M) where N is the number of elements in the sorted set and M \
                               the number of those returned.";
const RANGE_COMPLEXITY: &str = "O(log(N)+M) where N is the number of elements in the sorted set and M \
                                the number of those returned, which `LIMIT` bounds.";

pub const ZRANGE: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Returns the members of a sorted set within a range of ranks, scores or byte strings.",
    complexity: RANK_COMPLEXITY,
    syntax: "key start stop [sortby(BYSCORE|BYLEX)] [REV] \
             [LIMIT offset_count(offset:integer count:integer)] [WITHSCORES]",
    history: &[("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")],
    keys: READS,
    ..Command::new("zrange", -4, Flags::READONLY, zrange)
};

pub const ZREVRANGE: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Returns the members of a sorted set within a range of ranks, in descending order.",
    complexity: RANK_COMPLEXITY,
    syntax: "key start:integer stop:integer [WITHSCORES]",
    keys: READS,
    replaced_by: Some(("6.2.0", "`ZRANGE` with the `REV` argument")),
    ..Command::new("zrevrange", -4, Flags::READONLY, zrevrange)
};

pub const ZRANGEBYSCORE: Command = Command {
    group: Group::SortedSet,
    since: "1.0.5",
    summary: "Returns the members of a sorted set within a range of scores.",
    complexity: RANGE_COMPLEXITY,
    syntax: "key min:double max:double [WITHSCORES] \
             [LIMIT offset_count(offset:integer count:integer)]",
    history: &[("2.0.0", "Added the `WITHSCORES` modifier.")],
    keys: READS,
    replaced_by: Some(("6.2.0", "`ZRANGE` with the `BYSCORE` argument")),
    ..Command::new("zrangebyscore", -4, Flags::READONLY, zrangebyscore)
};

pub const ZREVRANGEBYSCORE: Command = Command {
    group: Group::SortedSet,
    since: "2.2.0",
    summary: "Returns the members of a sorted set within a range of scores, in descending order.",
    complexity: RANGE_COMPLEXITY,
    syntax: "key max:double min:double [WITHSCORES] \
             [LIMIT offset_count(offset:integer count:integer)]",
    history: &[("2.1.6", "`min` and `max` can be exclusive.")],
    keys: READS,
    replaced_by: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")),
    ..Command::new("zrevrangebyscore", -4, Flags::READONLY, zrevrangebyscore)
};

pub const ZRANGEBYLEX: Command = Command {
    group: Group::SortedSet,
    since: "2.8.9",
    summary: "Returns the members of a sorted set within a range of byte strings.",
    complexity: RANGE_COMPLEXITY,
    syntax: "key min max [LIMIT offset_count(offset:integer count:integer)]",
    keys: READS,
    replaced_by: Some(("6.2.0", "`ZRANGE` with the `BYLEX` argument")),
    ..Command::new("zrangebylex", -4, Flags::READONLY, zrangebylex)
};

pub const ZREVRANGEBYLEX: Command = Command {
    group: Group::SortedSet,
    since: "2.8.9",
    summary: "Returns the members of a sorted set within a range of byte strings, in descending \
              order.",
    complexity: RANGE_COMPLEXITY,
    syntax: "key max min [LIMIT offset_count(offset:integer count:integer)]",
    keys: READS,
    replaced_by: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")),
    ..Command::new("zrevrangebylex", -4, Flags::READONLY, zrevrangebylex)
};

pub const ZRANGESTORE: Command = Command {
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Stores the members of a sorted set within a range of ranks, scores or byte strings.",
    complexity: "O(log(N)+M) where N is the number of elements in the sorted set and M the number of \
                 those stored.",
    syntax: "dst:key src:key min max [sortby(BYSCORE|BYLEX)] [REV] \
             [LIMIT offset_count(offset:integer count:integer)]",
    keys: &[KeySpec::one(1, KeyFlags::OVERWRITES), KeySpec::one(2, KeyFlags::READS)],
    ..Command::new("zrangestore", -5, Flags::WRITE.union(Flags::DENYOOM), zrangestore)
};

/// What a command of the family asks for.
struct Query<'a> {
    bounds: Bounds<'a>,
    is_reversed: bool,
    with_scores: bool,
    offset: i64,
    /// Negative: no limit.
    limit: i64,
}

/// What the name of a command says already; nothing is left to options if it says anything.
#[derive(Clone, Copy)]
struct Form {
    by: Option<By>,
    is_reversed: Option<bool>,
    stores: bool,
}

impl Form {
    const GENERAL: Form = Form { by: None, is_reversed: None, stores: false };

    const fn of(by: By, is_reversed: bool) -> Self {
        Form { by: Some(by), is_reversed: Some(is_reversed), stores: false }
    }
}

impl<'a> Query<'a> {
    /// Reads what follows the key at an argument.
    fn parse(ctx: &Ctx<'a>, key: usize, form: Form) -> Result<Self, Error> {
        let (mut by, mut is_reversed) = (form.by, form.is_reversed);
        let mut with_scores = false;
        let (mut offset, mut limit) = (0, -1);
        let mut at = key + 3;
        while at < ctx.args.len() {
            match () {
                () if !form.stores && ctx.is(at, "WITHSCORES") => with_scores = true,
                () if ctx.is(at, "LIMIT") && at + 2 < ctx.args.len() => {
                    (offset, limit) = (ctx.int(at + 1)?, ctx.int(at + 2)?);
                    at += 2;
                }
                () if is_reversed.is_none() && ctx.is(at, "REV") => is_reversed = Some(true),
                () if by.is_none() && ctx.is(at, "BYLEX") => by = Some(By::Lex),
                () if by.is_none() && ctx.is(at, "BYSCORE") => by = Some(By::Score),
                () => return Err(Error::SYNTAX),
            }
            at += 1;
        }
        let (by, is_reversed) = (by.unwrap_or(By::Rank), is_reversed.unwrap_or(false));
        if limit != -1 && by == By::Rank {
            return Err(Error::new(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if with_scores && by == By::Lex {
            return Err(Error::new(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        // Backwards, the upper bound of scores and members comes first.
        let (min, max) =
            if is_reversed && by != By::Rank { (key + 2, key + 1) } else { (key + 1, key + 2) };
        let bounds = Bounds::parse(ctx, by, min, max)?;
        Ok(Query { bounds, is_reversed, with_scores, offset, limit })
    }

    /// The ranks of the elements asked for.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let Range { start, end } = self.bounds.ranks(set, self.is_reversed);
        if matches!(self.bounds, Bounds::Rank(..)) {
            return start..end;
        }
        // A negative offset leads past every element.
        let skipped = usize::try_from(self.offset).unwrap_or(usize::MAX).min(end - start);
        let count = usize::try_from(self.limit).unwrap_or(usize::MAX).min(end - start - skipped);
        if self.is_reversed {
            end - skipped - count..end - skipped
        } else {
            start + skipped..start + skipped + count
        }
    }
}

fn zrange(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    range(ctx, Form::GENERAL)
}

fn zrevrange(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    range(ctx, Form::of(By::Rank, true))
}

fn zrangebyscore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    range(ctx, Form::of(By::Score, false))
}

fn zrevrangebyscore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    range(ctx, Form::of(By::Score, true))
}

fn zrangebylex(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    range(ctx, Form::of(By::Lex, false))
}

fn zrevrangebylex(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    range(ctx, Form::of(By::Lex, true))
}

fn range(ctx: &mut Ctx<'_>, form: Form) -> Result<(), Error> {
    let query = Query::parse(ctx, 1, form)?;
    let key = ctx.key(1);
    let Some(set) = values::read::<SortedSet>(&mut ctx.db, key)? else {
        ctx.out.empty_array();
        return Ok(());
    };
    let elements = set.range(query.ranks(&set));
    if query.is_reversed {
        reply::elements(&mut ctx.out, elements.rev(), query.with_scores);
    } else {
        reply::elements(&mut ctx.out, elements, query.with_scores);
    }
    Ok(())
}

fn zrangestore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let query = Query::parse(ctx, 2, Form { stores: true, ..Form::GENERAL })?;
    let (destination, source) = (ctx.key(1), ctx.key(2));
    let mut result = Builder::new();
    if let Some(set) = values::read::<SortedSet>(&mut ctx.db, source)? {
        let mut scratch = IntBuf::new();
        for (member, score) in set.range(query.ranks(&set)) {
            result.put(member.as_bytes(&mut scratch), |_| score);
        }
    }
    store(ctx, destination, result, "zrangestore");
    Ok(())
}

/// Puts a result under a key and replies its length.
pub(super) fn store(
    ctx: &mut Ctx<'_>,
    destination: crate::exec::Key<'_>,
    result: Builder,
    name: &'static str,
) {
    let result = result.finish(limits(ctx));
    ctx.out.integer(result.len() as i64);
    values::replace(ctx, destination, result, event(name));
}
