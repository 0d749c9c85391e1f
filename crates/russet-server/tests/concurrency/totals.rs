//! What must hold whatever the order in which clients come: totals, equalities, lost updates.
//!
//! In each test some clients write, and one more takes and swaps whole databases in between, so that
//! keyed and exclusive execution meet.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use fastrand::Rng;
use russet_e2e::{Client, Reply, Server, text};

const WRITERS: usize = 4;
const ROUNDS: usize = 300;

fn server() -> Server {
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), &["--worker-threads", "4"])
}

/// Runs the writers, each with its number, and `between` again and again until they are done.
fn meanwhile(
    server: &Server,
    writer: impl Fn(&mut Client, usize) + Sync,
    between: impl Fn(&mut Client) + Sync,
) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut client = server.client();
            // At least once, however quick the writers are.
            loop {
                between(&mut client);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let writer = &writer;
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| scope.spawn(move || writer(&mut server.client(), number)))
            .collect();
        let results: Vec<_> = writers.into_iter().map(|thread| thread.join()).collect();
        done.store(true, Ordering::Relaxed);
        other.join().expect("what runs in between finds nothing wrong");
        results.into_iter().for_each(|result| result.expect("no writer finds anything wrong"));
    });
}

fn number(reply: &Reply) -> i64 {
    match reply {
        Reply::NullBulk => 0,
        Reply::Integer(value) => *value,
        _ => text(reply).parse().unwrap_or_else(|_| panic!("{reply:?} is no number")),
    }
}

fn numbers(reply: &Reply) -> Vec<i64> {
    assert!(matches!(reply, Reply::Array(_)), "{reply:?}");
    reply.elements().into_iter().map(number).collect()
}

/// The number that a command answers in each of the two databases that the tests use.
fn in_both_databases(server: &Server, line: &str) -> [i64; 2] {
    let mut client = server.client();
    [0, 1].map(|db| {
        client.run(&format!("SELECT {db}"));
        number(&client.run(line))
    })
}

/// Sends a transaction and returns what EXEC answers.
fn transaction(client: &mut Client, lines: &[String]) -> Reply {
    client.run("MULTI");
    for line in lines {
        assert_eq!(text(&client.run(line)), "QUEUED");
    }
    client.run("EXEC")
}

