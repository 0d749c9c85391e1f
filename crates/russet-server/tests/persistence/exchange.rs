//! What Redis and Russet hand each other in files and payloads, beyond the common data set: logs that
//! Redis has rewritten, nodes of lists that are compressed or alone, and when keys were last used.

use russet_e2e::{Client, Server, text, tool_or_skip};

use super::dump::{move_all, to_version_10};
use super::rdb::{make_version_10, redis_in};
use super::{dataset, digest, integer, kill, ok, rewrite, russet, russet_in, save_in_background};

#[test]
fn logs_that_redis_has_rewritten_are_loaded() {
    if !tool_or_skip("redis-server") {
        return;
    }
    for has_rdb_base in ["yes", "no"] {
        let directory = tempfile::tempdir().expect("a directory");
        let log = ["--appendonly", "yes", "--aof-use-rdb-preamble", has_rdb_base];
        let mut redis = redis_in(directory.path(), &log);
        let mut client = redis.client();
        dataset::fill(&mut client);
        rewrite(&mut client);
        client.run("RPUSH list:2:5 after");
        client.run("SELECT 9");
        client.run("SET after 1");
        let expected = digest(&mut client);
        redis.terminate().expect("it ends");
        for compatibility in ["4.0", "7.2"] {
            let options = ["--compatibility", compatibility];
            let mut server = russet_in(directory.path(), &[&log[..], &options].concat());
            assert_eq!(digest(&mut server.client()), expected, "{has_rdb_base} {compatibility}");
            kill(&mut server);
        }
    }
}

const NODES: [&str; 4] = ["--list-compress-depth", "1", "--list-max-listpack-size", "-1"];

/// Lists of nodes of every kind: compressed, not compressed because they do not get shorter, and elements
/// that are alone in one.
fn fill_lists(client: &mut Client) {
    assert_eq!(client.run("DEBUG QUICKLIST-PACKED-THRESHOLD 1000b"), ok());
    let mut random = fastrand::Rng::with_seed(1);
    let mut push = |name: &str, count: usize, length: usize, is_random: bool| {
        for number in 0..count {
            let mut element = format!("{number}:").into_bytes();
            let fill = |_| if is_random { random.u8(..) } else { b'x' };
            element.extend((0..length).map(fill));
            client.command(&[b"RPUSH", name.as_bytes(), &element]);
        }
    };
    push("compressed", 300, 100, false);
    push("incompressible", 300, 100, true);
    push("alone", 5, 5000, false);
    push("mixed", 50, 100, false);
    push("mixed", 3, 5000, true);
    push("mixed", 50, 100, true);
}

#[test]
fn nodes_of_lists_are_exchanged_with_redis() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let mut redis = redis_in(path, &NODES);
    let mut client = redis.client();
    fill_lists(&mut client);
    let expected = digest(&mut client);
    assert_eq!(client.run("SAVE"), ok());
    redis.terminate().expect("it ends");
    let mut server = russet_in(path, &NODES);
    assert_eq!(digest(&mut server.client()), expected);
    server.terminate().expect("it ends");
    // Made here, not only taken over.
    let server = russet_in(path, &NODES);
    let mut client = server.client();
    client.run("FLUSHALL");
    fill_lists(&mut client);
    assert_eq!(digest(&mut client), expected);
    save_in_background(&mut client);
    make_version_10(&path.join("dump.rdb"));
    let redis = redis_in(path, &NODES);
    let mut other = redis.client();
    assert_eq!(digest(&mut other), expected);
    other.run("FLUSHALL");
    move_all(&mut client, &mut other, to_version_10);
    assert_eq!(digest(&mut other), expected);
    client.run("FLUSHALL");
    move_all(&mut other, &mut client, |payload| payload);
    assert_eq!(digest(&mut client), expected);
}

#[test]
fn files_of_version_8_are_read_by_both_versions() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &["--compatibility", "4.0"]);
    let mut client = server.client();
    dataset::fill(&mut client);
    let expected = digest(&mut client);
    save_in_background(&mut client);
    server.terminate().expect("it ends");
    let file = std::fs::read(directory.path().join("dump.rdb")).expect("a file");
    assert_eq!(file[..9], *b"REDIS0008");
    for compatibility in ["4.0", "7.2"] {
        let mut server = russet_in(directory.path(), &["--compatibility", compatibility]);
        assert_eq!(digest(&mut server.client()), expected, "{compatibility}");
        kill(&mut server);
    }
    // And payloads.
    let (old, new) = (russet(&["--compatibility", "4.0"]), russet(&[]));
    let (mut old, mut new) = (old.client(), new.client());
    dataset::fill(&mut old);
    move_all(&mut old, &mut new, |payload| payload);
    assert_eq!(digest(&mut new), expected);
}

#[test]
fn how_keys_were_used_is_exchanged_with_redis() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let start = |path: &std::path::Path, is_redis: bool, policy: &str| -> Server {
        let options = ["--maxmemory-policy", policy, "--lfu-decay-time", "0"];
        if is_redis { redis_in(path, &options) } else { russet_in(path, &options) }
    };
    for from_redis in [true, false] {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let used = |policy: &str, question: &str, option: &str| {
            let mut server = start(path, from_redis, policy);
            let mut client = server.client();
            client.run("SET source value");
            let payload = match client.run("DUMP source") {
                russet_e2e::Reply::Bulk(payload) => payload,
                other => panic!("a string is expected, not {other:?}"),
            };
            let words = [&b"RESTORE"[..], b"k", b"0", &payload, option.as_bytes(), b"200"];
            assert_eq!(client.command(&words), ok());
            assert_eq!(client.run("SAVE"), ok());
            server.terminate().expect("it ends");
            if !from_redis {
                make_version_10(&path.join("dump.rdb"));
            }
            let server = start(path, !from_redis, policy);
            let mut client = server.client();
            let answer = integer(&client.run(&format!("OBJECT {question} k")));
            assert_eq!(text(&client.run("GET k")), "value");
            client.send(b"SHUTDOWN NOSAVE\r\n").expect("sent");
            let mut server = server;
            server.wait(super::LIMIT).expect("it ends");
            std::fs::remove_file(path.join("dump.rdb")).expect("it was there");
            answer
        };
        assert_eq!(used("allkeys-lfu", "FREQ", "FREQ"), 200, "from Redis: {from_redis}");
        let idle_s = used("allkeys-lru", "IDLETIME", "IDLETIME");
        assert!((200..300).contains(&idle_s), "{idle_s}, from Redis: {from_redis}");
    }
}
