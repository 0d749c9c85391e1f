//! Watching and prodding a server that runs: DEBUG, SLOWLOG, LATENCY.

use std::time::{Duration, Instant};

use russet_e2e::{Client, Reply, text};

use super::{LIMIT, server};

fn reply(client: &mut Client, words: &str) -> String {
    text(&client.run(words))
}

#[test]
fn populate_adds_what_is_missing() {
    let server = server(&[]);
    let mut client = server.client();
    client.run("SET key:1 mine");
    assert_eq!(reply(&mut client, "DEBUG POPULATE 3"), "OK");
    assert_eq!(client.run("DBSIZE"), Reply::Integer(3));
    assert_eq!(reply(&mut client, "GET key:1"), "mine");
    assert_eq!(reply(&mut client, "GET key:2"), "value:2");
    client.run("DEBUG POPULATE 2 other 10");
    assert_eq!(client.run("GET other:1").bytes(), Some(&b"value:1\0\0\0"[..]));
    client.run("DEBUG POPULATE 1 short 2");
    assert_eq!(reply(&mut client, "GET short:0"), "va");
}

#[test]
fn an_object_stays_where_it_is_while_it_is_changed_in_place() {
    let server = server(&[]);
    let mut client = server.client();
    client.run("SET n 100");
    let before = reply(&mut client, "DEBUG OBJECT n");
    client.run("INCR n");
    let after = reply(&mut client, "DEBUG OBJECT n");
    let address = |line: &str| line.split(' ').nth(1).map(str::to_owned);
    assert_eq!(address(&before), address(&after));
    assert!(before.contains("refcount:1 encoding:int serializedlength:2 lru:"), "{before}");
}

#[test]
fn everybody_stands_still_while_the_server_sleeps() {
    let server = server(&["--worker-threads", "2"]);
    let [mut sleeper, mut one, mut other] = std::array::from_fn(|_| server.client());
    sleeper.send(b"DEBUG SLEEP 0.3\r\n").expect("it listens");
    // Whoever asks without a break has to wait for nearly the whole sleep at some time, and one of
    // two clients is not of the sleeper's worker.
    for client in [&mut one, &mut other] {
        let deadline = Instant::now() + LIMIT;
        let mut longest = Duration::ZERO;
        while longest < Duration::from_millis(100) {
            let asked = Instant::now();
            assert_eq!(reply(client, "PING"), "PONG");
            longest = longest.max(asked.elapsed());
            assert!(asked < deadline, "nobody stood still");
        }
        assert_eq!(text(&sleeper.receive().expect("a reply")), "OK");
        sleeper.send(b"DEBUG SLEEP 0.3\r\n").expect("it listens");
    }
}

#[test]
fn slow_commands_are_remembered_with_what_they_were() {
    let server = server(&["--slowlog-log-slower-than", "100000"]);
    let mut client = server.client();
    client.run("CLIENT SETNAME someone");
    client.run("DEBUG SLEEP 0.15");
    let Reply::Array(entries) = client.run("SLOWLOG GET -1") else { panic!("an array") };
    let [Reply::Array(entry)] = &entries[..] else { panic!("one entry: {entries:?}") };
    let [
        Reply::Integer(0),
        Reply::Integer(_),
        Reply::Integer(took_us),
        Reply::Array(argv),
        _,
        name,
    ] = &entry[..]
    else {
        panic!("six fields: {entry:?}")
    };
    assert!(*took_us >= 150_000);
    assert_eq!(argv.iter().map(text).collect::<Vec<_>>(), ["DEBUG", "SLEEP", "0.15"]);
    assert_eq!(text(name), "someone");
    client.run("SLOWLOG RESET");
    assert_eq!(client.run("SLOWLOG LEN"), Reply::Integer(0));
    let refusal = reply(&mut client, "SLOWLOG GET -2");
    assert_eq!(refusal, "ERR count should be greater than or equal to -1");
}

#[test]
fn spikes_are_listed_drawn_and_explained() {
    let server = server(&["--latency-monitor-threshold", "50"]);
    let mut client = server.client();
    assert!(reply(&mut client, "LATENCY DOCTOR").contains("No event"));
    client.run("DEBUG SLEEP 0.06");
    let Reply::Array(latest) = client.run("LATENCY LATEST") else { panic!("an array") };
    assert_eq!(latest.len(), 1);
    assert!(reply(&mut client, "LATENCY GRAPH command").starts_with("command - high "));
    assert!(reply(&mut client, "LATENCY DOCTOR").contains("1. command: 1 spike(s)"));
    let refusal = reply(&mut client, "LATENCY GRAPH nothing");
    assert_eq!(refusal, "ERR No samples available for event 'nothing'");
    assert_eq!(client.run("LATENCY RESET nothing command"), Reply::Integer(1));
    assert_eq!(client.run("LATENCY LATEST"), Reply::Array(vec![]));
}

#[test]
fn histograms_count_every_call() {
    let server = server(&[]);
    let mut client = server.client();
    (0..5).for_each(|_| drop(client.run("GET k")));
    let reply = client.run("LATENCY HISTOGRAM get nothing");
    let get = reply.field(b"get").expect("GET was called");
    assert_eq!(get.field(b"calls"), Some(&Reply::Integer(5)));
    let Some(Reply::Array(buckets)) = get.field(b"histogram_usec") else { panic!("{get:?}") };
    assert_eq!(buckets.last(), Some(&Reply::Integer(5)), "the last bucket counts all");
}

#[test]
fn lolwut_ends_with_the_version() {
    let server = server(&[]);
    let mut client = server.client();
    for words in ["LOLWUT", "LOLWUT VERSION 5 30 2 2", "LOLWUT VERSION 6 20 5", "LOLWUT VERSION 9"]
    {
        let picture = reply(&mut client, words);
        let last = picture.lines().last().unwrap_or_default();
        assert!(last.starts_with("Redis ver. "), "{words}: {picture}");
    }
    let refusal = reply(&mut client, "LOLWUT VERSION x");
    assert_eq!(refusal, "ERR value is not an integer or out of range");
}
