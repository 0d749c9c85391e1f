//! SORT with every option, over collections of every type.
//!
//! The keys are its own: Redis 7.0 gives a sorted set that was sorted its large encoding for good, and
//! returns a set that is not to be sorted in whatever order it has. Numbers too large for a float are
//! left out as well: Redis 7.0 takes the error of one for an error of the next.

use super::Generator;
use crate::step::Line;

/// SORT and SORT_RO.
pub fn sort(g: &mut Generator) -> Line {
    let mut line = Line::new(g.one_of(&["SORT", "SORT", "SORT_RO"]));
    let (is_set, other_type) = (g.once_in(4), g.once_in(12));
    line = match (is_set, other_type) {
        (true, _) => line.and("sort:set"),
        (_, true) => line.with(weight_key(g)),
        _ => line.with(ordered(g)),
    };
    // What has equal weights as text is in no certain order in Redis.
    let alpha = g.rng.bool();
    for _ in 0..g.rng.u32(..4) {
        line = match g.rng.u32(..10) {
            0 => line.and("ASC"),
            1 | 2 => line.and("DESC"),
            3 | 4 => line.and("LIMIT").with(bound(g)).with(bound(g)),
            5 | 6 => line.and("GET").with(pattern(g)),
            7 if is_set && !alpha => line.and("BY").with(g.one_of(&["w*", "w*->field"])),
            7 if !alpha => line.and("BY").with(weights(g)),
            _ => line.and("STORE").with(ordered(g)),
        };
    }
    if alpha { line.and("ALPHA") } else { line }
}

/// What SORT works on, and the keys that its patterns make of it.
pub fn values(g: &mut Generator) -> Line {
    match g.rng.u32(..12) {
        0..=3 => {
            let mut line = Line::new(g.one_of(&["RPUSH", "LPUSH"])).with(ordered(g));
            for _ in 0..g.rng.u32(1..20) {
                line = line.with(element(g));
            }
            line
        }
        4 => Line::new("SADD sort:set").with(element(g)).with(element(g)).with(element(g)),
        5 => Line::new("ZADD")
            .with(ordered(g))
            .with(g.rng.u32(..9).to_string())
            .with(element(g))
            .with(g.rng.u32(..9).to_string())
            .with(element(g)),
        6 | 7 => Line::new("SET").with(weight_key(g)).with(weight(g)),
        8 => Line::new("HSET").with(weight_key(g)).and("field").with(weight(g)),
        9 => Line::new("LRANGE").with(ordered(g)).and("0 -1"),
        10 => Line::new("TYPE").with(ordered(g)),
        _ => Line::new("DEL").with(ordered(g)),
    }
}

/// A list or sorted set.
fn ordered(g: &mut Generator) -> &'static str {
    g.one_of(&["sort:1", "sort:2", "sort:3"])
}

fn element(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..40) {
        0 => g.one_of(&["one", "", " 5", "5 ", "0x10", "-inf", "1.5", "nan", "a b"]).into(),
        1..=4 => (g.rng.i32(-9999..9999) as f64 / 8.0).to_string().into_bytes(),
        _ => g.rng.u32(..12).to_string().into_bytes(),
    }
}

fn weight_key(g: &mut Generator) -> Vec<u8> {
    format!("w{}", g.rng.u32(..12)).into_bytes()
}

fn weight(g: &mut Generator) -> Vec<u8> {
    if g.once_in(10) { element(g) } else { g.rng.u32(..50).to_string().into_bytes() }
}

fn weights(g: &mut Generator) -> &'static str {
    g.one_of(&["w*", "w*", "w*->field", "nosort", "w*->", "#"])
}

fn pattern(g: &mut Generator) -> &'static str {
    g.one_of(&["#", "w*", "w*->field", "w*->nofield", "constant", "*", "w*->", ""])
}

fn bound(g: &mut Generator) -> Vec<u8> {
    if g.once_in(8) { g.integer() } else { g.rng.i32(-3..20).to_string().into_bytes() }
}
