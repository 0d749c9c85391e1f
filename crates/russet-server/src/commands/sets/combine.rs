//! Intersection, union and difference.

use russet_data::listpack::Element;
use russet_data::number::parse_i64;
use russet_data::object::Variant;
use russet_data::set::{Limits, Set};

use super::{READ, event, limits, look};
use crate::command::{Begin, Command, Find, Flags, Group, KeyFlags, KeySpec};
use crate::commands::collections::reply;
use crate::error::Error;
use crate::exec::values::{self, Held};
use crate::exec::{Ctx, Event, Key};
use crate::lazy_free::LazyFree;

/// The keys of SINTER and its like.
const SOURCES: KeySpec = KeySpec::range(1, -1, 1, KeyFlags::READS);
/// The keys of those that store.
const SOURCES_AFTER_DESTINATION: KeySpec = KeySpec::range(2, -1, 1, KeyFlags::READS);

const INTERSECTION_COMPLEXITY: &str =
    "O(N*M) where N is the number of members of the smallest set and M the number of sets.";
const UNION_COMPLEXITY: &str = "O(N) where N is the number of members of all sets.";

pub const SINTER: Command = Command {
    group: Group::Set,
    summary: "Returns the members that are in all of several sets.",
    complexity: INTERSECTION_COMPLEXITY,
    syntax: "key...",
    tips: &["nondeterministic_output_order"],
    keys: &[SOURCES],
    ..Command::new("sinter", -2, READ, |ctx| show(ctx, Operation::Intersection))
};

pub const SUNION: Command = Command {
    name: "sunion",
    summary: "Returns the members that are in any of several sets.",
    complexity: UNION_COMPLEXITY,
    handler: |ctx| show(ctx, Operation::Union),
    ..SINTER
};

pub const SDIFF: Command = Command {
    name: "sdiff",
    summary: "Returns the members of the first of several sets that are in none of the others.",
    complexity: UNION_COMPLEXITY,
    handler: |ctx| show(ctx, Operation::Difference),
    ..SINTER
};

pub const SINTERSTORE: Command = Command {
    name: "sinterstore",
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    summary: "Stores the members that are in all of several sets.",
    syntax: "destination:key key...",
    tips: &[],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE)), SOURCES_AFTER_DESTINATION],
    handler: |ctx| store(ctx, Operation::Intersection, event("sinterstore")),
    ..SINTER
};

pub const SUNIONSTORE: Command = Command {
    name: "sunionstore",
    summary: "Stores the members that are in any of several sets.",
    complexity: UNION_COMPLEXITY,
    keys: &[KeySpec::one(1, KeyFlags::OVERWRITES), SOURCES_AFTER_DESTINATION],
    handler: |ctx| store(ctx, Operation::Union, event("sunionstore")),
    ..SINTERSTORE
};

pub const SDIFFSTORE: Command = Command {
    name: "sdiffstore",
    summary: "Stores the members of the first of several sets that are in none of the others.",
    handler: |ctx| store(ctx, Operation::Difference, event("sdiffstore")),
    ..SUNIONSTORE
};

pub const SINTERCARD: Command = Command {
    name: "sintercard",
    arity: -3,
    since: "7.0.0",
    summary: "Returns how many members are in all of several sets.",
    syntax: "numkeys:integer key... [LIMIT limit:integer]",
    tips: &[],
    keys: &[KeySpec {
        flags: KeyFlags::READS,
        begin: Begin::Index(1),
        find: Find::KeyNum { count: 0, first: 1, step: 1 },
    }],
    handler: sintercard,
    ..SINTER
};

/// How sets are combined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Intersection,
    Union,
    Difference,
}

/// Reads the keys from argument `first` on, `count` of them, of which those of another type are an
/// error even if the result is known before they are looked at.
fn read_sources<'a>(ctx: &mut Ctx<'a>, first: usize, count: usize) -> Result<Vec<Key<'a>>, Error> {
    let keys: Vec<Key<'a>> = (first..first + count).map(|at| ctx.key(at)).collect();
    for key in &keys {
        values::read::<Set>(&mut ctx.db, *key)?;
    }
    Ok(keys)
}

type Source<'v> = Option<Held<'v, Set>>;

fn sources<'v>(ctx: &'v Ctx<'_>, keys: &[Key<'_>]) -> Result<Vec<Source<'v>>, Error> {
    keys.iter().map(|key| look(ctx, *key)).collect()
}

fn show(ctx: &mut Ctx<'_>, operation: Operation) -> Result<(), Error> {
    let keys = read_sources(ctx, 1, ctx.args.len() - 1)?;
    let (limits, lazy_free) = (limits(ctx), &ctx.server.lazy_free);
    let mut encoded = Vec::new();
    let mut members = russet_resp::ReplyWriter::new(&mut encoded, ctx.out.protocol());
    let mut count = 0;
    let mut add = |member: Element<'_>| {
        reply(&mut members, member);
        count += 1;
        true
    };
    let sources = sources(ctx, &keys)?;
    match operation {
        Operation::Intersection => intersect(&sources, &mut add),
        // What was shown must be remembered, unless there is nothing to compare it with.
        Operation::Union if keys.len() > 1 => {
            let result = union(&sources, &limits);
            result.iter().for_each(|member| {
                add(member);
            });
            discard(lazy_free, result);
        }
        Operation::Union => sources[0].iter().flat_map(|set| set.iter()).for_each(|member| {
            add(member);
        }),
        Operation::Difference => {
            discard(lazy_free, subtract(&keys, &sources, &limits, &mut add));
        }
    }
    drop(sources);
    ctx.out.set(count);
    ctx.out.buffer().extend_from_slice(&encoded);
    Ok(())
}

