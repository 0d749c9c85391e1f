//! What COMMAND says of each command, against Debian's Redis 7.0: every command and subcommand that
//! both have, in both protocols, with every intended difference listed.

use russet_e2e::{Client, Reply, Server, text, tool_or_skip};
use std::collections::BTreeMap;

/// Commands that Redis 7.0 does not have, and why Russet does.
const ONLY_OURS: &[(&str, &str)] = &[
    ("client|setinfo", "Redis 7.2 has it"),
    ("client|no-touch", "Redis 7.2 has it"),
    ("waitaof", "Redis 7.2 has it"),
];

/// The command, what it says differently, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("bitop", "arguments", "Redis 7.2 lists the operations"),
    ("client|kill", "arguments", "Redis 7.2 has other names and lists what SKIPME takes"),
    ("client|list", "arguments", "Redis 7.2 has one argument instead of a block of one"),
    ("client|setname", "tips", "Redis 7.2 has them"),
    ("command|getkeys", "arguments", "Redis 7.2 documents them"),
    ("command|getkeysandflags", "arguments", "Redis 7.2 documents them"),
    ("geohash", "arguments", "Redis 7.2 says that there may be no member"),
    ("geopos", "arguments", "Redis 7.2 says that there may be no member"),
    ("lcs", "arguments", "Redis 7.2 has another name"),
    ("msetnx", "tips", "a call that is cut in pieces would not be all or nothing"),
    ("pfmerge", "arguments", "Redis 7.2 says that there may be no source"),
    ("psetex", "deprecated_since", "Redis 7.2 says so"),
    ("psetex", "doc_flags", "Redis 7.2 says so"),
    ("psubscribe", "arguments", "Redis 7.2 has one argument instead of a block of one"),
    ("quit", "deprecated_since", "Redis 7.2 says so"),
    ("quit", "doc_flags", "Redis 7.2 says so"),
    ("setex", "deprecated_since", "Redis 7.2 says so"),
    ("setex", "doc_flags", "Redis 7.2 says so"),
    ("setnx", "deprecated_since", "Redis 7.2 says so"),
    ("setnx", "doc_flags", "Redis 7.2 says so"),
    ("zrank", "arguments", "Redis 7.2 has an option more"),
    ("zrank", "arity", "Redis 7.2 has an option more"),
    ("zrank", "history", "Redis 7.2 has an option more"),
    ("zrevrank", "arguments", "Redis 7.2 has an option more"),
    ("zrevrank", "arity", "Redis 7.2 has an option more"),
    ("zrevrank", "history", "Redis 7.2 has an option more"),
];

/// The parts of COMMAND INFO's elements, in order; the subcommands at the end are commands.
const INFO: [&str; 9] =
    ["name", "arity", "flags", "first", "last", "step", "categories", "tips", "keys"];

fn start_both(protocol: &str) -> (Server, Client, Server, Client) {
    let russet = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &[] as &[&str]);
    let redis = Server::oracle(&[] as &[&str]);
    let (mut ours, mut theirs) = (russet.client(), redis.client());
    for client in [&mut ours, &mut theirs] {
        assert!(!client.command(&["HELLO", protocol]).is_error());
    }
    (russet, ours, redis, theirs)
}

/// The names of all commands and subcommands of a server.
fn names(client: &mut Client) -> Vec<String> {
    client.command(&["COMMAND", "LIST"]).elements().into_iter().map(text).collect()
}

/// Adds a line for each part that differs without being listed.
fn compare<T: PartialEq + std::fmt::Debug>(
    differing: &mut Vec<String>,
    name: &str,
    part: &str,
    ours: T,
    theirs: T,
) {
    let is_listed = DIFFERENCES.iter().any(|(of, what, _)| *of == name && *what == part);
    match (ours == theirs, is_listed) {
        (false, false) => differing.push(format!("{name}: {part}: {ours:?} not {theirs:?}")),
        (true, true) => differing.push(format!("{name}: {part}: listed, but the same")),
        _ => {}
    }
}

