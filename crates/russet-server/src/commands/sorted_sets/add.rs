//! Adding members and changing scores.

use russet_data::number::parse_f64;
use russet_data::sorted_set::{Limits, SortedSet};
use smallvec::SmallVec;

use super::{event, limits};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, values};

const FLAGS: Flags = Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST);

pub const ZADD: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Adds members with their scores to a sorted set, or changes the scores of those it has.",
    complexity: "O(log(N)) for each member, where N is the number of elements in the sorted set.",
    syntax: "key [condition(NX|XX)] [comparison(GT|LT)] [CH] [INCR] \
             score_member(score:double member)...",
    history: &[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    element: Some(3),
    score: Some(2),
    ..Command::new("zadd", -4, FLAGS, zadd)
};

pub const ZINCRBY: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Adds to the score of a member of a sorted set, 0 if it is not in there.",
    complexity: "O(log(N)) where N is the number of elements in the sorted set.",
    syntax: "key increment:integer member",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    element: Some(3),
    ..Command::new("zincrby", 4, FLAGS, zincrby)
};

/// When a member gets which score.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct ScoreRule {
    /// Only members that are not in the set.
    pub absent: bool,
    /// Only members that are in the set.
    pub present: bool,
    /// Only scores above the member's.
    pub greater: bool,
    /// Only scores below the member's.
    pub less: bool,
    /// The score is added to the member's.
    pub increment: bool,
}

/// What was done to a member.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Outcome {
    Added(f64),
    Updated(f64),
    /// It has that score already.
    Same(f64),
    /// The rule did not let it.
    Refused,
    NotANumber,
}

impl ScoreRule {
    /// Applies the rule to a member with a score that is not NaN.
    pub(super) fn apply(
        self,
        set: &mut SortedSet,
        score: f64,
        member: &[u8],
        limits: Limits,
    ) -> Outcome {
        set.put(member, limits, |old| {
            let outcome = match old {
                Some(old) => self.decide(old, score),
                None if self.present => Outcome::Refused,
                None => Outcome::Added(score),
            };
            let new = match outcome {
                Outcome::Added(score) | Outcome::Updated(score) => Some(score),
                _ => None,
            };
            (new, outcome)
        })
    }

    /// What becomes of a member that has a score.
    fn decide(self, old: f64, score: f64) -> Outcome {
        if self.absent {
            return Outcome::Refused;
        }
        let new = if self.increment { old + score } else { score };
        if new.is_nan() {
            Outcome::NotANumber
        } else if self.less && new >= old || self.greater && new <= old {
            Outcome::Refused
        } else if new == old {
            Outcome::Same(new)
        } else {
            Outcome::Updated(new)
        }
    }
}

/// ZADD's options, and where the first score is.
fn parse_options(ctx: &Ctx<'_>) -> (ScoreRule, bool, usize) {
    let mut rule = ScoreRule::default();
    let mut counts_changes = false;
    let mut at = 2;
    while at < ctx.args.len() {
        match () {
            () if ctx.is(at, "NX") => rule.absent = true,
            () if ctx.is(at, "XX") => rule.present = true,
            () if ctx.is(at, "CH") => counts_changes = true,
            () if ctx.is(at, "INCR") => rule.increment = true,
            () if ctx.is(at, "GT") => rule.greater = true,
            () if ctx.is(at, "LT") => rule.less = true,
            () => break,
        }
        at += 1;
    }
    (rule, counts_changes, at)
}

fn zadd(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (rule, counts_changes, first) = parse_options(ctx);
    add(ctx, rule, counts_changes, first)
}

fn zincrby(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    // What Redis takes for options of ZADD it takes for them here.
    let (rule, counts_changes, first) = parse_options(ctx);
    add(ctx, ScoreRule { increment: true, ..rule }, counts_changes, first)
}

/// Adds the pairs of scores and members from argument `first` on.
pub(super) fn add(
    ctx: &mut Ctx<'_>,
    rule: ScoreRule,
    counts_changes: bool,
    first: usize,
) -> Result<(), Error> {
    let args = ctx.args;
    let rest = args.len() - first;
    if rest == 0 || !rest.is_multiple_of(2) {
        return Err(Error::SYNTAX);
    }
    if rule.absent && rule.present {
        return Err(Error::new("ERR XX and NX options at the same time are not compatible"));
    }
    if rule.absent && (rule.greater || rule.less) || rule.greater && rule.less {
        return Err(Error::new(
            "ERR GT, LT, and/or NX options at the same time are not compatible",
        ));
    }
    if rule.increment && rest > 2 {
        return Err(Error::new("ERR INCR option supports a single increment-element pair"));
    }
    let scores = (first..args.len()).step_by(2).map(|at| parse_f64(args.get(at)));
    let scores: SmallVec<[f64; 8]> = scores.collect::<Option<_>>().ok_or(Error::NOT_A_FLOAT)?;
    let pairs = scores.into_iter().enumerate();
    let pairs = pairs.map(|(nth, score)| (score, args.get(first + 2 * nth + 1)));
    put(ctx, rule, counts_changes, pairs).map(|_| ())
}

/// Adds pairs of scores, which are not NaN, and members, replies what came of it, and returns whether
/// anything changed.
pub fn put<'m>(
    ctx: &mut Ctx<'_>,
    rule: ScoreRule,
    counts_changes: bool,
    pairs: impl Iterator<Item = (f64, &'m [u8])>,
) -> Result<bool, Error> {
    let key = ctx.key(1);
    let limits = limits(ctx);
    let mut pairs = pairs.peekable();
    let first_member = pairs.peek().map_or(0, |(_, member)| member.len());
    let (mut added, mut updated) = (0_u64, 0_u64);
    let create = || SortedSet::for_members(first_member, limits);
    let last = values::upsert(&mut ctx.db, key, create, |set: &mut SortedSet| {
        let mut last = Outcome::Refused;
        for (score, member) in pairs {
            last = rule.apply(set, score, member, limits);
            match last {
                Outcome::Added(_) => added += 1,
                Outcome::Updated(_) => updated += 1,
                Outcome::NotANumber => break,
                Outcome::Same(_) | Outcome::Refused => {}
            }
        }
        last
    })?;
    if added + updated > 0 {
        let name = if rule.increment { "zincr" } else { "zadd" };
        ctx.db.changed_by(key, event(name), added + updated);
    }
    match last {
        Outcome::NotANumber => {
            return Err(Error::new("ERR resulting score is not a number (NaN)"));
        }
        Outcome::Added(score) | Outcome::Updated(score) | Outcome::Same(score)
            if rule.increment =>
        {
            ctx.out.double(score);
        }
        Outcome::Refused if rule.increment => ctx.out.null(),
        _ => {
            let changes = if counts_changes { added + updated } else { added };
            ctx.out.integer(changes as i64);
        }
    }
    Ok(added + updated > 0)
}
