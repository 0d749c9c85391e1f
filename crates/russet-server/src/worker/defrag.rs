//! Active defragmentation: moving keys and values so that the allocator can give memory back.
//!
//! The allocator keeps allocations of one size together in slabs, and can give back a slab only when it
//! is empty. After many deletions most slabs are nearly so. Each worker goes through its share of the
//! shards, asks the allocator how well the slab of each allocation is used, and moves it to a new
//! arena if that is poor ([`memory::Elsewhere`]).
//!
//! The first worker looks every so often how much memory lies between allocations. If it is more than
//! `active-defrag-threshold-lower` and `active-defrag-ignore-bytes` allow, a pass begins: all workers
//! go through their shares once, with an effort that is set in percent of a processor, in slices that
//! are as short as those of expiry, with a shard's lock for a few buckets at a time. A value of more
//! than `active-defrag-max-scan-fields` parts has its turn after its bucket, a few of its own buckets,
//! leaves or nodes at a time. The sources of scripts belong to no shard, and are moved by the first
//! worker.
//!
//! As in Redis, a pass that has begun is finished, with no less effort than before, also when less
//! than the lower threshold is left by then: that would leave what lies just below the threshold, for
//! as long as nothing else happens. Nor does one pass find what was deleted behind it. If half of the
//! threshold is left at its end, a second one follows. Any other begins when the first worker finds the
//! threshold exceeded after everybody's end; later if nothing was moved.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use russet_data::relocation::Relocation;
use russet_keyspace::entry::Entry;

use super::event_loop::Worker;
use crate::config::Config;
use crate::memory::{Allocator, Elsewhere, Utilization};
use crate::server::Server;

/// How often the first worker looks whether there is anything to do, in milliseconds.
const LOOK_EVERY_MS: i64 = 100;
/// How long all rest after a pass that moved nothing, in milliseconds. Redis, too, decides once a
/// second.
const REST_MS: i64 = 1000;
/// At which share of the lower threshold a pass is followed by a second one.
const SECOND_PASS_FROM: f64 = 0.5;
/// How long a worker works at a time before clients are served again.
const SLICE: Duration = Duration::from_micros(500);
/// Buckets, or parts of a large value, between two looks at the clock.
const PARTS_AT_ONCE: usize = 8;

/// A pass through all keys, of which each worker does a share.
#[derive(Default)]
pub struct Pass {
    /// How many have begun.
    number: AtomicU64,
    /// Workers that have not finished their share.
    unfinished: AtomicUsize,
    /// Whether anybody has moved anything.
    has_moved: AtomicBool,
}

impl Pass {
    /// Begins one for as many workers. To be called when nobody is at one.
    fn begin(&self, workers: usize) {
        self.unfinished.store(workers, Ordering::Relaxed);
        self.has_moved.store(false, Ordering::Relaxed);
        // Who sees the new number sees the rest.
        self.number.fetch_add(1, Ordering::Release);
    }

    /// The number of the one that has begun last.
    fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Notes that a worker has done its share.
    fn finish(&self, has_moved: bool) {
        self.has_moved.fetch_or(has_moved, Ordering::Relaxed);
        self.unfinished.fetch_sub(1, Ordering::Release);
    }

    /// Whether nobody is at one.
    fn is_over(&self) -> bool {
        self.unfinished.load(Ordering::Acquire) == 0
    }

    /// Whether anything was moved in the one that is over.
    fn has_moved(&self) -> bool {
        self.has_moved.load(Ordering::Relaxed)
    }
}

/// Where a worker is, and the tools.
#[derive(Default)]
pub(super) struct Defrag {
    /// The place in the worker's shards: shard, database, cursor.
    shard: usize,
    db: u32,
    cursor: u64,
    /// The first script that is to be looked at. The first worker does that, between two passes.
    script: usize,
    /// Values of that shard that are gone through in steps.
    large: Vec<Large>,
    /// The number of the pass whose share the worker has done last.
    finished: u64,
    /// Whether anything was moved since the first of the worker's shards.
    has_moved: bool,
    /// Made when first needed.
    tools: Option<(Utilization, Elsewhere)>,
    /// When the next slice is due; at once if there was none.
    next_slice: Option<Instant>,
    /// When the first worker looks again, and until when it begins no pass.
    next_look_ms: i64,
    rest_until_ms: i64,
    /// Whether the pass follows one whose end the threshold would not have let it follow.
    is_second: bool,
}

