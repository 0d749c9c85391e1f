//! Places and distances of members.

use russet_data::sorted_set::SortedSet;

use super::arguments::{place_of, unit_meters, write_distance, write_place};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, values};

const READS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::READS)];

pub const GEOPOS: Command = Command {
    group: Group::Geo,
    since: "3.2.0",
    summary: "Returns the longitudes and latitudes of members.",
    complexity: "O(N) where N is the number of members asked for.",
    syntax: "key [member...]",
    keys: READS,
    ..Command::new("geopos", -2, Flags::READONLY, geopos)
};

pub const GEOHASH: Command = Command {
    group: Group::Geo,
    since: "3.2.0",
    summary: "Returns the places of members as geohash strings.",
    complexity: "O(N) where N is the number of members asked for.",
    syntax: "key [member...]",
    keys: READS,
    ..Command::new("geohash", -2, Flags::READONLY, geohash)
};

pub const GEODIST: Command = Command {
    group: Group::Geo,
    since: "3.2.0",
    summary: "Returns the distance between two members.",
    complexity: "O(1)",
    syntax: "key member1 member2 [unit(M|KM|FT|MI)]",
    keys: READS,
    ..Command::new("geodist", -4, Flags::READONLY, geodist)
};

fn geopos(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let set = values::read::<SortedSet>(&mut ctx.db, key)?;
    ctx.out.array(ctx.args.len() - 2);
    for member in ctx.args.iter_from(2) {
        match set.as_ref().and_then(|set| place_of(set, member)) {
            Some(place) => write_place(&mut ctx.out, place),
            None => ctx.out.null_array(),
        }
    }
    Ok(())
}

fn geohash(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let set = values::read::<SortedSet>(&mut ctx.db, key)?;
    ctx.out.array(ctx.args.len() - 2);
    for member in ctx.args.iter_from(2) {
        match set.as_ref().and_then(|set| place_of(set, member)) {
            Some(place) => ctx.out.bulk(&place.geohash()),
            None => ctx.out.null(),
        }
    }
    Ok(())
}

fn geodist(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let unit = match ctx.args.len() {
        4 => 1.0,
        5 => unit_meters(ctx, 4)?,
        _ => return Err(Error::SYNTAX),
    };
    let key = ctx.key(1);
    let (one, other) = (ctx.args.get(2), ctx.args.get(3));
    let set = values::read::<SortedSet>(&mut ctx.db, key)?;
    match set.and_then(|set| place_of(&set, one).zip(place_of(&set, other))) {
        Some((one, other)) => write_distance(&mut ctx.out, one.distance_meters(other) / unit),
        None => ctx.out.null(),
    }
    Ok(())
}
