//! SORT: the elements of a list, set or sorted set in order.
//!
//! A call that names its keys in its arguments runs under their locks. One whose patterns make keys of
//! elements (`BY weight_* GET data_*->name`) reaches keys that nobody knows before it runs, and so
//! runs alone, see [`Command::reaches`].
//!
//! The elements are copied once, side by side; what is sorted is their places with their weights.

mod elements;
mod pattern;
mod request;

use russet_data::list::{Direction, End, List};
use russet_data::object::Variant;
use russet_data::set::Set;
use russet_data::sorted_set::SortedSet;
use russet_keyspace::entry::ValueRef;

use self::elements::Elements;
use self::pattern::Pattern;
use self::request::Request;
use super::lists::limits;
use crate::command::{Begin, Categories, Command, Find, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass, Key, View, values};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[SORT, SORT_RO];

const SORT: Command = Command {
    group: Group::Generic,
    summary: "Sorts the elements of a list, a set or a sorted set, and returns or stores them.",
    complexity: "O(N + M * log(M)) where N is the number of elements and M of those returned; O(N) \
                 if nothing is sorted.",
    syntax: "key [BY pattern:key-pattern] [LIMIT offset_count(offset:integer count:integer)] \
             [GET pattern:key-pattern]... [order(ASC|DESC)] [ALPHA] [STORE destination:key]",
    categories: Categories::COLLECTIONS.union(Categories::DANGEROUS),
    keys: &[SORTED, PATTERNS, STORED],
    reaches: Some(request::reaches_other_keys),
    ..Command::new("sort", -2, Flags::WRITE.union(Flags::DENYOOM), sort)
};

const SORT_RO: Command = Command {
    since: "7.0.0",
    summary: "Sorts the elements of a list, a set or a sorted set, and returns them.",
    syntax: "key [BY pattern:key-pattern] [LIMIT offset_count(offset:integer count:integer)] \
             [GET pattern:key-pattern]... [order(ASC|DESC)] [ALPHA]",
    keys: &[SORTED, PATTERNS],
    name: "sort_ro",
    flags: Flags::READONLY,
    handler: sort_ro,
    ..SORT
};

const SORTED: KeySpec = KeySpec::one(1, KeyFlags::READS);
/// Keys that patterns make of elements.
const PATTERNS: KeySpec = KeySpec {
    flags: KeyFlags::READS,
    begin: Begin::Nowhere,
    find: Find::Range { last: 0, step: 1, limit: 0 },
};
const STORED: KeySpec = KeySpec {
    flags: KeyFlags::OVERWRITES,
    begin: Begin::LastOption {
        word: "STORE",
        from: 2,
        others: &[("LIMIT", 2), ("GET", 1), ("BY", 1)],
    },
    find: Find::Range { last: 0, step: 1, limit: 0 },
};

const EVENT_SORTSTORE: Event = Event::new(EventClass::LIST, "sortstore");

fn sort(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    run(ctx, true)
}

fn sort_ro(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    run(ctx, false)
}

fn run(ctx: &mut Ctx<'_>, may_store: bool) -> Result<(), Error> {
    let mut request = Request::parse(ctx, may_store)?;
    let key = ctx.key(1);
    let (elements, places) = load(ctx, key, &mut request)?;
    let places = if request.is_sorted() {
        let range = request.range(elements.len());
        elements.sorted(&mut ctx.db, &request, range)?
    } else {
        places
    };
    match request.store {
        Some(at) => {
            let destination = destination(ctx, at);
            store(ctx, &request, &elements, &places, destination);
        }
        None => {
            ctx.out.array(places.len() * request.get.len().max(1));
            let out = &mut ctx.out;
            each_value(&mut ctx.db, &request, &elements, &places, |value| match value {
                Some(value) => out.bulk(value),
                None => out.null(),
            });
        }
    }
    Ok(())
}

/// The elements of a key, and the places of those that are wanted if nothing is to be sorted. A set has
/// no order of its own: if it is stored unsorted, it is sorted all the same, so that the same set always
/// gives the same list.
fn load(
    ctx: &mut Ctx<'_>,
    key: Key<'_>,
    request: &mut Request<'_>,
) -> Result<(Elements, Vec<usize>), Error> {
    let mut elements = Elements::default();
    let Some(entry) = ctx.db.read(key) else { return Ok((elements, Vec::new())) };
    let ValueRef::Object(object) = entry.value() else { return Err(Error::WRONG_TYPE) };
    if let Some(list) = List::of(object) {
        let range = request.loaded_range(list.len());
        let (from, direction) = match request.descending && !request.is_sorted() {
            false => (range.start, Direction::Forward),
            true => ((list.len() - range.start).saturating_sub(1), Direction::Backward),
        };
        list.for_some(from, direction, range.len(), |element| elements.push(element));
    } else if let Some(set) = Set::of(object) {
        if request.store.is_some() || ctx.in_script {
            request.sort_as_text();
        }
        set.iter().for_each(|member| elements.push(member));
        if !request.is_sorted() {
            return Ok((elements, request.range(set.len()).collect()));
        }
    } else if let Some(set) = SortedSet::of(object) {
        let range = request.loaded_range(set.len());
        if request.descending && !request.is_sorted() {
            let ranks = set.len() - range.end..set.len() - range.start;
            set.range(ranks).rev().for_each(|(member, _)| elements.push(member));
        } else {
            set.range(range).for_each(|(member, _)| elements.push(member));
        }
    } else {
        return Err(Error::WRONG_TYPE);
    }
    let places = (0..elements.len()).collect();
    Ok((elements, places))
}

/// The key after the last `STORE`, with its hash.
fn destination<'a>(ctx: &Ctx<'a>, at: usize) -> Key<'a> {
    let bytes = ctx.args.get(at);
    Key { bytes, hash: ctx.db.hash(bytes) }
}

/// Shows what is returned for each place, in order: the element, or what the `GET` patterns find.
fn each_value(
    db: &mut View<'_>,
    request: &Request<'_>,
    elements: &Elements,
    places: &[usize],
    mut show: impl FnMut(Option<&[u8]>),
) {
    for &place in places {
        let element = elements.get(place);
        if request.get.is_empty() {
            show(Some(element));
        }
        for pattern in &request.get {
            pattern.look_up(db, element, &mut show);
        }
    }
}

fn store(
    ctx: &mut Ctx<'_>,
    request: &Request<'_>,
    elements: &Elements,
    places: &[usize],
    destination: Key<'_>,
) {
    let limits = limits(ctx.server, ctx.config());
    let mut list = List::new();
    each_value(&mut ctx.db, request, elements, places, |value| {
        let value = value.unwrap_or_default();
        list.prepare(limits, value.len(), 1);
        list.push(End::Right, value);
    });
    let len = list.len();
    values::replace(ctx, destination, list, EVENT_SORTSTORE);
    // Each element is a change, and one is counted already.
    ctx.db.count_changes((len as u64).saturating_sub(1));
    ctx.out.integer(len as i64);
}
