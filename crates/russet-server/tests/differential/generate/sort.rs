//! SORT with every option, over collections of every type, and over keys that are none.

use super::Generator;
use crate::step::Line;

/// SORT and SORT_RO.
pub fn sort(g: &mut Generator) -> Line {
    let mut line = Line::new(g.one_of(&["SORT", "SORT", "SORT_RO"])).with(g.key());
    // Text has one order for equal weights in Redis only if it is the elements' own.
    let alpha = g.rng.bool();
    for _ in 0..g.rng.u32(..4) {
        line = match g.rng.u32(..10) {
            0 => line.and("ASC"),
            1 | 2 => line.and("DESC"),
            3 | 4 => line.and("LIMIT").with(bound(g)).with(bound(g)),
            5 | 6 => line.and("GET").with(pattern(g)),
            7 if !alpha => line.and("BY").with(weights(g)),
            _ => line.and("STORE").with(g.key()),
        };
    }
    if alpha { line.and("ALPHA") } else { line }
}

/// What SORT works on, and the keys that its patterns make of it.
pub fn values(g: &mut Generator) -> Line {
    match g.rng.u32(..12) {
        0..=3 => {
            let mut line = Line::new(g.one_of(&["RPUSH", "LPUSH"])).with(g.key());
            for _ in 0..g.rng.u32(1..20) {
                line = line.with(element(g));
            }
            line
        }
        4 => Line::new("SADD").with(g.key()).with(element(g)).with(element(g)).with(element(g)),
        5 => Line::new("ZADD")
            .with(g.key())
            .with(g.rng.u32(..9).to_string())
            .with(element(g))
            .with(g.rng.u32(..9).to_string())
            .with(element(g)),
        6 | 7 => Line::new("SET").with(weight_key(g)).with(weight(g)),
        8 => Line::new("HSET").with(weight_key(g)).and("field").with(weight(g)),
        9 => Line::new("LRANGE").with(g.key()).and("0 -1"),
        10 => Line::new("OBJECT ENCODING").with(g.key()),
        _ => Line::new("DEL").with(g.key()),
    }
}

fn element(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..12) {
        0 => g.value(),
        1 => g.float(),
        _ => g.rng.u32(..12).to_string().into_bytes(),
    }
}

fn weight_key(g: &mut Generator) -> Vec<u8> {
    format!("w{}", g.rng.u32(..12)).into_bytes()
}

fn weight(g: &mut Generator) -> Vec<u8> {
    if g.once_in(10) { g.value() } else { g.rng.u32(..50).to_string().into_bytes() }
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
