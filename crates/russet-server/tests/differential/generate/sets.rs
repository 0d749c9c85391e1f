//! Sets, the hashes whose commands are like theirs, and the sketches that count what is in sets.
//!
//! What is drawn at random is drawn differently by each server, so SPOP takes all there is, or at most
//! what makes no difference.

use super::Generator;
use crate::step::Line;

/// Every set command.
pub fn sets(g: &mut Generator) -> Line {
    match g.rng.u32(..40) {
        0..=9 => members(g, "SADD"),
        10..=12 => members(g, "SREM"),
        13 => Line::new("SCARD").with(g.key()),
        14 | 15 => Line::new("SISMEMBER").with(g.key()).with(g.member()),
        16 => members(g, "SMISMEMBER"),
        17 | 18 => Line::new("SMEMBERS").with(g.key()),
        19..=21 => Line::new("SMOVE").with(g.key()).with(g.key()).with(g.member()),
        22 | 23 => {
            let line = Line::new(g.one_of(&["SINTER", "SUNION", "SDIFF"]));
            several(g, line)
        }
        24..=28 => {
            let line = Line::new(g.one_of(&["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]));
            let line = line.with(g.key());
            several(g, line)
        }
        29 | 30 => intersection_count(g),
        31 => pop(g),
        32 | 33 => draw(g, "SRANDMEMBER"),
        34 | 35 => scan(g, "SSCAN"),
        36 => Line::new("TYPE").with(g.key()),
        37 => Line::new("OBJECT ENCODING").with(g.key()),
        38 => Line::new("DEL").with(g.key()),
        _ => Line::new("SET").with(g.key()).with(g.member()),
    }
}

/// Every hash command.
pub fn hashes(g: &mut Generator) -> Line {
    match g.rng.u32(..40) {
        0..=7 => pairs(g, "HSET"),
        8 | 9 => pairs(g, "HMSET"),
        10 | 11 => Line::new("HSETNX").with(g.key()).with(g.member()).with(g.member()),
        12..=14 => members(g, "HDEL"),
        15 => Line::new("HEXISTS").with(g.key()).with(g.member()),
        16 | 17 => Line::new("HGET").with(g.key()).with(g.member()),
        18 | 19 => Line::new("HGETALL").with(g.key()),
        20 => Line::new("HKEYS").with(g.key()),
        21 => Line::new("HVALS").with(g.key()),
        22 => Line::new("HLEN").with(g.key()),
        23 => members(g, "HMGET"),
        24 => Line::new("HSTRLEN").with(g.key()).with(g.member()),
        25..=27 => Line::new("HINCRBY").with(g.key()).with(g.member()).with(g.integer()),
        28..=30 => Line::new("HINCRBYFLOAT").with(g.key()).with(g.member()).with(g.float()),
        31 | 32 => {
            let line = draw(g, "HRANDFIELD");
            if g.once_in(2) {
                line.and(g.one_of(&["WITHVALUES", "withvalues", "NOPE"]))
            } else {
                line
            }
        }
        33 | 34 => scan(g, "HSCAN"),
        35 => Line::new("TYPE").with(g.key()),
        36 => Line::new("OBJECT ENCODING").with(g.key()),
        37 => Line::new("DEL").with(g.key()),
        _ => Line::new("SET").with(g.key()).with(g.member()),
    }
}

/// Every HyperLogLog command, and what looks into the strings.
pub fn sketches(g: &mut Generator) -> Line {
    match g.rng.u32(..24) {
        0..=4 => members(g, "PFADD"),
        5 => Line::new("PFADD").with(g.key()),
        // Enough to make a sketch dense after a while.
        6..=8 => {
            let (first, count) = (g.rng.u32(..4_000), g.rng.u32(..400));
            let line = Line::new("PFADD").with(g.key());
            (first..first + count).fold(line, |line, element| line.with(element.to_string()))
        }
        9..=11 => Line::new("PFCOUNT").with(g.key()),
        12 => several(g, Line::new("PFCOUNT")),
        13..=15 => {
            let line = Line::new("PFMERGE").with(g.key());
            several(g, line)
        }
        16..=19 => Line::new("GET").with(g.key()),
        20 => {
            const WORDS: &[&str] = &["GETREG", "DECODE", "DECODE", "encoding", "ToDense", "NOPE"];
            Line::new("PFDEBUG").and(g.one_of(WORDS)).with(g.key())
        }
        // Spoils a header. How far each server reads in spoiled registers is its own affair.
        21 => Line::new("SETRANGE").with(g.key()).with(g.rng.u32(..16).to_string()).and("x"),
        22 => Line::new("OBJECT ENCODING").with(g.key()),
        _ => Line::new("DEL").with(g.key()),
    }
}

fn members(g: &mut Generator, name: &str) -> Line {
    let line = Line::new(name).with(g.key());
    (0..g.rng.u32(1..5)).fold(line, |line, _| line.with(g.member()))
}

fn pairs(g: &mut Generator, name: &str) -> Line {
    let line = Line::new(name).with(g.key());
    (0..g.rng.u32(1..5)).fold(line, |line, _| line.with(g.member()).with(g.member()))
}

fn several(g: &mut Generator, line: Line) -> Line {
    (0..g.rng.u32(1..4)).fold(line, |line, _| line.with(g.key()))
}

fn intersection_count(g: &mut Generator) -> Line {
    let keys = g.rng.u32(1..4);
    let count = if g.once_in(5) { g.integer() } else { keys.to_string().into_bytes() };
    let line = (0..keys).fold(Line::new("SINTERCARD").with(count), |line, _| line.with(g.key()));
    match g.rng.u32(..4) {
        0 => line.and("LIMIT").with(g.rng.u32(..4).to_string()),
        1 => line.and("LIMIT").with(g.integer()),
        _ => line,
    }
}

fn pop(g: &mut Generator) -> Line {
    const COUNTS: &[&str] = &["0", "1000", "9223372036854775807", "-1", "x", "1000 1"];
    Line::new("SPOP").with(g.key()).and(g.one_of(COUNTS))
}

/// A draw, with a count that is never far below zero: so many elements would be answered with.
fn draw(g: &mut Generator, name: &str) -> Line {
    const COUNTS: &[&str] = &[
        "",
        "0",
        "1",
        "3",
        "1000",
        "-1",
        "-5",
        "-100",
        "9223372036854775807",
        "-9223372036854775808",
        "x",
    ];
    Line::new(name).with(g.key()).and(g.one_of(COUNTS))
}

/// A scan that shows everything in one call, or one that is wrong.
fn scan(g: &mut Generator, name: &str) -> Line {
    let line = Line::new(name).with(g.key());
    match g.rng.u32(..6) {
        0 => line.with(g.value()).and(g.one_of(&["", "COUNT 0", "COUNT x", "MATCH", "TYPE set"])),
        1 => line.and("0 MATCH *1* COUNT 100000"),
        2 => line.and("0 COUNT 100000 MATCH [a-c]"),
        _ => line.and("0 COUNT 100000"),
    }
}
