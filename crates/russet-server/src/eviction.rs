//! Keeping used memory below `maxmemory`.
//!
//! Before every command the worker compares what is used with the limit, and evicts keys until it is
//! below. Several workers do so at once, each with its own pool of candidates
//! ([`russet_keyspace::eviction`]); nobody coordinates them, because each sees what the others have
//! freed. Three things bound how far the limit is exceeded, and for how long a worker is kept:
//!
//! - A step of eviction ends after a time that `maxmemory-eviction-tenacity` sets, half a millisecond
//!   by default. The worker then goes on, and takes the next step before the next command, or when
//!   it has nothing else to do.
//! - What was evicted and is large is freed on another thread (I7). Until it is, its bytes count as
//!   freed, or more would be evicted than necessary. If that thread falls behind, commands that need
//!   memory wait for it, as for a busy shard.
//! - What a thread has allocated since it published its account is at most
//!   [`memory::ACCOUNT_STEP_BYTES`].

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use russet_keyspace::eviction::{Order, Policy, Victim};
use russet_keyspace::wake_lock::WorkerSet;

use crate::config::{Config, EvictionPolicy};
use crate::exec::{Event, EventClass};
use crate::journal::Effect;
use crate::memory;
use crate::observe::Sample;
use crate::pubsub::Events;
use crate::server::Server;
use crate::worker::WorkerContext;

/// Keys evicted between two looks at the clock; each may take as long as freeing a value of some
/// dozens of parts.
const KEYS_AT_ONCE: usize = 16;
/// The limit may be exceeded by one part in so many while evicted values are being freed.
const TOLERANCE: u64 = 200;

/// Whether there is room for what commands may allocate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// Less is used than the limit.
    Enough,
    /// The limit is exceeded, and the next step will evict more.
    Later,
    /// The limit is exceeded until values have been freed that nobody can reach any more.
    BeingFreed,
    /// The limit is exceeded, and there is nothing to evict.
    None,
}

const EVICTED: Event = Event::new(EventClass::EVICTED, "evicted");

/// What `maxmemory-policy` says of keys to evict; `None` if none are.
pub fn policy(config: &Config, order: Order) -> Option<Policy> {
    use EvictionPolicy::*;
    let (volatile, order) = match config.maxmemory_policy {
        VolatileLru | VolatileLfu => (true, order),
        VolatileRandom => (true, Order::Random),
        VolatileTtl => (true, Order::Deadline),
        AllKeysLru | AllKeysLfu => (false, order),
        AllKeysRandom => (false, Order::Random),
        NoEviction => return None,
    };
    Some(Policy { volatile, order })
}

/// Whether more is used than `maxmemory` allows, give or take a little.
#[inline]
pub fn is_over_limit(server: &Server, config: &Config) -> bool {
    config.maxmemory != 0
        && memory::roughly_used_bytes() > config.maxmemory
        && memory::roughly_used_bytes() > limit(server, config)
}

/// Memory on its way to the disk. Eviction does not take it into account, because evicting keys makes
/// it more: the log records that, and a snapshot keeps what it had to show.
pub fn uncounted_bytes(server: &Server) -> u64 {
    let log = server.persistence.log.load();
    let snapshot = server.persistence.snapshot.load();
    log.as_ref().map_or(0, |log| log.held_bytes())
        + snapshot.as_ref().map_or(0, |snapshot| snapshot.spool.held_bytes() as u64)
}

fn limit(server: &Server, config: &Config) -> u64 {
    config.maxmemory + uncounted_bytes(server)
}

/// Takes a step of eviction if the limit is exceeded. The caller holds no shard; it is inside the gate
/// if `is_inside` says so, and enters it otherwise.
#[inline]
pub fn make_room(server: &Server, worker: &mut WorkerContext, is_inside: bool) -> Room {
    if is_over_limit(server, &worker.config) {
        step(server, worker, is_inside)
    } else {
        Room::Enough
    }
}

#[cold]
fn step(server: &Server, worker: &mut WorkerContext, is_inside: bool) -> Room {
    // Under CLIENT PAUSE nothing changes.
    if server.pause.until_ms(worker.clock.now_ms()).is_some() {
        return Room::Enough;
    }
    let order = Order::Access(worker.access_policy);
    let Some(policy) = policy(&worker.config, order) else {
        note_excess(server, true);
        return Room::None;
    };
    let gate = server.keyspace.gate();
    if !is_inside && !gate.enter(worker.id) {
        return Room::Later;
    }
    let began = Instant::now();
    let room = evict(server, worker, policy, began);
    if !is_inside {
        gate.leave(worker.id);
    }
    note_excess(server, matches!(room, Room::Later | Room::None));
    note_spike(server, worker, began.elapsed());
    room
}

/// Evicts until there is room, or time is up.
fn evict(server: &Server, worker: &mut WorkerContext, policy: Policy, began: Instant) -> Room {
    let config = worker.config.clone();
    let patience = patience(config.maxmemory_eviction_tenacity);
    let now_ms = worker.clock.now_ms();
    let samples = config.maxmemory_samples as usize;
    let mut addressed = WorkerSet::default();
    let mut evicted = 0;
    let room = loop {
        let used = memory::roughly_used_bytes();
        let limit = limit(server, &config);
        if used <= limit + server.lazy_free.pending_bytes() {
            let is_close = used <= limit + limit / TOLERANCE;
            break if is_close { Room::Enough } else { Room::BeingFreed };
        }
        if evicted % KEYS_AT_ONCE == KEYS_AT_ONCE - 1
            && patience.is_some_and(|patience| began.elapsed() > patience)
        {
            break Room::Later;
        }
        match worker.evictor.evict(&server.keyspace, policy, samples, now_ms) {
            Some(victim) => bury(server, &config, victim, &mut addressed),
            None if server.keyspace.evictable_count(policy.volatile) > 0 => break Room::Later,
            None if server.lazy_free.pending() > 0 => break Room::BeingFreed,
            None => break Room::None,
        }
        evicted += 1;
    };
    worker.own_mail |= server.pubsub.ring(addressed, worker.id);
    worker.stats.evicted_keys.add(evicted as u64);
    room
}

