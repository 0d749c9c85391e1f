//! The append-only file: across crashes, to and from Redis, rewritten under load.

use std::fs::{self, OpenOptions};

use russet_e2e::{Client, Reply, text, tool_or_skip};

use super::rdb::redis_in;
use super::{
    ALWAYS, dataset, digest, increments, info, kill, ok, refusal, rewrite, russet, russet_in,
    save_in_background, wait_until,
};

/// Commands whose effects are not what was sent.
fn surprise(client: &mut Client) {
    for command in [
        "SADD lots a b c d e f g h",
        "SPOP lots",
        "SPOP lots 3",
        "SET float 10.5",
        "INCRBYFLOAT float 0.1",
        "HINCRBYFLOAT h f 1.5",
        "SET short 1 EX 1000",
        "EXPIRE float 5000",
        "GETEX short PX 777777",
        "SET gone 1 PX 1",
        "GETDEL short",
        "RPUSH queue a b c",
        "BLPOP queue 1",
        "BLMOVE queue other LEFT RIGHT 1",
    ] {
        assert!(!matches!(client.run(command), Reply::Error(_)), "{command}");
    }
    client.run("MULTI");
    client.run("INCR one");
    client.run("SELECT 3");
    client.run("INCR two");
    client.run("EXEC");
    client.run("SELECT 0");
    client.run("SWAPDB 3 4");
    wait_until("expired", || client.run("EXISTS gone") == Reply::Integer(0));
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &ALWAYS);
    let mut client = server.client();
    dataset::fill(&mut client);
    surprise(&mut client);
    let expected = digest(&mut client);
    kill(&mut server);
    let mut server = russet_in(directory.path(), &ALWAYS);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    rewrite(&mut client);
    surprise(&mut client);
    let expected = digest(&mut client);
    kill(&mut server);
    let server = russet_in(directory.path(), &[&ALWAYS[..], &["--worker-threads", "1"]].concat());
    assert_eq!(digest(&mut server.client()), expected);
}

#[test]
fn logs_are_exchanged_with_redis() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let arguments = ["--appendonly", "yes", "--compatibility", "4.0"];
    let mut redis = redis_in(path, &["--appendonly", "yes"]);
    let mut client = redis.client();
    dataset::fill(&mut client);
    surprise(&mut client);
    let expected = digest(&mut client);
    redis.terminate().expect("it ends");
    let mut server = russet_in(path, &arguments);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    client.run("FLUSHALL");
    dataset::fill(&mut client);
    surprise(&mut client);
    let expected = digest(&mut client);
    server.terminate().expect("it ends");
    let mut redis = redis_in(path, &["--appendonly", "yes"]);
    assert_eq!(digest(&mut redis.client()), expected);
    redis.terminate().expect("it ends");
    let mut server = russet_in(path, &arguments);
    let mut client = server.client();
    rewrite(&mut client);
    surprise(&mut client);
    let expected = digest(&mut client);
    server.terminate().expect("it ends");
    let redis = redis_in(path, &["--appendonly", "yes"]);
    assert_eq!(digest(&mut redis.client()), expected);
}

#[test]
fn a_log_that_ends_in_the_middle_is_loaded_up_to_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &ALWAYS);
    let mut client = server.client();
    client.run("SET a 1");
    let whole = digest(&mut client);
    let file = increments(directory.path()).pop().expect("an increment");
    let whole_bytes = fs::metadata(&file).expect("it is there").len();
    for command in ["MULTI", "SET b 1", "SET c 1", "EXEC"] {
        client.run(command);
    }
    kill(&mut server);
    let bytes = fs::read(&file).expect("it can be read");
    for cut in [bytes.len() - 1, bytes.len() - 15, whole_bytes as usize + 3] {
        fs::write(&file, &bytes[..cut]).expect("it can be written");
        let mut server = russet_in(directory.path(), &ALWAYS);
        assert_eq!(digest(&mut server.client()), whole, "cut at {cut}");
        assert!(server.log().contains(&format!("at offset {whole_bytes}")));
        kill(&mut server);
        assert_eq!(fs::metadata(&file).expect("it is there").len(), whole_bytes);
    }
    fs::write(&file, &bytes[..bytes.len() - 1]).expect("it can be written");
    let strict = [&ALWAYS[..], &["--aof-load-truncated", "no"]].concat();
    let message = refusal(directory.path(), &strict);
    assert!(message.contains("in the middle of a command, at offset"), "{message}");
}

#[test]
fn the_log_can_begin_and_end_at_run_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &[]);
    let mut client = server.client();
    dataset::fill(&mut client);
    assert_eq!(client.run("CONFIG SET appendfsync always appendonly yes"), ok());
    wait_until("begun", || info(&mut client, "aof_rewrites") == "1");
    surprise(&mut client);
    let expected = digest(&mut client);
    kill(&mut server);
    let mut server = russet_in(directory.path(), &ALWAYS);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    assert_eq!(client.run("CONFIG SET appendonly no"), ok());
    wait_until("ended", || info(&mut client, "aof_enabled") == "0");
    client.run("SET unlogged 1");
    kill(&mut server);
    let server = russet_in(directory.path(), &ALWAYS);
    assert_eq!(digest(&mut server.client()), expected);
}

#[test]
fn the_single_file_of_before_redis_7_is_adopted() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &[]);
    let mut client = server.client();
    dataset::fill(&mut client);
    client.run("SAVE");
    client.run("SET after 1");
    let expected = digest(&mut client);
    kill(&mut server);
    let old = directory.path().join("appendonly.aof");
    fs::rename(directory.path().join("dump.rdb"), &old).expect("it is there");
    let mut file = OpenOptions::new().append(true).open(&old).expect("it is there");
    let commands =
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$1\r\n1\r\n";
    std::io::Write::write_all(&mut file, commands).expect("it can be written");
    let mut server = russet_in(directory.path(), &ALWAYS);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    assert!(!old.exists());
    rewrite(&mut client);
    kill(&mut server);
    let server = russet_in(directory.path(), &ALWAYS);
    assert_eq!(digest(&mut server.client()), expected);
}

#[test]
fn what_was_written_is_memory_no_more() {
    let server = russet(&["--appendonly", "yes", "--worker-threads", "2"]);
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
    let used = |client: &mut Client| {
        let report = text(&client.run("INFO memory"));
        let line = report.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.expect("it is there").parse::<i64>().expect("a number")
    };
    wait_until("loaded", || info(&mut client, "loading") == "0");
    let before = used(&mut client);
    let value = "x".repeat(10_000);
    for number in 0..1_000 {
        client.command(&["SET", &format!("k{number}"), &value]);
    }
    save_in_background(&mut client);
    rewrite(&mut client);
    assert!(used(&mut client) > before + 10_000_000);
    assert_eq!(client.run("FLUSHALL SYNC"), ok());
    wait_until("freed", || used(&mut client) < before + 2_000_000);
}