/// A value of more than `active-defrag-max-scan-fields` parts.
struct Large {
    db: u32,
    hash: u64,
    key: Box<[u8]>,
    /// See [`Object::relocate`](russet_data::object::Object::relocate).
    cursor: u64,
    has_moved: bool,
}

/// Whether there is more to do.
enum Step {
    /// Yes.
    On,
    /// Yes, but somebody holds the shard.
    Busy,
    /// No: all of the worker's shards have had their turn.
    EndOfPass,
}

/// What a slice did.
#[derive(Default)]
struct Moves {
    allocations: u64,
    examined: u64,
    keys: u64,
    unmoved_keys: u64,
}

impl Moves {
    fn count(&mut self, relocation: &Relocation<'_>) {
        self.allocations += relocation.moved;
        self.examined += relocation.examined;
    }

    fn count_key(&mut self, has_moved: bool) {
        *(if has_moved { &mut self.keys } else { &mut self.unmoved_keys }) += 1;
    }
}

impl Defrag {
    /// How long the worker may sleep; `None` if there is nothing to do.
    pub fn until_next(&self, server: &Server) -> Option<Duration> {
        let is_running = server.stats.defrag_effort.load(Ordering::Relaxed) > 0;
        let has_work = is_running && self.finished != server.defrag_pass.number();
        let until = |at: Instant| at.saturating_duration_since(Instant::now());
        has_work.then(|| self.next_slice.map_or(Duration::ZERO, until))
    }
}

impl Worker {
    /// Works a slice if one is due, to be called when replies have been sent.
    pub(super) fn defragment(&mut self) {
        let effort = self.server.stats.defrag_effort.load(Ordering::Relaxed);
        if !self.context.config.activedefrag && effort == 0 {
            return;
        }
        let server = &*self.server.clone();
        let now_ms = self.context.clock.now_ms();
        if self.context.id == 0 && now_ms >= self.defrag.next_look_ms {
            self.defrag.next_look_ms = now_ms + LOOK_EVERY_MS;
            self.set_effort(server, now_ms);
        }
        if self.defrag.until_next(server) != Some(Duration::ZERO) {
            return;
        }
        // The first worker may have ended it just now.
        let effort = server.stats.defrag_effort.load(Ordering::Relaxed).max(1);
        let gate = server.keyspace.gate();
        if !gate.enter(self.context.id) {
            return;
        }
        let began = Instant::now();
        let is_end_of_pass = self.work(server, began);
        gate.leave(self.context.id);
        let worked = began.elapsed();
        self.context.stats.defrag_us.add(worked.as_micros() as u64);
        self.defrag.next_slice = Some(began + worked * 100 / effort as u32);
        if is_end_of_pass {
            self.defrag.finished = server.defrag_pass.number();
            server.defrag_pass.finish(std::mem::take(&mut self.defrag.has_moved));
        }
    }

