//! Key commands on a server without sockets: what they leave to the journal, how they walk, what
//! becomes of watched keys when whole databases change.

use std::collections::HashMap;

use crate::testing::TestServer;

/// Checks that each command leaves what stands beside it.
fn check(server: &mut TestServer, cases: &[(&str, &str)]) {
    for (line, journaled) in cases {
        let reply = server.run(line);
        let expected: &[&str] = if journaled.is_empty() { &[] } else { &[journaled] };
        assert_eq!(server.journaled(), expected, "{line} answered {reply:?}");
    }
}

/// A server with the keys `key:0` to `key:<keys - 1>` that ignores what was journaled for them.
fn filled(keys: usize) -> TestServer {
    let mut server = TestServer::new();
    (0..keys).for_each(|key| assert_eq!(server.run(&format!("set key:{key} v")), "+OK\r\n"));
    server.journaled();
    server
}

/// The bulk strings of a reply, however nested.
fn bulks(reply: &str) -> Vec<&str> {
    let mut lines = reply.split("\r\n");
    let mut bulks = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with('$') && line != "$-1" {
            bulks.extend(lines.next());
        }
    }
    bulks
}

/// Scans from 0 to the end and returns all keys with how often each came; `between` runs after each
/// call.
fn scan(
    server: &mut TestServer,
    options: &str,
    mut between: impl FnMut(&mut TestServer, usize),
) -> (HashMap<String, usize>, usize) {
    let (mut cursor, mut seen, mut calls) = ("0".to_owned(), HashMap::new(), 0);
    loop {
        let reply = server.run(&format!("scan {cursor}{options}"));
        let [next, keys @ ..] = &bulks(&reply)[..] else { panic!("{reply:?} has no cursor") };
        keys.iter().for_each(|key| *seen.entry((*key).to_owned()).or_insert(0) += 1);
        calls += 1;
        cursor = (*next).to_owned();
        if cursor == "0" {
            return (seen, calls);
        }
        between(server, calls);
    }
}

#[test]
fn removals_are_recorded_as_the_lazyfree_directives_say() {
    for (lazy, name) in [("no", "DEL"), ("yes", "UNLINK")] {
        let mut server = TestServer::new();
        for directive in ["expire", "server-del", "user-del"] {
            server.run(&format!("config set lazyfree-lazy-{directive} {lazy}"));
        }
        let removal = format!("{name} key");
        let key = &removal[..];
        server.run("set key value");
        server.journaled();
        check(&mut server, &[("getdel key", key), ("del key", "")]);
        server.run("set key value");
        server.journaled();
        check(&mut server, &[("del key", "del key")]);
        server.run("set key value");
        server.journaled();
        check(&mut server, &[("getex key exat 1", key)]);
        server.run("set key value");
        server.journaled();
        check(&mut server, &[("expireat key 1", key)]);
        server.run("sadd key member");
        server.journaled();
        check(&mut server, &[("spop key 5", key)]);
        server.run("set key value pxat 1");
        server.journaled();
        check(&mut server, &[("get key", key)]);
    }
}

#[test]
fn what_changes_nothing_is_not_recorded() {
    check(
        &mut filled(3),
        &[
            ("del nokey", ""),
            ("del key:0 nokey", "del key:0 nokey"),
            ("expire nokey 5", ""),
            ("expire key:1 5 xx", ""),
            ("persist key:1", ""),
            ("rename nokey other", ""),
            ("rename key:1 key:1", ""),
            ("renamenx key:1 key:2", ""),
            ("copy key:1 key:2", ""),
            ("copy key:1 key:2 replace", "copy key:1 key:2 replace"),
            ("renamenx key:1 key:3", "renamenx key:1 key:3"),
            ("move key:3 5", "move key:3 5"),
            ("move key:3 5", ""),
            ("touch key:2", ""),
            ("randomkey", ""),
            ("keys *", ""),
            ("scan 0", ""),
            ("swapdb 0 0", "swapdb 0 0"),
            ("swapdb 0 5", "swapdb 0 5"),
            ("flushdb", "flushdb"),
            ("flushdb", "flushdb"),
            ("flushall async", "flushall async"),
        ],
    );
}

#[test]
fn expiries_are_recorded_as_instants_and_those_in_the_past_as_removals() {
    let mut server = filled(1);
    for (line, after_ms) in [("expire key:0 100", 100_000), ("pexpire key:0 7000 lt", 7_000)] {
        let earliest = server.now_ms() + after_ms;
        server.run(line);
        let latest = server.now_ms() + after_ms;
        let recorded = server.journaled().concat();
        let deadline = recorded.strip_prefix("PEXPIREAT key:0 ").expect(&recorded);
        assert!((earliest..=latest).contains(&deadline.parse().expect(deadline)), "{recorded}");
    }
    check(
        &mut server,
        &[
            ("expireat key:0 9999999999", "PEXPIREAT key:0 9999999999000"),
            ("pexpireat key:0 1 gt", ""),
            ("pexpireat key:0 1", "DEL key:0"),
            ("set key:0 v", "set key:0 v"),
            ("expire key:0 -1", "DEL key:0"),
            ("expire key:0 -1", ""),
        ],
    );
}

