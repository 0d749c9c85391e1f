//! What all workers share.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use russet_keyspace::keyspace::Keyspace;

use crate::client::{ClientInfo, Registry};
use crate::command::Names;
use crate::config::{Config, ConfigSource};
use crate::error::Error;
use crate::exec::Ctx;
use crate::journal::Journal;
use crate::lazy_free::LazyFree;
use crate::memory::huge_pages::HugePages;
use crate::net::AcceptorHandle;
use crate::observe::{ErrorCounts, LatencyMonitor, Monitors, Sample, SlowEntry, SlowLog};
use crate::pause::Pause;
use crate::persistence::Persistence;
use crate::process::log::Log;
use crate::pubsub::PubSub;
use crate::scripting::{Scripts, SlowScripts};
use crate::stats::rates::Totals;
use crate::stats::{ServerStats, WorkerStats};
use crate::worker::{DefragPass, Mailbox, Message, WorkerContext};

/// What others know of a worker.
pub struct WorkerHandle {
    /// How to reach it.
    pub mailbox: Arc<Mailbox>,
    /// What it has counted.
    pub stats: Arc<WorkerStats>,
    /// Connections it serves or is about to.
    pub connections: AtomicUsize,
}

/// See the module's documentation.
pub struct Server {
    /// Itself, for what has to keep it alive.
    pub itself: Weak<Server>,
    /// The configuration in force. Workers take it over at the beginning of a round.
    pub config: ArcSwap<Config>,
    /// Where it came from, for CONFIG REWRITE.
    pub source: ConfigSource,
    /// The log, whose level the configuration may change.
    pub log: Arc<Log>,
    /// Serialises changes of the configuration.
    pub config_changes: Mutex<()>,
    /// All keys.
    pub keyspace: Keyspace,
    /// Command names as this server knows them.
    pub names: Names,
    /// All connected clients.
    pub clients: Registry,
    /// All workers.
    pub workers: Box<[WorkerHandle]>,
    /// The acceptor of connections.
    pub acceptor: Arc<AcceptorHandle>,
    /// Where write effects go.
    pub journal: Journal,
    /// Frees large values.
    pub lazy_free: LazyFree,
    /// How far active defragmentation is.
    pub defrag_pass: DefragPass,
    /// What is put on huge pages, and where memory grows.
    pub huge_pages: HugePages,
    /// Counters that no worker owns.
    pub stats: ServerStats,
    /// SLOWLOG.
    pub slow_log: Mutex<SlowLog>,
    /// LATENCY.
    pub latency: LatencyMonitor,
    /// MONITOR.
    pub monitors: Monitors,
    /// Scripts.
    pub scripts: Scripts,
    /// Those that have been running for long.
    pub slow_scripts: SlowScripts,
    /// Pub/Sub.
    pub pubsub: PubSub,
    /// CLIENT PAUSE.
    pub pause: Pause,
    /// INFO errorstats.
    pub errors: ErrorCounts,
    /// What the kernel was told of `oom-score-adj`.
    pub oom_score: crate::oom_score::OomScore,
    /// Active expiry can be switched off by DEBUG.
    pub active_expire: AtomicBool,
    /// Scripts may call DEBUG, which DEBUG alone can say.
    pub scripts_may_debug: AtomicBool,
    /// Checksums of files and payloads are not looked at; set by DEBUG.
    pub skips_checksums: AtomicBool,
    /// Elements of long lists that are this long are kept alone; set by DEBUG.
    pub list_alone_bytes: AtomicUsize,
    /// 40 hexadecimal digits that name this run; DEBUG CHANGE-REPL-ID renews the replication id.
    pub run_id: String,
    /// See `run_id`.
    pub replication_id: Mutex<String>,
    /// When the process started.
    pub started: Instant,
    /// The same in Unix seconds.
    pub started_at_s: i64,
    /// Saves and loads.
    pub persistence: Arc<Persistence>,
    /// When an attack was last reported, in Unix milliseconds.
    pub attack_reported_ms: AtomicI64,
    /// How the process ends.
    pub shutdown: crate::shutdown::Shutdown,
}

impl Server {
    /// The server, kept alive.
    pub fn shared(&self) -> Arc<Server> {
        self.itself.upgrade().expect("it is alive while it is borrowed")
    }

    /// The worker with the fewest connections.
    pub fn least_busy_worker(&self) -> usize {
        let load = |worker: &WorkerHandle| worker.connections.load(Ordering::Relaxed);
        let least = self.workers.iter().enumerate().min_by_key(|(_, worker)| load(worker));
        least.map_or(0, |(id, _)| id)
    }

