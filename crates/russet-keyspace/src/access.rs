//! The 24 access bits of an entry: when, or how often, it was last used.
//!
//! Both meanings are Redis'. LRU: seconds, modulo 2^24 (194 days). LFU: 16 bits of minutes, when the
//! counter was last decayed, and 8 bits of a logarithmic counter that probabilistic increments move
//! towards 255 and idle minutes move towards 0.
//!
//! ```text
//!  LRU: [ seconds, 24 bits                     ]
//!  LFU: [ minutes, 16 bits | counter, 8 bits   ]
//! ```

/// What the access bits of all entries mean at present; follows `maxmemory-policy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessPolicy {
    /// Time of the last access.
    Lru,
    /// Frequency of accesses.
    Lfu {
        /// `lfu-log-factor`: the higher, the more accesses saturate the counter.
        log_factor: u32,
        /// `lfu-decay-time`: minutes that lower the counter by one; 0 never lowers it.
        decay_minutes: u32,
    },
}

const LRU_MASK: u32 = (1 << 24) - 1;
const LFU_MINUTES_MASK: u32 = (1 << 16) - 1;
/// A new entry gets this count, so that it is not the first to be evicted.
const LFU_INITIAL: u32 = 5;
const LFU_MAX: u32 = 255;

fn lru_clock(now_ms: i64) -> u32 {
    (now_ms / 1000) as u32 & LRU_MASK
}

fn lfu_minutes(now_ms: i64) -> u32 {
    (now_ms / 60_000) as u32 & LFU_MINUTES_MASK
}

/// The bits of an entry that is being made.
#[inline]
pub fn created(policy: AccessPolicy, now_ms: i64) -> u32 {
    match policy {
        AccessPolicy::Lru => lru_clock(now_ms),
        AccessPolicy::Lfu { .. } => lfu_minutes(now_ms) << 8 | LFU_INITIAL,
    }
}

/// The bits of an entry that comes from elsewhere, where it was not used for so many seconds, or has
/// been used so often. What the policy does not track is left out.
pub fn restored(
    policy: AccessPolicy,
    now_ms: i64,
    idle_s: Option<u64>,
    frequency: Option<u8>,
) -> u32 {
    match (policy, idle_s, frequency) {
        (AccessPolicy::Lru, Some(idle_s), _) => {
            lru_clock(now_ms).wrapping_sub(idle_s as u32) & LRU_MASK
        }
        (AccessPolicy::Lfu { .. }, _, Some(frequency)) => {
            lfu_minutes(now_ms) << 8 | u32::from(frequency)
        }
        _ => created(policy, now_ms),
    }
}

/// The bits of an entry that is being accessed. `random` decides whether the counter moves.
#[inline]
pub fn touched(bits: u32, policy: AccessPolicy, now_ms: i64, random: u32) -> u32 {
    match policy {
        AccessPolicy::Lru => lru_clock(now_ms),
        AccessPolicy::Lfu { log_factor, .. } => {
            let count = frequency(bits, policy, now_ms);
            let above = count.saturating_sub(LFU_INITIAL);
            let odds = u64::from(above) * u64::from(log_factor) + 1;
            let hit = u64::from(random) < (1 << 32) / odds;
            let count = (count + u32::from(hit && count < LFU_MAX)).min(LFU_MAX);
            lfu_minutes(now_ms) << 8 | count
        }
    }
}

/// The logarithmic access count of an entry, decayed until now. 0 under LRU.
pub fn frequency(bits: u32, policy: AccessPolicy, now_ms: i64) -> u32 {
    let AccessPolicy::Lfu { decay_minutes, .. } = policy else { return 0 };
    let count = bits & LFU_MAX;
    if decay_minutes == 0 {
        return count;
    }
    let idle = lfu_minutes(now_ms).wrapping_sub(bits >> 8) & LFU_MINUTES_MASK;
    count.saturating_sub(idle / decay_minutes)
}

/// How long ago an entry was last used, in milliseconds; whole seconds under LRU, whole minutes
/// under LFU.
pub fn idle_ms(bits: u32, policy: AccessPolicy, now_ms: i64) -> i64 {
    match policy {
        AccessPolicy::Lru => i64::from(lru_clock(now_ms).wrapping_sub(bits) & LRU_MASK) * 1000,
        AccessPolicy::Lfu { .. } => {
            i64::from(lfu_minutes(now_ms).wrapping_sub(bits >> 8) & LFU_MINUTES_MASK) * 60_000
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LFU: AccessPolicy = AccessPolicy::Lfu { log_factor: 10, decay_minutes: 1 };

    #[test]
    fn lru_counts_idle_seconds_across_its_wrap() {
        let policy = AccessPolicy::Lru;
        let before_wrap = i64::from(LRU_MASK) * 1000;
        let bits = created(policy, before_wrap);
        assert_eq!(idle_ms(bits, policy, before_wrap + 5_000), 5_000);
        assert_eq!(idle_ms(touched(bits, policy, 7_000, 0), policy, 9_999), 2_000);
    }

    #[test]
    fn lfu_rises_with_luck_and_decays_with_time() {
        let bits = created(LFU, 0);
        assert_eq!(frequency(bits, LFU, 0), LFU_INITIAL);
        let risen = touched(bits, LFU, 0, u32::MAX - 1);
        assert_eq!(frequency(risen, LFU, 0), LFU_INITIAL + 1, "the first step is certain");
        let unlucky = touched(risen, LFU, 0, u32::MAX);
        assert_eq!(frequency(unlucky, LFU, 0), LFU_INITIAL + 1);
        assert_eq!(frequency(risen, LFU, 3 * 60_000), LFU_INITIAL - 2);
        assert_eq!(frequency(risen, LFU, 600 * 60_000), 0);
    }

    #[test]
    fn what_comes_from_elsewhere_brings_its_past() {
        let lru = AccessPolicy::Lru;
        assert_eq!(idle_ms(restored(lru, 5_000, Some(7), None), lru, 6_000), 8_000);
        assert_eq!(restored(lru, 5_000, None, Some(9)), created(lru, 5_000));
        assert_eq!(frequency(restored(LFU, 5_000, None, Some(9)), LFU, 5_000), 9);
        assert_eq!(restored(LFU, 5_000, Some(7), None), created(LFU, 5_000));
    }

    #[test]
    fn lfu_saturates() {
        let mut bits = created(LFU, 0);
        for _ in 0..1000 {
            bits = touched(bits, LFU, 0, 0);
        }
        assert_eq!(frequency(bits, LFU, 0), LFU_MAX);
    }
}
