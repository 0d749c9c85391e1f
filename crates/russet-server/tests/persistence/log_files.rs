//! The files of the log while it is rewritten: those of rewrites that fail, and those that are history.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use russet_e2e::{Client, Reply, Server, text, tool_or_skip};

use super::{
    ALWAYS, digest, increments, info, kill, log_files, ok, rewrite, russet_in, wait_until,
};

/// The lines of the manifest: name, sequence number and type of each file.
fn manifest(directory: &Path) -> Vec<(String, String, String)> {
    let path = directory.join("appendonlydir/appendonly.aof.manifest");
    let text = fs::read_to_string(path).expect("there is a manifest");
    text.lines()
        .map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
            ["file", name, "seq", sequence, "type", kind] => {
                (name.into(), sequence.into(), kind.into())
            }
            _ => panic!("no line of a manifest: {line}"),
        })
        .collect()
}

/// What the manifest has to be: `b` and `i` are followed by the number of a base and an increment that
/// are part of the log, `hb` and `hi` of what is history.
fn assert_manifest(directory: &Path, expected: &str) {
    let short = |(name, sequence, kind): (String, String, String)| {
        let is_base = name.ends_with(".base.rdb");
        assert!(name.contains(&format!(".{sequence}.")), "{name}");
        match (&kind[..], is_base) {
            ("h", true) => format!("hb{sequence}"),
            ("h", false) => format!("hi{sequence}"),
            _ => format!("{kind}{sequence}"),
        }
    };
    let found: Vec<String> = manifest(directory).into_iter().map(short).collect();
    assert_eq!(found.join(" "), expected);
    for (name, ..) in manifest(directory) {
        assert!(directory.join("appendonlydir").join(&name).exists(), "{name}");
    }
}

/// Puts a directory where a rewrite would put a base.
fn obstruct(directory: &Path, base: u64) -> PathBuf {
    let obstacle = directory.join(format!("appendonlydir/appendonly.aof.{base}.base.rdb"));
    fs::create_dir(&obstacle).expect("it can be made");
    fs::write(obstacle.join("file"), "").expect("it can be written");
    obstacle
}

#[test]
fn rewrites_that_fail_leave_increments_and_are_put_off_after_a_while() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let mut server = russet_in(path, &ALWAYS);
    let mut client = server.client();
    client.run("SET before 1");
    let obstacle = obstruct(path, 2);
    // Whatever the size, it is time.
    client.run("CONFIG SET auto-aof-rewrite-min-size 1 auto-aof-rewrite-percentage 1");
    client.command(&["SET", "grown", &"x".repeat(1000)]);
    let failures = |client: &mut Client| info(client, "aof_rewrites_consecutive_failures");
    wait_until("failed", || failures(&mut client) == "3");
    wait_until("ended", || info(&mut client, "aof_rewrite_in_progress") == "0");
    assert_eq!(info(&mut client, "aof_last_bgrewrite_status"), "err");
    assert!(server.log().contains("triggered the limit, will retry in 1 minutes"));
    assert_manifest(path, "b1 i1 i2 i3 i4");
    client.run("SET after 1");
    let expected = digest(&mut client);
    kill(&mut server);
    let mut server = russet_in(path, &ALWAYS);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    // Whoever asks for it does not have to wait.
    fs::remove_dir_all(&obstacle).expect("it is there");
    rewrite(&mut client);
    assert_manifest(path, "b2 i5");
    assert_eq!(increments(path).len(), 1, "what is not needed is gone");
    client.run("SET last 1");
    let expected = digest(&mut client);
    kill(&mut server);
    let server = russet_in(path, &ALWAYS);
    assert_eq!(digest(&mut server.client()), expected);
}

#[test]
fn history_is_kept_as_long_as_that_is_wanted() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let mut server = russet_in(path, &ALWAYS);
    let mut client = server.client();
    client.run("SET a 1");
    assert_eq!(client.run("CONFIG SET aof-disable-auto-gc yes"), ok());
    rewrite(&mut client);
    rewrite(&mut client);
    assert_manifest(path, "b3 hi2 hb2 hi1 hb1 i3");
    // With all increments history, the next one must not be taken for one of them.
    client.run("CONFIG SET appendonly no");
    wait_until("ended", || info(&mut client, "aof_enabled") == "0");
    rewrite(&mut client);
    assert_manifest(path, "b4 hi3 hb3 hi2 hb2 hi1 hb1");
    let rewrites = info(&mut client, "aof_rewrites");
    client.run("CONFIG SET appendonly yes");
    wait_until("begun", || info(&mut client, "aof_rewrites") != rewrites);
    assert_manifest(path, "b5 hb4 hi3 hb3 hi2 hb2 hi1 hb1 i4");
    client.run("SET b 1");
    assert_eq!(client.run("CONFIG SET aof-disable-auto-gc no"), ok());
    assert_manifest(path, "b5 i4");
    assert_eq!(log_files(path, "").len(), 3, "a base, an increment and the manifest");
    let expected = digest(&mut client);
    kill(&mut server);
    let server = russet_in(path, &ALWAYS);
    assert_eq!(digest(&mut server.client()), expected);
}