/// Each increment counts once: the numbers that all clients saw are those from one up to the counter's
/// last value, each seen once; for both counters, of the two databases that are exchanged meanwhile.
#[test]
fn increments_count_once() {
    let server = server();
    let seen = Mutex::new(Vec::new());
    meanwhile(
        &server,
        |client, _| {
            let mut mine = Vec::new();
            for round in 0..ROUNDS {
                mine.push(number(&client.run("INCR counter")));
                if round % 10 == 0 {
                    let lines = ["INCR counter".to_owned(), "GET counter".to_owned()];
                    let replies = numbers(&transaction(client, &lines));
                    assert_eq!(replies[0], replies[1]);
                    mine.push(replies[0]);
                }
            }
            seen.lock().expect("no writer panics with it").extend(mine);
        },
        |client| assert_eq!(text(&client.run("SWAPDB 0 1")), "OK"),
    );
    let mut seen = seen.into_inner().expect("no writer has panicked");
    seen.sort_unstable();
    let last = in_both_databases(&server, "GET counter");
    let mut expected: Vec<_> = last.into_iter().flat_map(|last| 1..=last).collect();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

/// What one account loses another one gets, so the sum of all is always the same: zero, which it is
/// as well when all accounts are gone.
#[test]
fn transfers_keep_the_sum() {
    const ACCOUNTS: &str = "MGET account:0 account:1 account:2 account:3";
    let server = server();
    meanwhile(
        &server,
        |client, number| {
            let mut rng = Rng::with_seed(number as u64);
            for _ in 0..ROUNDS {
                let (from, to, amount) = (rng.u32(..4), rng.u32(..4), rng.u32(1..100));
                let mut lines = vec![
                    format!("DECRBY account:{from} {amount}"),
                    format!("INCRBY account:{to} {amount}"),
                ];
                if rng.u32(..50) == 0 {
                    lines.insert(1, "SWAPDB 0 1".to_owned());
                    lines.insert(2, "SWAPDB 0 1".to_owned());
                }
                assert!(matches!(transaction(client, &lines), Reply::Array(_)));
                assert_eq!(numbers(&client.run(ACCOUNTS)).iter().sum::<i64>(), 0);
            }
        },
        |client| {
            assert_eq!(numbers(&client.run(ACCOUNTS)).iter().sum::<i64>(), 0);
            for line in ["SWAPDB 0 1", "FLUSHALL", "SWAPDB 1 0", "FLUSHDB ASYNC"] {
                assert_eq!(text(&client.run(line)), "OK");
                assert_eq!(numbers(&client.run(ACCOUNTS)).iter().sum::<i64>(), 0);
            }
        },
    );
}

/// Keys that are always set together are seen equal, or all missing.
#[test]
fn keys_set_together_are_seen_together() {
    let server = server();
    let check = |client: &mut Client| {
        let reply = client.run("MGET one two three");
        let seen: BTreeSet<_> = reply.elements().into_iter().collect();
        assert_eq!(seen.len(), 1, "{reply:?}");
    };
    meanwhile(
        &server,
        |client, number| {
            for round in 0..ROUNDS {
                let value = round * WRITERS + number;
                let line = match round % 3 {
                    0 => format!("MSET one {value} two {value} three {value}"),
                    1 => format!("MSET three {value} one {value} two {value}"),
                    _ => "DEL two one three".to_owned(),
                };
                assert!(!client.run(&line).is_error());
                check(client);
            }
        },
        |client| {
            for line in ["SWAPDB 0 1", "FLUSHDB", "SWAPDB 0 1", "FLUSHALL"] {
                assert_eq!(text(&client.run(line)), "OK");
                check(client);
            }
        },
    );
}

/// A key that is renamed to and fro is always in one place, wherever that is, in each of two databases.
#[test]
fn renamed_keys_are_in_one_place() {
    let server = server();
    let mut client = server.client();
    client.run("SET place:0 first");
    client.run("SELECT 1");
    client.run("SET place:0 other");
    let check = |client: &mut Client| {
        assert_eq!(number(&client.run("EXISTS place:0 place:1 place:2 place:3")), 1);
    };
    meanwhile(
        &server,
        |client, number| {
            let mut rng = Rng::with_seed(number as u64);
            for _ in 0..ROUNDS {
                let (from, to) = (rng.u32(..4), rng.u32(..4));
                let reply = client.run(&format!("RENAME place:{from} place:{to}"));
                assert!(["OK", "ERR no such key"].contains(&text(&reply).as_str()), "{reply:?}");
                check(client);
            }
        },
        |client| {
            assert_eq!(text(&client.run("SWAPDB 0 1")), "OK");
            check(client);
        },
    );
}

/// Check and increment under WATCH: each transaction that was executed counts, although the databases
/// change places and clients write without WATCH in between.
#[test]
fn no_update_under_watch_is_lost() {
    let server = server();
    let executed = AtomicI64::new(0);
    meanwhile(
        &server,
        |client, number_of_writer| {
            for round in 0..ROUNDS {
                client.run("WATCH balance");
                let seen = number(&client.run("GET balance"));
                let reply = transaction(client, &[format!("SET balance {}", seen + 1)]);
                if !reply.is_null() {
                    assert_eq!(reply, Reply::Array(vec![Reply::Status(b"OK".to_vec())]));
                    executed.fetch_add(1, Ordering::Relaxed);
                }
                if number_of_writer == 0 && round % 5 == 0 {
                    client.run("INCR balance");
                    executed.fetch_add(1, Ordering::Relaxed);
                }
            }
        },
        |client| assert_eq!(text(&client.run("SWAPDB 0 1")), "OK"),
    );
    let executed = executed.into_inner();
    assert!(executed > 0, "some transaction gets through");
    assert_eq!(in_both_databases(&server, "GET balance").iter().sum::<i64>(), executed);
}
