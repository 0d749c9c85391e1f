//! Lists: short and long ones, in and out of the encodings, from both ends and the middle.

use super::Generator;
use crate::step::Line;

/// Every command of the family that does not block.
pub fn lists(g: &mut Generator) -> Line {
    match g.rng.u32(..40) {
        0..=4 => push(g, "LPUSH"),
        5..=9 => push(g, "RPUSH"),
        10 => push(g, "LPUSHX"),
        11 => push(g, "RPUSHX"),
        12 | 13 => pop(g, "LPOP"),
        14 | 15 => pop(g, "RPOP"),
        16 | 17 => lmpop(g),
        18 => Line::new("LLEN").with(g.key()),
        19 | 20 => Line::new("LINDEX").with(g.key()).with(g.position()),
        21..=23 => Line::new("LRANGE").with(g.key()).with(g.position()).with(g.position()),
        24 => Line::new("LRANGE").with(g.key()).and("0 -1"),
        25 => Line::new("LTRIM").with(g.key()).with(g.position()).with(g.position()),
        26 | 27 => Line::new("LSET").with(g.key()).with(g.position()).with(element(g)),
        28..=30 => linsert(g),
        31 | 32 => Line::new("LREM").with(g.key()).with(small_count(g)).with(element(g)),
        33 | 34 => lpos(g),
        35 => Line::new("LMOVE").with(g.key()).with(g.key()).with(end(g)).with(end(g)),
        36 => Line::new("RPOPLPUSH").with(g.key()).with(g.key()),
        37 => Line::new("OBJECT ENCODING").with(g.key()),
        38 => sizes(g),
        _ => Line::new("DEL").with(g.key()),
    }
}

/// Elements that meet often, and now and then any value.
fn element(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..8) {
        0..=3 => g.rng.u32(..8).to_string().into_bytes(),
        4 | 5 => g.one_of(&["a", "b", "foo", "-0", "007"]).as_bytes().to_vec(),
        6 => vec![b'x'; g.rng.usize(60..70)],
        _ => g.value(),
    }
}

fn push(g: &mut Generator, command: &str) -> Line {
    let mut line = Line::new(command).with(g.key());
    let count = if g.once_in(6) { g.rng.u32(..60) } else { g.rng.u32(..4) };
    for _ in 0..=count {
        line = line.with(element(g));
    }
    line
}

fn pop(g: &mut Generator, command: &str) -> Line {
    let line = Line::new(command).with(g.key());
    if g.rng.bool() { line } else { line.with(small_count(g)) }
}

fn lmpop(g: &mut Generator) -> Line {
    let count = g.rng.usize(1..4);
    let claimed = if g.once_in(6) { g.integer() } else { count.to_string().into_bytes() };
    let mut line = Line::new("LMPOP").with(claimed);
    for _ in 0..count {
        line = line.with(g.key());
    }
    line = line.with(end(g));
    for _ in 0..g.one_of(&[0, 0, 1, 1, 1, 2]) {
        line = line.and("COUNT").with(small_count(g));
    }
    line
}

fn linsert(g: &mut Generator) -> Line {
    let side = g.one_of(&["BEFORE", "AFTER", "before", "after", "beside"]);
    Line::new("LINSERT").with(g.key()).with(side).with(element(g)).with(element(g))
}

fn lpos(g: &mut Generator) -> Line {
    let mut line = Line::new("LPOS").with(g.key()).with(element(g));
    for _ in 0..g.rng.u32(..4) {
        line = line.with(g.one_of(&["RANK", "COUNT", "MAXLEN"])).with(small_count(g));
        // Redis 7.0 negates this number without a look at whether it can.
        if line.0.last().is_some_and(|number| number == b"-9223372036854775808") {
            line.0.pop();
        }
    }
    line
}

fn end(g: &mut Generator) -> &'static str {
    g.one_of(&["LEFT", "RIGHT", "left", "right", "LEFT", "RIGHT", "MIDDLE"])
}

fn small_count(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..12) {
        0 => g.integer(),
        1..=3 => g.rng.i32(-5..0).to_string().into_bytes(),
        _ => g.rng.u32(..8).to_string().into_bytes(),
    }
}

/// Other sizes of listpacks, so that lists of the same few elements are short and long.
fn sizes(g: &mut Generator) -> Line {
    if g.rng.bool() {
        let size = g.one_of(&["-2", "-1", "1", "2", "3", "8", "32"]);
        Line::new("CONFIG SET list-max-listpack-size").with(size)
    } else {
        Line::new("CONFIG SET list-compress-depth").with(g.one_of(&["0", "1", "2"]))
    }
}
