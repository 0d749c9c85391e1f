//! CONFIG and INFO, end to end: what they do to, and say of, a running server.

mod configuration;
mod defragmentation;
mod eviction;
mod info;

use russet_e2e::{Client, Server, text};
use std::time::{Duration, Instant};

fn start(arguments: &[&str]) -> Server {
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), arguments)
}

/// A field of INFO.
fn info(client: &mut Client, section: &str, field: &str) -> Option<String> {
    let report = text(&client.command(&["INFO", section]));
    let line = report.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.map(str::to_owned)
}

/// A number in INFO.
fn number(client: &mut Client, section: &str, field: &str) -> i64 {
    let value = info(client, section, field).unwrap_or_else(|| panic!("{section} has {field}"));
    value.parse().unwrap_or_else(|_| panic!("{field} is a number: {value}"))
}

/// Waits for what other threads do in their own time.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
