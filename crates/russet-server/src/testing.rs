//! A server without threads and sockets, for tests of commands next to their code: what they
//! answer, and what they leave to the journal.

pub mod documents;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use russet_persist::rdb::Checksum;
use russet_resp::ArgSpan;

use crate::client::{Client, ClientInfo, Transport};
use crate::command::Names;
use crate::config::{Config, ConfigSource};
use crate::exec::Args;
use crate::exec::dispatch::{Outcome, Request, dispatch, needs_gate};
use crate::journal::{Consumer, Unit};
use crate::persistence::aof::Replayer;
use crate::persistence::encoder;
use crate::persistence::load::Share;
use crate::process::log::Log;
use crate::server::Server;
use crate::start::build;
use crate::worker::WorkerContext;

/// A server, its only worker and its only client, with a consumer of the journal.
pub struct TestServer {
    server: Arc<Server>,
    worker: WorkerContext,
    client: Client,
    journal: Arc<Mutex<Vec<Unit>>>,
}

struct Collector(Arc<Mutex<Vec<Unit>>>);

impl Consumer for Collector {
    fn take(&mut self, unit: &Unit) {
        self.0.lock().push(unit.clone());
    }
}

impl TestServer {
    /// A server that has just started.
    pub fn new() -> Self {
        // Files are for tests from outside.
        Self::with_config(Config { save: Default::default(), ..Config::default() })
    }

    /// A server that has just started with a configuration, but for the number of workers.
    pub fn with_config(config: Config) -> Self {
        let config = Config { worker_threads: 1, ..config };
        let log = Arc::new(Log::open(&config).expect("the log is the standard output"));
        let names = Names::new([]).expect("nothing is renamed");
        let (server, ..) = build(config, ConfigSource::default(), names, Vec::new(), log)
            .expect("the system has what a server needs");
        let journal = Arc::<Mutex<Vec<Unit>>>::default();
        server.journal.add(Box::new(Collector(journal.clone())));
        let worker = WorkerContext::new(0, server.config.load_full(), Arc::default());
        let transport = Transport::Unix(PathBuf::new());
        let info = ClientInfo::new(1, 0, 0, transport, worker.clock.now_ms());
        let client = Client::new(Arc::new(info), true);
        TestServer { server, worker, client, journal }
    }

    /// The instant at which the next command runs, in Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.worker.clock.now_ms()
    }

    /// The reply to a command line of words.
    pub fn run(&mut self, line: &str) -> String {
        let argv = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        String::from_utf8_lossy(&self.run_args(argv)).into_owned()
    }

    /// The reply to a command. As on a connection, an argument that the command adopts arrives in an
    /// allocation of its own.
    pub fn run_args(&mut self, mut argv: Vec<Vec<u8>>) -> Vec<u8> {
        let spans: Vec<ArgSpan> = (0..argv.len() as u32).map(ArgSpan::owned).collect();
        self.worker.reconfigure(self.server.config.load_full());
        let entry = self.server.names.resolve(&argv[0], argv.get(1).map(|sub| &sub[..]));
        let entry = entry.map(|entry| entry.for_call(&self.server, Args::new(&[], &spans, &argv)));
        let mut hashes = Vec::new();
        if let Ok(entry) = &entry {
            let positions = entry.key_positions(argv.len(), |at| &argv[at]);
            hashes.extend(positions.map(|(at, _)| self.server.keyspace.hash(&argv[at])));
        }
        let adopted = entry.as_ref().ok().and_then(|entry| entry.command.adopts);
        let mut large = adopted.and_then(|at| argv.get_mut(at)).map(std::mem::take);
        let gate = self.server.keyspace.gate();
        let inside = !entry.as_ref().is_ok_and(|entry| needs_gate(entry, &self.client));
        assert!(!inside || gate.enter(0), "nobody else closes the gate");
        let args = Args::new(&[], &spans, &argv);
        let request = Request { entry, args, hashes: &hashes, large: &mut large };
        let mut reply = Vec::new();
        let outcome =
            dispatch(&self.server, &mut self.worker, &mut self.client, &mut reply, request);
        assert_eq!(outcome, Outcome::Done, "nobody else holds anything");
        if inside {
            gate.leave(0);
        }
        reply
    }

    /// Loads something as at a start, on a thread of its own, while the worker does its share.
    pub fn load<T: Send>(&mut self, load: impl FnOnce(&Server) -> T + Send) -> T {
        let server = self.server.clone();
        let (mut share, mut replayer) = (Share::default(), Replayer::default());
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| load(&server));
            while !thread.is_finished() {
                let gate = server.keyspace.gate();
                if let Some(loading) = &*server.persistence.loading.load()
                    && gate.enter(0)
                {
                    share.load(&server, &self.worker, loading);
                    gate.leave(0);
                }
                if let Some(replay) = &*server.persistence.replay.load() {
                    replayer.replay(&server, &mut self.worker, replay);
                }
                std::thread::yield_now();
            }
            thread.join().expect("loading does not panic")
        })
    }

    /// All keys as an RDB file.
    pub fn rdb_file(&self) -> Vec<u8> {
        let encoder = encoder(&self.worker.config);
        let mut bytes = encoder.header();
        let exclusive = self.server.keyspace.exclusive(0);
        let mut exclusive = exclusive.expect("nobody else is inside the gate");
        for shard in 0..exclusive.shard_count() {
            if let Some(db) = exclusive.shard(shard).shard().db(0) {
                db.table().iter().for_each(|entry| encoder.entry(&mut bytes, &entry, None));
            }
        }
        encoder.end(&mut bytes);
        let mut checksum = Checksum::new(true);
        checksum.update(&bytes);
        bytes.extend(checksum.bytes());
        bytes
    }

    /// Changes of the keyspace so far, as save points count them.
    pub fn changes(&self) -> u64 {
        self.worker.stats.changes.value()
    }

    /// What the journal got since this was last asked: one string per unit, its commands separated
    /// by semicolons.
    pub fn journaled(&mut self) -> Vec<String> {
        let text = |argv: &[Vec<u8>]| {
            argv.iter().map(|arg| String::from_utf8_lossy(arg)).collect::<Vec<_>>().join(" ")
        };
        let units = std::mem::take(&mut *self.journal.lock());
        units
            .iter()
            .map(|unit| unit.iter().map(|effect| text(&effect.argv)).collect::<Vec<_>>().join("; "))
            .collect()
    }
}
