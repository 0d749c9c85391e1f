//! Directives of the append-only file.

use std::fs;

use russet_e2e::{Client, Reply, text, tool_or_skip};

use super::rdb::redis_in;
use super::{
    ALWAYS, dataset, digest, increments, info, kill, log_files, ok, rewrite, russet_in, wait_until,
};

#[test]
fn a_rewritten_log_can_consist_of_commands() {
    let directory = tempfile::tempdir().expect("a directory");
    let commands = [&ALWAYS[..], &["--aof-use-rdb-preamble", "no"]].concat();
    let mut server = russet_in(directory.path(), &commands);
    let mut client = server.client();
    dataset::fill(&mut client);
    // In pieces, while it changes.
    let elements: Vec<String> = (0..50_000).map(|number| format!("element {number}")).collect();
    let words = ["RPUSH", "large"].into_iter().chain(elements.iter().map(String::as_str));
    client.command(&words.collect::<Vec<_>>());
    client.run("SET expiring 1 PXAT 33177117420123");
    rewrite(&mut client);
    client.run("SET after 1");
    let expected = digest(&mut client);
    kill(&mut server);
    let base = log_files(directory.path(), ".base.aof").pop().expect("a base of commands");
    assert!(fs::read(base).expect("it can be read").starts_with(b"*2\r\n$6\r\nSELECT\r\n"));
    assert!(log_files(directory.path(), ".base.rdb").is_empty());
    let mut server = russet_in(directory.path(), &ALWAYS);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    assert_eq!(client.run("DEBUG LOADAOF"), ok());
    assert_eq!(digest(&mut client), expected);
    server.terminate().expect("it ends");
    if tool_or_skip("redis-server") {
        let redis = redis_in(directory.path(), &["--appendonly", "yes"]);
        assert_eq!(digest(&mut redis.client()), expected);
    }
}

#[test]
fn the_time_is_noted() {
    let directory = tempfile::tempdir().expect("a directory");
    let notes = [&ALWAYS[..], &["--aof-use-rdb-preamble", "no"]].concat();
    let mut server = russet_in(directory.path(), &notes);
    let mut client = server.client();
    client.run("SET before 1");
    assert_eq!(client.run("CONFIG SET aof-timestamp-enabled yes"), ok());
    client.run("SET noted 1");
    let bytes = fs::read(&increments(directory.path())[0]).expect("it can be read");
    let log = String::from_utf8_lossy(&bytes);
    let (before, after) = log.split_once("#TS:").expect("there is a note");
    assert!(before.contains("before") && !before.contains("noted"));
    let now_s: i64 = text(&first(client.run("TIME"))).parse().expect("a time");
    let noted_s: i64 = after.split("\r\n").next().expect("a line").parse().expect("a time");
    assert!((0..1000).contains(&(now_s - noted_s)), "{noted_s} before {now_s}");
    rewrite(&mut client);
    let base = log_files(directory.path(), ".base.aof").pop().expect("a base of commands");
    assert!(fs::read(base).expect("it can be read").starts_with(b"#TS:"));
    let expected = digest(&mut client);
    kill(&mut server);
    let server = russet_in(directory.path(), &ALWAYS);
    assert_eq!(digest(&mut server.client()), expected);
}

#[test]
fn the_log_is_not_flushed_during_a_save_if_that_is_wanted() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = ["--no-appendfsync-on-rewrite", "yes", "--rdb-key-save-delay", "10000000"];
    let server = russet_in(directory.path(), &[&ALWAYS[..], &options].concat());
    let mut client = server.client();
    client.run("SET a 1");
    let flushed = |local| Reply::Array(vec![Reply::Integer(local), Reply::Integer(0)]);
    assert_eq!(client.run("WAITAOF 1 0 0"), flushed(1));
    client.run("BGSAVE");
    assert_eq!(client.run("SET a 2"), ok(), "replies do not wait");
    assert_eq!(client.run("WAITAOF 1 0 50"), flushed(0));
    // Which gives the save up.
    client.run("FLUSHALL");
    assert_eq!(client.run("WAITAOF 1 0 0"), flushed(1));
    assert_eq!(info(&mut client, "rdb_bgsave_in_progress"), "0");
}

#[test]
fn a_log_that_has_grown_is_rewritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let size = ["--auto-aof-rewrite-min-size", "20000", "--auto-aof-rewrite-percentage", "100"];
    let server = russet_in(directory.path(), &[&ALWAYS[..], &size].concat());
    let mut client = server.client();
    let rewrites = |client: &mut Client| info(client, "aof_rewrites");
    (0..200).for_each(|_| _ = client.command(&["SET", "k", &"x".repeat(40)]));
    let size_of_log = |client: &mut Client| info(client, "aof_current_size").parse::<u64>();
    assert!(size_of_log(&mut client).expect("a number") < 20_000);
    assert_eq!(rewrites(&mut client), "0", "it is small still");
    client.run("CONFIG SET auto-aof-rewrite-percentage 0");
    (0..300).for_each(|_| _ = client.command(&["SET", "k", &"x".repeat(40)]));
    assert!(size_of_log(&mut client).expect("a number") > 20_000);
    client.run("CONFIG SET auto-aof-rewrite-percentage 100");
    wait_until("rewritten", || rewrites(&mut client) == "1");
    wait_until("shorter", || size_of_log(&mut client).expect("a number") < 1000);
    assert_eq!(info(&mut client, "aof_base_size"), info(&mut client, "aof_current_size"));
}

fn first(reply: Reply) -> Reply {
    match reply {
        Reply::Array(replies) => replies.into_iter().next().expect("it is not empty"),
        other => panic!("an array is expected, not {other:?}"),
    }
}
