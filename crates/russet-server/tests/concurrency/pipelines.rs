//! Deep pipelines: each reply arrives once, and in order.
//!
//! Every client has two logical databases to itself, and a model that predicts each of its replies.
//! The names of the keys are the same for all, so all clients' keys lie in the same few shards: the
//! clients contend for locks without ever seeing each other's values. Exclusive commands in between
//! close the gate in the middle of everybody's batches.

use std::io::Write;
use std::net::Shutdown;
use std::thread;

use fastrand::Rng;
use russet_e2e::client::encode;
use russet_e2e::{Client, Reply, Server};

/// Keys of every client in each of its databases.
const KEYS: &[&str] = &["a", "b", "c"];
/// Arguments from this size on are received into allocations of their own.
const LARGE_BYTES: usize = 40_000;
/// To compare two strings of this size takes milliseconds.
const LONG_BYTES: usize = 1_500;

/// Gate and locks at their busiest: more workers than processors, hardly any keys.
#[test]
fn replies_arrive_in_order_under_contention() {
    let mix = Mix { exclusive: 30, large: 4, long: 4 };
    run(8, 8, 1_500, &mix);
}

/// Long batches, which the gate interrupts now and then.
#[test]
fn no_reply_is_lost_or_doubled_when_the_gate_closes_within_a_batch() {
    let mix = Mix { exclusive: 1, large: 0, long: 0 };
    run(4, 4, 10_000, &mix);
}

/// One worker closes the gate between its own commands.
#[test]
fn one_worker_closes_its_own_gate_within_a_batch() {
    let mix = Mix { exclusive: 10, large: 1, long: 0 };
    run(1, 3, 3_000, &mix);
}

/// How many of a thousand steps are of rare kinds.
struct Mix {
    exclusive: u32,
    large: u32,
    long: u32,
}

fn run(workers: usize, clients: usize, steps: usize, mix: &Mix) {
    let workers = workers.to_string();
    let server = Server::russet(
        env!("CARGO_BIN_EXE_russet-server"),
        &["--worker-threads", &workers, "--databases", "16"],
    );
    thread::scope(|scope| {
        for number in 0..clients {
            let mut client = server.client();
            scope.spawn(move || {
                let script = Script::new(number, steps, mix);
                check(&mut client, &script);
            });
        }
    });
}

/// Sends the whole script while reading the replies, and compares these one by one.
fn check(client: &mut Client, script: &Script) {
    let mut socket = client.socket().try_clone().expect("a descriptor is free");
    thread::scope(|scope| {
        scope.spawn(move || {
            socket.write_all(&script.bytes).expect("the server reads");
            if script.end == End::Silence {
                socket.shutdown(Shutdown::Write).expect("the server has not closed");
            }
        });
        for (nth, (line, expected)) in script.expected.iter().enumerate() {
            let reply = client.receive().unwrap_or_else(|error| {
                panic!("{error} in place of reply {nth} of {}, to {line}", script.expected.len())
            });
            assert_eq!(reply, *expected, "reply {nth}, to {line}");
        }
        let rest = client.read_to_end().expect("the server closes after the last reply");
        assert!(rest.is_empty(), "replies to nothing: {}", rest.escape_ascii());
    });
}

/// How a pipeline ends. Either makes the server close the connection when it has answered everything,
/// and then replies that are too many show.
#[derive(PartialEq, Eq)]
enum End {
    /// With bytes that are no request.
    Garbage,
    /// The client sends nothing more.
    Silence,
}

/// A pipeline and its replies.
struct Script {
    rng: Rng,
    /// The logical databases of the client and what is in them. The first one is selected.
    databases: [u32; 2],
    contents: [[Option<i64>; KEYS.len()]; 2],
    bytes: Vec<u8>,
    /// Each with the line it answers.
    expected: Vec<(String, Reply)>,
    end: End,
}

impl Script {
    fn new(client: usize, steps: usize, mix: &Mix) -> Self {
        let databases = [2 * client as u32, 2 * client as u32 + 1];
        let mut script = Script {
            rng: Rng::with_seed(client as u64),
            databases,
            contents: Default::default(),
            bytes: Vec::new(),
            expected: Vec::new(),
            end: if client.is_multiple_of(2) { End::Garbage } else { End::Silence },
        };
        script.add(&format!("SELECT {}", databases[0]), status("OK"));
        for _ in 0..steps {
            script.step(mix);
        }
        if script.end == End::Garbage {
            script.bytes.extend_from_slice(b"*1\r\n+\r\n");
            let error = Reply::Error(b"ERR Protocol error: expected '$', got '+'".to_vec());
            script.expected.push(("bytes that are no request".to_owned(), error));
        }
        script
    }

