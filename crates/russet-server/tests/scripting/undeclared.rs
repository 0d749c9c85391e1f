//! Scripts that lie about their keys, many at once.

use std::thread;

use russet_e2e::{Client, Reply, Server, text};

const KEYS: usize = 12;
const THREADS: usize = 6;
const SCRIPTS_EACH: usize = 400;

/// A script that moves something from the key that it declares to one that it does not. Its number
/// makes it one that the server has not met before, so that it begins under the lock of one key.
fn transfer(number: usize, looks_first: bool) -> String {
    let look = if looks_first { "redis.call('GET', ARGV[1])" } else { "" };
    format!(
        "{look} redis.call('DECR', KEYS[1]) redis.call('INCR', ARGV[1])
         return {{ok = 'moved {number}'}}"
    )
}

/// What came of one thread's scripts: moved, and lost because the second key was in use.
fn transfers(mut client: Client, thread: usize, looks_first: bool) -> (usize, usize) {
    let (mut moved, mut lost) = (0, 0);
    for number in 0..SCRIPTS_EACH {
        let (from, to) =
            (format!("key:{}", number % KEYS), format!("key:{}", (number + thread + 1) % KEYS));
        let script = transfer(thread * SCRIPTS_EACH + number, looks_first);
        let reply = text(&client.command(&["EVAL", &script, "1", &from, &to]));
        if reply.starts_with("moved") {
            moved += 1;
        } else {
            assert!(reply.contains("it has not declared"), "{reply}");
            lost += 1;
        }
        // Commands that lock several of the keys in the right order get in between.
        client.run("MGET key:0 key:3 key:7 key:11");
    }
    (moved, lost)
}

fn check(looks_first: bool) {
    let arguments = ["--worker-threads", "4"];
    let server = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &arguments);
    let counts: Vec<(usize, usize)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let client = server.client();
                scope.spawn(move || transfers(client, thread, looks_first))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    let lost: usize = counts.iter().map(|(_, lost)| lost).sum();
    let moved: usize = counts.iter().map(|(moved, _)| moved).sum();
    assert_eq!(moved + lost, THREADS * SCRIPTS_EACH);
    if looks_first {
        assert_eq!(lost, 0, "who has written nothing is started again");
    }
    let mut client = server.client();
    let sum: i64 = (0..KEYS)
        .map(|key| match client.run(&format!("GET key:{key}")) {
            Reply::Bulk(digits) => {
                String::from_utf8_lossy(&digits).parse::<i64>().expect("a number")
            }
            _ => 0,
        })
        .sum();
    assert_eq!(sum, -(lost as i64), "each was executed once, or stopped after its first half");
}

#[test]
fn those_that_have_written_nothing_are_started_again() {
    check(true);
}

#[test]
fn those_that_have_written_end_with_an_error_if_at_all() {
    check(false);
}