fn store(ctx: &mut Ctx<'_>, operation: Operation, event: Event) -> Result<(), Error> {
    let destination = ctx.key(1);
    let keys = read_sources(ctx, 2, ctx.args.len() - 2)?;
    let (limits, lazy_free) = (limits(ctx), &ctx.server.lazy_free);
    let sources = sources(ctx, &keys)?;
    let mut result = Set::new();
    let mut add = |member: Element<'_>| result.insert_element(member, &limits);
    match operation {
        Operation::Intersection => intersect(&sources, &mut add),
        Operation::Union => result = union(&sources, &limits),
        Operation::Difference => {
            discard(lazy_free, subtract(&keys, &sources, &limits, &mut add));
        }
    }
    drop(sources);
    let len = result.len();
    values::replace(ctx, destination, result, event);
    ctx.out.integer(len as i64);
    Ok(())
}

fn sintercard(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let count = parse_i64(ctx.args.get(1)).and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count > 0);
    let count = count.ok_or(Error::new("ERR numkeys should be greater than 0"))?;
    if count > ctx.args.len() - 2 {
        return Err(Error::new("ERR Number of keys can't be greater than number of args"));
    }
    let mut limit = 0;
    for at in (2 + count..ctx.args.len()).step_by(2) {
        if !ctx.is(at, "LIMIT") || at + 1 == ctx.args.len() {
            return Err(Error::SYNTAX);
        }
        let number = parse_i64(ctx.args.get(at + 1)).and_then(|limit| usize::try_from(limit).ok());
        limit = number.ok_or(Error::new("ERR LIMIT can't be negative"))?;
    }
    let keys = read_sources(ctx, 2, count)?;
    let mut found = 0;
    intersect(&sources(ctx, &keys)?, &mut |_| {
        found += 1;
        limit == 0 || found < limit
    });
    ctx.out.integer(found as i64);
    Ok(())
}

/// Hands the members that are in all sets to `found`, until it is satisfied if `found` says whether to
/// go on. A key without a set is an empty one.
fn intersect(sources: &[Source<'_>], found: &mut dyn FnMut(Element<'_>) -> bool) {
    let Some(mut sets) = sources.iter().map(Option::as_deref).collect::<Option<Vec<&Set>>>() else {
        return;
    };
    sets.sort_by_key(|set| set.len());
    let Some(smallest) = sets.first().copied() else { return };
    sets.retain(|set| !std::ptr::eq(*set, smallest));
    Set::sift(smallest.iter(), &sets, true, found);
}

/// The members that are in any of the sets.
fn union(sources: &[Source<'_>], limits: &Limits) -> Set {
    let mut sets: Vec<&Set> = sources.iter().filter_map(Option::as_deref).collect();
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let mut result = Set::new();
    for (nth, set) in sets.into_iter().enumerate() {
        if nth == 0 && set.len() > limits.intset_entries.max(limits.listpack_entries) {
            // The result will be a table, as this one is.
            result = set.clone();
        } else {
            set.iter().for_each(|member| {
                result.insert_element(member, limits);
            });
        }
    }
    result
}

/// Frees a set that served its purpose, in the background if it is large.
fn discard(lazy_free: &LazyFree, set: Set) {
    lazy_free.free_object(Some(Box::new(set.into_object())));
}

/// Hands the members of the first set that are in none of the others to `found`, and returns a set
/// that was needed for that.
///
/// Either each member of the first set is looked for in the others, or each member of the others is
/// removed from a copy of the first, whichever is less work. A look-up is counted half, because it ends
/// at the first set that has the member.
fn subtract(
    keys: &[Key<'_>],
    sources: &[Source<'_>],
    limits: &Limits,
    found: &mut dyn FnMut(Element<'_>) -> bool,
) -> Set {
    let Some(first) = sources[0].as_deref() else { return Set::new() };
    if keys[1..].iter().any(|key| key.bytes == keys[0].bytes) {
        return Set::new();
    }
    let mut others: Vec<&Set> = sources[1..].iter().filter_map(Option::as_deref).collect();
    let look_ups = first.len() * (1 + others.len()) / 2;
    let removals = first.len() + others.iter().map(|set| set.len()).sum::<usize>();
    if look_ups <= removals {
        // The largest is the most likely to have a member.
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        Set::sift(first.iter(), &others, false, &mut |member| {
            found(member);
            true
        });
        return Set::new();
    }
    let mut rest = union(&sources[..1], limits);
    for member in others.iter().flat_map(|set| set.iter()) {
        rest.remove_element(member);
        if rest.is_empty() {
            break;
        }
    }
    rest.iter().for_each(|member| {
        found(member);
    });
    rest
}
