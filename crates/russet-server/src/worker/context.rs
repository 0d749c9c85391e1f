//! What a worker lends to the commands it executes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use russet_data::random::Foresight;
use russet_keyspace::access::AccessPolicy;
use russet_keyspace::eviction::Evictor;

use super::Clock;
use crate::blocking::Ready;
use crate::config::Config;
use crate::exec::fiber::{Fiber, Wish};
use crate::pubsub::Subscribers;
use crate::scripting::Engine;
use crate::stats::WorkerStats;

/// See the module's documentation.
pub struct WorkerContext {
    /// The worker's number.
    pub id: usize,
    /// The configuration as of the beginning of the round.
    pub config: Arc<Config>,
    /// What the access bits of entries mean, from the configuration.
    pub access_policy: AccessPolicy,
    /// Commands that take at least so long are for the slow log or the latency monitor, from the
    /// configuration.
    pub notable_ns: u64,
    /// This worker's counters.
    pub stats: Arc<WorkerStats>,
    /// This worker's time.
    pub clock: Clock,
    /// The subscribers among its clients.
    pub subscribers: Subscribers,
    /// There is something in its own mailbox that it has put there itself: it looks before it goes
    /// on with the connection, and before it sleeps.
    pub own_mail: bool,
    /// Keys whose waiters it has to serve and could not yet, because a second key was not locked.
    pub ready: VecDeque<Ready>,
    /// Chooses keys to evict.
    pub evictor: Evictor,
    /// The interpreter of scripts, once it was needed; not while it runs one.
    pub engine: Option<Box<Engine>>,
    /// Fibers that nothing runs on. They stay where they are, because moving one costs about what a
    /// switch does.
    pub idle_fibers: Vec<Box<Fiber>>,
    /// The command that has just paused, and what it wants, on the way to the worker.
    pub paused: Option<(Box<Fiber>, Wish)>,
    /// Commands that have paused.
    pub under_way: usize,
    /// An event loop goes on with commands that have paused.
    pub has_event_loop: bool,
    /// What it executes has happened before, when keys had not expired yet.
    pub is_replaying: bool,
    /// Random numbers that need not be secret.
    pub random: fastrand::Rng,
    /// Some of them, drawn ahead.
    pub foresight: Foresight,
}

impl WorkerContext {
    /// The context of worker `id`.
    pub fn new(id: usize, config: Arc<Config>, stats: Arc<WorkerStats>) -> Self {
        let (access_policy, notable_ns) = (access_policy(&config), notable_ns(&config));
        let mut random = fastrand::Rng::new();
        WorkerContext {
            id,
            config,
            access_policy,
            notable_ns,
            stats,
            clock: Clock::new(),
            subscribers: Subscribers::default(),
            own_mail: false,
            ready: VecDeque::new(),
            idle_fibers: Vec::new(),
            paused: None,
            under_way: 0,
            has_event_loop: false,
            is_replaying: false,
            evictor: Evictor::new(random.u64(..)),
            engine: None,
            foresight: Foresight::new(|| random.u64(..)),
            random,
        }
    }

    /// Whether commands may pause. What has happened before is executed as it comes.
    pub fn may_pause(&self) -> bool {
        self.has_event_loop && !self.is_replaying
    }

    /// Takes over a changed configuration.
    pub fn reconfigure(&mut self, config: Arc<Config>) {
        self.access_policy = access_policy(&config);
        self.notable_ns = notable_ns(&config);
        self.config = config;
    }

    /// Takes the interpreter back after use.
    pub fn put_back(&mut self, engine: Box<Engine>) {
        self.stats.engine_bytes.store(engine.used_bytes() as u64, Ordering::Relaxed);
        self.engine = Some(engine);
    }

    /// A random number for the entry that is about to be accessed; none is drawn where the access
    /// policy needs none.
    #[inline]
    pub fn random_u32(&mut self) -> u32 {
        match self.access_policy {
            AccessPolicy::Lru => 0,
            AccessPolicy::Lfu { .. } => self.random.u32(..),
        }
    }
}

fn access_policy(config: &Config) -> AccessPolicy {
    if !config.maxmemory_policy.counts_frequency() {
        return AccessPolicy::Lru;
    }
    let (log_factor, decay_minutes) = (config.lfu_log_factor, config.lfu_decay_time);
    AccessPolicy::Lfu { log_factor, decay_minutes }
}

fn notable_ns(config: &Config) -> u64 {
    let slow_us = u64::try_from(config.slowlog_log_slower_than).unwrap_or(u64::MAX);
    let spike_ms = match config.latency_monitor_threshold {
        0 => u64::MAX,
        spike_ms => spike_ms.unsigned_abs(),
    };
    slow_us.saturating_mul(1000).min(spike_ms.saturating_mul(1_000_000))
}
