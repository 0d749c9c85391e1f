//! Keys in files and payloads: against Redis, across restarts, across crashes.

mod dataset;
mod dump;

use russet_e2e::{Client, Server, text};

/// Russet with these arguments besides those of all tests.
fn russet(arguments: &[&str]) -> Server {
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), arguments)
}

/// The fingerprint of all keys.
fn digest(client: &mut Client) -> String {
    text(&client.run("DEBUG DIGEST"))
}