    /// Looks how fragmented memory is, and decides how much is to be done about it.
    fn set_effort(&mut self, server: &Server, now_ms: i64) {
        let config = &self.context.config;
        let (stats, pass) = (&server.stats, &server.defrag_pass);
        let was = stats.defrag_effort.load(Ordering::Relaxed);
        let is_between_passes = pass.is_over();
        let effort = if !config.activedefrag {
            0
        } else if is_between_passes {
            self.effort_of_next_pass(was, pass.has_moved(), now_ms)
        } else {
            was.max(effort(config, &Allocator::ask(), 1.0))
        };
        let begins = is_between_passes && effort > 0;
        if begins {
            pass.begin(server.workers.len());
        }
        stats.defrag_effort.store(effort, Ordering::Relaxed);
        if (was == 0) != (effort == 0) {
            let uptime_ms = server.started.elapsed().as_millis().max(1) as u64;
            let since_ms = if effort > 0 { uptime_ms } else { 0 };
            let since_ms = stats.defrag_since_ms.swap(since_ms, Ordering::Relaxed);
            if since_ms != 0 {
                stats.defrag_ms.fetch_add(uptime_ms - since_ms, Ordering::Relaxed);
            }
        }
        if begins || (was == 0) != (effort == 0) {
            // Those that sleep learn of it.
            server.workers.iter().for_each(|worker| worker.mailbox.ring());
        }
    }

    /// With how much effort another pass is to begin, after one with that much that has moved something
    /// or not; 0 for not now.
    fn effort_of_next_pass(&mut self, was: u64, has_moved: bool, now_ms: i64) -> u64 {
        let config = &self.context.config;
        let defrag = &mut self.defrag;
        if was > 0 && !has_moved {
            defrag.rest_until_ms = now_ms + REST_MS;
        }
        if now_ms < defrag.rest_until_ms {
            return 0;
        }
        let allocator = Allocator::ask();
        let wanted = effort(config, &allocator, 1.0);
        defrag.is_second = wanted == 0 && was > 0 && !defrag.is_second;
        if defrag.is_second && effort(config, &allocator, SECOND_PASS_FROM) > 0 {
            return was;
        }
        wanted
    }

    /// Works until the slice or the pass is over. Returns whether it is the pass.
    fn work(&mut self, server: &Server, began: Instant) -> bool {
        let shards = self.timers.shards();
        let Worker { defrag, context, .. } = self;
        if defrag.tools.is_none() {
            defrag.tools = Utilization::find().zip(Elsewhere::new());
        }
        // Without them there is never anything to do.
        let Some((utilization, elsewhere)) = defrag.tools.take() else { return true };
        let most_parts = context.config.active_defrag_max_scan_fields as usize;
        let mut moves = Moves::default();
        let mut step = Step::On;
        elsewhere.during(|| {
            while matches!(step, Step::On) && began.elapsed() < SLICE {
                step = defrag.step(server, &shards, most_parts, &utilization, &mut moves);
            }
        });
        defrag.has_moved |= moves.allocations > 0;
        defrag.tools = Some((utilization, elsewhere));
        let stats = &context.stats;
        stats.active_defrag_hits.add(moves.allocations);
        stats.active_defrag_misses.add(moves.examined - moves.allocations);
        stats.active_defrag_key_hits.add(moves.keys);
        stats.active_defrag_key_misses.add(moves.unmoved_keys);
        matches!(step, Step::EndOfPass)
    }
}

