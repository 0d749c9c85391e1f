//! INFO and MEMORY.

use super::{info, number, start, wait_until};
use russet_e2e::{Client, Reply, text};

/// The sections of a report, in order.
fn sections(report: &str) -> Vec<&str> {
    report.lines().filter_map(|line| line.strip_prefix("# ")).collect()
}

#[test]
fn sections_can_be_chosen() {
    let server = start(&[]);
    let mut client = server.client();
    let default = text(&client.command(&["INFO"]));
    #[rustfmt::skip]
    let expected = [
        "Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Workers",
        "Modules", "Errorstats", "Cluster", "Keyspace",
    ];
    assert_eq!(sections(&default), expected);
    let all = text(&client.command(&["INFO", "ALL"]));
    assert_eq!(sections(&all).len(), expected.len() + 2);
    let some = text(&client.command(&["INFO", "keyspace", "cluster", "nothing"]));
    assert_eq!(some, "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n");
}

#[test]
fn the_version_follows_the_compatibility() {
    for (level, version) in [("4.0", "4.0.6"), ("7.2", "7.2.4")] {
        let server = start(&["--compatibility", level]);
        let mut client = server.client();
        assert_eq!(info(&mut client, "server", "redis_version").as_deref(), Some(version));
        assert_eq!(
            info(&mut client, "server", "russet_version").as_deref(),
            Some(env!("CARGO_PKG_VERSION"))
        );
        client.command(&["GET", "key"]);
        let calls = info(&mut client, "commandstats", "cmdstat_get").expect("it was called");
        assert_eq!(calls.contains("rejected_calls"), level != "4.0", "{calls}");
    }
}

/// What comes after `counts` in the line of database 0.
fn mean_left_ms(client: &mut Client, counts: &str) -> i64 {
    let db0 = info(client, "keyspace", "db0").expect("it has keys");
    let left_ms = db0.strip_prefix(counts).and_then(|left_ms| left_ms.parse().ok());
    left_ms.unwrap_or_else(|| panic!("{db0}"))
}

#[test]
fn keys_are_counted_by_database() {
    let server = start(&["--worker-threads", "2"]);
    let mut client = server.client();
    client.command(&["SET", "a", "1"]);
    client.command(&["SET", "b", "1", "EX", "1000"]);
    client.command(&["SET", "c", "1", "EX", "3000"]);
    client.command(&["SELECT", "3"]);
    client.command(&["SET", "a", "1"]);
    // The mean of both, less what this test has taken, give or take the precision of the sum.
    let left_ms = mean_left_ms(&mut client, "keys=3,expires=2,avg_ttl=");
    assert!((1_900_000..=2_000_016).contains(&left_ms), "{left_ms}");
    assert_eq!(info(&mut client, "keyspace", "db3").as_deref(), Some("keys=1,expires=0,avg_ttl=0"));
    client.command(&["SELECT", "0"]);
    client.command(&["SET", "b", "for good"]);
    let left_ms = mean_left_ms(&mut client, "keys=3,expires=1,avg_ttl=");
    assert!((2_900_000..=3_000_016).contains(&left_ms), "{left_ms}");
    client.command(&["SET", "c", "1", "PX", "1"]);
    wait_until("the key has expired", || {
        info(&mut client, "keyspace", "db0").as_deref() == Some("keys=2,expires=0,avg_ttl=0")
    });
    client.command(&["FLUSHALL"]);
    assert_eq!(info(&mut client, "keyspace", "db0"), None);
}

#[test]
fn calls_and_errors_are_counted_by_name() {
    let server = start(&[]);
    let mut client = server.client();
    client.command(&["SET", "text", "abc"]);
    client.command(&["INCR", "text"]);
    client.command(&["INCR"]);
    client.command(&["MULTI"]);
    client.command(&["INCR", "text"]);
    client.command(&["EXEC"]);
    let incr = info(&mut client, "commandstats", "cmdstat_incr").expect("it was called");
    assert!(incr.starts_with("calls=2,"), "{incr}");
    assert!(incr.ends_with(",rejected_calls=1,failed_calls=2"), "{incr}");
    assert_eq!(info(&mut client, "errorstats", "errorstat_ERR").as_deref(), Some("count=3"));
    let times = info(&mut client, "latencystats", "latency_percentiles_usec_incr");
    assert!(times.is_some_and(|times| times.contains("p50=") && times.contains("p99.9=")));
}

