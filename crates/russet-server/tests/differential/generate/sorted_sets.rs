//! Sorted sets, small ones and such as have outgrown their listpack.

use super::Generator;
use crate::step::Line;

/// What the keys begin with whose members all have the same score, without which ranges of members
/// mean nothing.
pub const LEX_PREFIX: &[u8] = b"lex:";

/// Every command on sorted sets that does not block.
pub fn sorted_sets(g: &mut Generator) -> Line {
    match g.rng.u32(..44) {
        0..=9 => zadd(g),
        10 => Line::new("ZINCRBY").with(key(g)).with(score(g)).with(member(g)),
        11 => {
            let name = g.one_of(&["ZSCORE", "ZRANK", "ZREVRANK"]);
            Line::new(name).with(key(g)).with(member(g))
        }
        12 => {
            let name = g.one_of(&["ZREM", "ZMSCORE"]);
            let line = Line::new(name).with(key(g));
            several(g, line, member)
        }
        13 => Line::new("ZCARD").with(key(g)),
        14 => Line::new("ZCOUNT").with(key(g)).with(score_bound(g)).with(score_bound(g)),
        15 | 16 => zrange(g, "ZRANGE"),
        17 => zrange(g, "ZRANGESTORE"),
        18 => {
            let name = g.one_of(&["ZREVRANGE", "ZRANGE"]);
            let line = Line::new(name).with(key(g)).with(rank(g)).with(rank(g));
            options(g, line, &["WITHSCORES"])
        }
        19 | 20 => {
            let name = g.one_of(&["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]);
            let line = Line::new(name).with(key(g)).with(score_bound(g)).with(score_bound(g));
            let line = options(g, line, &["WITHSCORES"]);
            limit(g, line)
        }
        21 | 22 => {
            let name = g.one_of(&["ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZLEXCOUNT", "ZREMRANGEBYLEX"]);
            let line = Line::new(name).with(lex_key(g)).with(lex_bound(g)).with(lex_bound(g));
            if name.ends_with("GEBYLEX") && !name.starts_with("ZREM") {
                limit(g, line)
            } else {
                line
            }
        }
        23..=25 => lex_add(g),
        26 => Line::new("ZREMRANGEBYRANK").with(key(g)).with(rank(g)).with(rank(g)),
        27 => Line::new("ZREMRANGEBYSCORE").with(key(g)).with(score_bound(g)).with(score_bound(g)),
        28 | 29 => {
            let name = g.one_of(&["ZPOPMIN", "ZPOPMAX"]);
            let line = Line::new(name).with(key(g));
            if g.rng.bool() { line.with(count(g)) } else { line }
        }
        30 => {
            let line = Line::new("ZMPOP");
            let line = keys(g, line).and(g.one_of(&["MIN", "MAX", "min", "MID"]));
            if g.rng.bool() { line.and("COUNT").with(count(g)) } else { line }
        }
        31..=35 => combination(g),
        36 => Line::new("ZRANDMEMBER").with(key(g)).with(count(g)).and("WITHSCORES"),
        37 => Line::new("ZSCAN").with(key(g)).and("0 MATCH m*"),
        38 => Line::new("OBJECT ENCODING").with(key(g)),
        39 => Line::new("TYPE").with(key(g)),
        40 => Line::new("COPY").with(key(g)).with(key(g)).and("REPLACE"),
        41 => Line::new("RENAME").with(key(g)).with(key(g)),
        42 => Line::new("DEL").with(key(g)),
        _ => Line::new("SET").with(key(g)).and("string"),
    }
}

fn key(g: &mut Generator) -> Vec<u8> {
    g.one_of(&["a", "b", "c", "{tag}x", "zset"]).as_bytes().to_vec()
}

fn lex_key(g: &mut Generator) -> Vec<u8> {
    [LEX_PREFIX, g.one_of(&[b"a", b"b"])].concat()
}

fn member(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..10) {
        0 => g.integer(),
        // Longer than what a listpack takes.
        1 if g.once_in(6) => vec![b'L'; 70],
        2 => b"".to_vec(),
        _ => format!("m{}", g.rng.u32(..24)).into_bytes(),
    }
}

fn score(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..10) {
        0 | 1 => g.float(),
        2 => g.integer(),
        3 => g.one_of(&["inf", "-inf", "+inf", "1.5", "-0.25", "3e2"]).as_bytes().to_vec(),
        _ => g.rng.i32(-8..8).to_string().into_bytes(),
    }
}

