//! The append-only file on a disk that is full, slow, or broken.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use russet_e2e::{Client, Reply, Server, text, tool_or_skip};

use super::{
    ALWAYS, LIMIT, digest, info, integer, log_files, ok, rewrite, russet, russet_in, wait_until,
};

/// From now on no file of the server may grow beyond so many bytes.
fn limit_files(server: &Server, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    let id = server.process_id().to_string();
    let status = Command::new("prlimit").args(["--pid", &id, &limit]).status();
    assert!(status.expect("it is there").success());
}

/// A server that lives on when it writes beyond such a limit.
fn limited_in(directory: &Path, data: &Path, arguments: &[&str]) -> Server {
    let script = directory.join("limited.sh");
    let program = env!("CARGO_BIN_EXE_russet-server");
    // Beyond the limit the system sends a signal, which would end the server.
    let text = format!("#!/bin/sh\ntrap '' XFSZ\nexec {program} \"$@\"\n");
    fs::write(&script, text).expect("it can be written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::create_dir(data).expect("it can be made");
    let place = ["--dir", data.to_str().expect("UTF-8")];
    let server = Server::start(&script, &[&place[..], arguments].concat());
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
    server
}

/// A file that may not grow is as good as a full disk.
#[test]
fn a_full_disk_stops_writes_until_there_is_room() {
    if !tool_or_skip("prlimit") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut server = limited_in(directory.path(), &data, &["--appendonly", "yes"]);
    let mut client = server.client();
    limit_files(&server, "100000");
    let (value, mut len) = ("x".repeat(30_000), 0);
    wait_until("refused", || match client.command(&["APPEND", "k", &value]) {
        Reply::Integer(appended) => {
            len = appended;
            false
        }
        Reply::Error(error) => {
            assert_eq!(error, b"MISCONF Errors writing to the AOF file: File too large");
            true
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(info(&mut client, "aof_last_write_status"), "err");
    assert_eq!(integer(&client.run("STRLEN k")), len, "reads go on");
    assert!(is_refused(&client.run("PING")));
    client.run("MULTI");
    assert!(is_refused(&client.run("SET k 1")));
    assert!(text(&client.run("EXEC")).starts_with("EXECABORT"));
    limit_files(&server, "unlimited");
    wait_until("accepted again", || client.run("SET after 1") == ok());
    assert_eq!(info(&mut client, "aof_last_write_status"), "ok");
    let expected = digest(&mut client);
    server.terminate().expect("it ends");
    let server = russet_in(&data, &["--appendonly", "yes"]);
    assert_eq!(digest(&mut server.client()), expected);
}

fn is_refused(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(error) if error.starts_with(b"MISCONF Errors writing to the AOF"))
}

/// Sends writes until the server is gone; returns how many were acknowledged.
fn write_until_gone(client: &mut Client) -> usize {
    let value = "x".repeat(10_000);
    let mut acknowledged = 0;
    loop {
        let command = russet_e2e::encode(&["SET", &format!("k{acknowledged}"), &value]);
        if client.send(&command).is_err() || client.receive().is_err() {
            return acknowledged;
        }
        acknowledged += 1;
    }
}

#[test]
fn under_always_a_full_disk_ends_the_server_before_it_promises_anything() {
    if !tool_or_skip("prlimit") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut server = limited_in(directory.path(), &data, &ALWAYS);
    let mut client = server.client();
    limit_files(&server, "95000");
    let acknowledged = write_until_gone(&mut client);
    assert_eq!(server.wait(LIMIT).expect("it ends").code(), Some(1));
    assert!(server.log().contains("Can't recover when the AOF fsync policy is 'always'"));
    assert_eq!(acknowledged, 9, "as much as there is room for");
    let server = russet_in(&data, &ALWAYS);
    assert_eq!(server.client().run("DBSIZE"), Reply::Integer(9));
}

/// Makes the first increment of a log something that takes writes and cannot be flushed.
fn make_unflushable(directory: &Path) {
    let log = directory.join("appendonlydir");
    fs::create_dir(&log).expect("it can be made");
    symlink("/dev/null", log.join("appendonly.aof.1.incr.aof")).expect("it can be made");
    let line = "file appendonly.aof.1.incr.aof seq 1 type i\n";
    fs::write(log.join("appendonly.aof.manifest"), line).expect("it can be written");
}

#[test]
fn a_flush_that_fails_stops_writes_until_the_log_is_rewritten() {
    let directory = tempfile::tempdir().expect("a directory");
    make_unflushable(directory.path());
    let mut server = russet_in(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(client.run("SET k 1"), ok());
    wait_until("refused", || is_refused(&client.run("SET other 1")));
    assert_eq!(info(&mut client, "aof_last_write_status"), "err");
    assert!(server.log().contains("Error flushing the AOF file"));
    assert_eq!(
        client.run("WAITAOF 1 0 1"),
        Reply::Array(vec![Reply::Integer(0), Reply::Integer(0)])
    );
    rewrite(&mut client);
    wait_until("accepted again", || client.run("SET after 1") == ok());
    assert_eq!(
        client.run("WAITAOF 1 0 0"),
        Reply::Array(vec![Reply::Integer(1), Reply::Integer(0)])
    );
    let expected = digest(&mut client);
    super::kill(&mut server);
    let server = russet_in(directory.path(), &["--appendonly", "yes"]);
    assert_eq!(digest(&mut server.client()), expected);
}

#[test]
fn under_always_a_flush_that_fails_ends_the_server_before_it_promises_anything() {
    let directory = tempfile::tempdir().expect("a directory");
    make_unflushable(directory.path());
    let mut server = russet_in(directory.path(), &ALWAYS);
    assert_eq!(write_until_gone(&mut server.client()), 0);
    assert_eq!(server.wait(LIMIT).expect("it ends").code(), Some(1));
}

/// What the disk does not take for long must not fill the memory.
#[test]
fn commands_wait_for_a_slow_disk() {
    let server = russet(&["--appendonly", "yes"]);
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
    let mut writer = server.client();
    assert_eq!(client.run("DEBUG AOF-FLUSH-SLEEP 300000"), ok());
    let value = "x".repeat(1 << 20);
    let commands: Vec<u8> = (0..150)
        .flat_map(|number| russet_e2e::encode(&["SET", &format!("k{number}"), &value]))
        .collect();
    let sender = std::thread::spawn(move || {
        writer.send(&commands).expect("it is read");
        (0..150).for_each(|_| assert_eq!(writer.receive().expect("a reply"), ok()));
    });
    let mut most = 0;
    wait_until("executed", || {
        let buffered = info(&mut client, "aof_buffer_length").parse().expect("a number");
        most = std::cmp::max(most, buffered);
        client.run("DBSIZE") == Reply::Integer(150)
    });
    assert!((1..80 << 20).contains(&most), "{most} bytes waited");
    sender.join().expect("all are acknowledged");
}

#[test]
fn a_rewrite_that_fails_leaves_the_log_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &ALWAYS);
    let mut client = server.client();
    client.run("SET before 1");
    // A directory is in the way of the next base.
    let obstacle = directory.path().join("appendonlydir/appendonly.aof.2.base.rdb");
    fs::create_dir(&obstacle).expect("it can be made");
    fs::write(obstacle.join("file"), "").expect("it can be written");
    client.run("BGREWRITEAOF");
    wait_until("failed", || info(&mut client, "aof_last_bgrewrite_status") == "err");
    wait_until("ended", || info(&mut client, "aof_rewrite_in_progress") == "0");
    assert_eq!(info(&mut client, "aof_rewrites_consecutive_failures"), "1");
    client.run("SET after 1");
    let expected = digest(&mut client);
    super::kill(&mut server);
    let mut server = russet_in(directory.path(), &ALWAYS);
    let mut client = server.client();
    assert_eq!(digest(&mut client), expected);
    fs::remove_dir_all(&obstacle).expect("it is there");
    rewrite(&mut client);
    assert_eq!(info(&mut client, "aof_last_bgrewrite_status"), "ok");
    let names = log_files(directory.path(), "").len();
    assert_eq!(names, 3, "a base, an increment and the manifest");
    super::kill(&mut server);
    let server = russet_in(directory.path(), &ALWAYS);
    assert_eq!(digest(&mut server.client()), expected);
}

#[test]
fn a_log_that_could_not_begin_is_begun_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = russet_in(directory.path(), &[]);
    let mut client = server.client();
    client.run("SET before 1");
    let log = directory.path().join("appendonlydir");
    let obstacle = log.join("appendonly.aof.1.base.rdb");
    fs::create_dir_all(&obstacle).expect("it can be made");
    fs::write(obstacle.join("file"), "").expect("it can be written");
    assert_eq!(client.run("CONFIG SET appendonly yes appendfsync always"), ok());
    // After the third time in a row it is tried less often.
    let failures = "aof_rewrites_consecutive_failures";
    wait_until("given up for now", || info(&mut client, failures) == "3");
    assert_eq!(client.run("SET meanwhile 1"), ok());
    assert_eq!(
        client.run("WAITAOF 1 0 1"),
        Reply::Array(vec![Reply::Integer(0), Reply::Integer(0)])
    );
    assert!(!log.join("appendonly.aof.manifest").exists(), "there is no log yet");
    fs::remove_dir_all(&obstacle).expect("it is there");
    wait_until("idle", || info(&mut client, "aof_rewrite_in_progress") == "0");
    rewrite(&mut client);
    client.run("SET after 1");
    let expected = digest(&mut client);
    super::kill(&mut server);
    let server = russet_in(directory.path(), &ALWAYS);
    assert_eq!(digest(&mut server.client()), expected);
}