#[test]
fn a_time_to_live_moves_and_copies_with_its_key() {
    let mut server = filled(1);
    for (line, reply) in [
        ("pexpireat key:0 9999999999001", ":1\r\n"),
        ("rename key:0 a", "+OK\r\n"),
        ("pexpiretime a", ":9999999999001\r\n"),
        ("copy a b", ":1\r\n"),
        ("pexpiretime b", ":9999999999001\r\n"),
        ("expiretime b", ":9999999999\r\n"),
        ("set c v", "+OK\r\n"),
        ("copy c b replace", ":1\r\n"),
        ("ttl b", ":-1\r\n"),
        ("move a 1", ":1\r\n"),
        ("select 1", "+OK\r\n"),
        ("pexpiretime a", ":9999999999001\r\n"),
        ("pexpireat a 9223372036854775807", ":1\r\n"),
        ("pexpiretime a", ":9223372036854775807\r\n"),
        ("persist a", ":1\r\n"),
        ("ttl a", ":-1\r\n"),
        ("ttl b", ":-2\r\n"),
    ] {
        assert_eq!(server.run(line), reply, "{line}");
    }
}

#[test]
fn walkers_remove_what_is_past_its_time_and_show_the_rest() {
    for walker in ["keys *", "scan 0 count 100", "randomkey"] {
        let mut server = filled(2);
        (0..20).for_each(|key| drop(server.run(&format!("set old:{key} v pxat 1"))));
        server.journaled();
        assert_eq!(server.run("dbsize"), ":22\r\n");
        // Half of the keys that can be drawn are past their time, so one of these draws meets one.
        let draws = if walker == "randomkey" { 200 } else { 1 };
        for _ in 0..draws {
            let reply = server.run(walker);
            assert!(!reply.contains("old:") && reply.contains("key:"), "{reply:?}");
        }
        let recorded = server.journaled();
        assert!(!recorded.is_empty() && recorded.iter().all(|unit| unit.contains("DEL old:")));
        assert_eq!(
            server.run("dbsize"),
            format!(":{}\r\n", 22 - recorded.concat().matches("DEL").count())
        );
        // Inside a transaction they are part of its unit.
        server.run("set old v pxat 1");
        server.journaled();
        server.run("multi");
        server.run("keys *");
        server.run("set key:0 w");
        server.run("exec");
        let recorded = server.journaled();
        assert_eq!(recorded.len(), 1, "{recorded:?}");
        assert_eq!(recorded, ["DEL old; set key:0 w"], "{walker}");
    }
}

#[test]
fn keys_finds_what_a_pattern_matches() {
    let mut server = filled(2_000);
    assert_eq!(bulks(&server.run("keys *")).len(), 2_000);
    assert_eq!(bulks(&server.run("keys key:1?")).len(), 10);
    assert_eq!(bulks(&server.run("keys key:77")), ["key:77"]);
    assert_eq!(server.run("keys nokey"), "*0\r\n");
    server.run("select 1");
    assert_eq!(server.run("keys *"), "*0\r\n");
}

#[test]
fn a_scan_shows_every_key_once_in_steps_of_about_the_count() {
    let mut server = filled(3_000);
    for (options, expected) in [("", 3_000), (" match key:1?", 10), (" type list", 0)] {
        let (seen, calls) = scan(&mut server, options, |_, _| {});
        assert_eq!(seen.len(), expected, "scan{options}");
        assert!(seen.values().all(|times| *times == 1));
        // A call stops in the shard in which it reaches its count of 10.
        assert!((3_000 / 20..=300).contains(&calls), "{calls} calls for scan{options}");
    }
    // One more than there are: the shards behind the last key are visited in the same call.
    let (seen, calls) = scan(&mut server, " count 3001", |_, _| {});
    assert_eq!((seen.len(), calls), (3_000, 1));
}

#[test]
fn a_small_database_takes_few_calls_to_scan() {
    let (seen, calls) = scan(&mut filled(5), "", |_, _| {});
    assert_eq!(seen.len(), 5);
    assert_eq!(calls, 1);
    let (seen, calls) = scan(&mut TestServer::new(), "", |_, _| {});
    assert!(seen.is_empty() && calls <= 2, "{calls} calls");
}