/// A reply whose sets are sorted, because the order of their elements means nothing, without the notes
/// of key specifications, which are sentences.
fn normal(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(elements) if elements.first().is_some_and(is_notes) => {
            Reply::Array(elements[2..].iter().map(normal).collect())
        }
        Reply::Map(pairs) if pairs.first().is_some_and(|(key, _)| is_notes(key)) => {
            normal(&Reply::Map(pairs[1..].to_vec()))
        }
        Reply::Set(elements) => {
            let mut elements: Vec<Reply> = elements.iter().map(normal).collect();
            elements.sort();
            Reply::Set(elements)
        }
        Reply::Array(elements) => Reply::Array(elements.iter().map(normal).collect()),
        Reply::Map(pairs) => {
            Reply::Map(pairs.iter().map(|(key, value)| (normal(key), normal(value))).collect())
        }
        other => other.clone(),
    }
}

fn is_notes(reply: &Reply) -> bool {
    reply.bytes() == Some(b"notes")
}

#[test]
fn command_info_agrees() {
    if !tool_or_skip("redis-server") {
        return;
    }
    for protocol in ["2", "3"] {
        let (_russet, mut ours, _redis, mut theirs) = start_both(protocol);
        let known = names(&mut theirs);
        let mut differing = Vec::new();
        for name in names(&mut ours) {
            let is_ours = ONLY_OURS.iter().any(|(ours, _)| *ours == name);
            assert_eq!(known.contains(&name), !is_ours, "{name}");
            if is_ours {
                continue;
            }
            let [one, other] = [&mut ours, &mut theirs]
                .map(|client| client.command(&["COMMAND", "INFO", &name]).elements()[0].clone());
            for (at, part) in INFO.into_iter().enumerate() {
                let [one, other] = [&one, &other].map(|info| normal(info.elements()[at]));
                compare(&mut differing, &name, part, one, other);
            }
            let shape = |info: &Reply| matches!(info.elements()[9], Reply::Set(_));
            compare(&mut differing, &name, "shape of subcommands", shape(&one), shape(&other));
        }
        assert!(differing.is_empty(), "RESP{protocol}: {differing:#?}");
    }
}

/// What both versions of the documentation agree on. Names of groups and of tokens are Redis 7.2's,
/// which has renamed many.
fn arguments(docs: &Reply) -> String {
    let Some(arguments) = docs.field(b"arguments") else { return String::new() };
    let shown: Vec<String> = arguments
        .elements()
        .into_iter()
        .map(|argument| {
            let field = |name: &str| argument.field(name.as_bytes()).map(text).unwrap_or_default();
            let kind = field("type");
            let name = match kind.as_str() {
                "oneof" | "block" | "pure-token" => String::new(),
                _ => field("name"),
            };
            let index = argument.field(b"key_spec_index").and_then(Reply::integer);
            let flags = argument.field(b"flags").map(|flags| flags.elements());
            let mut flags: Vec<String> = flags.unwrap_or_default().into_iter().map(text).collect();
            flags.sort();
            let token = field("token");
            format!("{token} {name}:{kind}{index:?}{flags:?}({})", self::arguments(argument))
        })
        .collect();
    shown.join(" ")
}

/// The parts of COMMAND DOCS that are facts rather than sentences.
fn facts(docs: &Reply) -> BTreeMap<&'static str, String> {
    let mut facts = BTreeMap::new();
    for field in ["since", "group", "deprecated_since"] {
        facts.insert(field, docs.field(field.as_bytes()).map(text).unwrap_or_default());
    }
    let texts = |field: &str| -> Vec<String> {
        let elements = docs.field(field.as_bytes()).map(|reply| reply.elements());
        elements.unwrap_or_default().into_iter().map(text).collect()
    };
    facts.insert("doc_flags", texts("doc_flags").join(" "));
    let history = docs.field(b"history").map(|history| history.elements()).unwrap_or_default();
    let mut versions: Vec<String> =
        history.iter().map(|change| text(change.elements()[0])).collect();
    versions.sort();
    facts.insert("history", versions.join(" "));
    facts.insert("arguments", arguments(docs));
    facts
}

