//! RDB files: to and from Redis, across restarts, what is refused meanwhile.

use std::fs;
use std::path::Path;

use russet_e2e::{Reply, Server, text, tool_or_skip};
use russet_persist::crc64;

use super::{
    dataset, digest, info, integer, ok, refusal, russet, russet_in, save_in_background, wait_until,
};

/// Redis whose files are in a directory that outlives it, when it has loaded them.
pub fn redis_in(directory: &Path, arguments: &[&str]) -> Server {
    let directory = directory.to_str().expect("a path in UTF-8");
    let server = Server::oracle(&[&["--dir", directory], arguments].concat());
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
    server
}

/// Makes a file of version 11 one of version 10, which is the same but for small sets.
pub fn make_version_10(file: &Path) {
    let mut bytes = fs::read(file).expect("the file is there");
    assert_eq!(bytes[..9], *b"REDIS0011");
    bytes[7..9].copy_from_slice(b"10");
    let end = bytes.len() - 8;
    let checksum = crc64::update(0, &bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
    fs::write(file, bytes).expect("the file can be written");
}

#[test]
fn files_are_exchanged_with_redis() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let mut redis = redis_in(path, &[]);
    let mut client = redis.client();
    dataset::fill(&mut client);
    let expected = digest(&mut client);
    assert_eq!(client.run("SAVE"), ok());
    redis.terminate().expect("it ends");

    let mut new = russet_in(path, &["--set-max-listpack-entries", "0", "--worker-threads", "3"]);
    let mut client = new.client();
    assert_eq!(digest(&mut client), expected);
    save_in_background(&mut client);
    new.terminate().expect("it ends");
    make_version_10(&path.join("dump.rdb"));
    let mut redis = redis_in(path, &[]);
    assert_eq!(digest(&mut redis.client()), expected);
    redis.terminate().expect("it ends");

    let mut old = russet_in(path, &["--compatibility", "4.0", "--worker-threads", "1"]);
    let mut client = old.client();
    assert_eq!(digest(&mut client), expected);
    save_in_background(&mut client);
    assert_eq!(digest(&mut client), expected);
    old.terminate().expect("it ends");
    assert_eq!(fs::read(path.join("dump.rdb")).expect("a file")[..9], *b"REDIS0008");
    let redis = redis_in(path, &[]);
    assert_eq!(digest(&mut redis.client()), expected);
}

#[test]
fn keys_survive_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let mut server = russet_in(path, &[]);
    let mut client = server.client();
    dataset::fill(&mut client);
    let expected = digest(&mut client);
    assert_eq!(client.run("DEBUG RELOAD"), ok());
    assert_eq!(digest(&mut client), expected);
    // The last save is in the file, and only that.
    client.run("SET later 1");
    client.send(b"SHUTDOWN NOSAVE\r\n").expect("sent");
    server.wait(super::LIMIT).expect("it ends");
    let mut server = russet_in(path, &[]);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    client.run("SET later 1");
    let expected = digest(&mut client);
    client.send(b"SHUTDOWN SAVE\r\n").expect("sent");
    assert!(server.wait(super::LIMIT).expect("it ends").success());
    let mut server = russet_in(path, &["--save", "3600 1"]);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    // By a signal, because there are save points.
    client.run("DEL later");
    let expected = digest(&mut client);
    assert!(server.terminate().expect("it ends").success());
    let server = russet_in(path, &[]);
    assert_eq!(digest(&mut server.client()), expected);
    assert_eq!(fs::read_dir(path).expect("a directory").count(), 1, "no temporary file is left");
}

#[test]
fn expired_keys_are_not_loaded() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &[]);
    let mut client = server.client();
    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
    client.run("SET stays 1 EX 1000");
    client.run("SET goes 1 PXAT 1");
    client.run("SET also PX 1 PX 1");
    client.run("RPUSH list a");
    client.run("PEXPIRE list 1");
    wait_until("expired", || client.run("EXISTS list") == Reply::Integer(0));
    assert_eq!(client.run("SAVE"), ok());
    server.terminate().expect("it ends");
    let server = russet_in(directory.path(), &[]);
    let mut client = server.client();
    assert_eq!(client.run("DBSIZE"), Reply::Integer(1));
    assert!(integer(&client.run("TTL stays")) > 900);
    assert_eq!(info(&mut client, "rdb_last_load_keys_loaded"), "1");
}

#[test]
fn a_damaged_file_ends_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("dump.rdb");
    fs::write(&file, b"REDIS0011\x00\x01k").expect("written");
    let message = refusal(directory.path(), &[]);
    assert!(message.contains("the data ends too early, at offset 12"), "{message}");
}

