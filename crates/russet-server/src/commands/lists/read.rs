//! Reading lists.

use std::ops::ControlFlow;

use russet_data::list::{Direction, List};
use russet_data::listpack::Element;
use russet_data::number::parse_i64;

use super::{between, position, write};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, values};

pub const LLEN: Command = Command {
    group: Group::List,
    summary: "Returns the number of elements of a list.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    ..Command::new("llen", 2, Flags::READONLY.union(Flags::FAST), llen)
};

pub const LINDEX: Command = Command {
    group: Group::List,
    summary: "Returns the element of a list that has an index.",
    complexity: "O(log(N)) where N is the length of the list.",
    syntax: "key index:integer",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("lindex", 3, Flags::READONLY, lindex)
};

pub const LRANGE: Command = Command {
    group: Group::List,
    summary: "Returns the elements of a list between two indexes, both included.",
    complexity: "O(log(N) + M) where N is the length of the list and M the number of elements \
                 returned.",
    syntax: "key start:integer stop:integer",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("lrange", 4, Flags::READONLY, lrange)
};

pub const LPOS: Command = Command {
    group: Group::List,
    since: "6.0.6",
    summary: "Returns the indexes of elements of a list that have a value.",
    complexity: "O(N) where N is the number of elements looked at.",
    syntax: "key element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("lpos", -3, Flags::READONLY, lpos)
};

fn llen(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let len = values::read::<List>(&mut ctx.db, key)?.map_or(0, |list| list.len());
    ctx.out.integer(len as i64);
    Ok(())
}

fn lindex(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, index) = (ctx.key(1), ctx.int(2));
    let Some(list) = values::read::<List>(&mut ctx.db, key)? else {
        ctx.out.null();
        return Ok(());
    };
    let at = position(list.len(), index?);
    let written = at.and_then(|at| list.get(at, |element| write(&mut ctx.out, element)));
    if written.is_none() {
        ctx.out.null();
    }
    Ok(())
}

fn lrange(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (start, stop) = (ctx.int(2)?, ctx.int(3)?);
    let key = ctx.key(1);
    match values::read::<List>(&mut ctx.db, key)? {
        Some(list) => {
            let range = between(list.len(), start, stop);
            let out = &mut ctx.out;
            out.array(range.len());
            list.for_some(range.start, Direction::Forward, range.len(), |element| {
                write(out, element);
            });
        }
        None => ctx.out.empty_array(),
    }
    Ok(())
}

fn lpos(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let search = Search::parse(ctx)?;
    let key = ctx.key(1);
    let list = values::read::<List>(&mut ctx.db, key)?;
    let mut matches = Matches::new(&search, list.as_ref().map_or(0, |list| list.len()));
    let out = &mut ctx.out;
    match search.count {
        Some(count) => {
            let reply = out.deferred();
            let mut found = 0;
            if let Some(list) = list {
                matches.find(&list, |index| {
                    out.integer(index);
                    found += 1;
                    found == count
                });
            }
            out.finish_array(reply, found);
        }
        None => {
            let mut first = None;
            if let Some(list) = list {
                matches.find(&list, |index| {
                    first = Some(index);
                    true
                });
            }
            match first {
                Some(index) => out.integer(index),
                None => out.null(),
            }
        }
    }
    Ok(())
}

/// What LPOS looks for.
struct Search<'a> {
    wanted: Element<'a>,
    direction: Direction,
    /// Matches that are left out.
    skipped: u64,
    /// How many matches are returned, as an array; 0 for all.
    count: Option<usize>,
    /// How many elements are looked at; 0 for all.
    most: u64,
}

impl<'a> Search<'a> {
    fn parse(ctx: &Ctx<'a>) -> Result<Self, Error> {
        let mut search = Search {
            wanted: ctx.args.get(2).into(),
            direction: Direction::Forward,
            skipped: 0,
            count: None,
            most: 0,
        };
        let not_negative = |at: usize, text: &'static str| {
            let number = parse_i64(ctx.args.get(at)).and_then(|number| u64::try_from(number).ok());
            number.ok_or_else(|| Error::new(text))
        };
        let mut at = 3;
        while at < ctx.args.len() {
            if at + 1 == ctx.args.len() {
                return Err(Error::SYNTAX);
            }
            if ctx.is(at, "RANK") {
                search.rank(ctx.int(at + 1)?)?;
            } else if ctx.is(at, "COUNT") {
                let count = not_negative(at + 1, "ERR COUNT can't be negative")?;
                search.count = Some(count as usize);
            } else if ctx.is(at, "MAXLEN") {
                search.most = not_negative(at + 1, "ERR MAXLEN can't be negative")?;
            } else {
                return Err(Error::SYNTAX);
            }
            at += 2;
        }
        Ok(search)
    }

    fn rank(&mut self, rank: i64) -> Result<(), Error> {
        match rank {
            0 => Err(Error::new(
                "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second \
                 ... or use negative to start from the end of the list",
            )),
            i64::MIN => Err(Error::new(format!(
                "ERR value is out of range, value must between {} and {}",
                -i64::MAX,
                i64::MAX
            ))),
            _ => {
                self.skipped = rank.unsigned_abs() - 1;
                let backward = rank < 0;
                self.direction = if backward { Direction::Backward } else { Direction::Forward };
                Ok(())
            }
        }
    }
}

/// A search in a list of known length.
struct Matches<'a> {
    wanted: Element<'a>,
    direction: Direction,
    skipped: u64,
    most: usize,
    len: usize,
}

impl<'a> Matches<'a> {
    fn new(search: &Search<'a>, len: usize) -> Self {
        let Search { wanted, direction, skipped, .. } = *search;
        let most = if search.most == 0 { len } else { len.min(search.most as usize) };
        Matches { wanted, direction, skipped, most, len }
    }

    /// Tells `found` the index of each match, until it has enough.
    fn find(&mut self, list: &List, mut found: impl FnMut(i64) -> bool) {
        let (from, step) = match self.direction {
            Direction::Forward => (0, 1),
            Direction::Backward => (self.len - 1, -1),
        };
        let (mut index, mut left) = (from as i64, self.most);
        // Enough found, or looked at.
        let _: ControlFlow<()> = list.visit(from, self.direction, |element| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            if element == self.wanted {
                if self.skipped > 0 {
                    self.skipped -= 1;
                } else if found(index) {
                    return ControlFlow::Break(());
                }
            }
            index += step;
            ControlFlow::Continue(())
        });
    }
}
