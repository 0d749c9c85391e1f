//! Keys as such: their names, databases and times to live.

use super::Generator;
use crate::step::Line;

/// A time to live that passes during a stream; [`Step::Wait`](crate::step::Step::Wait) waits it out.
///
/// Long enough that both servers answer the commands in between well before it has passed.
pub const SHORT_TIME_MS: u64 = 60;

/// Databases that commands use: few, so that they meet.
const DATABASES: &[&str] = &["0", "1", "15"];
/// A point in time (2100-01-01) that both servers have in the future.
const FAR_FUTURE_S: u64 = 4_102_444_800;

/// Names, copies, moves, databases and the questions about them.
pub fn keys(g: &mut Generator) -> Line {
    match g.rng.u32(..32) {
        0 | 1 => copy(g),
        2 => many(g, "DEL"),
        3 => many(g, "UNLINK"),
        4 => many(g, "EXISTS"),
        5 => many(g, "TOUCH"),
        6..=9 => Line::new("KEYS").with(pattern(g)),
        10 => Line::new("MOVE").with(g.key()).with(database(g)),
        11 => Line::new("OBJECT ENCODING").with(g.key()),
        12 => Line::new("OBJECT REFCOUNT").with(g.key()),
        13 => {
            Line::new("OBJECT").and(g.one_of(&["IDLETIME", "FREQ", "HELP", "NOPE"])).with(g.key())
        }
        14 => Line::new("PERSIST").with(g.key()),
        15 => Line::new("RANDOMKEY"),
        16..=18 => Line::new("RENAME").with(g.key()).with(g.key()),
        19 => Line::new("RENAMENX").with(g.key()).with(g.key()),
        20 | 21 => Line::new("TYPE").with(g.key()),
        22 | 23 => Line::new("SELECT").with(database(g)),
        24 => Line::new("SWAPDB").with(database(g)).with(database(g)),
        25 => Line::new(g.one_of(&["FLUSHDB", "FLUSHDB ASYNC", "FLUSHDB SYNC", "FLUSHDB NOPE"])),
        26 if g.once_in(3) => Line::new(g.one_of(&["FLUSHALL", "FLUSHALL ASYNC", "FLUSHALL SYNC"])),
        27 => {
            // A cursor that is wrong, or options that are.
            let line = Line::new("SCAN").with(g.value());
            let options = scan_options(g);
            Line([line.0, options.0].concat())
        }
        28 => {
            Line::new("MEMORY USAGE").with(g.key()).and(g.one_of(&["", "SAMPLES 0", "SAMPLES x"]))
        }
        _ => Line::new("SET").with(g.key()).with(g.value()),
    }
}

/// DBSIZE and what DEBUG says of keys, in streams where nothing expires: Redis also shows these what
/// has expired and has not been noticed yet.
pub fn shown_when_expired(g: &mut Generator) -> Line {
    match g.rng.u32(..4) {
        0 => Line::new("DBSIZE"),
        1 => Line::new("DEBUG OBJECT").with(g.key()),
        2 => Line::new("DEBUG DIGEST-VALUE").with(g.key()).with(g.key()),
        _ => Line::new("DEBUG DIGEST"),
    }
}

/// Times to live: all ways to set, ask and remove them.
pub fn expiry(g: &mut Generator) -> Line {
    match g.rng.u32(..16) {
        0..=6 => expire(g),
        7 => Line::new("TTL").with(g.key()),
        8 => Line::new("PTTL").with(g.key()),
        9 => Line::new("EXPIRETIME").with(g.key()),
        10 => Line::new("PEXPIRETIME").with(g.key()),
        11 => Line::new("PERSIST").with(g.key()),
        // The only short times: nothing else may be about to expire when a reply is compared.
        12 if g.once_in(8) => {
            g.short_time_set = true;
            Line::new("SET").with(g.key()).and("v PX").with(SHORT_TIME_MS.to_string())
        }
        13 => Line::new("GET").with(g.key()),
        14 => Line::new("SET").with(g.key()).and("v").and(g.one_of(&["EXAT 1000", "PXAT 1000"])),
        _ => {
            let line = Line::new("SET").with(g.key()).with(g.value());
            expiry_option(g, line)
        }
    }
}

