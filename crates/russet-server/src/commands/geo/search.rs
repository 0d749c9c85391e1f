//! Searching for places.

use russet_data::geo::{Area, Place};
use russet_data::sorted_set::{Builder, Member, ScoreBound, SortedSet};
use russet_resp::ReplyWriter;

use super::arguments::{write_distance, write_place};
use super::options::{Form, Options, Order, Target};
use crate::command::{Begin, Command, Find, Flags, Group, KeyFlags, KeySpec};
use crate::commands::sorted_sets;
use crate::error::Error;
use crate::exec::{Ctx, values};

const WRITES: Flags = Flags::WRITE.union(Flags::DENYOOM);
const COMPLEXITY: &str = "O(N+log(M)) where N is the number of elements in the cells of the map that \
                          cover the area and M the number of elements in the sorted set.";

/// The key after a word from an argument on.
const fn after(word: &'static str, from: i32) -> KeySpec {
    KeySpec {
        flags: KeyFlags::OVERWRITES,
        begin: Begin::Keyword(word, from),
        find: Find::Range { last: 0, step: 1, limit: 0 },
    }
}

pub const GEORADIUS: Command = Command {
    group: Group::Geo,
    since: "3.2.0",
    summary: "Returns or stores the members within a distance of a place.",
    complexity: COMPLEXITY,
    syntax: "key longitude:double latitude:double radius:double unit(M|KM|FT|MI) [WITHCOORD] \
             [WITHDIST] [WITHHASH] [count(COUNT count:integer [ANY])] [order(ASC|DESC)] \
             [STORE key] [STOREDIST key]",
    history: &[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    keys: &[KeySpec::one(1, KeyFlags::READS), after("STORE", 6), after("STOREDIST", 6)],
    replaced_by: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")),
    ..Command::new("georadius", -6, WRITES, georadius)
};

pub const GEORADIUS_RO: Command = Command {
    group: Group::Geo,
    since: "3.2.10",
    summary: "Returns the members within a distance of a place.",
    complexity: COMPLEXITY,
    syntax: "key longitude:double latitude:double radius:double unit(M|KM|FT|MI) [WITHCOORD] \
             [WITHDIST] [WITHHASH] [count(COUNT count:integer [ANY])] [order(ASC|DESC)]",
    history: &[("6.2.0", "Added the `ANY` option for `COUNT`.")],
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    replaced_by: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")),
    ..Command::new("georadius_ro", -6, Flags::READONLY, georadius_ro)
};

pub const GEORADIUSBYMEMBER: Command = Command {
    group: Group::Geo,
    since: "3.2.0",
    summary: "Returns or stores the members within a distance of a member.",
    complexity: COMPLEXITY,
    syntax: "key member radius:double unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] \
             [count(COUNT count:integer [ANY])] [order(ASC|DESC)] [STORE key] [STOREDIST key]",
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    keys: &[KeySpec::one(1, KeyFlags::READS), after("STORE", 5), after("STOREDIST", 5)],
    replaced_by: Some((
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    )),
    ..Command::new("georadiusbymember", -5, WRITES, georadiusbymember)
};

pub const GEORADIUSBYMEMBER_RO: Command = Command {
    group: Group::Geo,
    since: "3.2.10",
    summary: "Returns the members within a distance of a member.",
    complexity: COMPLEXITY,
    syntax: "key member radius:double unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] \
             [count(COUNT count:integer [ANY])] [order(ASC|DESC)]",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    replaced_by: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")),
    ..Command::new("georadiusbymember_ro", -5, Flags::READONLY, georadiusbymember_ro)
};

pub const GEOSEARCH: Command = Command {
    group: Group::Geo,
    since: "6.2.0",
    summary: "Returns the members within a circle or box.",
    complexity: COMPLEXITY,
    syntax: "key from(FROMMEMBER member | \
             FROMLONLAT longitude_latitude(longitude:double latitude:double)) \
             by(circle(BYRADIUS radius:double unit(M|KM|FT|MI)) | \
             box(BYBOX width:double height:double unit(M|KM|FT|MI))) [order(ASC|DESC)] \
             [count(COUNT count:integer [ANY])] [WITHCOORD] [WITHDIST] [WITHHASH]",
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("geosearch", -7, Flags::READONLY, geosearch)
};

pub const GEOSEARCHSTORE: Command = Command {
    group: Group::Geo,
    since: "6.2.0",
    summary: "Stores the members within a circle or box.",
    complexity: COMPLEXITY,
    syntax: "destination:key source:key from(FROMMEMBER member | \
             FROMLONLAT longitude_latitude(longitude:double latitude:double)) \
             by(circle(BYRADIUS radius:double unit(M|KM|FT|MI)) | \
             box(BYBOX width:double height:double unit(M|KM|FT|MI))) [order(ASC|DESC)] \
             [count(COUNT count:integer [ANY])] [STOREDIST]",
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    keys: &[KeySpec::one(1, KeyFlags::OVERWRITES), KeySpec::one(2, KeyFlags::READS)],
    ..Command::new("geosearchstore", -8, WRITES, geosearchstore)
};

fn georadius(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    search(ctx, 1, Form::AroundPlace, Target::Reply { may_store: true })
}

fn georadius_ro(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    search(ctx, 1, Form::AroundPlace, Target::Reply { may_store: false })
}

fn georadiusbymember(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    search(ctx, 1, Form::AroundMember, Target::Reply { may_store: true })
}

fn georadiusbymember_ro(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    search(ctx, 1, Form::AroundMember, Target::Reply { may_store: false })
}

fn geosearch(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    search(ctx, 1, Form::Search, Target::Reply { may_store: false })
}

fn geosearchstore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    search(ctx, 2, Form::Search, Target::Store)
}

