//! The append-only file: across crashes, to and from Redis, rewritten under load.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use russet_e2e::{Client, Reply, Server, text, tool_or_skip};

use super::rdb::redis_in;
use super::{
    LIMIT, dataset, digest, info, integer, ok, refusal, russet, russet_in, save_in_background,
    wait_until,
};

pub const ALWAYS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

pub fn kill(server: &mut Server) {
    let id = server.process_id().to_string();
    assert!(Command::new("kill").args(["-9", &id]).status().expect("kill is there").success());
    server.wait(LIMIT).expect("it ends");
}

/// The increments of a log, oldest first.
fn increments(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory.join("appendonlydir")).expect("the log's directory");
    let paths = files.map(|file| file.expect("a file").path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).collect();
    paths.sort();
    paths
}

fn rewrite(client: &mut Client) {
    let rewrites = info(client, "aof_rewrites");
    let reply = text(&client.run("BGREWRITEAOF"));
    assert_eq!(reply, "Background append only file rewriting started");
    wait_until("rewritten", || info(client, "aof_rewrite_in_progress") == "0");
    assert_ne!(info(client, "aof_rewrites"), rewrites, "it was successful");
}

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
        assert!(server.log().contains(&format!("Truncating the AOF at offset {whole_bytes}")));
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

/// From now on no file of the server may grow beyond so many bytes.
fn limit_files(server: &Server, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    let id = server.process_id().to_string();
    let status = Command::new("prlimit").args(["--pid", &id, &limit]).status();
    assert!(status.expect("it is there").success());
}

/// A file that may not grow is as good as a full disk.
#[test]
fn a_full_disk_stops_writes_until_there_is_room() {
    if !tool_or_skip("prlimit") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let (script, data) = (directory.path().join("limited.sh"), directory.path().join("data"));
    let program = env!("CARGO_BIN_EXE_russet-server");
    // Beyond the limit the system sends a signal, which would end the server.
    let text = format!("#!/bin/sh\ntrap '' XFSZ\nexec {program} \"$@\"\n");
    fs::write(&script, text).expect("it can be written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::create_dir(&data).expect("it can be made");
    let arguments = ["--dir", data.to_str().expect("UTF-8"), "--appendonly", "yes"];
    let mut server = Server::start(&script, &arguments);
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
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
    limit_files(&server, "unlimited");
    wait_until("accepted again", || client.run("SET after 1") == ok());
    assert_eq!(info(&mut client, "aof_last_write_status"), "ok");
    let expected = digest(&mut client);
    server.terminate().expect("it ends");
    let server = russet_in(&data, &["--appendonly", "yes"]);
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
