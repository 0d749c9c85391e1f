//! The hand-over, with toy commands on strings: workers race with each other, with clients that give
//! up, and with clients that are told to.

use std::sync::Arc;

use russet_data::object::ValueType;
use russet_keyspace::entry::{Entry, IntBuf};
use russet_resp::ArgSpan;

use super::{Attempt, Blocking, Wait, deadline, serve_ready, take_or_wait};
use crate::client::{Client, ClientInfo, Transport};
use crate::command::{Command, CommandEntry, Flags, KeyFlags, KeySpec, Names};
use crate::config::{Config, ConfigSource};
use crate::error::Error;
use crate::exec::dispatch::{Outcome, Request, dispatch};
use crate::exec::{Args, Ctx, Event, Key};
use crate::process::log::Log;
use crate::server::Server;
use crate::start::build;
use crate::worker::{Message, WorkerContext};

/// TAKE key... timeout: removes the first string there is and answers it.
struct Take;

impl Blocking for Take {
    fn value_type(&self) -> ValueType {
        ValueType::String
    }

    fn attempt(&self, attempt: &mut Attempt<'_, '_>, key: Key<'_>) -> Result<bool, Error> {
        let Some(entry) = attempt.db.remove(key) else { return Ok(false) };
        attempt.db.changed(key, Event::DEL);
        attempt.out.bulk(entry.string_bytes(&mut IntBuf::new()));
        Ok(true)
    }
}

/// TRANSFER from to timeout: moves a string to a key, which must not be there, and answers it.
struct Transfer {
    to: (u64, Vec<u8>),
}

impl Blocking for Transfer {
    fn value_type(&self) -> ValueType {
        ValueType::String
    }

    fn attempt(&self, attempt: &mut Attempt<'_, '_>, key: Key<'_>) -> Result<bool, Error> {
        let to = Key { hash: self.to.0, bytes: &self.to.1 };
        if attempt.db.peek(key).is_none() {
            return Ok(false);
        }
        if attempt.db.peek(to).is_some() {
            return Err(Error::new("ERR occupied"));
        }
        let entry = attempt.db.remove(key).expect("it was just seen");
        attempt.db.changed(key, Event::DEL);
        let value = entry.string_bytes(&mut IntBuf::new()).to_vec();
        attempt.db.add(to.hash, Entry::with_bytes(to.bytes, &value, None));
        attempt.db.changed(to, Event::SET);
        attempt.out.bulk(&value);
        Ok(true)
    }

    fn second_key(&self) -> Option<u64> {
        Some(self.to.0)
    }
}

const FLAGS: Flags = Flags::WRITE.union(Flags::BLOCKING);

const TAKE: Command = Command {
    keys: &[KeySpec::range(1, -2, 1, KeyFlags::TAKES)],
    ..Command::new("take", -3, FLAGS, take)
};

fn take(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let last = ctx.args.len() - 1;
    let deadline_ms = deadline(ctx, last)?;
    take_or_wait(ctx, 1..last, deadline_ms, Take)
}

const TRANSFER: Command = Command {
    keys: &[KeySpec::range(1, 1, 1, KeyFlags::TAKES)],
    ..Command::new("transfer", 4, FLAGS, transfer)
};

fn transfer(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let deadline_ms = deadline(ctx, 3)?;
    let to = ctx.key(2);
    let to = (to.hash, to.bytes.to_vec());
    take_or_wait(ctx, 1..2, deadline_ms, Transfer { to })
}

fn server(workers: u32) -> Arc<Server> {
    let config = Config { worker_threads: workers, ..Config::default() };
    let log = Arc::new(Log::open(&config).expect("the log is the standard output"));
    let names = Names::new([]).expect("nothing is renamed");
    let built = build(config, ConfigSource::default(), names, Vec::new(), log);
    built.expect("the system has what a server needs").0
}

