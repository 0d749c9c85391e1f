//! Every command on keys of every type, and at the edges of what its arguments may be.
//!
//! Random streams reach such places seldom and pairs of them hardly ever, so here they are gone
//! through one by one: the commands are in a text file, whose head says how it is read. After each
//! command also the keyspaces must be equal.

use russet_e2e::{Client, Reply, Server, tool_or_skip};

use crate::compare::{How, how, same};
use crate::run::pipeline;
use crate::step::Line;

const COMMANDS: &str = include_str!("edges.txt");

/// Names of keys' states with the type they belong to, and the commands that bring them about.
const STATES: &[(&str, &str, &str)] = &[
    ("missing", "any", "DEL K"),
    ("text", "string", "SET K abc"),
    ("number", "string", "SET K 10"),
    ("fraction", "string", "SET K 3.5"),
    ("most", "string", "SET K 9223372036854775807"),
    ("empty", "string", "SETRANGE K 0 \"\" & SET K \"\""),
    ("long", "string", "SETRANGE K 99 x"),
    ("estimate", "string", "PFADD K a b c"),
    ("short list", "list", "RPUSH K a 1 b a"),
    ("long list", "list", "RPUSH K {300} a"),
    ("integers", "set", "SADD K 1 2 3"),
    ("short set", "set", "SADD K a b 1"),
    ("long set", "set", "SADD K a {40}"),
    ("short hash", "hash", "HSET K a 1 count 10 x y"),
    ("long hash", "hash", "HSET K a 1 count 10 {40}"),
    ("short sorted set", "zset", "ZADD K 1 a 2 b 3 c"),
    ("long sorted set", "zset", "ZADD K 1 a 2 b {40}"),
    ("short sorted set of equals", "equal", "ZADD K 0 a 0 b 0 +"),
    (
        "long sorted set of equals",
        "equal",
        "ZADD K 0 a 0 b 0 + 0 bb 0 ab 0 ba 0 A 0 B 0 c 0 d 0 e 0 f 0 g",
    ),
    ("infinite sorted set", "zset", "ZADD K -inf a inf infinite 0 zero"),
];

/// Keys that are always there.
const OTHERS: &[&str] = &[
    "SET string abcdef",
    "SET integer 7",
    "RPUSH list c a b",
    "SADD set a b c 1",
    "HSET hash a 1",
    "ZADD zset 1 a 2 b 3 z",
    "PFADD log x y",
];

const INTEGERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "3",
    "-9223372036854775808",
    "9223372036854775807",
    "9223372036854775808",
    "4294967296",
    "\"\"",
    "1.5",
    "+1",
    "01",
    "\" 1\"",
    "word",
];
const FLOATS: &[&str] = &[
    "0.01",
    "-0.0",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "+Infinity",
    "1e308",
    "1e400",
    "-1e-400",
    "0x10",
    "\"\"",
    "\" 1\"",
    "\"1 \"",
    "1.5e",
    "90071992547409930001",
    "word",
];
/// Others that are too large are told from negative ones since 7.2 only.
const TIMEOUTS: &[&str] = &["0.01", "-1", "nan", "\"\"", "\" 1\"", "word"];
const SCORES: &[&str] =
    &["-inf", "+inf", "1", "(1", "(inf", "nan", "(nan", "(", "((1", "\"\"", "a"];
const MEMBERS: &[&str] = &["-", "+", "[a", "(b", "[", "(", "a", "\"\"", "[+", "(infinite"];

#[test]
fn commands_at_their_edges_answer_as_in_the_oracle() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let arguments = ["--proto-max-bulk-len", "1mb", "--zset-max-listpack-entries", "12"];
    let arguments = [&arguments[..], &["--hash-max-listpack-entries", "8"]].concat();
    let ours =
        [&arguments[..], &["--set-max-listpack-entries", "0", "--worker-threads", "1"]].concat();
    let ours = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &ours);
    let theirs = Server::oracle(&arguments);
    let mut clients = [ours.client(), theirs.client()];
    let mut failures = Vec::new();
    for protocol in ["2", "3"] {
        for client in &mut clients {
            client.command(&["HELLO", protocol]);
        }
        for (keys, template) in commands() {
            for state in STATES.iter().filter(|(_, ty, _)| keys == "all" || keys == *ty) {
                for line in expanded(template) {
                    failures.extend(differ(&mut clients, state, &line));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

/// Which keys, and what is run on them.
fn commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = COMMANDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").expect("keys and a command"))
}

/// A command with every combination of what its placeholders stand for.
fn expanded(template: &str) -> Vec<Line> {
    let mut lines = vec![Line(Vec::new())];
    for word in template.split(' ') {
        let (prefix, values) = match word.strip_suffix('N') {
            Some(prefix @ ("" | "#" | "u" | "i")) => (prefix, INTEGERS),
            _ => match word {
                "F" => ("", FLOATS),
                "T" => ("", TIMEOUTS),
                "S" => ("", SCORES),
                "L" => ("", MEMBERS),
                _ => (word, &[""][..]),
            },
        };
        lines = lines
            .iter()
            .flat_map(|line| values.iter().map(|value| line.clone().with(bytes(prefix, value))))
            .collect();
    }
    lines
}

/// An argument; in quotes are those with spaces, or without anything.
fn bytes(prefix: &str, value: &str) -> Vec<u8> {
    [prefix, value].concat().replace('"', "").into_bytes()
}

/// What brings a key into a state: `{n}` is n numbers.
fn preparation(state: &str) -> Vec<Line> {
    let line = |command: &str| {
        let mut line = Line(Vec::new());
        for word in command.split(' ') {
            match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
                Some(count) => {
                    let count: u32 = count.parse().expect("a number in braces");
                    line.0.extend((0..count).map(|number| number.to_string().into_bytes()));
                }
                None => line = line.with(bytes("", word)),
            }
        }
        line
    };
    state.split(" & ").map(line).collect()
}

/// What both servers answer to a command on a key in a state, if it is not the same, or else the
/// command, if it leaves different keyspaces.
fn differ(clients: &mut [Client; 2], state: &(&str, &str, &str), line: &Line) -> Option<String> {
    let (name, _, commands) = state;
    // Of a set that gives one of its members away, only how many those are can be compared.
    let (how, is_random) = match line.begins_with("SPOP") {
        true => (How::SameLength, true),
        false => (how(line), how(line) == How::SameLength),
    };
    let before = OTHERS.iter().map(|command| Line::new(command)).chain(preparation(commands));
    // Redis counts a key whose time has come until somebody asks for it.
    let after = [Line::new("EXISTS K dest"), Line::new("DEBUG DIGEST")];
    let mut lines = vec![Line::new("FLUSHALL")];
    lines.extend(before.chain([line.clone()]).chain(after));
    let [ours, theirs] = clients.each_mut().map(|client| {
        client.send(&pipeline(&lines)).expect("it is open");
        let mut replies = lines.iter().map(|_| client.receive().expect("a reply"));
        let prepared = replies.by_ref().take(lines.len() - 3).filter(Reply::is_error).last();
        assert!(prepared.is_none(), "{name}: {prepared:?}");
        let (reply, _, digest) = (replies.next(), replies.next(), replies.next());
        (reply.expect("one for each line"), digest)
    });
    if !same(how, &ours.0, &theirs.0) {
        Some(format!("{name}: {line:?}\n  ours:   {:?}\n  theirs: {:?}", ours.0, theirs.0))
    } else if !is_random && ours.1 != theirs.1 {
        Some(format!("{name}: {line:?} leaves different keyspaces"))
    } else {
        None
    }
}