    /// Has a client's connection closed by its worker. Returns whether this was the first to ask.
    pub fn kill_client(&self, client: &ClientInfo) -> bool {
        let first = !client.killed.swap(true, Ordering::Relaxed);
        if first {
            // It is gone for everybody else from now on, whenever its worker gets round to it.
            self.clients.remove(client.id);
            self.workers[client.worker].mailbox.post(Message::Kill(client.id));
        }
        first
    }

    /// Reports, at most once a minute, that somebody speaks HTTP to this server.
    pub fn note_attack(&self, now_ms: i64) {
        const REPORT_EVERY_MS: i64 = 60_000;
        let reported_ms = self.attack_reported_ms.load(Ordering::Relaxed);
        if now_ms - reported_ms >= REPORT_EVERY_MS {
            self.attack_reported_ms.store(now_ms, Ordering::Relaxed);
            tracing::warn!(
                "Possible SECURITY ATTACK detected. A client sent POST or Host: as a command, \
                 which only HTTP has: a web page may be using a visitor's browser to reach this \
                 server. The connection was closed."
            );
        }
    }

    /// Counts an error that a client is sent.
    pub fn note_error(&self, worker: &WorkerContext, error: &Error) {
        worker.stats.total_error_replies.add(1);
        self.errors.add(&error.code());
    }

    /// Records a command in the slow log and the latency monitor if it took long enough.
    #[inline]
    pub(crate) fn note_duration(&self, ctx: &Ctx<'_>, elapsed_ns: u64) {
        if elapsed_ns >= ctx.worker.notable_ns {
            self.note_long(ctx, elapsed_ns);
        }
    }

    #[cold]
    fn note_long(&self, ctx: &Ctx<'_>, elapsed_ns: u64) {
        let config = &ctx.worker.config;
        let elapsed_us = elapsed_ns / 1000;
        let slow = config.slowlog_log_slower_than;
        let spike_ms = config.latency_monitor_threshold;
        if slow >= 0 && elapsed_us >= slow as u64 {
            self.note_slow(ctx, elapsed_us);
        }
        if spike_ms > 0 && elapsed_us / 1000 >= spike_ms as u64 {
            self.note_spike(ctx, elapsed_us / 1000);
        }
    }

    fn note_slow(&self, ctx: &Ctx<'_>, duration_us: u64) {
        use crate::command::Flags;
        if ctx.command.flags().contains(Flags::SKIP_SLOWLOG) {
            return;
        }
        let mut argv = SlowLog::abridge(ctx.args);
        for (at, arg) in argv.iter_mut().enumerate() {
            if ctx.hides_argument(at) {
                *arg = b"(redacted)".to_vec();
            }
        }
        let entry = SlowEntry {
            id: 0,
            at_s: ctx.worker.clock.now_ms() / 1000,
            duration_us,
            argv,
            peer: ctx.client.info.transport.peer_text(),
            name: ctx.client.info.identity.lock().name.clone(),
        };
        match &ctx.client.wait {
            // It is recorded when its client gets the answer.
            Some(wait) => *wait.slow.lock() = Some(entry),
            None => self.slow_log.lock().push(entry, ctx.config().slowlog_max_len as usize),
        }
    }

    fn note_spike(&self, ctx: &Ctx<'_>, latency_ms: u64) {
        use crate::command::Flags;
        let fast = ctx.command.flags().contains(Flags::FAST);
        let event = if fast { "fast-command" } else { "command" };
        let at_s = ctx.worker.clock.now_ms() / 1000;
        self.latency.add(event, Sample { at_s, latency_ms });
    }

    /// Reads the totals that rates are made of.
    pub fn read_rates(&self) {
        let totals = Totals {
            commands: self.sum(|stats| stats.total_commands_processed.value()),
            input_bytes: self.sum(|stats| stats.total_net_input_bytes.value()),
            output_bytes: self.sum(|stats| stats.total_net_output_bytes.value()),
            rounds: self.sum(|stats| stats.rounds.value()),
        };
        self.stats.rates.read(Instant::now(), totals);
    }

    /// Begins to count anew, behind the closed gate. What snapshots depend on goes on.
    pub fn reset_statistics(&self) {
        self.workers.iter().for_each(|worker| worker.stats.reset());
        self.stats.reset();
        self.errors.reset();
        self.lazy_free.reset_counts();
    }

    /// Adds up a number of all workers.
    pub fn sum(&self, number: impl Fn(&WorkerStats) -> u64) -> u64 {
        self.workers.iter().map(|worker| number(&worker.stats)).sum()
    }
}
