//! The process is killed at any moment, under load, and what was promised is there after a restart.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use russet_e2e::{Client, Reply, Server, text};

use super::{integer, kill, rounds, russet_in, wait_until};

const CLIENTS: usize = 8;
/// Units that are acknowledged in a round, at least.
const UNITS: usize = 100;

/// When a count was acknowledged.
type Acknowledged = (Instant, u64);

/// Counts, twice in one unit, as fast as units are acknowledged, until the server is gone.
fn count(mut client: Client, number: usize, acknowledged: &Mutex<VecDeque<Acknowledged>>) {
    loop {
        let unit = format!("MULTI\r\nINCR one:{number}\r\nINCR other:{number}\r\nEXEC\r\n");
        if client.send(unit.as_bytes()).is_err() {
            return;
        }
        let replies: Vec<_> = (0..4).map_while(|_| client.receive().ok()).collect();
        let Some(Reply::Array(replies)) = replies.get(3) else { return };
        acknowledged.lock().push_back((Instant::now(), integer(&replies[0]) as u64));
    }
}

/// Has a server go on with the log of a directory, and kills it at some moment.
fn round(server: &mut Server, round: usize) -> (Instant, Vec<VecDeque<Acknowledged>>) {
    let counts: Arc<[Mutex<VecDeque<Acknowledged>>; CLIENTS]> = Arc::default();
    let threads: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (client, counts) = (server.client(), counts.clone());
            std::thread::spawn(move || count(client, number, &counts[number]))
        })
        .collect();
    let mut client = server.client();
    if round % 2 == 1 {
        client.run("BGREWRITEAOF");
    }
    wait_until("some are acknowledged", || {
        counts.iter().map(|counts| counts.lock().len()).sum::<usize>() >= UNITS
    });
    std::thread::sleep(Duration::from_micros(fastrand::u64(..30_000)));
    let killed = Instant::now();
    kill(server);
    threads.into_iter().for_each(|thread| thread.join().expect("no client failed"));
    (killed, counts.iter().map(|counts| std::mem::take(&mut *counts.lock())).collect())
}

/// Kills a server again and again. What was acknowledged longer than `may_lose` before must be there.
fn run(policy: &str, may_lose: Duration) {
    let directory = tempfile::tempdir().expect("a directory");
    let arguments = ["--appendonly", "yes", "--appendfsync", policy];
    let mut promised = [0; CLIENTS];
    let mut most = [u64::MAX; CLIENTS];
    for at in 0..rounds(4) {
        let workers = ["1", "3"][at / 2 % 2];
        let arguments = [&arguments[..], &["--worker-threads", workers]].concat();
        let mut server = russet_in(directory.path(), &arguments);
        let mut client = server.client();
        for number in 0..CLIENTS {
            let [one, other] = ["one", "other"].map(|key| {
                let count = client.run(&format!("GET {key}:{number}"));
                text(&count).parse::<u64>().unwrap_or(0)
            });
            assert_eq!(one, other, "a transaction is all or nothing, in round {at}");
            let expected = promised[number]..=most[number];
            assert!(expected.contains(&one), "{one} is not in {expected:?}, in round {at}");
        }
        drop(client);
        let (killed, counts) = round(&mut server, at);
        for (number, counts) in counts.into_iter().enumerate() {
            let is_promised = |(at, _): &&Acknowledged| killed.duration_since(*at) >= may_lose;
            let kept = counts.iter().filter(is_promised).map(|(_, count)| *count).max();
            promised[number] = kept.unwrap_or(promised[number]);
            // One more may have been executed and not acknowledged.
            let last = counts.back().map_or(u64::MAX, |(_, count)| *count + 1);
            most[number] = last;
        }
    }
}

#[test]
fn no_acknowledged_write_is_lost_and_no_transaction_is_half_there() {
    run("always", Duration::ZERO);
}

#[test]
fn at_most_two_seconds_are_lost_without_a_flush_for_each_write() {
    run("everysec", Duration::from_secs(2));
}