#[test]
fn command_docs_agree() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let (_russet, mut ours, _redis, mut theirs) = start_both("3");
    let known = names(&mut theirs);
    let mut differing = Vec::new();
    for name in names(&mut ours).into_iter().filter(|name| known.contains(name)) {
        let [one, other] = [&mut ours, &mut theirs].map(|client| {
            let reply = client.command(&["COMMAND", "DOCS", &name]);
            assert!(matches!(reply, Reply::Map(_)), "{reply:?}");
            reply.field(name.as_bytes()).expect("the command is documented").clone()
        });
        let theirs = facts(&other);
        for (part, fact) in facts(&one) {
            compare(&mut differing, &name, part, &fact, &theirs[part]);
        }
    }
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn other_subcommands_agree() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let requests = [
        "COMMAND INFO nope get|set config|get|x",
        "COMMAND DOCS nope",
        "COMMAND LIST bad",
        "COMMAND LIST FILTERBY bad",
        "COMMAND LIST FILTERBY bad bad",
        "COMMAND LIST FILTERBY ACLCAT nope",
        "COMMAND LIST FILTERBY MODULE nope",
        "COMMAND LIST FILTERBY PATTERN set",
        "COMMAND LIST FILTERBY PATTERN GET",
        "COMMAND LIST filterby aclcat bitmap",
        "COMMAND LIST filterby aclcat transaction",
        "COMMAND GETKEYS get",
        "COMMAND GETKEYS get key",
        "COMMAND GETKEYS get key more",
        "COMMAND GETKEYS nope key",
        "COMMAND GETKEYS ping x",
        "COMMAND GETKEYS config get",
        "COMMAND GETKEYS config nope",
        "COMMAND GETKEYS memory usage key",
        "COMMAND GETKEYS mset a 1 b 2",
        "COMMAND GETKEYS lcs key1 key2",
        "COMMAND GETKEYS bitop and a b c d",
        "COMMAND GETKEYSANDFLAGS set k v",
        "COMMAND GETKEYSANDFLAGS set k v GET",
        "COMMAND GETKEYSANDFLAGS mset k1 v1 k2 v2",
        "COMMAND GETKEYSANDFLAGS bitfield k get u8 0 get u8 8",
        "COMMAND GETKEYSANDFLAGS bitfield k get u8 0 set u8 8 1",
        "COMMAND GETKEYSANDFLAGS bitop not a b",
        "COMMAND nope",
        "COMMAND COUNT x",
        "MEMORY USAGE nope",
        "MEMORY USAGE nope SAMPLES",
        "MEMORY USAGE nope SAMPLES -1",
        "MEMORY USAGE nope SAMPLES x",
        "MEMORY USAGE nope SAMPLES 0 SAMPLES 7",
        "MEMORY USAGE nope OTHER 1",
        "MEMORY PURGE",
        "MEMORY nope",
        "CONFIG",
        "CONFIG nope",
        "CONFIG SET a",
        "CONFIG SET maxmemory 1 timeout",
        "CONFIG SET nope 1",
        "CONFIG SET maxmemory x",
        "CONFIG SET timeout 1 timeout 2",
        "CONFIG SET port 99999",
        "CONFIG SET daemonize yes",
        "CONFIG SET bind 192.0.2.1",
        "CONFIG GET nope",
        "CONFIG GET timeout TIMEOUT",
        "CONFIG REWRITE",
        "CONFIG RESETSTAT x",
        "TIME x",
        "ROLE",
        "INFO nope",
        "INFO keyspace",
        "INFO Keyspace cluster",
    ];
    for protocol in ["2", "3"] {
        let (_russet, mut ours, _redis, mut theirs) = start_both(protocol);
        for request in requests {
            let words: Vec<&str> = request.split(' ').collect();
            let [one, other] = [&mut ours, &mut theirs].map(|client| {
                let reply = normal(&client.command(&words));
                match reply {
                    // The order of what is listed means nothing.
                    Reply::Array(mut names) if words.get(1) == Some(&"LIST") => {
                        names.sort();
                        Reply::Array(names)
                    }
                    other => other,
                }
            });
            assert_eq!(one, other, "RESP{protocol}: {request}");
        }
    }
}
