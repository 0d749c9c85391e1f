//! What a worker does by the clock: expiry, eviction, idle clients, forgotten watches.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use russet_keyspace::keyspace::Keyspace;
use russet_keyspace::wake_lock::WorkerSet;

use super::WorkerContext;
use super::event_loop::Worker;
use crate::client::{Client, ClientFlags, Close, Watches};
use crate::eviction::{self, Room};
use crate::exec::{Event, Key};
use crate::pubsub::Events;
use crate::server::Server;
use crate::stats::rates::INTERVAL;

/// Expired keys removed under one hold of a shard's lock.
const EXPIRE_STEP: usize = 32;
/// Longest time spent on expiry before clients are served again.
const EXPIRE_SLICE: Duration = Duration::from_micros(500);
/// How soon an expiry that another worker has put into one of this worker's shards is noticed.
const NOTICE_MS: i64 = 5;

/// See the module's documentation.
pub struct Timers {
    /// The shards whose expiry this worker looks after.
    shards: std::ops::Range<usize>,
    /// More keys are due than the last slice could remove.
    overdue: bool,
    /// More memory is used than is allowed, and the next step will evict more.
    evicting: bool,
    /// No key of `shards` expires before this time in Unix milliseconds, as of `seen_advances`.
    due_ms: i64,
    /// Whether a key expires in any shard at all, as of `seen_advances`.
    any_expires: bool,
    /// What [`Keyspace::expiry_advances`] said when the two were looked up.
    seen_advances: u64,
    next_second_ms: i64,
    /// When worker 0 reads the totals that rates are made of.
    next_reading_ms: i64,
    /// Watched keys of closed connections whose shards were busy.
    unwatch: Vec<Watches>,
}

impl Timers {
    /// The timers of worker `id`.
    pub fn new(server: &Server, id: usize) -> Self {
        let (shards, workers) = (server.keyspace.shard_count(), server.workers.len());
        Timers {
            shards: shards * id / workers..shards * (id + 1) / workers,
            overdue: false,
            evicting: false,
            due_ms: i64::MAX,
            any_expires: false,
            seen_advances: 0,
            next_second_ms: 0,
            next_reading_ms: 0,
            unwatch: Vec::new(),
        }
    }

    /// How long the worker may sleep.
    pub fn until_next(&self, server: &Server, context: &WorkerContext) -> Duration {
        let is_busy = self.overdue || self.evicting;
        if is_busy || !self.unwatch.is_empty() {
            return Duration::from_millis(u64::from(!is_busy));
        }
        let now_ms = context.clock.now_ms();
        let tick_ms = 1000 / i64::from(context.config.hz.max(1));
        let mut next_ms = tick_ms;
        if server.active_expire.load(Ordering::Relaxed) {
            next_ms = next_ms.min(self.due_ms.saturating_sub(now_ms).max(0).saturating_add(1));
            if self.any_expires && server.workers.len() > 1 {
                next_ms = next_ms.min(NOTICE_MS);
            }
        }
        Duration::from_millis(next_ms.max(0) as u64)
    }

    /// The shards that this worker looks after.
    pub fn shards(&self) -> std::ops::Range<usize> {
        self.shards.clone()
    }

    /// Looks up when the next key expires.
    fn look_up_due(&mut self, keyspace: &Keyspace) {
        self.seen_advances = keyspace.expiry_advances();
        let due_ms = keyspace.next_expiry_ms(self.shards.start, self.shards.end);
        self.due_ms = due_ms.unwrap_or(i64::MAX);
        self.any_expires = keyspace.next_expiry_ms(0, keyspace.shard_count()).is_some();
    }

    /// Takes over the watched keys of a client that is going away.
    pub fn unwatch_later(&mut self, client: &mut Client) {
        if !client.watches.keys.is_empty() {
            let keys = std::mem::take(&mut client.watches.keys);
            self.unwatch.push(Watches { keys, dirty: client.watch_flag().clone() });
        }
    }
}

