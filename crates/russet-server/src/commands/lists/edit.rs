//! Changes within a list.

use std::ops::ControlFlow;

use russet_data::list::{Direction, List};
use russet_data::listpack::Element;

use super::{between, limits, position, removed};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass, values};

pub const LSET: Command = Command {
    group: Group::List,
    summary: "Replaces the element of a list that has an index.",
    complexity: "O(log(N)) where N is the length of the list.",
    syntax: "key index:integer element",
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    ..Command::new("lset", 4, Flags::WRITE.union(Flags::DENYOOM), lset)
};

pub const LINSERT: Command = Command {
    group: Group::List,
    since: "2.2.0",
    summary: "Inserts an element before or after the first one that has a value.",
    complexity: "O(N) where N is the number of elements up to that one.",
    syntax: "key where(BEFORE|AFTER) pivot element",
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    ..Command::new("linsert", 5, Flags::WRITE.union(Flags::DENYOOM), linsert)
};

pub const LREM: Command = Command {
    group: Group::List,
    summary: "Removes elements that have a value, all or the first so many from either end.",
    complexity: "O(N) where N is the number of elements up to the last one removed.",
    syntax: "key count:integer element",
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    ..Command::new("lrem", 4, Flags::WRITE, lrem)
};

pub const LTRIM: Command = Command {
    group: Group::List,
    summary: "Removes the elements of a list that are not between two indexes, both included.",
    complexity: "O(N) where N is the number of elements removed.",
    syntax: "key start:integer stop:integer",
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    ..Command::new("ltrim", 4, Flags::WRITE, ltrim)
};

const EVENT_LSET: Event = Event::new(EventClass::LIST, "lset");
const EVENT_LINSERT: Event = Event::new(EventClass::LIST, "linsert");
const EVENT_LREM: Event = Event::new(EventClass::LIST, "lrem");
const EVENT_LTRIM: Event = Event::new(EventClass::LIST, "ltrim");

fn lset(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, index, limits) = (ctx.key(1), ctx.int(2), limits(ctx.server, ctx.config()));
    let element = ctx.args.get(3);
    let updated = values::update(&mut ctx.db, key, |list: &mut List| {
        let at = position(list.len(), index?).ok_or(Error::INDEX_OUT_OF_RANGE)?;
        list.prepare(limits, element.len(), 1);
        list.set(at, element.into());
        list.settle(limits);
        Ok(())
    })?;
    updated.ok_or(Error::NO_SUCH_KEY)?.result?;
    ctx.db.changed(key, EVENT_LSET);
    ctx.out.ok();
    Ok(())
}

fn linsert(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let offset = if ctx.is(2, "AFTER") {
        1
    } else if ctx.is(2, "BEFORE") {
        0
    } else {
        return Err(Error::SYNTAX);
    };
    let (key, limits) = (ctx.key(1), limits(ctx.server, ctx.config()));
    let (pivot, element) = (Element::from(ctx.args.get(3)), ctx.args.get(4));
    let updated = values::update(&mut ctx.db, key, |list: &mut List| {
        let at = index_of(list, pivot)?;
        list.prepare(limits, element.len(), 1);
        list.insert(at + offset, element.into());
        Some(list.len())
    })?;
    match updated.map(|updated| updated.result) {
        Some(Some(len)) => {
            ctx.db.changed(key, EVENT_LINSERT);
            ctx.out.integer(len as i64);
        }
        Some(None) => ctx.out.integer(-1),
        None => ctx.out.integer(0),
    }
    Ok(())
}

/// The index of the first element that is `wanted`.
fn index_of(list: &List, wanted: Element<'_>) -> Option<usize> {
    let mut index = 0;
    let search = list.visit(0, Direction::Forward, |element| {
        if element == wanted {
            return ControlFlow::Break(index);
        }
        index += 1;
        ControlFlow::Continue(())
    });
    search.break_value()
}

fn lrem(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let count = ctx.int(2)?;
    let (key, limits, element) = (ctx.key(1), limits(ctx.server, ctx.config()), ctx.args.get(3));
    let direction = if count < 0 { Direction::Backward } else { Direction::Forward };
    let most = if count == 0 { usize::MAX } else { count.unsigned_abs() as usize };
    let updated = values::update(&mut ctx.db, key, |list: &mut List| {
        let count = list.remove_matching(element, most, direction);
        list.settle(limits);
        count
    })?;
    let count = updated.map_or(0, |updated| updated.result);
    if let Some(updated) = updated
        && count > 0
    {
        removed(&mut ctx.db, key, EVENT_LREM, count, updated.is_empty);
    }
    ctx.out.integer(count as i64);
    Ok(())
}

fn ltrim(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (start, stop) = (ctx.int(2)?, ctx.int(3)?);
    let (key, limits) = (ctx.key(1), limits(ctx.server, ctx.config()));
    let updated = values::update(&mut ctx.db, key, |list: &mut List| {
        let len = list.len();
        let kept = between(len, start, stop);
        list.remove_range(kept.end, len - kept.end);
        list.remove_range(0, kept.start);
        list.settle(limits);
        len - kept.len()
    })?;
    if let Some(updated) = updated {
        removed(&mut ctx.db, key, EVENT_LTRIM, updated.result, updated.is_empty);
    }
    ctx.out.ok();
    Ok(())
}