#[test]
fn memory_follows_the_data() {
    const BYTES: i64 = 16 << 20;
    // One byte more than that, and the allocator's sizes are a quarter apart.
    const ALLOCATED: std::ops::Range<i64> = BYTES..BYTES / 4 * 5 + (1 << 20);
    let server = start(&["--worker-threads", "2"]);
    let mut client = server.client();
    let used = |client: &mut Client| number(client, "memory", "used_memory");
    let before = used(&mut client);
    client.command(&["SETRANGE", "large", &BYTES.to_string(), "x"]);
    let full = used(&mut client);
    assert!(ALLOCATED.contains(&(full - before)), "{before} to {full}");
    assert!(number(&mut client, "memory", "used_memory_dataset") >= BYTES);
    let size = client.command(&["MEMORY", "USAGE", "large"]).integer().expect("the key exists");
    assert!(ALLOCATED.contains(&size), "{size}");
    assert!(number(&mut client, "memory", "used_memory_rss") > 0);
    client.command(&["UNLINK", "large"]);
    wait_until("the memory comes back", || used(&mut client) < before + (1 << 20));
    assert!(number(&mut client, "memory", "used_memory_peak") >= full);
    let stats = client.command(&["MEMORY", "STATS"]);
    assert_eq!(stats.field(b"keys.count").and_then(Reply::integer), Some(0));
    assert!(!text(&client.command(&["MEMORY", "MALLOC-STATS"])).is_empty());
    assert!(!text(&client.command(&["MEMORY", "DOCTOR"])).is_empty());
    assert_eq!(text(&client.command(&["MEMORY", "PURGE"])), "OK");
}

#[test]
fn rates_follow_the_load() {
    let server = start(&["--hz", "100"]);
    let mut client = server.client();
    wait_until("operations are reported", || {
        (0..100).for_each(|_| drop(client.command(&["PING"])));
        number(&mut client, "stats", "instantaneous_ops_per_sec") > 0
            && info(&mut client, "stats", "instantaneous_input_kbps")
                .is_some_and(|rate| rate != "0.00")
    });
}

/// Workers that nobody asks for anything take no memory for what they might be asked: what is used
/// does not depend on how long the server has been there.
#[test]
fn workers_at_rest_take_no_memory_to_receive_requests() {
    const ARENA_BYTES: i64 = 256 << 10;
    let server = start(&["--worker-threads", "8", "--hz", "500"]);
    let mut client = server.client();
    let rounds = |client: &mut Client| number(client, "stats", "eventloop_cycles");
    let first = rounds(&mut client);
    wait_until("all have had rounds", || rounds(&mut client) > first + 200);
    let startup = number(&mut client, "memory", "used_memory_startup");
    let used = number(&mut client, "memory", "used_memory");
    assert!(used < startup + 3 * ARENA_BYTES, "{used} bytes, {startup} of them at the start");
}

/// Freed pages that the allocator does not give back by itself, which it does not if they are few, do
/// not stay either.
#[test]
fn workers_at_rest_return_few_freed_pages() {
    const KEYS: usize = 200;
    const VALUE_BYTES: usize = 4096 - 64;
    let server = start(&["--worker-threads", "1", "--enable-debug-command", "yes"]);
    let mut client = server.client();
    let of_its_own = client.command(&["DEBUG", "MALLCTL", "background_thread", "0"]);
    assert_eq!(of_its_own, Reply::Integer(1));
    let keys: Vec<String> = (0..KEYS).map(|number| format!("key:{number}")).collect();
    let value = "v".repeat(VALUE_BYTES);
    keys.iter().for_each(|key| assert_eq!(text(&client.command(&["SET", key, &value])), "OK"));
    let full = server.resident_bytes();
    let delete: Vec<&str> = ["DEL"].into_iter().chain(keys.iter().map(String::as_str)).collect();
    assert_eq!(client.command(&delete), Reply::Integer(KEYS as i64));
    // The system does not count exactly.
    let freed = (KEYS * VALUE_BYTES) as u64;
    wait_until("most is returned", || server.resident_bytes() + freed / 2 < full);
}
