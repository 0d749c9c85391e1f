//! Places, distances and units, as clients write them and are replied.

use russet_data::geo::Place;
use russet_data::number::parse_f64;
use russet_data::sorted_set::SortedSet;
use russet_resp::ReplyWriter;

use crate::error::Error;
use crate::exec::Ctx;

/// A longitude at an argument and a latitude at the next.
pub(super) fn place(ctx: &Ctx<'_>, at: usize) -> Result<Place, Error> {
    let degrees = |at: usize| parse_f64(ctx.args.get(at)).ok_or(Error::NOT_A_FLOAT);
    let (longitude, latitude) = (degrees(at)?, degrees(at + 1)?);
    Place::new(longitude, latitude).ok_or_else(|| {
        Error::new(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
    })
}

/// How many metres the unit at an argument has.
pub(super) fn unit_meters(ctx: &Ctx<'_>, at: usize) -> Result<f64, Error> {
    const UNITS: [(&str, f64); 4] = [("M", 1.0), ("KM", 1000.0), ("FT", 0.3048), ("MI", 1609.34)];
    let unit = UNITS.iter().find(|(name, _)| ctx.is(at, name));
    unit.map(|(_, meters)| *meters)
        .ok_or(Error::new("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// The place of a member.
pub(super) fn place_of(set: &SortedSet, member: &[u8]) -> Option<Place> {
    set.score(member).map(Place::of_score)
}

/// Writes a place: longitude and latitude with up to 17 digits behind the point.
pub(super) fn write_place(out: &mut ReplyWriter<'_>, place: Place) {
    out.array(2);
    for degrees in [place.longitude, place.latitude] {
        let text = format!("{degrees:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        out.decimal(if text == "-0" { b"0" } else { text.as_bytes() });
    }
}

/// Writes a distance with four digits behind the point.
pub(super) fn write_distance(out: &mut ReplyWriter<'_>, distance: f64) {
    let scaled = (distance * 10_000.0).round_ties_even() as u64;
    out.bulk(format!("{}.{:04}", scaled / 10_000, scaled % 10_000).as_bytes());
}