impl Defrag {
    /// Goes through a few buckets of one shard, or a few parts of a large value.
    fn step(
        &mut self,
        server: &Server,
        shards: &Range<usize>,
        most_parts: usize,
        utilization: &Utilization,
        moves: &mut Moves,
    ) -> Step {
        if self.shard >= shards.end {
            if shards.start == 0 && self.relocate_scripts(server, utilization, moves) {
                return Step::On;
            }
            self.shard = shards.start;
            return Step::EndOfPass;
        }
        self.shard = self.shard.max(shards.start);
        let Some(mut guard) = server.keyspace.try_briefly(self.shard) else { return Step::Busy };
        let mut is_misplaced = |allocation| utilization.is_poor(allocation);
        let mut relocation = Relocation::new(&mut is_misplaced);
        for _ in 0..PARTS_AT_ONCE {
            if let Some(mut large) = self.large.pop() {
                let moved_before = relocation.moved;
                let Large { db, hash, key, cursor, .. } = &large;
                large.cursor = guard.relocate_value(*db, *hash, key, *cursor, &mut relocation);
                large.has_moved |= relocation.moved > moved_before;
                if large.cursor == 0 {
                    moves.count_key(large.has_moved);
                } else {
                    self.large.push(large);
                }
            } else if self.db == server.keyspace.databases() {
                (self.db, self.shard) = (0, self.shard + 1);
                break;
            } else {
                let Defrag { db, large, .. } = self;
                let mut relocate = |entry: &mut Entry, relocation: &mut Relocation<'_>| {
                    let moved_before = relocation.moved;
                    entry.relocate(relocation);
                    let is_large = entry.free_cost() > most_parts;
                    if is_large {
                        let key: Box<[u8]> = entry.key().into();
                        let hash = server.keyspace.hash(&key);
                        let has_moved = relocation.moved > moved_before;
                        large.push(Large { db: *db, hash, key, cursor: 0, has_moved });
                        return;
                    }
                    let mut cursor = entry.relocate_value(0, relocation);
                    while cursor != 0 {
                        cursor = entry.relocate_value(cursor, relocation);
                    }
                    moves.count_key(relocation.moved > moved_before);
                };
                self.cursor = guard.relocate(*db, self.cursor, &mut relocation, &mut relocate);
                self.db += u32::from(self.cursor == 0);
            }
        }
        moves.count(&relocation);
        Step::On
    }

    /// Goes through a few scripts. Returns whether there are more.
    fn relocate_scripts(
        &mut self,
        server: &Server,
        utilization: &Utilization,
        moves: &mut Moves,
    ) -> bool {
        let mut is_misplaced = |allocation| utilization.is_poor(allocation);
        let mut relocation = Relocation::new(&mut is_misplaced);
        let next = server.scripts.relocate(self.script, PARTS_AT_ONCE, &mut relocation);
        moves.count(&relocation);
        self.script = next.unwrap_or(0);
        next.is_some()
    }
}

/// The effort that this fragmentation is worth, in percent of a processor; 0 for none, below that
/// share of the lower threshold.
fn effort(config: &Config, allocator: &Allocator, share: f64) -> u64 {
    let lost = allocator.fragmentation();
    let percent = (lost.factor - 1.0) * 100.0;
    let lower = f64::from(config.active_defrag_threshold_lower);
    let upper = f64::from(config.active_defrag_threshold_upper).max(lower + 1.0);
    if percent < lower * share || lost.bytes < config.active_defrag_ignore_bytes as i64 {
        return 0;
    }
    let (least, most) = (config.active_defrag_cycle_min, config.active_defrag_cycle_max);
    let (least, most) = (f64::from(least), f64::from(most.max(least)));
    let effort = least + (most - least) * (percent - lower) / (upper - lower);
    effort.clamp(least, most) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_over_when_all_have_done_their_share() {
        let pass = Pass::default();
        assert!(pass.is_over());
        pass.begin(2);
        assert_eq!(pass.number(), 1);
        pass.finish(true);
        assert!(!pass.is_over());
        pass.finish(false);
        assert!(pass.is_over() && pass.has_moved());
        pass.begin(1);
        pass.finish(false);
        assert!(pass.is_over() && !pass.has_moved());
    }

    #[test]
    fn effort_grows_with_fragmentation() {
        let config = Config {
            active_defrag_threshold_lower: 10,
            active_defrag_threshold_upper: 100,
            active_defrag_cycle_min: 5,
            active_defrag_cycle_max: 50,
            active_defrag_ignore_bytes: 1 << 20,
            ..Config::default()
        };
        let at = |allocated, active| {
            effort(&config, &Allocator { allocated, active, ..Allocator::default() }, 1.0)
        };
        assert_eq!(at(100 << 20, 109 << 20), 0, "below the lower threshold");
        assert_eq!(at(1 << 20, (2 << 20) - 1), 0, "too few bytes");
        assert_eq!(at(100 << 20, 110 << 20), 5);
        assert_eq!(at(100 << 20, 155 << 20), 27);
        assert_eq!(at(100 << 20, 200 << 20), 50);
        assert_eq!(at(100 << 20, 400 << 20), 50);
    }
}
