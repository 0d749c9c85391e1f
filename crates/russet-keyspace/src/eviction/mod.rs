//! Which key to give up when memory is short.
//!
//! # Problem
//!
//! The best victim, say the key whose last use is furthest back, would take an order of all keys
//! that every access changes: 16 bytes or more per key, and a second cache miss per command. Redis'
//! answer is to look at a few keys at random, take the worst of them, and remember the runners-up in
//! a pool for the next time, so that the pool gathers bad keys. It comes close to the exact order.
//! This is the same idea on a keyspace in shards that several workers share.
//!
//! # Sampling
//!
//! A sample comes from one shard, drawn at random and tried, never waited for: keys are in shards by
//! their hash, so any shard is as good as the others. Where shards have few keys it comes from several.
//!
//! - **Any key**: the buckets of the shard's table from a random place on. A bucket is looked at as a
//!   whole, because its keys are asked for at once and their cache misses overlap: so a sample
//!   is a little larger than asked for.
//! - **Keys with an expiry**: random items of the shard's expiry index, which name their keys.
//!
//! The key that expires *first* needs no sample: the shards' next expiries lie side by side, and the
//! shard with the earliest of them knows the key.
//!
//! # Pool
//!
//! ```text
//!  coldest ─► [ candidate | candidate | ... ]  at most POOL of them, by ascending warmth
//!               warmth      when it was used last (LRU), or how often (LFU), then when
//!               key, hash, database, and the access bits it was seen with
//! ```
//!
//! Every worker has a pool of its own: it holds copies of keys, no references, and is right without
//! being shared. A candidate may have been deleted or used since. So it counts only if its
//! key is found with the same access bits; if those have changed, it is weighed anew.
//!
//! Invariants:
//!
//! - **P1** The pool is sorted by warmth, has at most [`POOL`] candidates, and none twice.
//! - **P2** What is evicted satisfies the policy at the instant of its eviction, under its shard's
//!   lock; and unless the policy is to take any, no candidate that the pool knows to be there is
//!   colder.

mod pool;
mod sample;
#[cfg(test)]
mod tests;

use crate::access::AccessPolicy;
use crate::entry::Entry;
use crate::keyspace::{Keyspace, ShardGuard};

pub use pool::POOL;
use pool::{Candidate, Pool, warmth};
use sample::Sampled;

/// By what a victim is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// By when, or how often, keys were used.
    Access(AccessPolicy),
    /// By when keys expire; those that never do are spared.
    Deadline,
    /// Any key.
    Random,
}

/// Which keys may be evicted, and which of those first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Only keys with an expiry.
    pub volatile: bool,
    /// Which of them.
    pub order: Order,
}

/// A key that was evicted. Its shard is still locked, so that what has to be said about it is said
/// in order.
pub struct Victim<'a> {
    /// The lock.
    pub guard: ShardGuard<'a>,
    /// The physical database.
    pub db: u32,
    /// Key and value.
    pub entry: Entry,
}

/// Evicts keys one by one. Each worker has one.
pub struct Evictor {
    pool: Pool,
    random: u64,
}

/// Shards that are drawn before the others are gone through in order.
const DRAWS: usize = 16;
/// Shards that a sample is collected from where each has few keys.
const SHARDS_AT_ONCE: usize = 16;
/// Samples, and looks at the pool, before a keyspace that changes too fast is left alone.
const ATTEMPTS: usize = 8;

impl Evictor {
    /// An evictor whose random choices are those of `seed`.
    pub fn new(seed: u64) -> Self {
        Evictor { pool: Pool::default(), random: seed }
    }

