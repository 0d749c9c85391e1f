//! Scripts, hundreds of them, compared with Redis in every byte of their replies.
//!
//! The scripts are in text files, one on each line; `\n` in them is for Lua to read. All run in both
//! protocols, one after the other, so that later ones see what earlier ones have left in the keyspace.

use russet_e2e::{Client, Reply, Server, tool_or_skip};

/// Functions of Lua and of the table `redis`, conversions, errors.
const LANGUAGE: &str = include_str!("scripts/language.txt");
/// `cjson`, `cmsgpack`, `struct`.
const LIBRARIES: &str = include_str!("scripts/libraries.txt");
/// Texts that `cjson` reads and writes again, separated by spaces.
const JSON: &str = include_str!("scripts/json.txt");
/// What becomes of each of them.
const JSON_SCRIPTS: [&str; 3] = [
    "return cjson.encode(cjson.decode(ARGV[1]))",
    "local v = cjson.decode(ARGV[1]) return {type(v), tostring(v):sub(1, 5)}",
    "cjson.decode_invalid_numbers(false)
     local ok, e = pcall(cjson.decode, ARGV[1])
     cjson.decode_invalid_numbers(true)
     return {tostring(ok), type(e) == 'string' and e or type(e)}",
];

#[test]
fn scripts_answer_as_in_the_oracle() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let ours = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &["--worker-threads", "1"]);
    let theirs = Server::oracle(&[] as &[&str]);
    let mut calls: Vec<Vec<&str>> = vec![vec!["FLUSHALL"], vec!["SET", "s", "abc"]];
    let scripts = || LANGUAGE.lines().chain(LIBRARIES.lines());
    let json = || JSON.split_ascii_whitespace();
    for protocol in ["2", "3"] {
        calls.push(vec!["HELLO", protocol]);
        calls.extend(scripts().map(|script| vec!["EVAL", script, "0"]));
        calls.extend(
            JSON_SCRIPTS
                .iter()
                .flat_map(|script| json().map(|text| vec!["EVAL", script, "0", text])),
        );
    }
    let mut clients = [ours.client(), theirs.client()];
    let failures: Vec<String> =
        calls.iter().filter_map(|call| differ(&mut clients, call)).collect();
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

/// What both servers answer, if it is not the same.
fn differ(clients: &mut [Client; 2], call: &[&str]) -> Option<String> {
    let [ours, theirs] = clients.each_mut().map(|client| client.command(call));
    let is_hello = call[0] == "HELLO";
    (!is_hello && !same(&ours, &theirs))
        .then(|| format!("{call:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}"))
}

/// Debug texts are compared: they tell apart what is no number.
fn same(ours: &Reply, theirs: &Reply) -> bool {
    ours == theirs || format!("{ours:?}") == format!("{theirs:?}")
}
