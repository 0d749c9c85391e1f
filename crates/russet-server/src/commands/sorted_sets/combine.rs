//! Unions, intersections and differences of sorted sets and sets.

mod source;

use russet_data::number::{IntBuf, parse_f64, parse_i64};
use russet_data::sorted_set::{Builder, Limits};

use super::{counted_keys, range, reply};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key};
use source::Source;

const READS: &[KeySpec] = &[counted_keys(1, KeyFlags::READS)];
const STORES: &[KeySpec] =
    &[KeySpec::one(1, KeyFlags::OVERWRITES), counted_keys(2, KeyFlags::READS)];
const WRITES: Flags = Flags::WRITE.union(Flags::DENYOOM);

const UNION_COMPLEXITY: &str = "O(N)+O(M*log(M)) where N is the sum of the sizes of all sets and M the \
                                number of elements in the result.";
const INTERSECTION_COMPLEXITY: &str = "O(N*K)+O(M*log(M)) where N is the size of the smallest set, K the \
                                       number of sets and M the number of elements in the result.";
const DIFFERENCE_COMPLEXITY: &str = "O(N*K)+O(M*log(M)) where N is the size of the first set, K the \
                                     number of sets and M the number of elements in the result.";

pub const ZUNION: Command = Command {
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Returns the members of any of several sorted sets, their scores put together.",
    complexity: UNION_COMPLEXITY,
    syntax: "numkeys:integer key... [WEIGHTS weight:integer...] [AGGREGATE aggregate(SUM|MIN|MAX)] \
             [WITHSCORES]",
    keys: READS,
    ..Command::new("zunion", -3, Flags::READONLY, zunion)
};

pub const ZUNIONSTORE: Command = Command {
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Stores the members of any of several sorted sets, their scores put together.",
    complexity: UNION_COMPLEXITY,
    syntax: "destination:key numkeys:integer key... [WEIGHTS weight:integer...] \
             [AGGREGATE aggregate(SUM|MIN|MAX)]",
    keys: STORES,
    ..Command::new("zunionstore", -4, WRITES, zunionstore)
};

pub const ZINTER: Command = Command {
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Returns the members that several sorted sets share, their scores put together.",
    complexity: INTERSECTION_COMPLEXITY,
    syntax: ZUNION.syntax,
    keys: READS,
    ..Command::new("zinter", -3, Flags::READONLY, zinter)
};

pub const ZINTERSTORE: Command = Command {
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Stores the members that several sorted sets share, their scores put together.",
    complexity: INTERSECTION_COMPLEXITY,
    syntax: ZUNIONSTORE.syntax,
    keys: STORES,
    ..Command::new("zinterstore", -4, WRITES, zinterstore)
};

pub const ZINTERCARD: Command = Command {
    group: Group::SortedSet,
    since: "7.0.0",
    summary: "Returns how many members several sorted sets share.",
    complexity: "O(N*K) where N is the size of the smallest set and K the number of sets.",
    syntax: "numkeys:integer key... [LIMIT limit:integer]",
    keys: READS,
    ..Command::new("zintercard", -3, Flags::READONLY, zintercard)
};

pub const ZDIFF: Command = Command {
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Returns the members of the first of several sorted sets that no other has.",
    complexity: DIFFERENCE_COMPLEXITY,
    syntax: "numkeys:integer key... [WITHSCORES]",
    keys: READS,
    ..Command::new("zdiff", -3, Flags::READONLY, zdiff)
};

pub const ZDIFFSTORE: Command = Command {
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Stores the members of the first of several sorted sets that no other has.",
    complexity: DIFFERENCE_COMPLEXITY,
    syntax: "destination:key numkeys:integer key...",
    keys: STORES,
    ..Command::new("zdiffstore", -4, WRITES, zdiffstore)
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    /// Puts the scores of two sets together; opposite infinities come to 0.
    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => zero_if_nan(one + other),
            Aggregate::Min if other < one => other,
            Aggregate::Max if other > one => other,
            Aggregate::Min | Aggregate::Max => one,
        }
    }
}

