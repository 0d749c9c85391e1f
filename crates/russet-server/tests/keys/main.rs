//! Keys and databases from outside, on several workers at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use russet_e2e::client::encode;
use russet_e2e::{Client, Reply, Server, text};

/// Keys that are there all the time.
const STABLE: usize = 20_000;

fn server(arguments: &[&str]) -> Server {
    let arguments = [&["--worker-threads", "4"], arguments].concat();
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), &arguments)
}

fn ok() -> Reply {
    Reply::Status(b"OK".into())
}

fn error(text: &str) -> Reply {
    Reply::Error(text.into())
}

fn elements(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::Array(elements) => elements,
        other => panic!("{other:?} is no array"),
    }
}

/// Sends many commands at once and expects an answer to each.
fn pipeline(client: &mut Client, commands: impl Iterator<Item = [String; 3]>) {
    for commands in commands.collect::<Vec<_>>().chunks(1_000) {
        let bytes: Vec<u8> = commands.iter().flat_map(|command| encode(command)).collect();
        client.send(&bytes).expect("the server reads");
        for _ in commands {
            assert_eq!(client.receive().expect("the server answers"), ok());
        }
    }
}

fn sets(prefix: &str, keys: usize) -> impl Iterator<Item = [String; 3]> {
    (0..keys).map(move |key| ["SET".into(), format!("{prefix}:{key}"), "v".into()])
}

/// Runs `walk` while other connections make tables grow and shrink, after `STABLE` keys were set.
fn while_tables_change(walk: impl FnOnce(&mut Client)) {
    let server = server(&[]);
    pipeline(&mut server.client(), sets("stable", STABLE));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..3 {
            let (mut client, is_done) = (server.client(), &is_done);
            scope.spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    let prefix = format!("passing:{writer}");
                    pipeline(&mut client, sets(&prefix, 20_000));
                    let keys = (0..20_000).map(|key| format!("{prefix}:{key}"));
                    let delete: Vec<String> = ["DEL".to_owned()].into_iter().chain(keys).collect();
                    assert_eq!(client.command(&delete), Reply::Integer(20_000));
                }
            });
        }
        // The writers must end also if the walk fails.
        let walked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            walk(&mut server.client());
        }));
        is_done.store(true, Ordering::Relaxed);
        if let Err(panic) = walked {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Checks that each stable key, and no key twice, is among those seen.
fn check_seen(seen: &[Reply]) {
    let mut times = HashMap::<String, usize>::new();
    seen.iter().for_each(|key| *times.entry(text(key)).or_default() += 1);
    for key in 0..STABLE {
        assert_eq!(times.get(&format!("stable:{key}")), Some(&1), "stable:{key}");
    }
}

#[test]
fn a_scan_shows_what_is_there_all_the_time() {
    while_tables_change(|client| {
        for count in ["10", "1000"] {
            let (mut cursor, mut seen) = ("0".to_owned(), Vec::new());
            loop {
                let reply = client.command(&["SCAN", &cursor, "COUNT", count]);
                let [next, keys] = elements(&reply) else { panic!("{reply:?}") };
                seen.extend_from_slice(elements(keys));
                cursor = text(next);
                if cursor == "0" {
                    break;
                }
            }
            check_seen(&seen);
        }
    });
}

#[test]
fn keys_shows_what_is_there_all_the_time() {
    while_tables_change(|client| {
        for _ in 0..3 {
            check_seen(elements(&client.run("KEYS stable:*")));
            assert!(client.run("RANDOMKEY").bytes().is_some());
        }
    });
}

#[test]
fn a_flush_leaves_nothing_behind_and_lets_others_work() {
    for flush in ["FLUSHALL", "FLUSHALL ASYNC", "FLUSHDB SYNC"] {
        let server = server(&[]);
        let mut client = server.client();
        pipeline(&mut client, sets("key", STABLE));
        thread::scope(|scope| {
            let mut other = server.client();
            scope.spawn(move || pipeline(&mut other, sets("other", STABLE)));
            for _ in 0..20 {
                assert_eq!(client.run(flush), ok());
                assert_eq!(client.run("EXISTS key:0 key:1"), Reply::Integer(0));
            }
        });
        assert_eq!(client.run(flush), ok());
        assert_eq!(client.run("DBSIZE"), Reply::Integer(0));
        assert_eq!(client.run("KEYS *"), Reply::Array(Vec::new()));
    }
}

#[test]
fn databases_are_chosen_per_connection_and_exchanged_for_all() {
    let server = server(&[]);
    let (mut one, mut other) = (server.client(), server.client());
    assert_eq!(other.run("SELECT 1"), ok());
    assert_eq!(one.run("SET k zero"), ok());
    assert_eq!(other.run("SET k one"), ok());
    assert_eq!(text(&one.run("GET k")), "zero");
    assert_eq!(one.run("SWAPDB 0 1"), ok());
    assert_eq!(text(&one.run("GET k")), "one");
    assert_eq!(text(&other.run("GET k")), "zero");
    // A transaction sees its own exchange.
    for command in ["MULTI", "SWAPDB 0 1", "GET k", "SELECT 1", "GET k"] {
        one.run(command);
    }
    let replies = [ok(), Reply::Bulk(b"zero".into()), ok(), Reply::Bulk(b"one".into())];
    assert_eq!(one.run("EXEC"), Reply::Array(replies.into()));
    assert_eq!(text(&one.run("GET k")), "one");
}

#[test]
fn version_4_has_its_own_words_for_databases_that_are_not_there() {
    let server = server(&["--compatibility", "4.0"]);
    let mut client = server.client();
    for (command, reply) in [
        ("SELECT x", "ERR invalid DB index"),
        ("SELECT 16", "ERR DB index is out of range"),
        ("MOVE k x", "ERR index out of range"),
        ("MOVE k 16", "ERR index out of range"),
    ] {
        assert_eq!(client.run(command), error(reply), "{command}");
    }
}

/// A walk over all keys lets the other clients of its worker have their turns: many of them, while a
/// worker that went on to the end would serve hardly more than what had come before it began.
#[test]
fn a_long_walk_keeps_its_worker_from_nobody() {
    const ROUNDS: usize = 300;
    const SERVED: usize = 20;
    let server = server(&["--worker-threads", "1"]);
    let (mut walker, mut other) = (server.client(), server.client());
    assert_eq!(walker.run("DEBUG POPULATE 200000"), ok());
    for walk in ["KEYS none*", "SCAN 0 COUNT 1000000 MATCH none*"] {
        let has_been_served = (0..ROUNDS).any(|_| {
            walker.send(format!("{walk}\r\n").as_bytes()).expect("the server reads");
            let mut served = 0;
            walker.socket().set_nonblocking(true).expect("it is open");
            while walker.socket().peek(&mut [0]).is_err() {
                other.run("PING");
                served += 1;
            }
            walker.socket().set_nonblocking(false).expect("it is open");
            walker.receive().expect("what was found");
            served >= SERVED
        });
        assert!(has_been_served, "{walk}");
    }
}
