//! BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH: what they take is taken at once, or when it comes.

use russet_data::list::{End, List};
use russet_data::number::IntBuf;
use russet_data::object::ValueType;
use russet_resp::ReplyWriter;

use super::lmove::transfer;
use super::pop::{ManyKeys, Reply, pop_many, pop_one};
use super::{end, limits};
use crate::blocking::{Attempt, Blocking, deadline, take_or_wait};
use crate::command::{Begin, Command, Find, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key, values};

const FLAGS: Flags = Flags::WRITE.union(Flags::NOSCRIPT).union(Flags::BLOCKING);

const FRACTIONS: &[(&str, &str)] = &[("6.0.0", "Takes fractions of a second as `timeout`.")];

pub const BLPOP: Command = Command {
    group: Group::List,
    since: "2.0.0",
    summary: "Removes the leftmost element of the first list that there is, or waits for one.",
    complexity: "O(N) where N is the number of provided keys.",
    syntax: "key... timeout:double",
    history: FRACTIONS,
    keys: &[KeySpec::range(1, -2, 1, KeyFlags::TAKES)],
    ..Command::new("blpop", -3, FLAGS, |ctx| pop_first(ctx, End::Left))
};

pub const BRPOP: Command = Command {
    summary: "Removes the rightmost element of the first list that there is, or waits for one.",
    name: "brpop",
    handler: |ctx| pop_first(ctx, End::Right),
    ..BLPOP
};

pub const BLMPOP: Command = Command {
    group: Group::List,
    since: "7.0.0",
    summary: "Removes elements from an end of the first list that there is, or waits for one.",
    complexity: "O(N+M) where N is the number of provided keys and M is the number of elements \
                 returned.",
    syntax: "timeout:double numkeys:integer key... where(LEFT|RIGHT) [COUNT count:integer]",
    keys: &[KeySpec {
        flags: KeyFlags::TAKES,
        begin: Begin::Index(2),
        find: Find::KeyNum { count: 0, first: 1, step: 1 },
    }],
    ..Command::new("blmpop", -5, Flags::WRITE.union(Flags::BLOCKING), blmpop)
};

pub const BLMOVE: Command = Command {
    group: Group::List,
    since: "6.2.0",
    summary: "Moves an element from an end of a list to an end of another, or waits for one.",
    syntax: "source:key destination:key wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT) timeout:double",
    keys: &[
        KeySpec::one(1, KeyFlags::TAKES),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ],
    ..Command::new("blmove", 6, FLAGS.union(Flags::DENYOOM), blmove)
};

pub const BRPOPLPUSH: Command = Command {
    since: "2.2.0",
    summary: "Moves the element at the right end of a list to the left end of another, or waits for \
              one.",
    syntax: "source:key destination:key timeout:double",
    history: FRACTIONS,
    replaced_by: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
    name: "brpoplpush",
    arity: 4,
    handler: brpoplpush,
    ..BLMOVE
};

fn pop_first(ctx: &mut Ctx<'_>, end: End) -> Result<(), Error> {
    let last = ctx.args.len() - 1;
    let deadline_ms = deadline(ctx, last)?;
    take_or_wait(ctx, 1..last, deadline_ms, Pop { end, count: None })
}

fn blmpop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let ManyKeys { keys, end, count } = ManyKeys::parse(ctx, 2)?;
    let deadline_ms = deadline(ctx, 1)?;
    take_or_wait(ctx, 3..3 + keys, deadline_ms, Pop { end, count: Some(count) })
}

fn blmove(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (from, to) = (end(ctx.args.get(3))?, end(ctx.args.get(4))?);
    let deadline_ms = deadline(ctx, 5)?;
    move_first(ctx, from, to, deadline_ms, Recorded::Move)
}

fn brpoplpush(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let deadline_ms = deadline(ctx, 3)?;
    move_first(ctx, End::Right, End::Left, deadline_ms, Recorded::PopPush)
}

fn move_first(
    ctx: &mut Ctx<'_>,
    from: End,
    to: End,
    deadline_ms: Option<i64>,
    recorded: Recorded,
) -> Result<(), Error> {
    let destination = ctx.nth_key(1, 1, 1);
    let (hash, destination) = (destination.hash, destination.bytes.into());
    take_or_wait(ctx, 1..2, deadline_ms, Move { hash, destination, from, to, recorded })
}

/// BLPOP, BRPOP, BLMPOP.
struct Pop {
    end: End,
    /// How many, for BLMPOP.
    count: Option<usize>,
}

impl Blocking for Pop {
    fn value_type(&self) -> ValueType {
        ValueType::List
    }

    fn attempt(&self, attempt: &mut Attempt<'_, '_>, key: Key<'_>) -> Result<bool, Error> {
        let Attempt { server, config, db, out, .. } = attempt;
        if values::update(db, key, |_: &mut List| ())?.is_none() {
            return Ok(false);
        }
        let limits = limits(server, config);
        let name: &[u8] = if self.end == End::Left { b"LPOP" } else { b"RPOP" };
        match self.count {
            None => {
                out.array(2);
                out.bulk(key.bytes);
                pop_one(limits, db, out, key, self.end)?;
                db.journal_as(&[name, key.bytes]);
            }
            Some(count) => {
                let reply = Reply::KeyAndElements;
                let taken = pop_many(limits, db, out, key, self.end, count, reply)?;
                let mut digits = IntBuf::new();
                let taken = digits.format_i64(taken.unwrap_or(0) as i64);
                db.journal_as(&[name, key.bytes, taken]);
            }
        }
        Ok(true)
    }
}

/// As what the journal records a move.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recorded {
    /// LMOVE.
    Move,
    /// RPOPLPUSH.
    PopPush,
}

/// BLMOVE, BRPOPLPUSH.
struct Move {
    /// Of the destination.
    hash: u64,
    destination: Box<[u8]>,
    from: End,
    to: End,
    recorded: Recorded,
}

impl Blocking for Move {
    fn value_type(&self) -> ValueType {
        ValueType::List
    }

    fn attempt(&self, attempt: &mut Attempt<'_, '_>, key: Key<'_>) -> Result<bool, Error> {
        let Attempt { server, config, db, out, .. } = attempt;
        let destination = Key { bytes: &self.destination, hash: self.hash };
        let is_moved =
            transfer(limits(server, config), db, out, key, destination, self.from, self.to)?;
        if is_moved {
            let word = |end: End| if end == End::Left { &b"LEFT"[..] } else { b"RIGHT" };
            match self.recorded {
                Recorded::PopPush => db.journal_as(&[b"RPOPLPUSH", key.bytes, &self.destination]),
                Recorded::Move => db.journal_as(&[
                    b"LMOVE",
                    key.bytes,
                    &self.destination,
                    word(self.from),
                    word(self.to),
                ]),
            }
        }
        Ok(is_moved)
    }

    fn second_key(&self) -> Option<u64> {
        Some(self.hash)
    }

    fn reply_without_waiting(&self, out: &mut ReplyWriter<'_>) {
        out.null();
    }
}
