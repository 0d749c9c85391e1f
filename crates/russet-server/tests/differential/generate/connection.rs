//! What belongs to a connection: protocol, name, transactions, watched keys.

use super::{Generator, strings};
use crate::step::Line;

/// Greetings, names and the small talk of a connection.
pub fn connection(g: &mut Generator) -> Line {
    match g.rng.u32(..24) {
        0 | 1 => Line::new("PING"),
        2 => Line::new("PING").with(g.value()),
        3 => Line::new("ECHO").with(g.value()),
        4 => hello(g),
        5 => Line::new("HELLO").and(g.one_of(&["2", "3"])),
        6 => Line::new("RESET"),
        7 => Line::new("QUIT"),
        8 => Line::new(g.one_of(&[
            "AUTH nope",
            "AUTH default nope",
            "AUTH someone nope",
            "AUTH a b c",
        ])),
        9 => Line::new("CLIENT SETNAME").with(name(g)),
        10 | 11 => Line::new("CLIENT GETNAME"),
        12 => Line::new(g.one_of(&[
            "CLIENT ID",
            "CLIENT INFO",
            "CLIENT LIST",
            "CLIENT LIST TYPE normal",
        ])),
        13 => client_list(g),
        14 => client_kill(g),
        15 => Line::new(g.one_of(&[
            "CLIENT UNPAUSE",
            "CLIENT PAUSE",
            "CLIENT PAUSE x",
            "CLIENT PAUSE -1",
        ])),
        16 => Line::new("CLIENT NO-EVICT").and(g.one_of(&["ON", "OFF", "on", "nope"])),
        17 => Line::new("CLIENT UNBLOCK")
            .with(g.integer())
            .and(g.one_of(&["", "TIMEOUT", "ERROR", "NOPE"])),
        18 => Line::new("CLIENT REPLY").and(g.one_of(&["ON", "NOPE"])),
        19 => Line::new(g.one_of(&[
            "CLIENT",
            "CLIENT HELP",
            "CLIENT NOPE",
            "CLIENT NOPE x y",
            "CLIENT GETNAME x",
        ])),
        20 => Line::new("SELECT").with(g.integer()),
        // Unknown commands are echoed in the error, cut and cleaned.
        21 => Line::new("NOSUCHCOMMAND").with(g.value()).with(g.value()).with(g.value()),
        22 => Line(vec![g.value(), g.value()]),
        _ => Line::new("CLIENT").with(g.value()),
    }
}

/// MULTI, EXEC, DISCARD, WATCH and UNWATCH, often enough to meet.
pub fn transactions(g: &mut Generator) -> Line {
    match g.rng.u32(..12) {
        0..=2 => Line::new("MULTI"),
        3..=5 => Line::new("EXEC"),
        6 => Line::new("DISCARD"),
        7 | 8 => (0..g.rng.u32(1..4)).fold(Line::new("WATCH"), |line, _| line.with(g.key())),
        9 => Line::new("UNWATCH"),
        10 => Line::new(g.one_of(&[
            "NOSUCHCOMMAND",
            "GET",
            "SHUTDOWN NOPE",
            "FLUSHALL",
            "SWAPDB 0 1",
            "RESET",
        ])),
        _ => strings::strings(g),
    }
}

fn hello(g: &mut Generator) -> Line {
    let mut line = Line::new("HELLO");
    if g.once_in(6) {
        return line;
    }
    line = line.and(g.one_of(&["2", "3", "2", "3", "4", "1", "abc", "3.0"]));
    if g.once_in(4) {
        line = line.and(g.one_of(&["AUTH default nope", "AUTH default", "AUTH"]));
    }
    if g.once_in(3) {
        line = line.and("SETNAME").with(name(g));
    }
    if g.once_in(8) { line.and("NOPE") } else { line }
}

fn name(g: &mut Generator) -> Vec<u8> {
    const NAMES: &[&str] = &["someone", "", "with space", "new\nline", "~!", "caf\u{e9}", "\u{7f}"];
    g.one_of(NAMES).as_bytes().to_vec()
}

fn client_list(g: &mut Generator) -> Line {
    const OPTIONS: &[&str] = &[
        "TYPE pubsub",
        "TYPE replica",
        "TYPE master",
        "TYPE nope",
        "TYPE",
        "ID",
        "ID x",
        "ID 1000000000 1000000001",
        "NOPE",
        "ID 0",
    ];
    Line::new("CLIENT LIST").and(g.one_of(OPTIONS))
}

/// Kills of nobody: of others there would be no telling which side's connection an id names.
fn client_kill(g: &mut Generator) -> Line {
    const OPTIONS: &[&str] = &[
        "",
        "1.2.3.4:5",
        "ID 1000000000",
        "ID x",
        "ID -1",
        "ID 0",
        "ID",
        "ADDR 1.2.3.4:5",
        "LADDR 1.2.3.4:5",
        "TYPE pubsub",
        "TYPE replica",
        "TYPE nope",
        "USER nope",
        "ID 1000000000 SKIPME yes",
        "ID 1000000000 SKIPME nope",
        "NOPE x",
        "ADDR 1.2.3.4:5 TYPE normal",
        "ID 1000000000 extra",
    ];
    Line::new("CLIENT KILL").and(g.one_of(OPTIONS))
}
