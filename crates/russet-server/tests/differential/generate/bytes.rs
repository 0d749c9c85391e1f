//! Bytes as a client would never send them, and some that it would.

use super::{Generator, bits, strings};
use crate::compare::{How, how};
use crate::run::pipeline;
use crate::step::Line;

/// Beginnings that break the protocol, or nearly do.
///
/// `*1048577` is not among them, an intended difference: Redis 7 takes up to 2^31 arguments, Russet
/// keeps the limit of the versions before.
const MISTAKES: &[&[u8]] = &[
    b"*-1\r\n",
    b"*-10\r\n",
    b"*0\r\n",
    b"*3000000000\r\n",
    b"*abc\r\n",
    b"*\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$abc\r\n",
    b"*1\r\n$536870913\r\n",
    b"*1\r\n$2000000\r\n",
    b"*1\r\n:1\r\n",
    b"*1\r\nPING\r\n",
    b"$4\r\nPING\r\n",
    b"*2\r\n$4\r\nECHO\r\n$2\r\nabcd\r\n",
    b"PING \"unbalanced\r\n",
    b"PING 'a'b\r\n",
    b"SET a \"x\\x41\\n\\\"\"\r\n",
    b"\r\n\r\nPING\r\n",
    b"PING\n",
    b"  PING  \r\n",
    b"GET 'it\\'s'\r\n",
    b"\x00\r\n",
    b"*\x00\r\n",
    b"$\x00\r\n",
    b"+OK\r\n",
    b"*1\r\n$4\nPING\n",
    b"*01\r\n$4\r\nPING\r\n",
    b"*1\r\n$04\r\nPING\r\n",
    b"*+1\r\n$4\r\nPING\r\n",
    b"* 1\r\n$4\r\nPING\r\n",
    b"PING\r\r\n",
    b"*1\r\n$0\r\n\r\n",
    b"\"\"\r\n",
    b"*1\r\n$4 \r\nPING\r\n",
    b"ECHO \"\\xZZ\"\r\n",
];

/// Other protocols. They end the connection at once, with the replies to what came before unsent,
/// so they come first.
const STRANGERS: &[&[u8]] =
    &[b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nPING", b"Host: nowhere\r\n"];

/// The pieces of one connection's input.
pub fn session(g: &mut Generator) -> Vec<Vec<u8>> {
    if g.once_in(30) {
        return vec![g.one_of(STRANGERS).to_vec()];
    }
    let mut bytes = Vec::new();
    if g.once_in(8) {
        bytes = replies_off(g);
        return cut(g, &bytes);
    }
    for _ in 0..g.rng.u32(1..4) {
        match g.rng.u32(..10) {
            0..=2 => bytes.extend_from_slice(g.one_of(MISTAKES)),
            3 => bytes.extend(spoiled_pipeline(g)),
            4 => bytes.extend(inline(g)),
            _ => bytes.extend(pipeline(&lines(g))),
        }
    }
    // An inline request or a length line that never ends. Nothing may follow: whether its end has
    // arrived when the limit is reached would be up to the network.
    if g.once_in(15) {
        bytes.extend(g.one_of(&["x", "*1", "*1\r\n$1", "\"x"]).as_bytes());
        bytes.extend(vec![b'1'; 70_000]);
    }
    cut(g, &bytes)
}

/// The pieces of one connection's input to a server that wants a password.
pub fn password_session(g: &mut Generator) -> Vec<Vec<u8>> {
    const ATTEMPTS: &[&str] = &[
        "AUTH secret",
        "AUTH default secret",
        "AUTH wrong",
        "AUTH default wrong",
        "AUTH nobody secret",
        "AUTH",
        "HELLO 2 AUTH default wrong",
        "RESET",
        "QUIT",
        "PING",
        "MULTI",
        "NOSUCHCOMMAND",
        "AUTH a b c",
    ];
    // More and longer arguments than a stranger may send.
    const LIMITS: &[&[u8]] = &[
        b"*10\r\n",
        b"*11\r\n",
        b"*1\r\n$16384\r\n",
        b"*1\r\n$16385\r\n",
        b"*100\r\n",
        b"*1\r\n$100000000\r\n",
    ];
    let mut bytes = Vec::new();
    for _ in 0..g.rng.u32(1..4) {
        let mut all = lines(g);
        all.truncate(2);
        all.insert(g.rng.usize(..all.len() + 1), Line::new(g.one_of(ATTEMPTS)));
        bytes.extend(pipeline(&all));
    }
    if g.once_in(3) {
        bytes.extend_from_slice(g.one_of(LIMITS));
    }
    cut(g, &bytes)
}

/// A longer reply might be cut off: servers drop what they have not sent when input ends.
const LONGEST_ARGUMENT: usize = 1_000;

/// Lines whose replies are the same in every byte on both servers.
fn lines(g: &mut Generator) -> Vec<Line> {
    let mut lines = Vec::new();
    while lines.len() < 8 {
        let line = match g.rng.u32(..8) {
            0 => Line::new(
                g.one_of(&["MULTI", "EXEC", "DISCARD", "WATCH a", "PING", "SELECT 1", "QUIT"]),
            ),
            1 => bits::bitfields(g),
            2 => strings::numbers(g),
            _ => strings::strings(g),
        };
        let short = line.0.iter().all(|argument| argument.len() <= LONGEST_ARGUMENT);
        if short && how(&line) == How::Equal {
            lines.push(line);
        }
    }
    lines
}

fn spoiled_pipeline(g: &mut Generator) -> Vec<u8> {
    let mut bytes = pipeline(&lines(g));
    for _ in 0..g.rng.u32(1..3) {
        let at = g.rng.usize(..bytes.len());
        match g.rng.u32(..3) {
            0 => bytes[at] = g.rng.u8(..),
            1 => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, g.rng.u8(..)),
        }
    }
    bytes
}

fn inline(g: &mut Generator) -> Vec<u8> {
    let words = lines(g).swap_remove(0);
    let mut bytes = Vec::new();
    for word in words.0 {
        bytes.push(b'"');
        for byte in word {
            match byte {
                b'"' | b'\\' => bytes.extend([b'\\', byte]),
                b' '..=b'~' => bytes.push(byte),
                _ => bytes.extend(format!("\\x{byte:02x}").into_bytes()),
            }
        }
        bytes.extend(b"\" ");
    }
    bytes.extend(b"\r\n");
    bytes
}

/// Commands whose replies are held back, and some whose replies are not.
///
/// There is no transaction among them, an intended difference: Redis sends the second half of EXEC's
/// reply when replies are turned on within it, Russet the whole.
fn replies_off(g: &mut Generator) -> Vec<u8> {
    let mut all = vec![Line::new(g.one_of(&["CLIENT REPLY OFF", "CLIENT REPLY SKIP"]))];
    all.extend(lines(g).into_iter().filter(|line| !line.begins_with("MULTI")));
    if g.rng.bool() {
        all.insert(g.rng.usize(1..all.len()), Line::new("CLIENT REPLY ON"));
    }
    all.push(Line::new("PING"));
    pipeline(&all)
}

fn cut(g: &mut Generator, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for _ in 0..g.rng.u32(..4) {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(g.rng.usize(..rest.len()) + 1);
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces.push(rest.to_vec());
    pieces
}