fn score_bound(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..8) {
        0 => b"-inf".to_vec(),
        1 => b"+inf".to_vec(),
        2 | 3 => [b"(", &score(g)[..]].concat(),
        _ => score(g),
    }
}

fn lex_bound(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..8) {
        0 => b"-".to_vec(),
        1 => b"+".to_vec(),
        2..=4 => [b"[", &member(g)[..]].concat(),
        5 | 6 => [b"(", &member(g)[..]].concat(),
        _ => member(g),
    }
}

fn rank(g: &mut Generator) -> Vec<u8> {
    if g.once_in(10) { g.integer() } else { g.rng.i32(-12..12).to_string().into_bytes() }
}

/// A count that is small or wrong: larger ones are not worth their memory.
fn count(g: &mut Generator) -> Vec<u8> {
    if g.once_in(10) {
        g.one_of(&["-1", "abc", "", "9223372036854775808"]).as_bytes().to_vec()
    } else {
        g.rng.u32(..6).to_string().into_bytes()
    }
}

fn several(g: &mut Generator, mut line: Line, argument: fn(&mut Generator) -> Vec<u8>) -> Line {
    for _ in 0..g.rng.u32(1..5) {
        line = line.with(argument(g));
    }
    line
}

/// A number of keys, right most of the time, and keys.
fn keys(g: &mut Generator, line: Line) -> Line {
    let number = g.rng.i32(1..4);
    let said = if g.once_in(20) { g.rng.i32(-1..9) } else { number };
    let mut line = line.with(said.to_string());
    for _ in 0..number {
        line = line.with(key(g));
    }
    line
}

fn options(g: &mut Generator, mut line: Line, options: &[&str]) -> Line {
    for option in options {
        if g.once_in(3) {
            line = line.and(option);
        }
    }
    line
}

fn limit(g: &mut Generator, line: Line) -> Line {
    if g.rng.bool() { line.and("LIMIT").with(rank(g)).with(rank(g)) } else { line }
}

fn zadd(g: &mut Generator) -> Line {
    let line = Line::new("ZADD").with(key(g));
    let mut line = match g.rng.u32(..6) {
        0 => options(g, line, &["NX", "CH", "INCR"]),
        1 => options(g, line, &["XX", "GT", "CH", "INCR"]),
        2 => options(g, line, &["XX", "LT", "CH"]),
        3 if g.once_in(4) => options(g, line, &["NX", "XX", "GT", "LT"]),
        _ => line,
    };
    for _ in 0..g.rng.u32(1..5) {
        line = line.with(score(g)).with(member(g));
    }
    line
}

fn lex_add(g: &mut Generator) -> Line {
    let mut line = Line::new("ZADD").with(lex_key(g));
    for _ in 0..g.rng.u32(1..5) {
        line = line.with("0").with(member(g));
    }
    line
}

fn zrange(g: &mut Generator, name: &str) -> Line {
    let line = Line::new(name);
    let line = if name == "ZRANGESTORE" { line.with(key(g)) } else { line };
    let line = match g.rng.u32(..3) {
        0 => line.with(lex_key(g)).with(lex_bound(g)).with(lex_bound(g)).and("BYLEX"),
        1 => line.with(key(g)).with(score_bound(g)).with(score_bound(g)).and("BYSCORE"),
        _ => line.with(key(g)).with(rank(g)).with(rank(g)),
    };
    let line = options(g, line, &["REV", "WITHSCORES"]);
    limit(g, line)
}

fn combination(g: &mut Generator) -> Line {
    let name = g.one_of(&[
        "ZUNION",
        "ZINTER",
        "ZDIFF",
        "ZINTERCARD",
        "ZUNIONSTORE",
        "ZINTERSTORE",
        "ZDIFFSTORE",
    ]);
    let line = Line::new(name);
    let line = if name.ends_with("STORE") { line.with(key(g)) } else { line };
    let mut line = keys(g, line);
    if name == "ZINTERCARD" {
        return if g.rng.bool() { line.and("LIMIT").with(count(g)) } else { line };
    }
    if !name.starts_with("ZDIFF") && g.once_in(3) {
        line = line.and("WEIGHTS");
        line = several(g, line, score);
    }
    if !name.starts_with("ZDIFF") && g.once_in(3) {
        line = line.and("AGGREGATE").and(g.one_of(&["SUM", "MIN", "MAX", "max", "AVG"]));
    }
    options(g, line, &["WITHSCORES"])
}