#[test]
fn a_scan_misses_and_repeats_nothing_while_tables_grow_and_shrink() {
    // Enough keys per shard for tables of many buckets.
    let mut server = filled(60_000);
    let (seen, _) = scan(&mut server, " count 300", |server, call| {
        // Two of three keys go, others come, and so do buckets.
        for key in (call - 1) * 400..call * 400 {
            if key % 3 != 0 && key < 60_000 {
                server.run(&format!("del key:{key}"));
            } else {
                server.run(&format!("set new:{call}:{key} v"));
            }
        }
    });
    for key in (0..60_000).step_by(3) {
        assert_eq!(seen.get(&format!("key:{key}")), Some(&1), "key:{key} was there all the time");
    }
    assert!(seen.values().all(|times| *times == 1), "no key came twice");
}

#[test]
fn random_keys_are_uniform() {
    const KEYS: usize = 100;
    const DRAWS: usize = 20_000;
    let mut server = filled(KEYS);
    let mut drawn = HashMap::new();
    for _ in 0..DRAWS {
        let reply = server.run("randomkey");
        *drawn.entry(bulks(&reply)[0].to_owned()).or_insert(0_usize) += 1;
    }
    let expected = (DRAWS / KEYS) as f64;
    let chi_square: f64 = (0..KEYS)
        .map(|key| drawn.get(&format!("key:{key}")).copied().unwrap_or(0) as f64)
        .map(|count| (count - expected).powi(2) / expected)
        .sum();
    // 99 degrees of freedom: about once in 10^11 runs this is above 227.
    assert!(chi_square < 227.0, "chi-square is {chi_square}");
    server.run("flushdb");
    assert_eq!(server.run("randomkey"), "$-1\r\n");
}

/// Whether an EXEC fails after WATCH of `x` in the selected database and then some commands.
fn is_touched(server: &mut TestServer, commands: &[&str]) -> bool {
    server.run("watch x");
    commands.iter().for_each(|line| drop(server.run(line)));
    server.run("multi");
    server.run("ping");
    match &*server.run("exec") {
        "*-1\r\n" => true,
        "*1\r\n+PONG\r\n" => false,
        reply => panic!("EXEC answered {reply:?}"),
    }
}

#[test]
fn emptying_a_database_touches_the_keys_it_had() {
    for flush in ["flushdb", "flushall", "flushdb async"] {
        let mut server = TestServer::new();
        assert!(!is_touched(&mut server, &[flush]));
        assert!(!is_touched(&mut server, &["select 1", "set x v", "select 0", "flushdb"]));
        server.run("set x v");
        assert!(is_touched(&mut server, &[flush]));
        server.run("set x v pxat 1");
        assert!(!is_touched(&mut server, &[flush]), "it was past its time when WATCH came");
        assert_eq!(server.run("dbsize"), ":0\r\n");
    }
}

#[test]
fn exchanging_databases_touches_keys_of_both() {
    let mut server = TestServer::new();
    assert!(!is_touched(&mut server, &["swapdb 0 1"]));
    server.run("set x v");
    assert!(is_touched(&mut server, &["swapdb 0 1"]), "x went away");
    assert!(is_touched(&mut server, &["swapdb 1 0"]), "x came");
    assert!(!is_touched(&mut server, &["swapdb 1 2", "swapdb 0 0"]));
    server.run("flushall");
    server.run("set x v pxat 1");
    assert!(!is_touched(&mut server, &["swapdb 0 1"]), "it was past its time");
    server.run("select 1");
    server.run("set x v pxat 1");
    server.run("select 0");
    assert!(!is_touched(&mut server, &["swapdb 0 1"]), "past its time, it does not count as there");
}

#[test]
fn a_watched_key_stays_watched_in_its_database_when_that_is_exchanged() {
    let mut server = TestServer::new();
    assert!(is_touched(&mut server, &["swapdb 0 1", "set x v"]));
    server.run("flushall");
    let elsewhere = ["swapdb 0 1", "select 1", "set x v", "select 0"];
    assert!(!is_touched(&mut server, &elsewhere));
    server.run("flushall");
    // UNWATCH finds the key where it is now.
    assert!(!is_touched(&mut server, &["swapdb 0 1", "unwatch", "set x v"]));
}

#[test]
fn changes_are_counted_as_redis_does() {
    let mut server = filled(3);
    for (line, changes) in [
        ("del key:0 key:1 key:9", 2),
        ("rename key:2 key:3", 1),
        ("copy key:3 key:4", 1),
        ("move key:4 1", 1),
        ("expire key:3 100", 1),
        ("persist key:3", 1),
        ("persist key:3", 0),
        ("swapdb 3 4", 1),
        ("flushall", 2),
        ("flushall", 0),
    ] {
        let before = server.changes();
        server.run(line);
        assert_eq!(server.changes() - before, changes, "{line}");
    }
}
