//! Strings and the numbers in them.

use super::Generator;
use super::keys::expiry_option;
use crate::step::Line;

/// Every string command but the arithmetic ones.
pub fn strings(g: &mut Generator) -> Line {
    match g.rng.u32(..26) {
        0..=3 => set(g),
        4 | 5 => Line::new("GET").with(g.key()),
        6 => Line::new("APPEND").with(g.key()).with(g.value()),
        7 => Line::new("GETDEL").with(g.key()),
        8 => getex(g),
        9 => Line::new("GETRANGE").with(g.key()).with(g.position()).with(g.position()),
        10 => Line::new("SUBSTR").with(g.key()).with(g.position()).with(g.position()),
        11 => Line::new("GETSET").with(g.key()).with(g.value()),
        12 | 13 => lcs(g),
        14 => several(g, "MGET", false),
        15 => several(g, "MSET", true),
        16 => several(g, "MSETNX", true),
        17 => Line::new("SETNX").with(g.key()).with(g.value()),
        18 => Line::new("SETEX").with(g.key()).with(seconds(g)).with(g.value()),
        19 => Line::new("PSETEX").with(g.key()).with(seconds(g)).with(g.value()),
        20 | 21 => Line::new("SETRANGE").with(g.key()).with(g.position()).with(g.value()),
        22 | 23 => Line::new("STRLEN").with(g.key()),
        24 => Line::new("OBJECT ENCODING").with(g.key()),
        _ => Line::new("DEL").with(g.key()),
    }
}

/// Arithmetic on strings, with the values it works on.
pub fn numbers(g: &mut Generator) -> Line {
    match g.rng.u32(..12) {
        0 | 1 => Line::new("SET").with(g.key()).with(g.integer()),
        2 => Line::new("SET").with(g.key()).with(g.float()),
        3 => Line::new("INCR").with(g.key()),
        4 => Line::new("DECR").with(g.key()),
        5 => Line::new("INCRBY").with(g.key()).with(g.integer()),
        6 => Line::new("DECRBY").with(g.key()).with(g.integer()),
        7..=9 => Line::new("INCRBYFLOAT").with(g.key()).with(g.float()),
        10 => Line::new("GET").with(g.key()),
        _ => Line::new("OBJECT ENCODING").with(g.key()),
    }
}

fn set(g: &mut Generator) -> Line {
    let mut line = Line::new("SET").with(g.key()).with(g.value());
    for _ in 0..g.rng.u32(..3) {
        line = match g.rng.u32(..6) {
            0 => line.and("NX"),
            1 => line.and("XX"),
            2 => line.and("GET"),
            3 => line.and("KEEPTTL"),
            _ => expiry_option(g, line),
        };
    }
    line
}

fn getex(g: &mut Generator) -> Line {
    let line = Line::new("GETEX").with(g.key());
    match g.rng.u32(..8) {
        0 => line,
        1 => line.and("PERSIST"),
        2 => line.and(g.one_of(&["EXAT 1000", "PXAT 1000"])),
        _ => expiry_option(g, line),
    }
}

fn lcs(g: &mut Generator) -> Line {
    let mut line = Line::new("LCS").with(g.key()).with(g.key());
    for option in ["LEN", "IDX", "WITHMATCHLEN"] {
        if g.once_in(3) {
            line = line.and(option);
        }
    }
    if g.once_in(4) { line.and("MINMATCHLEN").with(g.position()) } else { line }
}

fn several(g: &mut Generator, name: &str, values: bool) -> Line {
    let mut line = Line::new(name);
    for _ in 0..g.rng.u32(1..5) {
        line = line.with(g.key());
        if values {
            line = line.with(g.value());
        }
    }
    line
}

/// A time to live that is far away, or wrong.
fn seconds(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..6) {
        0 => g.integer_out_of_reach(),
        1 => b"0".to_vec(),
        2 => b"-5".to_vec(),
        _ => g.rng.u32(100_000..900_000).to_string().into_bytes(),
    }
}
