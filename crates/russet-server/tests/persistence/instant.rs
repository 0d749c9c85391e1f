//! A save in the background holds one instant, whatever is written meanwhile.
//!
//! Clients keep invariants that hold between any two of their commands: counters that move in pairs,
//! lists whose lengths add up to a constant, a key that is under exactly one name, in exactly one
//! database. The file must hold them too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use russet_e2e::{Client, Reply, Server, text};

use super::{info, integer, rounds, russet_in, save_in_background, wait_until};

/// Elements of large collections, which are saved in pieces.
const ELEMENTS: usize = 6000;
const PAIRS: usize = 2000;
/// Names that a collection has one after the other.
const NAMES: usize = 7;
/// Pairs of keys that expire together.
const TWINS: usize = 50;

fn transaction(client: &mut Client, commands: &[String]) {
    client.run("MULTI");
    for command in commands {
        assert_eq!(text(&client.run(command)), "QUEUED", "{command}");
    }
    let reply = client.run("EXEC");
    let Reply::Array(replies) = &reply else { panic!("{commands:?}: {reply:?}") };
    assert!(!replies.iter().any(|reply| matches!(reply, Reply::Error(_))), "{replies:?}");
}

fn fill(client: &mut Client) {
    for pair in 0..PAIRS {
        client.run(&format!("MSET left:{pair} 0 right:{pair} 0"));
    }
    for chunk in 0..ELEMENTS / 100 {
        let each = |format: &dyn Fn(usize) -> String| {
            (0..100).map(|at| format(chunk * 100 + at)).collect::<Vec<_>>().join(" ")
        };
        client.run(&format!("RPUSH queue:0 {}", each(&|at| format!("element:{at}"))));
        client.run(&format!("HSET hash {}", each(&|at| format!("field:{at} 0"))));
        client.run(&format!("ZADD zset {}", each(&|at| format!("0 member:{at}"))));
        client.run(&format!("SADD set:0 {}", each(&|at| format!("member:{at}"))));
        client.run(&format!("SADD heir:0 {}", each(&|at| format!("member:{at}"))));
        client.run(&format!("HSET wanderer:0 {}", each(&|at| format!("field:{at} 0"))));
        client.run(&format!("RPUSH mirror {}", each(&|_| format!("{:x>12}", 0))));
    }
    client.run("SET ball:0 1");
    client.run("SET mover 1");
    for db in [2, 3, 5] {
        client.run(&format!("SELECT {db}"));
        client.run(&format!("MSET name {db} generation 0 echo 0"));
        client.run("DEBUG POPULATE 3000");
    }
}

/// Writers that go on until they are told to stop.
struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    fn start(server: &Server) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let writers: [fn(&mut Client, usize); 8] =
            [pairs, queues, collections, wanderers, heirs, names, databases, generations];
        let threads = writers.into_iter().map(|write| {
            let (mut client, stop) = (server.client(), stop.clone());
            std::thread::spawn(move || {
                for turn in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    write(&mut client, turn);
                }
            })
        });
        let threads = threads.collect();
        Writers { stop, threads }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().expect("no writer failed"));
    }
}

fn pairs(client: &mut Client, turn: usize) {
    let pair = turn * 7919 % PAIRS;
    transaction(client, &[format!("INCR left:{pair}"), format!("INCR right:{pair}")]);
}

fn queues(client: &mut Client, turn: usize) {
    client.run(&format!("RPOPLPUSH queue:{} queue:{}", turn % 3, (turn + 1) % 3));
    client.run(&format!(
        "SMOVE set:{} set:{} member:{}",
        turn % 2,
        (turn + 1) % 2,
        turn % ELEMENTS
    ));
}

fn collections(client: &mut Client, turn: usize) {
    let (one, other) = (turn * 31 % ELEMENTS, turn * 17 % ELEMENTS);
    transaction(
        client,
        &[format!("HINCRBY hash field:{one} 1"), format!("HINCRBY hash field:{other} -1")],
    );
    transaction(
        client,
        &[format!("ZINCRBY zset 1 member:{one}"), format!("ZINCRBY zset -1 member:{other}")],
    );
}

