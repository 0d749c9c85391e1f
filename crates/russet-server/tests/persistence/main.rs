//! Keys in files and payloads: against Redis, across restarts, under load.

mod aof;
mod damage;
mod dataset;
mod disk;
mod dump;
mod eviction;
mod exchange;
mod instant;
mod kill;
mod log_files;
mod log_settings;
mod power_loss;
mod rdb;
mod wait_log;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use russet_e2e::{Client, Reply, Server, text};

/// How many times something random is tried: a few times in CI, by hand as often as is asked for.
fn rounds(few: usize) -> usize {
    std::env::var("RUSSET_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(few)
}

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Russet with these arguments besides those of all tests.
fn russet(arguments: &[&str]) -> Server {
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), arguments)
}

/// Russet whose files are in a directory that outlives it, when it has loaded them.
fn russet_in(directory: &Path, arguments: &[&str]) -> Server {
    let directory = directory.to_str().expect("a path in UTF-8");
    let server = russet(&[&["--dir", directory], arguments].concat());
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
    server
}

/// What a server says that does not start with the files of a directory.
fn refusal(directory: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_russet-server"))
        .args(["--port", "0", "--unixsocket", "socket", "--save", "", "--dir"])
        .arg(directory)
        .args(arguments)
        .output()
        .expect("it was built");
    assert!(!output.status.success(), "it does not start");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// The fingerprint of all keys.
fn digest(client: &mut Client) -> String {
    text(&client.run("DEBUG DIGEST"))
}

fn integer(reply: &Reply) -> i64 {
    match reply {
        Reply::Integer(number) => *number,
        other => panic!("an integer is expected, not {other:?}"),
    }
}

fn ok() -> Reply {
    Reply::Status(b"OK".to_vec())
}

/// A field of INFO persistence.
fn info(client: &mut Client, field: &str) -> String {
    let report = text(&client.run("INFO persistence"));
    let line = report.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field} in {report}")).to_owned()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Saves in the background and waits for the end.
fn save_in_background(client: &mut Client) {
    let saves = info(client, "rdb_saves");
    assert_eq!(text(&client.run("BGSAVE")), "Background saving started");
    wait_until("saved", || info(client, "rdb_bgsave_in_progress") == "0");
    assert_ne!(info(client, "rdb_saves"), saves, "it was successful");
}

const ALWAYS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

fn kill(server: &mut Server) {
    let id = server.process_id().to_string();
    assert!(Command::new("kill").args(["-9", &id]).status().expect("kill is there").success());
    server.wait(LIMIT).expect("it ends");
}

/// The files of a log whose names end so, oldest first.
fn log_files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(directory.join("appendonlydir")).expect("the log's directory");
    let paths = files.map(|file| file.expect("a file").path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    paths.sort();
    paths
}

/// The increments of a log, oldest first.
fn increments(directory: &Path) -> Vec<PathBuf> {
    log_files(directory, ".incr.aof")
}

fn rewrite(client: &mut Client) {
    let rewrites = info(client, "aof_rewrites");
    let reply = text(&client.run("BGREWRITEAOF"));
    assert_eq!(reply, "Background append only file rewriting started");
    wait_until("rewritten", || info(client, "aof_rewrite_in_progress") == "0");
    assert_ne!(info(client, "aof_rewrites"), rewrites, "it was successful");
}
