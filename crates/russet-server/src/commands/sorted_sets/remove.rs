//! Removing members by name and by range.

use russet_data::sorted_set::SortedSet;

use super::bounds::{Bounds, By};
use super::event;
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key, values};

const DELETES: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))];
const RANGE_COMPLEXITY: &str = "O(log(N)+M) where N is the number of elements in the sorted set and M \
                                the number of those removed.";

pub const ZREM: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Removes members from a sorted set, and the key if none are left.",
    complexity: "O(M*log(N)) where N is the number of elements in the sorted set and M the number of \
                 members to be removed.",
    syntax: "key member...",
    history: &[("2.4.0", "Accepts multiple elements.")],
    keys: DELETES,
    element: Some(2),
    ..Command::new("zrem", -3, Flags::WRITE.union(Flags::FAST), zrem)
};

pub const ZREMRANGEBYRANK: Command = Command {
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Removes the members of a sorted set whose ranks are within a range.",
    complexity: RANGE_COMPLEXITY,
    syntax: "key start:integer stop:integer",
    keys: DELETES,
    ..Command::new("zremrangebyrank", 4, Flags::WRITE, zremrangebyrank)
};

pub const ZREMRANGEBYSCORE: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Removes the members of a sorted set whose scores are within a range.",
    complexity: RANGE_COMPLEXITY,
    syntax: "key min:double max:double",
    keys: DELETES,
    ..Command::new("zremrangebyscore", 4, Flags::WRITE, zremrangebyscore)
};

pub const ZREMRANGEBYLEX: Command = Command {
    group: Group::SortedSet,
    since: "2.8.9",
    summary: "Removes the members of a sorted set that lie within a range of byte strings.",
    complexity: RANGE_COMPLEXITY,
    syntax: "key min max",
    keys: DELETES,
    ..Command::new("zremrangebylex", 4, Flags::WRITE, zremrangebylex)
};

fn zrem(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, args) = (ctx.key(1), ctx.args);
    let updated = values::update(&mut ctx.db, key, |set: &mut SortedSet| {
        args.iter_from(2).filter(|member| set.remove(member).is_some()).count()
    })?;
    let removed = updated.map_or(0, |updated| updated.result);
    if removed > 0 {
        ctx.db.changed_by(key, event("zrem"), removed as u64);
    }
    if updated.is_some_and(|updated| updated.is_empty) {
        values::remove_emptied(&mut ctx.db, key);
    }
    ctx.out.integer(removed as i64);
    Ok(())
}

fn zremrangebyrank(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    remove_range(ctx, By::Rank, "zremrangebyrank")
}

fn zremrangebyscore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    remove_range(ctx, By::Score, "zremrangebyscore")
}

fn zremrangebylex(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    remove_range(ctx, By::Lex, "zremrangebylex")
}

/// How much of a set a range covers.
enum Cover {
    Nothing,
    Part(usize),
    All(usize),
}

fn remove_range(ctx: &mut Ctx<'_>, by: By, name: &'static str) -> Result<(), Error> {
    let bounds = Bounds::parse(ctx, by, 2, 3)?;
    let key = ctx.key(1);
    let updated = values::update(&mut ctx.db, key, |set: &mut SortedSet| {
        let ranks = bounds.ranks(set, false);
        match ranks.len() {
            0 => Cover::Nothing,
            all if all == set.len() => Cover::All(all),
            part => {
                set.remove_range(ranks);
                Cover::Part(part)
            }
        }
    })?;
    let removed = match updated.map_or(Cover::Nothing, |updated| updated.result) {
        Cover::Nothing => 0,
        Cover::Part(removed) => {
            ctx.db.changed_by(key, event(name), removed as u64);
            removed
        }
        Cover::All(removed) => {
            ctx.db.changed_by(key, event(name), removed as u64);
            remove_whole(ctx, key);
            removed
        }
    };
    ctx.out.integer(removed as i64);
    Ok(())
}

/// Removes a key with all the elements of its set, which are freed elsewhere if they are many.
pub(super) fn remove_whole(ctx: &mut Ctx<'_>, key: Key<'_>) {
    if let Some(entry) = ctx.db.remove(key) {
        ctx.server.lazy_free.free(entry);
    }
    ctx.db.notify(crate::exec::Event::DEL, key.bytes);
}