/// A member within the area.
struct Found<'a> {
    member: Member<'a>,
    score: f64,
    place: Place,
    distance_meters: f64,
}

fn search(ctx: &mut Ctx<'_>, source_at: usize, form: Form, target: Target) -> Result<(), Error> {
    let source = ctx.key(source_at);
    // Read for its traces; looked at below, where the context is borrowed as well.
    values::read::<SortedSet>(&mut ctx.db, source)?;
    let set = values::held::<SortedSet>(ctx.db.look(source))?;
    let options = Options::parse(ctx, set.as_deref(), form, target)?;
    let found = match (set.as_deref(), options.area) {
        (Some(set), Some(area)) => find(set, &area, &options),
        _ => Vec::new(),
    };
    let unit_meters = options.area.map_or(1.0, |area| area.unit_meters);
    let Some(store_at) = options.store_at else {
        let out = &mut ctx.out;
        out.array(found.len());
        found.iter().for_each(|found| write(out, found, &options, unit_meters));
        return Ok(());
    };
    let mut result = Builder::new();
    for found in &found {
        let score =
            if options.store_distances { found.distance_meters / unit_meters } else { found.score };
        result.put(found.member.as_bytes(&mut russet_data::number::IntBuf::new()), |_| score);
    }
    let stored = found.len();
    drop(found);
    store(ctx, store_at, form, result, stored)
}

/// The members within an area, in the order and number asked for.
fn find<'a>(set: &'a SortedSet, area: &Area, options: &Options) -> Vec<Found<'a>> {
    let most = if options.any { options.count } else { usize::MAX };
    let mut found = Vec::new();
    'cells: for cell in area.cells() {
        let scores = cell.scores();
        let (min, max) = (ScoreBound::Inclusive(scores.start), ScoreBound::Exclusive(scores.end));
        for (member, score) in set.range(set.ranks_by_score(min, max)) {
            let place = Place::of_score(score);
            if let Some(distance_meters) = area.distance_within_meters(place) {
                found.push(Found { member, score, place, distance_meters });
                if found.len() >= most {
                    break 'cells;
                }
            }
        }
    }
    // A number of members means the nearest ones, unless any will do.
    let nearest = (options.count != 0 && !options.any).then_some(Order::Ascending);
    match options.order.or(nearest) {
        Some(Order::Ascending) => {
            found.sort_by(|one, other| one.distance_meters.total_cmp(&other.distance_meters));
        }
        Some(Order::Descending) => {
            found.sort_by(|one, other| other.distance_meters.total_cmp(&one.distance_meters));
        }
        None => {}
    }
    if options.count != 0 {
        found.truncate(options.count);
    }
    found
}

fn write(out: &mut ReplyWriter<'_>, found: &Found<'_>, options: &Options, unit_meters: f64) {
    let details = [options.with_distance, options.with_score, options.with_place];
    let details = details.into_iter().filter(|wanted| *wanted).count();
    if details > 0 {
        out.array(1 + details);
    }
    sorted_sets::member(out, found.member);
    if options.with_distance {
        write_distance(out, found.distance_meters / unit_meters);
    }
    if options.with_score {
        out.integer(found.score as i64);
    }
    if options.with_place {
        write_place(out, found.place);
    }
}

/// Puts the members found under the key at an argument.
fn store(
    ctx: &mut Ctx<'_>,
    at: usize,
    form: Form,
    result: Builder,
    stored: usize,
) -> Result<(), Error> {
    let args = ctx.args;
    let mut declared = ctx.command.key_positions(args.len(), |at| args.get(at));
    if !declared.any(|(position, _)| position == at) {
        // One of several options of the same name, of which the declaration knows the first: its key
        // is not locked.
        return Err(Error::SYNTAX);
    }
    let name = if form == Form::Search { "geosearchstore" } else { "georadiusstore" };
    let result = result.finish(sorted_sets::limits(ctx));
    let destination = ctx.key(at);
    values::replace(ctx, destination, result, sorted_sets::event(name));
    // Each member counts as a change, of which one is counted.
    ctx.db.count_changes(stored.saturating_sub(1) as u64);
    ctx.out.integer(stored as i64);
    Ok(())
}