#[test]
fn a_log_that_is_wanted_during_a_save_begins_after_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &["--rdb-key-save-delay", "10000000"]);
    let mut client = server.client();
    client.run("SET before 1");
    assert_eq!(text(&client.run("BGSAVE")), "Background saving started");
    assert_eq!(client.run("CONFIG SET appendonly yes"), ok());
    assert_eq!(info(&mut client, "aof_rewrite_scheduled"), "1");
    assert_eq!(info(&mut client, "aof_rewrite_in_progress"), "0");
    assert!(!directory.path().join("appendonlydir").exists());
    // Which gives the save up.
    client.run("FLUSHALL");
    wait_until("begun", || info(&mut client, "aof_rewrites") == "1");
    assert_eq!(info(&mut client, "aof_rewrite_scheduled"), "0");
    client.run("SET after 1");
    assert_eq!(
        client.run("WAITAOF 1 0 0"),
        Reply::Array(vec![Reply::Integer(1), Reply::Integer(0)])
    );
    kill(&mut server);
    let server = russet_in(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(client.run("GET after"), Reply::Bulk(b"1".to_vec()));
    assert_eq!(client.run("DBSIZE"), Reply::Integer(1));
}

/// A server whose threads have their first flush fail, each of them, as a disk may do once.
fn failing_once(place: &Path, arguments: &[&str]) -> Server {
    let script = place.join("failing.sh");
    let program = env!("CARGO_BIN_EXE_russet-server");
    let inject = "-e trace=fdatasync -e inject=fdatasync:error=EIO:when=1";
    // As the parent of the server, strace would end without it.
    let text =
        format!("#!/bin/sh\nexec strace -D -f -qq -o /dev/null {inject} '{program}' \"$@\"\n");
    fs::write(&script, text).expect("it can be written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let server = Server::start(&script, arguments);
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
    server
}

#[test]
fn writes_are_accepted_again_although_nothing_is_left_to_flush() {
    if !tool_or_skip("strace") {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let directory = place.path().to_str().expect("a path in UTF-8");
    let arguments = ["--dir", directory, "--appendonly", "yes", "--appendfsync", "no"];
    let server = failing_once(place.path(), &arguments);
    let mut client = server.client();
    // The increment before is flushed, once, whatever the policy.
    client.run("BGREWRITEAOF");
    wait_until("noticed", || server.log().contains("Error flushing the AOF file"));
    wait_until("accepted again", || client.run("SET after 1") == ok());
    assert_eq!(info(&mut client, "aof_last_write_status"), "ok");
}

#[test]
fn after_a_flush_that_failed_the_log_is_rewritten_by_itself() {
    if !tool_or_skip("strace") {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    fs::create_dir(&data).expect("it can be made");
    let directory = data.to_str().expect("a path in UTF-8");
    let server = failing_once(place.path(), &["--dir", directory, "--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(client.run("SET before 1"), ok());
    wait_until("noticed", || server.log().contains("Error flushing the AOF file"));
    wait_until("rewritten", || info(&mut client, "aof_rewrites") != "0");
    wait_until("accepted again", || client.run("SET after 1") == ok());
    // Other threads may have to have theirs fail yet.
    let durable = Reply::Array(vec![Reply::Integer(1), Reply::Integer(0)]);
    wait_until("durable", || client.run("WAITAOF 1 0 100") == durable);
    wait_until("sound", || info(&mut client, "aof_last_write_status") == "ok");
    let expected = digest(&mut client);
    client.send(b"SHUTDOWN NOSAVE\r\n").expect("sent");
    let mut server = server;
    server.wait(super::LIMIT).expect("it ends");
    let server = russet_in(&data, &["--appendonly", "yes"]);
    assert_eq!(digest(&mut server.client()), expected);
}