#[test]
fn keys_are_refused_while_they_are_loaded() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &[]);
    let mut client = server.client();
    client.run("DEBUG POPULATE 2000 key 10");
    client.run("SAVE");
    server.terminate().expect("it ends");
    // A second would do, but for a machine that is busy.
    let path = directory.path().to_str().expect("a path in UTF-8");
    let server = russet(&["--dir", path, "--key-load-delay", "2000", "--worker-threads", "2"]);
    let mut client = server.client();
    let refused = client.run("GET key:1");
    let is_loading = Reply::Error(b"LOADING Redis is loading the dataset in memory".to_vec());
    assert!(refused == is_loading || info(&mut client, "loading") == "0", "{refused:?}");
    wait_until("loaded", || info(&mut client, "loading") == "0");
    assert_eq!(client.run("DBSIZE"), Reply::Integer(2000));
}

#[test]
fn save_points_save_and_failures_stop_writes() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = russet_in(directory.path(), &["--save", "1 2"]);
    let mut client = server.client();
    client.run("SET a 1");
    client.run("SET b 1");
    wait_until("saved", || info(&mut client, "rdb_saves") == "1");
    assert_eq!(info(&mut client, "rdb_changes_since_last_save"), "0");
    // A directory is in the way.
    fs::create_dir(directory.path().join("other.rdb")).expect("made");
    fs::write(directory.path().join("other.rdb/file"), "").expect("written");
    assert_eq!(client.run("CONFIG SET dbfilename other.rdb"), ok());
    assert_eq!(text(&client.run("BGSAVE")), "Background saving started");
    wait_until("failed", || info(&mut client, "rdb_last_bgsave_status") == "err");
    assert!(text(&client.run("SET c 1")).starts_with("MISCONF Redis is configured to save RDB"));
    assert_eq!(text(&client.run("GET a")), "1");
    assert_eq!(client.run("CONFIG SET stop-writes-on-bgsave-error no"), ok());
    assert_eq!(client.run("SET c 1"), ok());
    assert_eq!(client.run("CONFIG SET stop-writes-on-bgsave-error yes"), ok());
    assert_eq!(client.run("CONFIG SET dbfilename dump.rdb"), ok());
    wait_until("idle", || info(&mut client, "rdb_bgsave_in_progress") == "0");
    save_in_background(&mut client);
    assert_eq!(client.run("SET c 1"), ok());
}

#[test]
fn one_save_at_a_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = russet_in(directory.path(), &["--rdb-key-save-delay", "100000"]);
    let mut client = server.client();
    client.run("DEBUG POPULATE 1000");
    assert_eq!(text(&client.run("BGSAVE")), "Background saving started");
    for command in ["BGSAVE", "SAVE"] {
        let refused = Reply::Error(b"ERR Background save already in progress".to_vec());
        assert_eq!(client.run(command), refused, "{command}");
    }
    assert_eq!(text(&client.run("BGSAVE NONSENSE")), "ERR syntax error");
    // The end does not wait for it.
    client.send(b"SHUTDOWN NOSAVE\r\n").expect("sent");
    let mut server = server;
    server.wait(super::LIMIT).expect("it ends");
}

#[test]
fn who_removes_all_keys_wants_none_saved() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("dump.rdb");
    let mut server = russet_in(directory.path(), &["--rdb-key-save-delay", "10000"]);
    let mut client = server.client();
    client.run("DEBUG POPULATE 10000");
    assert_eq!(text(&client.run("BGSAVE")), "Background saving started");
    assert_eq!(client.run("FLUSHALL"), ok());
    wait_until("given up", || info(&mut client, "rdb_bgsave_in_progress") == "0");
    assert_eq!(info(&mut client, "rdb_last_bgsave_status"), "ok");
    assert_eq!(info(&mut client, "rdb_saves"), "0");
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0);
    // With save points there is a file, which has no keys.
    client.run("SET k 1");
    assert_eq!(client.command(&["CONFIG", "SET", "save", "3600 1000"]), ok());
    assert!(!file.exists());
    assert_eq!(client.run("FLUSHALL"), ok());
    assert!(file.exists());
    assert_eq!(info(&mut client, "rdb_saves"), "1");
    client.run("SET k 1");
    client.send(b"SHUTDOWN NOSAVE\r\n").expect("sent");
    server.wait(super::LIMIT).expect("it ends");
    let server = russet_in(directory.path(), &[]);
    assert_eq!(server.client().run("DBSIZE"), Reply::Integer(0));
}