/// Collections that change their name, and that change within.
fn wanderers(client: &mut Client, turn: usize) {
    let (one, other) = (turn * 31 % ELEMENTS, turn * 17 % ELEMENTS);
    let (from, to) = (turn % NAMES, (turn + 1) % NAMES);
    client.run(&format!("RENAME wanderer:{from} wanderer:{to}"));
    let by = |field, by| format!("HINCRBY wanderer:{to} field:{field} {by}");
    transaction(client, &[by(one, 1), by(other, -1)]);
    let set = |at: usize| format!("LSET mirror {at} {:x>12}", turn);
    transaction(client, &[set(one), set(ELEMENTS - 1 - one)]);
}

/// Collections that others take the place of.
fn heirs(client: &mut Client, turn: usize) {
    let (from, to) = (turn % 2, (turn + 1) % 2);
    let remove = ["UNLINK", "DEL"][turn / 2 % 2];
    let commands = [format!("SUNIONSTORE heir:{to} heir:{from}"), format!("{remove} heir:{from}")];
    transaction(client, &commands);
    std::thread::sleep(Duration::from_millis(5));
}

fn names(client: &mut Client, turn: usize) {
    client.run(&format!("RENAME ball:{} ball:{}", turn % 50, (turn + 1) % 50));
    client.run(&format!("SELECT {}", turn % 2));
    client.run(&format!("MOVE mover {}", (turn + 1) % 2));
    client.run("SELECT 0");
}

fn databases(client: &mut Client, turn: usize) {
    if turn.is_multiple_of(20) {
        client.run("SWAPDB 2 3");
    }
    client.run(&format!("SET soon:{} 1 PX 3", turn % 100));
    // Both are there, or the time of both has come.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let (twin, at_ms) = (turn % TWINS, since_1970.as_millis() + turn as u128 % 300);
    transaction(client, &[0, 1].map(|one| format!("SET twin:{twin}:{one} {turn} PXAT {at_ms}")));
}

fn generations(client: &mut Client, turn: usize) {
    client.run("SELECT 5");
    if turn.is_multiple_of(30) {
        let flush = if turn.is_multiple_of(60) { "FLUSHDB" } else { "FLUSHDB ASYNC" };
        let set = format!("MSET generation {turn} echo {turn}");
        transaction(client, &[flush.to_owned(), set]);
    }
    client.run(&format!("MSET generation {turn} echo {turn} filler:{turn} x"));
}

/// Checks what a file holds.
fn check(client: &mut Client) {
    let get = |client: &mut Client, key: &str| text(&client.run(&format!("GET {key}")));
    for pair in 0..PAIRS {
        let left = get(client, &format!("left:{pair}"));
        assert_eq!(left, get(client, &format!("right:{pair}")), "pair {pair}");
        assert!(!left.is_empty());
    }
    let sum = |client: &mut Client, command: &str, keys: usize| -> i64 {
        (0..keys).map(|key| integer(&client.run(&format!("{command}:{key}")))).sum()
    };
    assert_eq!(sum(client, "LLEN queue", 3), ELEMENTS as i64);
    assert_eq!(sum(client, "SCARD set", 2), ELEMENTS as i64);
    assert_eq!(sum(client, "SCARD heir", 2), ELEMENTS as i64);
    assert_eq!(sum(client, "EXISTS ball", 50), 1);
    let Reply::Array(mirror) = client.run("LRANGE mirror 0 -1") else { panic!("an array") };
    assert_eq!(mirror.len(), ELEMENTS);
    assert!(mirror.iter().eq(mirror.iter().rev()));
    assert_eq!(sum(client, "EXISTS wanderer", NAMES), 1);
    let is_there = |name: &String| client.run(&format!("EXISTS {name}")) == Reply::Integer(1);
    let wanderer = (0..NAMES).map(|name| format!("wanderer:{name}")).find(is_there);
    let wanderer = format!("HVALS {}", wanderer.expect("there is one"));
    for (command, step) in [("HVALS hash", 1), ("ZRANGE zset 0 -1 WITHSCORES", 2), (&wanderer, 1)] {
        let Reply::Array(values) = client.run(command) else { panic!("{command}: an array") };
        assert_eq!(values.len(), step * ELEMENTS);
        let number = |value: &Reply| text(value).parse::<i64>().expect("a number");
        let total: i64 = values.iter().skip(step - 1).step_by(step).map(number).sum();
        assert_eq!(total, 0, "{command}");
    }
    for twin in 0..TWINS {
        let Reply::Array(twins) = client.run(&format!("MGET twin:{twin}:0 twin:{twin}:1")) else {
            panic!("an array")
        };
        assert_eq!(twins[0], twins[1], "twins {twin}");
    }
    let mut movers = integer(&client.run("EXISTS mover"));
    client.run("SELECT 1");
    movers += integer(&client.run("EXISTS mover"));
    assert_eq!(movers, 1);
    let mut names = Vec::new();
    for db in [2, 3] {
        client.run(&format!("SELECT {db}"));
        names.push(get(client, "name"));
        assert_eq!(client.run("DBSIZE"), Reply::Integer(3003));
    }
    names.sort();
    assert_eq!(names, ["2", "3"]);
    client.run("SELECT 5");
    assert_eq!(get(client, "generation"), get(client, "echo"));
}