/// Says what has to be said about an evicted key, and frees it.
fn bury(server: &Server, config: &Config, victim: Victim<'_>, addressed: &mut WorkerSet) {
    let Victim { guard, db, entry } = victim;
    let logical = server.keyspace.logical_db(db);
    if server.journal.is_consumed() {
        let removal = Effect::removal(logical, entry.key(), config.lazyfree_lazy_eviction);
        server.journal.append(vec![removal]);
    }
    guard.shard().touch(db, entry.key());
    if let Some(events) = Events::new(&server.pubsub, config.notify_keyspace_events) {
        events.publish(EVICTED, logical, entry.key(), addressed);
    }
    drop(guard);
    server.lazy_free.free(entry);
}

/// How long a step may last; `None` for as long as it takes. The times are Redis'.
fn patience(tenacity: u32) -> Option<Duration> {
    match tenacity {
        0..=10 => Some(Duration::from_micros(50 * u64::from(tenacity))),
        11..=99 => {
            let factor = 1.15_f64.powi(tenacity as i32 - 10);
            Some(Duration::from_micros((500.0 * factor) as u64))
        }
        _ => None,
    }
}

/// Measures for how long the limit is exceeded although something was tried.
pub fn note_excess(server: &Server, is_exceeded: bool) {
    let stats = &server.stats;
    let now_us = server.started.elapsed().as_micros().max(1) as u64;
    let since = &stats.eviction_exceeded_since_us;
    if is_exceeded {
        // Whoever comes second changes nothing.
        let _ = since.compare_exchange(0, now_us, Ordering::Relaxed, Ordering::Relaxed);
    } else if since.load(Ordering::Relaxed) != 0 {
        let since_us = since.swap(0, Ordering::Relaxed);
        if since_us != 0 {
            let us = now_us.saturating_sub(since_us);
            stats.eviction_exceeded_us.fetch_add(us, Ordering::Relaxed);
        }
    }
}

/// For how long the limit has been exceeded, in milliseconds: in all, and this time.
pub fn excess_ms(server: &Server) -> (u64, u64) {
    let now_us = server.started.elapsed().as_micros() as u64;
    let since_us = server.stats.eviction_exceeded_since_us.load(Ordering::Relaxed);
    let current_us = if since_us == 0 { 0 } else { now_us.saturating_sub(since_us) };
    let total_us = server.stats.eviction_exceeded_us.load(Ordering::Relaxed) + current_us;
    (total_us / 1000, current_us / 1000)
}

fn note_spike(server: &Server, worker: &WorkerContext, elapsed: Duration) {
    let threshold_ms = worker.config.latency_monitor_threshold;
    let latency_ms = elapsed.as_millis() as u64;
    if threshold_ms > 0 && latency_ms >= threshold_ms as u64 {
        let at_s = worker.clock.now_ms() / 1000;
        server.latency.add("eviction-cycle", Sample { at_s, latency_ms });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    #[test]
    fn what_is_evicted_is_recorded_and_its_watchers_are_told() {
        let mut server = TestServer::new();
        for (lazy, command) in [("no", "DEL"), ("yes", "UNLINK")] {
            server.run("CONFIG SET maxmemory 0");
            server.run("MSET one 1 two 2");
            server.run("WATCH one");
            server.run(&format!("CONFIG SET lazyfree-lazy-eviction {lazy}"));
            server.run("CONFIG SET maxmemory 1 maxmemory-policy allkeys-lru");
            server.journaled();
            assert_eq!(server.run("GET one"), "$-1\r\n");
            let mut units = server.journaled();
            units.sort();
            assert_eq!(units, [format!("{command} one"), format!("{command} two")]);
            assert_eq!(
                server.run("SET one 1"),
                "-OOM command not allowed when used memory > 'maxmemory'.\r\n"
            );
            server.run("MULTI");
            assert_eq!(server.run("EXEC"), "*-1\r\n", "a watched key was evicted");
        }
    }

    #[test]
    fn nothing_is_evicted_while_clients_are_paused() {
        let mut server = TestServer::new();
        server.run("SET key value");
        server.run("CLIENT PAUSE 1000000 WRITE");
        server.run("CONFIG SET maxmemory 1 maxmemory-policy allkeys-random");
        assert_eq!(server.run("GET key"), "$5\r\nvalue\r\n");
        server.run("CLIENT UNPAUSE");
        assert_eq!(server.run("GET key"), "$-1\r\n");
    }

    #[test]
    fn patience_grows_with_tenacity() {
        assert_eq!(patience(0), Some(Duration::ZERO));
        assert_eq!(patience(10), Some(Duration::from_micros(500)));
        assert_eq!(patience(11), Some(Duration::from_micros(575)));
        assert!(patience(99) > Some(Duration::from_secs(100)));
        assert_eq!(patience(100), None);
    }
}
