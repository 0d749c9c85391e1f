//! The whole server from outside: with the clients that people use, with hostile ones, with many.

mod clients;
mod hostile;
mod memory;
mod tools;

use russet_e2e::Server;

/// A server with these arguments besides those of every test.
fn start(arguments: &[&str]) -> Server {
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), arguments)
}

/// Worker counts that each test of behaviour runs with: Redis' own model, and more workers than
/// the machines of CI have processors.
const WORKERS: &[&str] = &["1", "4"];

/// Run `test` against a server of each worker count.
fn on_all_workers(test: impl Fn(&Server)) {
    for workers in WORKERS {
        test(&start(&["--worker-threads", workers]));
    }
}
