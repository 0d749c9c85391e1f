//! What the end-to-end tests share.
//!
//! - [`process`] starts a server (Russet's own binary or Debian's `redis-server`) on a port the
//!   system chose, waits until it answers, and ends it when dropped.
//! - [`client`] is a client that adds nothing: it sends the bytes it is given and returns each
//!   [`Reply`] as it stood on the wire, so that a test can tell `$-1` from `*-1`.
//! - [`tools`] runs `redis-cli` and `redis-benchmark`.
//!
//! Tests that need Russet's binary live in `crates/russet-server/tests`, where Cargo builds it
//! first and names it in `CARGO_BIN_EXE_russet-server`; they pass that path to
//! [`process::Server::russet`].

pub mod client;
pub mod process;
pub mod tools;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub use client::{Client, encode};
pub use process::{Server, signal};
pub use russet_resp::decode::Value as Reply;

/// Whether this run is CI's, where a missing tool is a failure rather than a reason to skip.
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value != "false" && !value.is_empty())
}

/// The text of a reply for people: lossy, and empty when it has none.
pub fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(reply.bytes().unwrap_or_default()).into_owned()
}

/// Whether `program` can be run; a missing one is an error in CI and a loud skip elsewhere.
///
/// # Panics
///
/// In CI, when `program` is not installed.
pub fn tool_or_skip(program: &str) -> bool {
    let found = std::process::Command::new(program)
        .arg("--version")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok();
    assert!(found || !in_ci(), "{program} is not installed: CI must install it (see .ci/run)");
    if !found {
        eprintln!("\n*** SKIPPED: {program} is not installed, so this test checked nothing. ***\n");
    }
    found
}

/// How many files and sockets this process may have open, after asking for as many as possible.
pub fn descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // Refused in some sandboxes; then it stays as it is.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let current = if raised.is_ok() { limit.maximum } else { limit.current };
    current.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}
