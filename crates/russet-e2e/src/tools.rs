//! Debian's command line clients.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::Server;

/// Run `redis-cli` against `server` and return what it printed.
///
/// # Panics
///
/// When it cannot be run or ends with an error.
pub fn redis_cli(server: &Server, arguments: &[&str]) -> String {
    run(server, "redis-cli", arguments, &[])
}

/// Run `redis-cli` with `input` on its standard input.
///
/// # Panics
///
/// As [`redis_cli`].
pub fn redis_cli_with_input(server: &Server, arguments: &[&str], input: &[u8]) -> String {
    run(server, "redis-cli", arguments, input)
}

/// Run `redis-benchmark` against `server` and return what it printed.
///
/// # Panics
///
/// As [`redis_cli`].
pub fn redis_benchmark(server: &Server, arguments: &[&str]) -> String {
    run(server, "redis-benchmark", arguments, &[])
}

fn run(server: &Server, program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(program)
        .args(["-h", "127.0.0.1", "-p", &server.port().to_string()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input).unwrap_or_else(|error| panic!("{program}: {error}"));
    drop(stdin);
    let Output { status, stdout, stderr } =
        child.wait_with_output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{program} {arguments:?}: {status}\n{stdout}\n{stderr}");
    stdout
}
