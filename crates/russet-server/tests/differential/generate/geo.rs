//! Places, and searches for them.

use super::Generator;
use crate::step::Line;

/// Every command on places. No two members are equally far from anywhere, because nothing says which
/// of them a search for the nearest few leaves out; so places are not drawn from a few, and stored
/// distances are not searched as if they were places.
pub fn geo(g: &mut Generator) -> Line {
    match g.rng.u32(..24) {
        0..=7 => geoadd(g),
        8 => {
            let line = Line::new("GEODIST").with(key(g)).with(member(g)).with(member(g));
            if g.rng.bool() { line.with(unit(g)) } else { line }
        }
        9 => Line::new("GEOHASH").with(key(g)).with(member(g)).with(member(g)),
        10 => Line::new("GEOPOS").with(key(g)).with(member(g)).with(member(g)),
        11..=13 => {
            let name = g.one_of(&["GEORADIUS", "GEORADIUS_RO"]);
            let line = Line::new(name).with(key(g));
            let line = place(g, line).with(radius(g)).with(unit(g));
            radius_options(g, line)
        }
        14 | 15 => {
            let name = g.one_of(&["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"]);
            let line = Line::new(name).with(key(g)).with(member(g)).with(radius(g)).with(unit(g));
            radius_options(g, line)
        }
        16..=19 => {
            let line = Line::new("GEOSEARCH").with(key(g));
            search(g, line, false)
        }
        20 | 21 => {
            let line = Line::new("GEOSEARCHSTORE").with(target(g)).with(key(g));
            search(g, line, true)
        }
        22 => Line::new("ZRANGE").with(target(g)).and("0 -1 WITHSCORES"),
        // Scores that no place has.
        _ => Line::new("ZADD").with(key(g)).with(g.rng.i64(..1 << 53).to_string()).with(member(g)),
    }
}

fn key(g: &mut Generator) -> Vec<u8> {
    g.one_of(&["geo:a", "geo:a", "geo:b", "a"]).as_bytes().to_vec()
}

fn target(g: &mut Generator) -> Vec<u8> {
    g.one_of(&["geo:stored", "geo:stored", "geo:c"]).as_bytes().to_vec()
}

fn member(g: &mut Generator) -> Vec<u8> {
    format!("m{}", g.rng.u32(..30)).into_bytes()
}

fn unit(g: &mut Generator) -> Vec<u8> {
    g.one_of(&["m", "km", "km", "KM", "ft", "mi", "cm"]).as_bytes().to_vec()
}

/// Around the Mediterranean for the most part, sometimes anywhere, at the edges or off the map.
fn place(g: &mut Generator, line: Line) -> Line {
    let (longitude, latitude) = match g.rng.u32(..8) {
        0 => (g.rng.f64() * 360.0 - 180.0, g.rng.f64() * 170.0 - 85.0),
        1 => (f64::from(g.rng.i32(-2..3)) * 90.0, g.rng.f64() * 170.0 - 85.0),
        2 if g.once_in(4) => return line.with(g.float()).with(g.float()),
        _ => (10.0 + g.rng.f64() * 10.0, 35.0 + g.rng.f64() * 10.0),
    };
    line.with(longitude.to_string()).with(latitude.to_string())
}

fn radius(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..8) {
        0 => g.one_of(&["0", "-1", "abc", "1e9", "inf"]).as_bytes().to_vec(),
        1 => (g.rng.f64() * 20_000.0).to_string().into_bytes(),
        _ => g.rng.u32(1..1_000).to_string().into_bytes(),
    }
}

fn geoadd(g: &mut Generator) -> Line {
    let mut line = Line::new("GEOADD").with(key(g));
    for option in ["NX", "XX", "CH"] {
        if g.once_in(6) {
            line = line.and(option);
        }
    }
    for _ in 0..g.rng.u32(1..5) {
        line = place(g, line).with(member(g));
    }
    line
}

/// Options of all searches. Without an order and with a count, any will do, or the nearest.
fn options(g: &mut Generator, mut line: Line, stores: bool) -> Line {
    if !stores || g.once_in(10) {
        for option in ["WITHDIST", "WITHCOORD", "WITHHASH"] {
            if g.once_in(3) {
                line = line.and(option);
            }
        }
    }
    if g.once_in(3) {
        line = line.and("COUNT").with(g.rng.i32(-1..10).to_string());
        if g.once_in(4) {
            line = line.and("ANY");
        }
    }
    if g.once_in(2) { line.and(g.one_of(&["ASC", "DESC"])) } else { line }
}

fn radius_options(g: &mut Generator, line: Line) -> Line {
    let stores = g.once_in(4);
    let line = options(g, line, stores);
    match (stores, g.rng.bool()) {
        (false, _) => line,
        (true, false) => line.and("STOREDIST").with(target(g)),
        (true, true) => line.and("STORE").with("geo:b"),
    }
}

fn search(g: &mut Generator, line: Line, stores: bool) -> Line {
    let line = match g.rng.u32(..12) {
        0 => line,
        1..=5 => line.and("FROMMEMBER").with(member(g)),
        _ => place(g, line.and("FROMLONLAT")),
    };
    let line = match g.rng.u32(..12) {
        0 => line,
        1..=5 => line.and("BYRADIUS").with(radius(g)).with(unit(g)),
        _ => line.and("BYBOX").with(radius(g)).with(radius(g)).with(unit(g)),
    };
    let line = options(g, line, stores);
    if stores && g.once_in(3) { line.and("STOREDIST") } else { line }
}