fn zero_if_nan(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// What becomes of the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    Reply,
    Store,
    Count,
}

/// What comes after the keys.
struct Options {
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
    /// 0: none.
    limit: usize,
}

fn zunion(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    combine(ctx, Operation::Union, Use::Reply)
}

fn zunionstore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    combine(ctx, Operation::Union, Use::Store)
}

fn zinter(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    combine(ctx, Operation::Intersection, Use::Reply)
}

fn zinterstore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    combine(ctx, Operation::Intersection, Use::Store)
}

fn zintercard(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    combine(ctx, Operation::Intersection, Use::Count)
}

fn zdiff(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    combine(ctx, Operation::Difference, Use::Reply)
}

fn zdiffstore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    combine(ctx, Operation::Difference, Use::Store)
}

fn combine(ctx: &mut Ctx<'_>, operation: Operation, usage: Use) -> Result<(), Error> {
    let count_at = if usage == Use::Store { 2 } else { 1 };
    let keys = number_of_keys(ctx, count_at)?;
    // The destination is the first of the command's keys, if there is one.
    let keys: Vec<Key<'_>> =
        (count_at - 1..).take(keys).map(|nth| ctx.nth_key(nth, 2, 1)).collect();
    for key in &keys {
        Source::check(ctx.db.read(*key))?;
    }
    let options = Options::parse(ctx, count_at + 1 + keys.len(), keys.len(), operation, usage)?;
    let mut sources: Vec<(Source<'_>, f64)> = Vec::with_capacity(keys.len());
    for (key, weight) in keys.iter().zip(&options.weights) {
        sources.push((Source::of(ctx.db.look(*key))?, *weight));
    }
    if operation != Operation::Difference {
        // The smallest decides what an intersection looks at. The order also decides how sums are
        // rounded, so it is Redis' for unions, too.
        sources.sort_by_key(|(source, _)| source.len());
    }
    if usage == Use::Count {
        let count = count_shared(&sources, options.limit);
        ctx.out.integer(count as i64);
        return Ok(());
    }
    let result = match operation {
        Operation::Union => union(&sources, options.aggregate),
        Operation::Intersection => intersection(&sources, options.aggregate),
        Operation::Difference => difference(&sources),
    };
    drop(sources);
    match (usage, operation) {
        (Use::Store, Operation::Union) => store(ctx, result, "zunionstore"),
        (Use::Store, Operation::Intersection) => store(ctx, result, "zinterstore"),
        (Use::Store, Operation::Difference) => store(ctx, result, "zdiffstore"),
        _ => {
            // A listpack would lose the sign of zeros.
            let result = result.finish(Limits::NONE);
            reply::elements(&mut ctx.out, result.iter(), options.with_scores);
        }
    }
    Ok(())
}

fn store(ctx: &mut Ctx<'_>, result: Builder, name: &'static str) {
    let destination = ctx.nth_key(0, 1, 1);
    range::store(ctx, destination, result, name);
}

fn number_of_keys(ctx: &Ctx<'_>, at: usize) -> Result<usize, Error> {
    let keys = ctx.int(at)?;
    if keys < 1 {
        let name = &ctx.command.full_name;
        return Err(Error::new(format!("ERR at least 1 input key is needed for '{name}' command")));
    }
    let most = ctx.args.len() - (at + 1);
    usize::try_from(keys).ok().filter(|keys| *keys <= most).ok_or(Error::SYNTAX)
}

impl Options {
    fn parse(
        ctx: &Ctx<'_>,
        mut at: usize,
        keys: usize,
        operation: Operation,
        usage: Use,
    ) -> Result<Self, Error> {
        let mut options = Options {
            weights: vec![1.0; keys],
            aggregate: Aggregate::Sum,
            with_scores: false,
            limit: 0,
        };
        let has_scores = operation != Operation::Difference && usage != Use::Count;
        while at < ctx.args.len() {
            let following = ctx.args.len() - at - 1;
            match () {
                () if has_scores && following >= keys && ctx.is(at, "WEIGHTS") => {
                    let weights = (at + 1..=at + keys).map(|at| parse_f64(ctx.args.get(at)));
                    let weights: Option<Vec<f64>> = weights.collect();
                    options.weights =
                        weights.ok_or(Error::new("ERR weight value is not a float"))?;
                    at += keys;
                }
                () if has_scores && following >= 1 && ctx.is(at, "AGGREGATE") => {
                    options.aggregate = match () {
                        () if ctx.is(at + 1, "SUM") => Aggregate::Sum,
                        () if ctx.is(at + 1, "MIN") => Aggregate::Min,
                        () if ctx.is(at + 1, "MAX") => Aggregate::Max,
                        () => return Err(Error::SYNTAX),
                    };
                    at += 1;
                }
                () if usage == Use::Reply && ctx.is(at, "WITHSCORES") => options.with_scores = true,
                () if usage == Use::Count && following >= 1 && ctx.is(at, "LIMIT") => {
                    let limit = parse_i64(ctx.args.get(at + 1));
                    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
                    options.limit = limit.ok_or(Error::new("ERR LIMIT can't be negative"))?;
                    at += 1;
                }
                () => return Err(Error::SYNTAX),
            }
            at += 1;
        }
        Ok(options)
    }
}

fn union(sources: &[(Source<'_>, f64)], aggregate: Aggregate) -> Builder {
    let mut result = Builder::new();
    let mut scratch = IntBuf::new();
    for (source, weight) in sources {
        source.visit(&mut |member, score| {
            let score = zero_if_nan(score * weight);
            result.put(member.as_bytes(&mut scratch), |sum| {
                sum.map_or(score, |sum| aggregate.of(sum, score))
            });
            true
        });
    }
    result
}

fn intersection(sources: &[(Source<'_>, f64)], aggregate: Aggregate) -> Builder {
    let mut result = Builder::new();
    let mut scratch = IntBuf::new();
    let Some(((first, weight), others)) = sources.split_first() else { return result };
    first.visit(&mut |member, score| {
        let member = member.as_bytes(&mut scratch);
        let sum = others.iter().try_fold(zero_if_nan(score * weight), |sum, (source, weight)| {
            source.score(member).map(|score| aggregate.of(sum, score * weight))
        });
        if let Some(sum) = sum {
            result.put(member, |_| sum);
        }
        true
    });
    result
}

/// How many members all sets share, counted up to a limit, if it is not 0.
fn count_shared(sources: &[(Source<'_>, f64)], limit: usize) -> usize {
    let Some(((first, _), others)) = sources.split_first() else { return 0 };
    let mut count = 0;
    let mut scratch = IntBuf::new();
    first.visit(&mut |member, _| {
        let member = member.as_bytes(&mut scratch);
        count += usize::from(others.iter().all(|(source, _)| source.score(member).is_some()));
        limit == 0 || count < limit
    });
    count
}

fn difference(sources: &[(Source<'_>, f64)]) -> Builder {
    let mut result = Builder::new();
    let mut scratch = IntBuf::new();
    let Some(((first, _), others)) = sources.split_first() else { return result };
    first.visit(&mut |member, score| {
        let member = member.as_bytes(&mut scratch);
        if others.iter().all(|(source, _)| source.score(member).is_none()) {
            result.put(member, |_| score);
        }
        true
    });
    result
}

#[cfg(test)]
mod tests {
    use super::Aggregate;

    #[test]
    fn scores_are_put_together_as_redis_does() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        assert_eq!(Aggregate::Sum.of(1.0, 2.5), 3.5);
        assert_eq!(Aggregate::Sum.of(inf, -inf), 0.0);
        assert_eq!(Aggregate::Min.of(1.0, 2.0), 1.0);
        assert_eq!(Aggregate::Min.of(2.0, 1.0), 1.0);
        assert_eq!(Aggregate::Max.of(1.0, 2.0), 2.0);
        // An infinite score with a weight of zero.
        assert_eq!(Aggregate::Max.of(1.0, nan), 1.0);
        assert_eq!(Aggregate::Min.of(1.0, nan), 1.0);
    }
}