/// A worker with some clients, in place of its event loop.
struct Station {
    server: Arc<Server>,
    worker: WorkerContext,
    clients: Vec<Client>,
    /// Replies that came by mail: the client's place, and the reply.
    answers: Vec<(usize, String)>,
    /// Those to TAKE.
    taken: Vec<String>,
    toys: [&'static CommandEntry; 2],
}

impl Station {
    fn new(server: &Arc<Server>, id: usize, clients: usize) -> Self {
        let stats = server.workers[id].stats.clone();
        let worker = WorkerContext::new(id, server.config.load_full(), stats);
        let client = |at: usize| {
            let number = (id * 1000 + at) as u64 + 1;
            let info = ClientInfo::new(number, id, 0, Transport::Unix("test".into()), 0);
            Client::new(Arc::new(info), true)
        };
        let get = server.names.find(b"get").expect("GET exists").id;
        Station {
            server: server.clone(),
            worker,
            clients: (0..clients).map(client).collect(),
            answers: Vec::new(),
            taken: Vec::new(),
            toys: [&TAKE, &TRANSFER].map(|command| CommandEntry::for_test(command, get)),
        }
    }

    /// The reply to a command; `None` if the client waits now.
    fn run(&mut self, client: usize, line: &str) -> Option<String> {
        let argv: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let spans: Vec<ArgSpan> = (0..argv.len() as u32).map(ArgSpan::owned).collect();
        let toy = self.toys.iter().find(|toy| toy.full_name.as_bytes() == argv[0]).copied();
        let entry = toy.map_or_else(|| self.server.names.resolve(&argv[0], None), Ok);
        let known = entry.as_ref().ok().expect("tests use commands there are");
        let positions = known.key_positions(argv.len(), |at| &argv[at]);
        let hashes: Vec<u64> =
            positions.map(|(at, _)| self.server.keyspace.hash(&argv[at])).collect();
        loop {
            let mut reply = Vec::new();
            let request = Request {
                entry,
                args: Args::new(&[], &spans, &argv),
                hashes: &hashes,
                large: &mut None,
            };
            let gate = self.server.keyspace.gate();
            assert!(gate.enter(self.worker.id), "nobody closes the gate");
            let client = &mut self.clients[client];
            let outcome = dispatch(&self.server, &mut self.worker, client, &mut reply, request);
            self.server.keyspace.gate().leave(self.worker.id);
            match outcome {
                Outcome::Done => return Some(String::from_utf8(reply).expect("it is text")),
                Outcome::Blocked => return None,
                Outcome::SetAside(_) => std::thread::yield_now(),
                Outcome::Paused => unreachable!("no event loop would go on with it"),
            }
        }
    }

    /// Does what the event loop would do between two commands.
    fn settle(&mut self) {
        let gate = self.server.keyspace.gate();
        assert!(gate.enter(self.worker.id), "nobody closes the gate");
        serve_ready(&self.server, &mut self.worker);
        gate.leave(self.worker.id);
        let mut mail = Vec::new();
        self.server.workers[self.worker.id].mailbox.take(&mut mail);
        for message in mail {
            let Message::Answer(wait, reply, _) = message else { panic!("there is no other mail") };
            let is_waiting = |client: &Client| {
                client.wait.as_ref().is_some_and(|present| Arc::ptr_eq(present, &wait))
            };
            let at = self.clients.iter().position(is_waiting).expect("who is answered waits");
            let reply = String::from_utf8(reply).expect("it is text");
            if self.end(at).entry.command.name == TAKE.name {
                self.taken.push(reply.clone());
            }
            self.answers.push((at, reply));
        }
    }

    /// Ends the wait of a client, and takes it out of all queues.
    fn end(&mut self, at: usize) -> Arc<Wait> {
        let wait = self.clients[at].wait.take().expect("the client waits");
        for (hash, key) in wait.keys() {
            let keyspace = &self.server.keyspace;
            let guard = std::iter::from_fn(|| Some(keyspace.try_lock(keyspace.shard_of(*hash))));
            let mut guard = guard.flatten().next().expect("nobody holds it for long");
            guard.remove_waiter(0, key, &(wait.clone() as Arc<_>));
        }
        wait
    }

