//! `maxmemory`: what is evicted, and how well the limit is kept.

use super::{number, start};
use russet_e2e::client::encode;
use russet_e2e::{Client, Server, text};
use std::sync::atomic::{AtomicBool, Ordering};

const POLICIES: [&str; 7] = [
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
];

fn limited(policy: &str, room_bytes: i64) -> (Server, i64) {
    let server = start(&["--worker-threads", "2", "--maxmemory-policy", policy]);
    let mut client = server.client();
    let limit = number(&mut client, "memory", "used_memory") + room_bytes;
    assert_eq!(text(&client.command(&["CONFIG", "SET", "maxmemory", &limit.to_string()])), "OK");
    (server, limit)
}

/// Sends `rounds` pipelines, each with 100 keys of this writer's own and values of up to 4 kB.
fn storm(mut client: Client, writer: usize, rounds: usize) {
    for round in 0..rounds {
        let mut pipeline = Vec::new();
        for number in 0..100 {
            let key = format!("{writer}:{round}:{number}");
            let value = vec![b'x'; (round * 7919 + number * 104_729) % 4096];
            pipeline.extend(encode(&[&b"SET"[..], key.as_bytes(), &value, b"EX", b"10000"]));
        }
        client.send(&pipeline).expect("the server reads");
        for _ in 0..100 {
            assert_eq!(text(&client.receive().expect("the server answers")), "OK");
        }
    }
}

#[test]
fn the_limit_is_kept_while_several_workers_write() {
    const ROOM: i64 = 24 << 20;
    for policy in POLICIES {
        let (server, limit) = limited(policy, ROOM);
        let mut observer = server.client();
        let is_over = AtomicBool::new(false);
        let (mut most, mut seen) = (0, 0);
        std::thread::scope(|scope| {
            let storms = (0..4).map(|writer| {
                let client = server.client();
                scope.spawn(move || storm(client, writer, 120))
            });
            let storms: Vec<_> = storms.collect();
            let is_over = &is_over;
            scope.spawn(move || {
                let ends = storms.into_iter().map(|storm| storm.join());
                let ok = ends.collect::<Vec<_>>().iter().all(Result::is_ok);
                is_over.store(true, Ordering::Relaxed);
                assert!(ok, "every command was executed");
            });
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(number(&mut observer, "memory", "used_memory"));
                seen += 1;
            }
        });
        let percent = most as f64 * 100.0 / limit as f64;
        assert!(seen > 10 && percent < 101.0, "{policy}: {percent:.2} % of the limit");
        let used = number(&mut observer, "memory", "used_memory");
        assert!(used > limit - ROOM / 20, "{policy}: {used} bytes are left of {limit}");
        assert!(number(&mut observer, "stats", "evicted_keys") > 10_000, "{policy}");
    }
}

#[test]
fn what_does_not_fit_is_refused_if_nothing_may_be_evicted() {
    const OUT: &str = "OOM command not allowed when used memory > 'maxmemory'.";
    let (server, _) = limited("volatile-lru", 1 << 20);
    let mut client = server.client();
    let value = "x".repeat(10_000);
    assert_eq!(client.run("SETRANGE first 100000 x").integer(), Some(100_001));
    let mut set = |key: &str| text(&client.command(&["SET", key, &value]));
    let refused = (0..1000).map(|number| set(&number.to_string())).find(|reply| reply != "OK");
    assert_eq!(refused.as_deref(), Some(OUT));
    // One that may be evicted makes room, once.
    assert_eq!(client.run("EXPIRE first 1000").integer(), Some(1));
    assert_eq!(text(&client.command(&["SET", "next", &value])), "OK");
    assert_eq!(client.run("EXISTS first").integer(), Some(0));
    assert_eq!(number(&mut client, "stats", "evicted_keys"), 1);
    assert_eq!(client.run("DEL next").integer(), Some(1));
    assert!(number(&mut client, "stats", "total_eviction_exceeded_time") >= 0);
    assert_eq!(number(&mut client, "stats", "current_eviction_exceeded_time"), 0);
}

