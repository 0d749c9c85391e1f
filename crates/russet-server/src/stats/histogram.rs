//! A histogram of durations that one thread fills and others read.
//!
//! The histogram crates need exclusive access to record or pay for atomic additions; here recording
//! is a load and a store on a line of the recording worker, and any worker may read at any time.
//!
//! Buckets are log-linear: each power of two is cut into 16 equal parts, so that a recorded duration
//! is off by at most one part in 16. Values below 16 have buckets of their own.
//!
//! ```text
//!  value (ns):   0 1 .. 15 | 16 17 .. 31 | 32 34 .. 62 | 64 68 .. | ...
//!  bucket:       0 1 .. 15 | 16 17 .. 31 | 32 33 .. 47 | 48 49 .. | ...
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

/// Parts per power of two.
const PARTS: usize = 16;
const PART_BITS: u32 = PARTS.trailing_zeros();
/// Durations of 2^40 ns (18 minutes) and more share the last bucket.
const MAX_BITS: u32 = 40;
const BUCKETS: usize = (MAX_BITS - PART_BITS + 1) as usize * PARTS;

/// See the module's documentation.
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    max_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            buckets: std::array::from_fn(|_| AtomicU64::default()),
            max_ns: AtomicU64::default(),
        }
    }
}

#[inline]
fn bucket_of(value_ns: u64) -> usize {
    if value_ns < PARTS as u64 {
        return value_ns as usize;
    }
    let power = value_ns.ilog2();
    if power >= MAX_BITS {
        return BUCKETS - 1;
    }
    let part = (value_ns >> (power - PART_BITS)) as usize - PARTS;
    (power - PART_BITS + 1) as usize * PARTS + part
}

/// The largest value that falls into a bucket.
fn upper_bound(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    let shift = (bucket / PARTS - 1) as u32;
    ((PARTS + bucket % PARTS + 1) as u64) << shift
}

impl Histogram {
    /// Records a duration; to be called by the owning thread only.
    #[inline]
    pub fn record(&self, value_ns: u64) {
        let bucket = &self.buckets[bucket_of(value_ns)];
        bucket.store(bucket.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if value_ns > self.max_ns.load(Ordering::Relaxed) {
            self.max_ns.store(value_ns, Ordering::Relaxed);
        }
    }

    /// Forgets everything; the owning thread must not be recording.
    pub fn reset(&self) {
        self.buckets.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
        self.max_ns.store(0, Ordering::Relaxed);
    }

    /// Adds this histogram's counts to a sum.
    pub fn add_to(&self, sum: &mut Distribution) {
        sum.counts.resize(BUCKETS, 0);
        for (sum, bucket) in sum.counts.iter_mut().zip(&self.buckets) {
            *sum += bucket.load(Ordering::Relaxed);
        }
        sum.max_ns = sum.max_ns.max(self.max_ns.load(Ordering::Relaxed));
    }
}

/// The sum of several histograms at one moment.
#[derive(Default, Clone, Debug)]
pub struct Distribution {
    counts: Vec<u64>,
    max_ns: u64,
}

impl Distribution {
    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The longest duration, exactly.
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The duration that `percentile` (0 to 100) of all do not exceed, in nanoseconds.
    pub fn percentile_ns(&self, percentile: f64) -> u64 {
        let wanted = (percentile / 100.0 * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_bound(bucket).min(self.max_ns);
            }
        }
        self.max_ns
    }

    /// How many durations did not exceed `limit_ns`, to the precision of a bucket.
    pub fn count_up_to(&self, limit_ns: u64) -> u64 {
        let within = self.counts.iter().enumerate().filter(|(at, _)| upper_bound(*at) <= limit_ns);
        within.map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_ordered_and_precise() {
        let mut values: Vec<u64> = (0..2000).collect();
        values
            .extend((4..64).flat_map(|power| [(1u64 << power) - 1, 1 << power, (1 << power) + 1]));
        values.sort_unstable();
        let mut last = 0;
        for value in values {
            let bucket = bucket_of(value);
            assert!(bucket >= last && bucket < BUCKETS, "{value}");
            if value < 1 << MAX_BITS {
                let bound = upper_bound(bucket);
                assert!(bound >= value && bound - value <= value / PARTS as u64 + 1, "{value}");
            }
            last = bucket;
        }
    }

    #[test]
    fn percentiles_of_a_ramp() {
        let histogram = Histogram::default();
        (1..=1000u64).for_each(|value| histogram.record(value * 1000));
        let mut sum = Distribution::default();
        histogram.add_to(&mut sum);
        assert_eq!((sum.count(), sum.max_ns()), (1000, 1_000_000));
        let median = sum.percentile_ns(50.0) as f64;
        assert!((median / 500_000.0 - 1.0).abs() < 0.08, "{median}");
        assert_eq!(sum.percentile_ns(100.0), 1_000_000);
        assert_eq!(sum.count_up_to(u64::MAX), 1000);
        histogram.reset();
        let mut empty = Distribution::default();
        histogram.add_to(&mut empty);
        assert_eq!((empty.count(), empty.percentile_ns(99.0)), (0, 0));
    }
}
