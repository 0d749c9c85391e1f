//! The whole server from outside: with the clients that people use, with hostile ones, with many.

mod clients;
mod hostile;
mod memory;
mod tools;

use std::sync::{Mutex, MutexGuard, PoisonError};

use russet_e2e::{Server, descriptor_limit};

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

/// Lets one test at a time open thousands of connections: how many of `wanted` it may have, and what
/// it must keep until they are closed.
fn many_connections(wanted: usize) -> (MutexGuard<'static, ()>, usize) {
    // Descriptors of this process that are other tests' or no connections at all.
    const OTHERS: usize = 500;
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = wanted.min(descriptor_limit().saturating_sub(OTHERS));
    if count < wanted {
        println!("note: {count} connections instead of {wanted}: the system allows no more");
    }
    (turn, count)
}
