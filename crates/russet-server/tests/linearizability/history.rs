//! Recording what concurrent clients see.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use fastrand::Rng;
use russet_e2e::client::encode;
use russet_e2e::{Client, Reply, Server};

use crate::workload::{Workload, random_key};

/// One command line, or a transaction of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Command(Vec<String>),
    /// MULTI, these, EXEC, sent at once. The reply recorded is EXEC's.
    Transaction(Vec<Vec<String>>),
    /// SET under MULTI and EXEC after WATCH and a GET that answered `seen`. The reply is EXEC's.
    SetIfUnchanged {
        key: String,
        seen: Reply,
        value: String,
    },
}

/// A request with its reply and the times around it.
#[derive(Clone, Debug)]
pub struct Operation {
    pub request: Request,
    pub reply: Reply,
    pub sent_at: Instant,
    pub answered_at: Instant,
}

/// The operations of each client, in its order.
pub type History = Vec<Vec<Operation>>;

/// Let `clients` clients run `commands` requests each at the same time.
pub fn record(
    server: &Server,
    workload: Workload,
    seed: u64,
    clients: usize,
    commands: usize,
) -> History {
    let start = Barrier::new(clients);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|number| {
                let mut recorder = Recorder {
                    workload,
                    client: server.client(),
                    rng: Rng::with_seed(seed << 8 | number as u64),
                    values: (0..).step_by(clients).skip(number),
                    operations: Vec::new(),
                };
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    while recorder.operations.len() < commands {
                        recorder.act();
                    }
                    recorder.operations
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no client fails")).collect()
    })
}

struct Recorder<Values> {
    workload: Workload,
    client: Client,
    rng: Rng,
    /// Values that nobody else writes, so that a reply tells whose write it saw.
    values: Values,
    operations: Vec<Operation>,
}

impl<Values: Iterator<Item = usize>> Recorder<Values> {
    fn act(&mut self) {
        match self.rng.u32(..10) {
            0 => {
                let count = self.rng.usize(2..4);
                let lines = (0..count).map(|_| self.line()).collect();
                self.transaction(lines);
            }
            1 if self.workload == Workload::Strings => self.set_if_unchanged(),
            _ => {
                let line = self.line();
                self.command(line);
            }
        }
    }

    fn line(&mut self) -> Vec<String> {
        let values = &mut self.values;
        self.workload.line(&mut self.rng, || next_value(values))
    }

    fn command(&mut self, line: Vec<String>) -> Reply {
        let bytes = encode(&line);
        self.perform(Request::Command(line), &bytes, 1)
    }

    fn transaction(&mut self, lines: Vec<Vec<String>>) {
        let bytes = transaction_bytes(&lines);
        let replies = lines.len() + 2;
        self.perform(Request::Transaction(lines), &bytes, replies);
    }

    fn set_if_unchanged(&mut self) {
        let (key, value) = (random_key(&mut self.rng).to_owned(), next_value(&mut self.values));
        self.client.command(&["WATCH", &key]);
        let seen = self.command(vec!["GET".to_owned(), key.clone()]);
        let set = vec!["SET".to_owned(), key.clone(), value.clone()];
        let bytes = transaction_bytes(&[set]);
        self.perform(Request::SetIfUnchanged { key, seen, value }, &bytes, 3);
    }

    /// Send `bytes`, wait for so many replies, and record the last.
    fn perform(&mut self, request: Request, bytes: &[u8], replies: usize) -> Reply {
        let sent_at = Instant::now();
        self.client.send(bytes).expect("the server reads");
        let mut reply = Reply::Null;
        for _ in 0..replies {
            reply = self.client.receive().expect("the server answers");
        }
        let answered_at = Instant::now();
        self.operations.push(Operation { request, reply: reply.clone(), sent_at, answered_at });
        reply
    }
}

fn next_value(values: &mut impl Iterator<Item = usize>) -> String {
    values.next().expect("numbers do not end").to_string()
}

fn transaction_bytes(lines: &[Vec<String>]) -> Vec<u8> {
    let mut bytes = encode(&["MULTI"]);
    lines.iter().for_each(|line| bytes.extend(encode(line)));
    bytes.extend(encode(&["EXEC"]));
    bytes
}