    /// Removes a key that the policy chooses among about `samples` of them, at a time in Unix
    /// milliseconds. `None` if there is no such key, or the shards with such keys are held by others.
    ///
    /// The caller is inside the gate and holds no shard.
    pub fn evict<'a>(
        &mut self,
        keyspace: &'a Keyspace,
        policy: Policy,
        samples: usize,
        now_ms: i64,
    ) -> Option<Victim<'a>> {
        match policy.order {
            Order::Access(access) => {
                self.pool.begin(policy);
                (0..ATTEMPTS).find_map(|_| {
                    self.fill(keyspace, policy.volatile, access, samples, now_ms);
                    self.evict_coldest(keyspace, policy.volatile, access, now_ms)
                })
            }
            Order::Deadline => {
                evict_first_to_expire(keyspace).or_else(|| self.evict_any(keyspace, true))
            }
            Order::Random => self.evict_any(keyspace, policy.volatile),
        }
    }

    /// Samples one shard into the pool; several of them where keys are few.
    fn fill(
        &mut self,
        keyspace: &Keyspace,
        volatile: bool,
        access: AccessPolicy,
        samples: usize,
        now_ms: i64,
    ) {
        let mut seen = 0;
        for _ in 0..samples.min(SHARDS_AT_ONCE) {
            let Some(guard) = self.draw_shard(keyspace, volatile) else { return };
            let (pool, random) = (&mut self.pool, &mut self.random);
            sample::sample(
                &guard,
                volatile,
                samples,
                random,
                &mut |Sampled { db, hash, entry }| {
                    seen += 1;
                    let bits = entry.access_bits();
                    let warmth = warmth(bits, access, now_ms);
                    if pool.would_take(warmth) {
                        // Where the sample came without hashes, only those that get in are hashed.
                        let hash = hash.unwrap_or_else(|| keyspace.hash(entry.key()));
                        pool.offer(Candidate { warmth, bits, db, hash, key: entry.key().into() });
                    }
                },
            );
            if seen >= samples {
                break;
            }
        }
    }

    /// Evicts the coldest candidate of the pool that is still what it was.
    fn evict_coldest<'a>(
        &mut self,
        keyspace: &'a Keyspace,
        volatile: bool,
        access: AccessPolicy,
        now_ms: i64,
    ) -> Option<Victim<'a>> {
        // Candidates whose shards are held by others keep their places.
        let mut passed_over = 0;
        while let Some(candidate) = self.pool.take(passed_over) {
            let Candidate { db, hash, .. } = candidate;
            let Some(mut guard) = keyspace.try_briefly(keyspace.shard_of(hash)) else {
                self.pool.put_back(passed_over, candidate);
                passed_over += 1;
                continue;
            };
            let found = guard.find(db, hash, &candidate.key);
            let Some(entry) = found.filter(|entry| fits(entry, volatile)) else { continue };
            let bits = entry.access_bits();
            if bits != candidate.bits {
                self.pool.offer(Candidate {
                    warmth: warmth(bits, access, now_ms),
                    bits,
                    ..candidate
                });
                continue;
            }
            let entry = guard.remove(db, hash, &candidate.key).expect("it was just found");
            return Some(Victim { guard, db, entry });
        }
        None
    }

    /// Evicts a key at random.
    fn evict_any<'a>(&mut self, keyspace: &'a Keyspace, volatile: bool) -> Option<Victim<'a>> {
        let mut guard = self.draw_shard(keyspace, volatile)?;
        let mut chosen: Option<Candidate> = None;
        let mut seen = 0;
        let (mut random, random_of_sample) = (next_u64(&mut self.random), &mut self.random);
        sample::sample(
            &guard,
            volatile,
            1,
            random_of_sample,
            &mut |Sampled { db, entry, .. }| {
                // Each replaces its predecessors with its share of those seen so far.
                seen += 1;
                if next_u64(&mut random).is_multiple_of(seen) {
                    let (key, hash) = (entry.key().into(), keyspace.hash(entry.key()));
                    chosen = Some(Candidate { warmth: 0, bits: 0, db, hash, key });
                }
            },
        );
        let Candidate { db, hash, key, .. } = chosen?;
        let entry = guard.remove(db, hash, &key).expect("it was just seen");
        Some(Victim { guard, db, entry })
    }

    /// A shard with keys that may be evicted. In a keyspace with few keys most shards have none: then
    /// the next that has one, from a random shard on.
    fn draw_shard<'a>(&mut self, keyspace: &'a Keyspace, volatile: bool) -> Option<ShardGuard<'a>> {
        let mut draw = || (next_u64(&mut self.random) % keyspace.shard_count() as u64) as usize;
        let lock =
            |shard| keyspace.try_lock(shard).filter(|guard| sample::has_any(guard, volatile));
        if let Some(guard) = (0..DRAWS).find_map(|_| lock(draw())) {
            return Some(guard);
        }
        if keyspace.evictable_count(volatile) == 0 {
            return None;
        }
        let from = draw();
        (from..keyspace.shard_count()).chain(0..from).find_map(lock)
    }
}

/// Evicts the key that expires before all others.
fn evict_first_to_expire(keyspace: &Keyspace) -> Option<Victim<'_>> {
    // A shard's announcement may be too early, and is put right when it is found to be so.
    for _ in 0..ATTEMPTS {
        let shard = keyspace.first_shard_to_expire()?;
        let mut guard = keyspace.try_briefly(shard)?;
        let announced = keyspace.next_expiry_ms(shard, shard + 1);
        if guard.renew_next_expiry() == announced
            && let Some((db, entry)) = guard.take_first_to_expire()
        {
            return Some(Victim { guard, db, entry });
        }
    }
    None
}

fn fits(entry: &Entry, volatile: bool) -> bool {
    !volatile || entry.expire_at_ms().is_some()
}

/// The next number of a sequence that is random enough to choose samples (SplitMix64, by
/// Sebastiano Vigna).
pub(crate) fn next_u64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