    fn step(&mut self, mix: &Mix) {
        let dice = self.rng.u32(..1000);
        if dice < mix.exclusive {
            self.exclusive();
        } else if dice < mix.exclusive + mix.large {
            self.large_value();
        } else if dice < mix.exclusive + mix.large + mix.long {
            self.long_transaction();
        } else {
            match self.rng.u32(..20) {
                0 => self.transaction(),
                1 => self.unanswered(),
                _ => {
                    let (line, reply) = self.command();
                    self.add(&line, reply);
                }
            }
        }
    }

    fn add(&mut self, line: &str, reply: Reply) {
        self.send(line);
        let shown = line.chars().take(80).collect();
        self.expected.push((shown, reply));
    }

    fn send(&mut self, line: &str) {
        self.bytes.extend(encode(&line.split(' ').collect::<Vec<_>>()));
    }

    /// A command on one key or several, and what it answers.
    fn command(&mut self) -> (String, Reply) {
        let (one, other) = (self.rng.usize(..KEYS.len()), self.rng.usize(..KEYS.len()));
        let (one_name, other_name) = (KEYS[one], KEYS[other]);
        let value = self.rng.i64(..1000);
        let content = &mut self.contents[0];
        match self.rng.u32(..8) {
            0 | 1 => {
                let increased = content[one].unwrap_or(0) + 1;
                content[one] = Some(increased);
                (format!("INCR {one_name}"), Reply::Integer(increased))
            }
            2 => (format!("GET {one_name}"), bulk(content[one])),
            3 => {
                content[one] = Some(value);
                (format!("SET {one_name} {value}"), status("OK"))
            }
            4 => {
                content[one] = Some(value);
                content[other] = Some(value + 1);
                if one == other {
                    content[one] = Some(value + 1);
                }
                (format!("MSET {one_name} {value} {other_name} {}", value + 1), status("OK"))
            }
            5 => {
                let line = format!("MGET {}", KEYS.join(" "));
                (line, Reply::Array(content.iter().map(|value| bulk(*value)).collect()))
            }
            6 => {
                let moved = content[one].take();
                let reply = match moved {
                    Some(_) => status("OK"),
                    None => Reply::Error(b"ERR no such key".to_vec()),
                };
                if moved.is_some() {
                    content[other] = moved;
                }
                (format!("RENAME {one_name} {other_name}"), reply)
            }
            _ => {
                let gone = content[one].take().is_some();
                (format!("DEL {one_name}"), Reply::Integer(gone.into()))
            }
        }
    }

    fn exclusive_command(&mut self) -> String {
        if self.rng.bool() {
            self.contents.swap(0, 1);
            format!("SWAPDB {} {}", self.databases[0], self.databases[1])
        } else {
            self.contents[0] = Default::default();
            "FLUSHDB".to_owned()
        }
    }

    fn exclusive(&mut self) {
        let line = self.exclusive_command();
        self.add(&line, status("OK"));
    }

    /// A transaction that holds the locks of all keys for so long that others are set aside.
    fn long_transaction(&mut self) {
        let (first, other) = ("x".repeat(LONG_BYTES), "y".repeat(LONG_BYTES));
        self.add("MULTI", status("OK"));
        self.add(&format!("MSET long:first {first} long:other {other}"), status("QUEUED"));
        self.add("LCS long:first long:other LEN", status("QUEUED"));
        self.add("DEL long:first long:other", status("QUEUED"));
        self.add(&format!("EXISTS {}", KEYS.join(" ")), status("QUEUED"));
        let known = self.contents[0].iter().flatten().count() as i64;
        let counts = [0, 2, known].map(Reply::Integer);
        self.add("EXEC", Reply::Array([status("OK")].into_iter().chain(counts).collect()));
    }

    /// MULTI, commands of which one may be exclusive, EXEC.
    fn transaction(&mut self) {
        self.add("MULTI", status("OK"));
        let mut replies = Vec::new();
        for _ in 0..self.rng.usize(1..4) {
            let (line, reply) = match self.rng.u32(..30) {
                0 => (self.exclusive_command(), status("OK")),
                _ => self.command(),
            };
            self.add(&line, status("QUEUED"));
            replies.push(reply);
        }
        self.add("EXEC", Reply::Array(replies));
    }

    /// A command whose reply the client does not want.
    fn unanswered(&mut self) {
        self.send("CLIENT REPLY SKIP");
        let (line, _) = self.command();
        self.send(&line);
    }

    /// A value that comes in an allocation of its own, which a command that is set aside keeps.
    fn large_value(&mut self) {
        let line = format!("SET large {}", "x".repeat(LARGE_BYTES));
        self.add(&line, status("OK"));
        self.add("STRLEN large", Reply::Integer(LARGE_BYTES as i64));
        self.add("DEL large", Reply::Integer(1));
    }
}

fn status(text: &str) -> Reply {
    Reply::Status(text.into())
}

fn bulk(value: Option<i64>) -> Reply {
    value.map_or(Reply::NullBulk, |value| Reply::Bulk(value.to_string().into_bytes()))
}