    fn answers(&mut self) -> Vec<(usize, String)> {
        self.settle();
        std::mem::take(&mut self.answers)
    }
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

#[test]
fn the_oldest_waiter_is_served_first_whoever_serves_it() {
    let server = server(2);
    let [mut one, mut other] = [0, 1].map(|id| Station::new(&server, id, 4));
    assert_eq!(one.run(0, "take a b 0"), None);
    assert_eq!(other.run(1, "take b 0"), None);
    assert_eq!(one.run(2, "take b b 0"), None);
    assert_eq!(server.keyspace.awaited_keys(), 2);
    for value in ["1", "2", "3"] {
        assert_eq!(other.run(0, &format!("setnx b {value}")).as_deref(), Some(":1\r\n"));
        assert_eq!(other.run(0, "exists b").as_deref(), Some(":0\r\n"), "it is gone at once");
    }
    assert_eq!(one.answers(), [(0, bulk("1")), (2, bulk("3"))]);
    assert_eq!(other.answers(), [(1, bulk("2"))]);
    assert_eq!(server.keyspace.awaited_keys(), 0);
    // Nobody waits any more.
    assert_eq!(other.run(0, "setnx a 4").as_deref(), Some(":1\r\n"));
    assert_eq!(one.run(0, "take b a 0"), Some(bulk("4")));
}

#[test]
fn waits_that_are_over_and_other_types_are_passed_over() {
    let server = server(2);
    let [mut one, mut other] = [0, 1].map(|id| Station::new(&server, id, 4));
    assert_eq!(one.run(0, "take k 0"), None);
    assert_eq!(one.run(1, "take k 0"), None);
    assert_eq!(one.run(2, "take k 0"), None);
    let given_up = one.clients[0].wait.clone().expect("it waits");
    assert!(given_up.claim() && !given_up.claim(), "a wait ends once");
    one.clients[1].info.killed.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(other.run(0, "setnx k v").as_deref(), Some(":1\r\n"));
    assert_eq!(one.answers(), [(2, bulk("v"))]);
}

#[test]
fn what_a_served_client_moves_on_serves_the_next() {
    let server = server(2);
    let [mut one, mut other] = [0, 1].map(|id| Station::new(&server, id, 4));
    assert_eq!(one.run(0, "transfer a b 0"), None);
    assert_eq!(other.run(0, "transfer b c 0"), None);
    assert_eq!(one.run(1, "take c 0"), None);
    assert_eq!(other.run(1, "set a v").as_deref(), Some("+OK\r\n"));
    assert_eq!(one.answers(), [(0, bulk("v")), (1, bulk("v"))]);
    assert_eq!(other.answers(), [(0, bulk("v"))]);
    // An error is an answer, too, and leaves the value to the next.
    assert_eq!(other.run(1, "set b occupied").as_deref(), Some("+OK\r\n"));
    assert_eq!(one.run(0, "transfer a b 0"), None);
    assert_eq!(one.run(1, "take a 0"), None);
    assert_eq!(other.run(1, "set a v").as_deref(), Some("+OK\r\n"));
    assert_eq!(one.answers(), [(0, "-ERR occupied\r\n".into()), (1, bulk("v"))]);
}

#[test]
fn a_transaction_waits_for_nothing_and_serves_at_its_end() {
    let server = server(1);
    let mut station = Station::new(&server, 0, 3);
    for line in ["multi", "take k 0"] {
        station.run(0, line);
    }
    assert_eq!(station.run(0, "exec").as_deref(), Some("*1\r\n*-1\r\n"));
    assert_eq!(station.run(1, "take k 0"), None);
    for line in ["multi", "set k 1", "set k 2", "exists k"] {
        station.run(0, line);
    }
    assert_eq!(station.run(0, "exec").as_deref(), Some("*3\r\n+OK\r\n+OK\r\n:1\r\n"));
    assert_eq!(station.answers(), [(1, bulk("2"))]);
}

#[test]
fn times_are_seconds_with_fractions() {
    let server = server(1);
    let mut station = Station::new(&server, 0, 2);
    let now_ms = station.worker.clock.now_ms();
    for (timeout, wanted) in [("0", None), ("0.0001", Some(1)), ("1.5", Some(1500)), ("-0", None)] {
        assert_eq!(station.run(0, &format!("take k {timeout}")), None);
        let wait = station.end(0);
        assert_eq!(wait.deadline_ms, wanted.map(|after_ms| now_ms + after_ms), "{timeout}");
    }
    for (timeout, error) in [
        ("x", "timeout is not a float or out of range"),
        ("nan", "timeout is not a float or out of range"),
        ("-0.5", "timeout is negative"),
        ("1e300", "timeout is out of range"),
    ] {
        let reply = station.run(0, &format!("take k {timeout}"));
        assert_eq!(reply, Some(format!("-ERR {error}\r\n")));
    }
}

/// What one worker did in [`no_value_is_lost_or_given_twice`].
#[derive(Default)]
struct Book {
    put: Vec<String>,
    taken: Vec<String>,
}

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// One step of a client: it puts a value, takes one or waits for one, transfers one (which is still to
/// be taken then), or gives up.
fn step(station: &mut Station, client: usize, random: &mut fastrand::Rng, book: &mut Book) {
    let mut key = || KEYS[random.usize(..KEYS.len())];
    let (one, other) = (key(), key());
    if let Some(wait) = station.clients[client].wait.clone() {
        if random.u32(..4) == 0 && wait.claim() {
            station.end(client);
        }
        return;
    }
    match random.u32(..5) {
        0 | 1 => {
            let value = format!("{}-{}", station.worker.id, random.u64(..));
            let reply = station.run(client, &format!("setnx {one} {value}"));
            if reply.as_deref() == Some(":1\r\n") {
                book.put.push(bulk(&value));
            }
        }
        2 | 3 => book.taken.extend(station.run(client, &format!("take {one} {other} 0"))),
        _ => drop(station.run(client, &format!("transfer {one} {other} 0"))),
    }
}

fn settle(station: &mut Station, book: &mut Book) {
    station.settle();
    station.answers.clear();
    book.taken.append(&mut station.taken);
}

/// Workers put values, take them, transfer them and give up at random: each value that was put is
/// taken once, or is still there, and nobody waits for it.
#[test]
fn no_value_is_lost_or_given_twice() {
    const WORKERS: usize = 4;
    const STEPS: usize = 5_000;
    const CLIENTS: usize = 4;
    let server = server(WORKERS as u32);
    let all_done = std::sync::Barrier::new(WORKERS);
    let work = |id: usize| {
        let mut station = Station::new(&server, id, CLIENTS);
        let mut random = fastrand::Rng::with_seed(id as u64);
        let mut book = Book::default();
        for number in 0..STEPS {
            step(&mut station, number % CLIENTS, &mut random, &mut book);
            settle(&mut station, &mut book);
        }
        // Whoever settles may serve those that have settled before.
        for _ in 0..WORKERS {
            all_done.wait();
            settle(&mut station, &mut book);
        }
        assert!(station.worker.ready.is_empty());
        (station.clients, book)
    };
    let mut stations: Vec<(Vec<Client>, Book)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS).map(|id| scope.spawn(move || work(id))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no step fails")).collect()
    });
    let (mut put, mut found) = (Vec::new(), Vec::new());
    for (_, book) in &mut stations {
        put.append(&mut book.put);
        found.append(&mut book.taken);
    }
    assert!(found.len() > STEPS / 10, "the test hands over");
    for key in KEYS {
        let waits_for = |client: &Client| {
            client.wait.as_ref().is_some_and(|wait| {
                wait.keys().iter().any(|(_, awaited)| **awaited == *key.as_bytes())
            })
        };
        let waiting = stations.iter().flat_map(|(clients, _)| clients);
        let is_awaited = waiting.filter(|client| waits_for(client)).count() > 0;
        let free = Station::new(&server, 0, 1).run(0, &format!("getdel {key}"));
        let left = free.filter(|reply| reply != "$-1\r\n");
        assert!(left.is_none() || !is_awaited, "somebody waits for {key}, which is there");
        found.extend(left);
    }
    put.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, put);
}
