//! The process from outside: how it starts, what it logs and lets be observed, how it ends, wanted or
//! not.

mod crash;
mod end;
mod observe;
mod processors;
mod start;

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use russet_e2e::Server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_russet-server");
/// Far longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

/// A server with `arguments`.
fn server(arguments: &[&str]) -> Server {
    Server::russet(PROGRAM, arguments)
}

/// A server that is started without waiting for it, with standard output and error in one pipe each.
fn spawn(directory: &Path, arguments: &[&str], environment: &[(&str, &Path)]) -> Child {
    Command::new(PROGRAM)
        .args(["--save", "", "--worker-threads", "1"])
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Waits until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn end_of(server: &mut Server) -> ExitStatus {
    server.wait(LIMIT).expect("it ends")
}