#[test]
fn a_lowered_limit_is_reached_without_any_command() {
    let (server, limit) = limited("allkeys-lru", 64 << 20);
    storm(server.client(), 0, 100);
    let mut client = server.client();
    let used = number(&mut client, "memory", "used_memory");
    let lowered = limit - (64 << 20) + (1 << 20);
    assert!(used > lowered + (10 << 20));
    assert_eq!(text(&client.command(&["CONFIG", "SET", "maxmemory", &lowered.to_string()])), "OK");
    // Commands evict as well; these are far too few to do it.
    std::thread::sleep(std::time::Duration::from_millis(10));
    super::wait_until("used memory falls", || {
        number(&mut client, "memory", "used_memory") <= lowered + lowered / 100
    });
}

#[test]
fn clients_that_take_too_much_are_closed_the_largest_first() {
    let server = start(&["--worker-threads", "2", "--maxmemory-clients", "4mb"]);
    let mut observer = server.client();
    assert_eq!(text(&observer.run("CLIENT NO-EVICT ON")), "OK");
    let held = |client: &mut Client, name: &str, bytes: usize| {
        assert_eq!(text(&client.command(&["CLIENT", "SETNAME", name])), "OK");
        // All but the end of a command.
        let mut begun = format!("*2\r\n$4\r\nECHO\r\n${}\r\n", bytes + 1).into_bytes();
        begun.resize(begun.len() + bytes, b'x');
        client.send(&begun).expect("the server reads");
    };
    let connected = |observer: &mut Client, name: &str| {
        text(&observer.run("CLIENT LIST")).contains(&format!(" name={name} "))
    };
    let mut clients: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for (client, (name, kilobytes)) in
        clients.iter_mut().zip([("small", 100), ("large", 2000), ("middle", 900), ("spared", 900)])
    {
        if name == "spared" {
            assert_eq!(text(&client.run("CLIENT NO-EVICT ON")), "OK");
        }
        held(client, name, kilobytes << 10);
        super::wait_until("the bytes have arrived", || {
            let list = text(&observer.run("CLIENT LIST"));
            let line = list.lines().find(|line| line.contains(name)).expect("it is connected");
            let field = line.split(' ').find_map(|field| field.strip_prefix("qbuf="));
            field
                .and_then(|bytes| bytes.parse().ok())
                .is_some_and(|bytes: usize| bytes >= kilobytes << 10)
        });
    }
    assert_eq!(number(&mut observer, "stats", "evicted_clients"), 0);
    assert_eq!(text(&observer.run("CONFIG SET maxmemory-clients 3mb")), "OK");
    assert!(!connected(&mut observer, "large"), "it is gone at once");
    assert!(connected(&mut observer, "middle") && connected(&mut observer, "small"));
    // The least limit there is: whoever is not spared has to go.
    assert_eq!(text(&observer.run("CONFIG SET maxmemory-clients 1")), "OK");
    assert!(!connected(&mut observer, "middle") && !connected(&mut observer, "small"));
    assert!(connected(&mut observer, "spared"));
    // A worker counts after it has told others whom to close.
    super::wait_until("all three are counted", || {
        number(&mut observer, "stats", "evicted_clients") == 3
    });
}

#[test]
fn large_values_are_evicted_without_exceeding_the_limit() {
    const ROOM: i64 = 16 << 20;
    let (server, limit) = limited("allkeys-random", ROOM);
    let mut client = server.client();
    for number_of_set in 0..60 {
        let name = format!("set:{number_of_set}");
        for chunk in 0..20 {
            let members: Vec<String> =
                (0..500).map(|member| format!("member-{number_of_set}-{chunk}-{member}")).collect();
            let mut command = vec!["SADD", &name];
            command.extend(members.iter().map(String::as_str));
            assert_eq!(client.command(&command).integer(), Some(500));
        }
        let used = number(&mut client, "memory", "used_memory");
        assert!(used < limit + limit / 100, "{used} of {limit}");
    }
    assert!(number(&mut client, "memory", "lazyfreed_objects") > 0);
}