fn run(workers: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let server = russet_in(directory.path(), &["--worker-threads", workers]);
    let mut client = server.client();
    fill(&mut client);
    let writers = Writers::start(&server);
    for _ in 0..rounds(4) {
        std::thread::sleep(Duration::from_micros(fastrand::u64(..20_000)));
        save_in_background(&mut client);
        let loaded = russet_in(directory.path(), &["--worker-threads", "2"]);
        check(&mut loaded.client());
    }
    writers.end();
}

#[test]
fn with_one_worker() {
    run("1");
}

#[test]
fn with_four_workers() {
    run("4");
}

/// FLUSHALL ends a save, but not the rewriting of a log, whose base is a picture of an instant too.
#[test]
fn the_base_of_a_log_is_an_instant_between_two_flushes() {
    const FILLERS: usize = 500;
    let directory = tempfile::tempdir().expect("a directory");
    let arguments = ["--appendonly", "yes", "--appendfsync", "no", "--worker-threads", "2"];
    let server = russet_in(directory.path(), &arguments);
    let mut client = server.client();
    let stop = Arc::new(AtomicBool::new(false));
    let thread = std::thread::spawn({
        let (mut client, stop) = (server.client(), stop.clone());
        move || {
            for turn in 0.. {
                let flush = ["FLUSHALL", "FLUSHALL ASYNC"][turn % 2].to_owned();
                let fillers: String =
                    (0..FILLERS).map(|at| format!(" filler:{at} {turn}")).collect();
                let elements: String =
                    (0..FILLERS).map(|at| format!(" element:{at}:{turn}")).collect();
                let list = format!("RPUSH list{}", elements.repeat(10));
                transaction(&mut client, &[flush, format!("MSET turn {turn}{fillers}"), list]);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    wait_until("there are keys", || client.run("EXISTS turn") == Reply::Integer(1));
    for round in 1..=rounds(4) {
        std::thread::sleep(Duration::from_micros(fastrand::u64(..20_000)));
        wait_until("begun", || !matches!(client.run("BGREWRITEAOF"), Reply::Error(_)));
        wait_until("rewritten", || info(&mut client, "aof_rewrites") == round.to_string());
        let manifest = directory.path().join("appendonlydir/appendonly.aof.manifest");
        let manifest = std::fs::read_to_string(manifest).expect("a manifest");
        let base = manifest.split(' ').nth(1).expect("it begins with the base");
        let place = tempfile::tempdir().expect("a directory");
        let base = directory.path().join("appendonlydir").join(base);
        std::fs::copy(base, place.path().join("dump.rdb")).expect("it is there");
        let loaded = russet_in(place.path(), &[]);
        let mut client = loaded.client();
        let turn = text(&client.run("GET turn"));
        assert_eq!(client.run("DBSIZE"), Reply::Integer(FILLERS as i64 + 2), "turn {turn}");
        for filler in 0..FILLERS {
            assert_eq!(text(&client.run(&format!("GET filler:{filler}"))), turn);
        }
        assert_eq!(client.run("LLEN list"), Reply::Integer(FILLERS as i64 * 10));
        let last = text(&client.run("LINDEX list -1"));
        assert_eq!(last, format!("element:{}:{turn}", FILLERS - 1));
    }
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("the writer did not fail");
}
