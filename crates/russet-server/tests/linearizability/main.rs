//! What several clients on several workers saw at once must have an order that explains it.
//!
//! Clients hammer a handful of keys with commands on one key and on several, with transactions, with
//! WATCH, and with commands that wait. Each notes when it sent a command, when the reply came, and
//! the reply. The history is linearizable if the commands can be put in one order, each at an instant
//! between its two times, in which a plain sequential store would have given every one of those
//! replies. `checker` searches for that order; `model` is the store; `workload` is what is done.
//!
//! Values are written once, so an order that explains the replies is one in which no element of a
//! list was lost or taken twice.

mod checker;
mod history;
mod model;
mod workload;

use russet_e2e::{Server, tool_or_skip};

use crate::history::record;
use crate::workload::Workload;

/// Clients at once. More of them than workers, so that some share one.
const CLIENTS: usize = 6;
/// Commands of each client in one history.
const COMMANDS: usize = 150;
/// Histories recorded of each workload.
const HISTORIES: u64 = 20;
/// The same where clients wait, which takes longer.
const WAITING_HISTORIES: u64 = 6;

/// The recorder and the checker must find nothing wrong with a server of one thread.
#[test]
fn histories_of_redis_are_linearizable() {
    if tool_or_skip("redis-server") {
        check(&Server::oracle::<&str>(&[]));
    }
}

#[test]
fn histories_of_one_worker_are_linearizable() {
    check(&Server::russet(env!("CARGO_BIN_EXE_russet-server"), &["--worker-threads", "1"]));
}

#[test]
fn histories_of_four_workers_are_linearizable() {
    check(&Server::russet(env!("CARGO_BIN_EXE_russet-server"), &["--worker-threads", "4"]));
}

fn check(server: &Server) {
    for (workload, histories) in [
        (Workload::Strings, HISTORIES),
        (Workload::Queues, HISTORIES),
        (Workload::Waiting, WAITING_HISTORIES),
        (Workload::SortedSets, WAITING_HISTORIES),
    ] {
        for seed in 0..histories {
            server.client().run("FLUSHALL");
            let history = record(server, workload, seed, CLIENTS, COMMANDS);
            if let Err(stuck) = checker::linearize(&history) {
                panic!("{workload:?}, {seed}: no order explains what the clients saw.\n{stuck}");
            }
        }
    }
}