/// `line` with EX, PX, EXAT or PXAT and a time: far away, or refused.
pub fn expiry_option(g: &mut Generator, line: Line) -> Line {
    match g.rng.u32(..8) {
        0 | 1 => line.and("EX").with(g.rng.u32(1_000..2_000_000).to_string()),
        2 => line.and("PX").with(g.rng.u64(1_000_000..9_000_000_000).to_string()),
        3 => line.and("EXAT").with(FAR_FUTURE_S.to_string()),
        4 => line.and("PXAT").with((FAR_FUTURE_S * 1_000).to_string()),
        5 | 6 => line.and(g.one_of(&["EX", "PX", "EXAT", "PXAT"])).with(wrong_time(g)),
        _ => line.and(g.one_of(&["EX", "PX"])),
    }
}

/// SCAN's options, right and wrong.
pub fn scan_options(g: &mut Generator) -> Line {
    let mut line = Line(Vec::new());
    if g.once_in(2) {
        line = line.and("COUNT").with(if g.once_in(8) { g.value() } else { b"7".to_vec() });
    }
    if g.once_in(2) {
        line = line.and("MATCH").with(pattern(g));
    }
    if g.once_in(3) {
        line = line.and("TYPE").and(g.one_of(&["string", "STRING", "list", "nope"]));
    }
    if g.once_in(20) { line.and("NOPE") } else { line }
}

/// A glob-style pattern over the keys that the streams use.
pub fn pattern(g: &mut Generator) -> Vec<u8> {
    const PATTERNS: &[&str] = &[
        "*",
        "?",
        "a*",
        "*a*",
        "key:?",
        "key:[0-9]",
        "key:[^1]",
        "[a-c]",
        "[^a]",
        "[a",
        "[",
        "\\",
        "\\*",
        "glob\\*\\?*",
        "*\\",
        "",
        "**",
        "*?*",
        "[c-a]",
        "[]a]",
        "*[*]*",
        "LLL*",
        "{tag}?",
        "[a-",
        "[\\a]",
        "with space",
    ];
    g.one_of(PATTERNS).as_bytes().to_vec()
}

fn expire(g: &mut Generator) -> Line {
    let (name, far) = match g.rng.u32(..4) {
        0 => ("EXPIRE", u64::from(g.rng.u32(1_000..2_000_000))),
        1 => ("PEXPIRE", g.rng.u64(1_000_000..9_000_000_000)),
        2 => ("EXPIREAT", FAR_FUTURE_S + u64::from(g.rng.u32(..3)) * 1_000_000),
        _ => ("PEXPIREAT", (FAR_FUTURE_S + u64::from(g.rng.u32(..3)) * 1_000_000) * 1_000),
    };
    let time = if g.once_in(4) { wrong_time(g) } else { far.to_string().into_bytes() };
    let mut line = Line::new(name).with(g.key()).with(time);
    for _ in 0..g.rng.u32(..3) {
        line = line.and(g.one_of(&["NX", "XX", "GT", "LT", "gt", "NOPE"]));
    }
    line
}

fn wrong_time(g: &mut Generator) -> Vec<u8> {
    const TIMES: &[&str] = &[
        "0",
        "-1",
        "-1000",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "9223372036854776",
        "-9223372036854776",
        "10000000000000000",
        "abc",
        "",
        "1.5",
    ];
    g.one_of(TIMES).as_bytes().to_vec()
}

fn copy(g: &mut Generator) -> Line {
    let mut line = Line::new("COPY").with(g.key()).with(g.key());
    if g.once_in(2) {
        line = line.and("REPLACE");
    }
    if g.once_in(3) { line.and("DB").with(database(g)) } else { line }
}

fn many(g: &mut Generator, name: &str) -> Line {
    (0..g.rng.u32(1..4)).fold(Line::new(name), |line, _| line.with(g.key()))
}

fn database(g: &mut Generator) -> Vec<u8> {
    if g.once_in(10) { g.integer() } else { g.one_of(DATABASES).as_bytes().to_vec() }
}