impl Worker {
    /// Does what is due.
    pub(super) fn run_timers(&mut self) {
        let server = self.server.clone();
        let id = self.context.id;
        let now_ms = self.context.clock.now_ms();
        let expires = self.is_anything_due(&server.keyspace, now_ms)
            && server.active_expire.load(Ordering::Relaxed)
            && !server.persistence.is_loading()
            && server.pause.until_ms(now_ms).is_none();
        self.timers.overdue = false;
        let cleans = !self.timers.unwatch.is_empty() || self.blocked.has_ended();
        if (expires || cleans) && server.keyspace.gate().enter(id) {
            if expires {
                self.expire(&server, now_ms);
                self.timers.look_up_due(&server.keyspace);
            }
            self.unwatch(&server);
            self.blocked.clear_queues(&server);
            server.keyspace.gate().leave(id);
        }
        self.evict(&server);
        self.end_waits(now_ms);
        if id == 0 && now_ms >= self.timers.next_reading_ms {
            self.timers.next_reading_ms = now_ms + INTERVAL.as_millis() as i64;
            server.read_rates();
            crate::memory::note_peak(&server);
        }
        if now_ms >= self.timers.next_second_ms {
            self.timers.next_second_ms = now_ms + 1000;
            self.close_idle_clients(now_ms);
            self.guard_all_outputs();
        }
    }

    fn is_anything_due(&mut self, keyspace: &Keyspace, now_ms: i64) -> bool {
        if keyspace.expiry_advances() != self.timers.seen_advances {
            self.timers.look_up_due(keyspace);
        }
        self.timers.due_ms < now_ms
    }

    /// Removes keys whose time has come, for a slice of time. A shard's lock is held for a few keys
    /// at a time, so that nobody waits long for it.
    fn expire(&mut self, server: &Server, now_ms: i64) {
        let began = Instant::now();
        let shards = self.timers.shards.clone();
        let events = Events::new(&server.pubsub, self.context.config.notify_keyspace_events);
        let mut addressed = WorkerSet::default();
        let mut removed = 0;
        'shards: for shard in server.keyspace.due_shards(shards.start, shards.end, now_ms) {
            loop {
                let Some(mut guard) = server.keyspace.try_briefly(shard) else { break };
                let mut unit = Vec::new();
                let step = guard.expire_due(now_ms, EXPIRE_STEP, |guard, db, entry| {
                    guard.shard().touch(db, entry.key());
                    if let Some(events) = events {
                        let db = server.keyspace.logical_db(db);
                        events.publish(Event::EXPIRED, db, entry.key(), &mut addressed);
                    }
                    if server.journal.is_consumed() {
                        let db = server.keyspace.logical_db(db);
                        unit.push(server.journal.expiry(db, entry.key()));
                    }
                    server.lazy_free.free(entry);
                });
                if !unit.is_empty() {
                    server.journal.append(unit);
                }
                removed += step;
                if began.elapsed() > EXPIRE_SLICE {
                    self.timers.overdue = true;
                    break 'shards;
                }
                if step < EXPIRE_STEP {
                    break;
                }
            }
        }
        self.context.own_mail |= server.pubsub.ring(addressed, self.context.id);
        self.context.stats.expired_keys.add(removed as u64);
    }

    /// Evicts on, where no commands do that: the limit may have been lowered, or what was needed last
    /// was much.
    fn evict(&mut self, server: &Server) {
        let room = eviction::make_room(server, &mut self.context, false);
        if room == Room::Enough {
            eviction::note_excess(server, false);
        }
        self.timers.evicting = room == Room::Later;
    }

    fn unwatch(&mut self, server: &Server) {
        for watches in &mut self.timers.unwatch {
            watches.keys.retain(|watched| {
                let key = Key { bytes: &watched.key, hash: watched.hash };
                let shard = server.keyspace.shard_of(key.hash);
                let Some(mut guard) = server.keyspace.try_briefly(shard) else { return true };
                let db = server.keyspace.physical_db(watched.db);
                guard.shard_mut().unwatch(db, key.bytes, &watches.dirty);
                false
            });
        }
        self.timers.unwatch.retain(|watches| !watches.keys.is_empty());
    }

    fn close_idle_clients(&mut self, now_ms: i64) {
        let timeout_ms = i64::from(self.context.config.timeout) * 1000;
        if timeout_ms == 0 {
            return;
        }
        let spared = ClientFlags::MONITOR | ClientFlags::BLOCKED | ClientFlags::PUBSUB;
        let idle = self.connections.iter().filter(|(_, connection)| {
            let info = &connection.client.info;
            let idle_ms = now_ms - info.last_interaction_ms.load(Ordering::Relaxed);
            let is_idle = idle_ms > timeout_ms && connection.waits_for.is_none();
            is_idle && !info.flags().intersects(spared)
        });
        let idle: Vec<usize> = idle.map(|(at, _)| at).collect();
        for at in idle {
            self.connections[at].client.close(Close::Now);
            self.mark_dirty(at);
        }
    }
}
