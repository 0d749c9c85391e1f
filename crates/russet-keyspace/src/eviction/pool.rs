//! The coldest keys of all samples so far.

use smallvec::SmallVec;

use super::Policy;
use crate::access::{AccessPolicy, frequency, idle_ms};

/// Most candidates in a pool; as many as in Redis'.
pub const POOL: usize = 16;

/// A key that is a good victim.
pub(super) struct Candidate {
    /// What candidates are sorted by, see [`warmth`].
    pub warmth: u64,
    /// The access bits it was seen with.
    pub bits: u32,
    /// The physical database.
    pub db: u32,
    pub hash: u64,
    pub key: SmallVec<[u8; 40]>,
}

impl Candidate {
    fn is_same_key(&self, other: &Candidate) -> bool {
        self.hash == other.hash && self.db == other.db && self.key == other.key
    }
}

/// How much a key deserves to stay: by its last use, or by its uses and then its last use. It does
/// not change while the key is not used, but for counters that decay.
pub(super) fn warmth(bits: u32, access: AccessPolicy, now_ms: i64) -> u64 {
    let used_at_s = (now_ms - idle_ms(bits, access, now_ms)).max(0) as u64 / 1000;
    match access {
        AccessPolicy::Lru => used_at_s,
        AccessPolicy::Lfu { .. } => u64::from(frequency(bits, access, now_ms)) << 40 | used_at_s,
    }
}

/// See [`crate::eviction`].
#[derive(Default)]
pub(super) struct Pool {
    candidates: Vec<Candidate>,
    /// What they were chosen by.
    policy: Option<Policy>,
}

impl Pool {
    /// Begins anew if the policy is another than before.
    pub fn begin(&mut self, policy: Policy) {
        if self.policy != Some(policy) {
            self.policy = Some(policy);
            self.candidates.clear();
            self.candidates.reserve_exact(POOL);
        }
    }

    /// Whether there is a place for a candidate of this warmth.
    #[inline]
    pub fn would_take(&self, warmth: u64) -> bool {
        self.candidates.len() < POOL
            || self.candidates.last().is_some_and(|warmest| warmth < warmest.warmth)
    }

    /// Adds a candidate in its place, unless its key is there already or it is too warm. The warmest
    /// makes room.
    pub fn offer(&mut self, candidate: Candidate) {
        if !self.would_take(candidate.warmth)
            || self.candidates.iter().any(|known| known.is_same_key(&candidate))
        {
            return;
        }
        self.candidates.truncate(POOL - 1);
        let at = self.candidates.partition_point(|known| known.warmth <= candidate.warmth);
        self.candidates.insert(at, candidate);
    }

    /// Takes out the candidate that has `colder` candidates before it.
    pub fn take(&mut self, colder: usize) -> Option<Candidate> {
        (colder < self.candidates.len()).then(|| self.candidates.remove(colder))
    }

    /// Puts back what was just taken.
    pub fn put_back(&mut self, colder: usize, candidate: Candidate) {
        self.candidates.insert(colder, candidate);
    }

    /// Asserts P1.
    #[cfg(test)]
    pub fn check_invariants(&self) {
        assert!(self.candidates.len() <= POOL, "P1");
        assert!(self.candidates.is_sorted_by_key(|candidate| candidate.warmth), "P1");
        for (at, candidate) in self.candidates.iter().enumerate() {
            let mut others = self.candidates[at + 1..].iter();
            assert!(!others.any(|other| other.is_same_key(candidate)), "P1");
        }
    }
}
