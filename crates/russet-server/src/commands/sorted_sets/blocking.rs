//! BZPOPMIN, BZPOPMAX, BZMPOP: what they take is taken at once, or when it comes.

use russet_data::object::ValueType;

use super::counted_keys;
use super::pop::{End, Shape, parse_many, pop};
use crate::blocking::{Attempt, Blocking, deadline, take_or_wait};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key};

const FLAGS: Flags = Flags::WRITE.union(Flags::NOSCRIPT).union(Flags::FAST).union(Flags::BLOCKING);

pub const BZPOPMIN: Command = Command {
    group: Group::SortedSet,
    since: "5.0.0",
    summary: "Takes the member with the lowest score out of the first of several sorted sets that has \
              any, or waits for one.",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    syntax: "key... timeout:double",
    history: &[("6.0.0", "Takes fractions of a second as `timeout`.")],
    keys: &[KeySpec::range(1, -2, 1, KeyFlags::TAKES)],
    ..Command::new("bzpopmin", -3, FLAGS, |ctx| pop_first(ctx, End::Min))
};

pub const BZPOPMAX: Command = Command {
    summary: "Takes the member with the highest score out of the first of several sorted sets that has \
              any, or waits for one.",
    name: "bzpopmax",
    handler: |ctx| pop_first(ctx, End::Max),
    ..BZPOPMIN
};

pub const BZMPOP: Command = Command {
    group: Group::SortedSet,
    since: "7.0.0",
    summary: "Takes the members with the lowest or highest scores out of the first of several sorted \
              sets that has any, or waits for one.",
    complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of \
                 elements in the sorted set, and M being the number of elements popped.",
    syntax: "timeout:double numkeys:integer key... where(MIN|MAX) [COUNT count:integer]",
    keys: &[counted_keys(2, KeyFlags::TAKES)],
    ..Command::new("bzmpop", -5, Flags::WRITE.union(Flags::BLOCKING), bzmpop)
};

fn pop_first(ctx: &mut Ctx<'_>, end: End) -> Result<(), Error> {
    let last = ctx.args.len() - 1;
    let deadline_ms = deadline(ctx, last)?;
    take_or_wait(ctx, 1..last, deadline_ms, Pop { end, count: None })
}

fn bzmpop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (keys, end, count) = parse_many(ctx, 2)?;
    let deadline_ms = deadline(ctx, 1)?;
    take_or_wait(ctx, 3..3 + keys, deadline_ms, Pop { end, count: Some(count) })
}

struct Pop {
    end: End,
    /// How many, for BZMPOP.
    count: Option<usize>,
}

impl Blocking for Pop {
    fn value_type(&self) -> ValueType {
        ValueType::SortedSet
    }

    fn attempt(&self, attempt: &mut Attempt<'_, '_>, key: Key<'_>) -> Result<bool, Error> {
        let Attempt { db, out, .. } = attempt;
        let shape = if self.count.is_some() { Shape::KeyAndPairs } else { Shape::KeyAndOne };
        let Some(popped) = pop(db, out, key, self.end, self.count.unwrap_or(1), shape)? else {
            return Ok(false);
        };
        let (name, popped) = (self.end.command().as_bytes(), popped.to_string());
        match self.count {
            None => db.journal_as(&[name, key.bytes]),
            Some(_) => db.journal_as(&[name, key.bytes, popped.as_bytes()]),
        }
        Ok(true)
    }
}
