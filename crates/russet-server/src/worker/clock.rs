//! A worker's idea of time.
//!
//! Two clocks: Unix time in milliseconds, which decides expiry, and a monotonic one in nanoseconds,
//! which measures commands. Unix time is read once per round and again when a round has lasted, so
//! that a command costs one reading of the monotonic clock: the end of one command is the beginning
//! of the next.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A round longer than this reads the Unix clock again.
const STALE_NS: u64 = 500_000;

/// Unix time in milliseconds.
pub fn unix_ms() -> i64 {
    unix_us() / 1000
}

/// Unix time in microseconds.
pub fn unix_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock set before 1970 reads as 1970.
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// See the module's documentation.
pub struct Clock {
    origin: Instant,
    now_ms: i64,
    /// When `now_ms` was read, and the last reading, in nanoseconds since `origin`.
    read_ns: u64,
    last_ns: u64,
}

impl Clock {
    /// A clock that has just been read.
    pub fn new() -> Self {
        Clock { origin: Instant::now(), now_ms: unix_ms(), read_ns: 0, last_ns: 0 }
    }

    /// Reads both clocks, at the beginning of a round.
    pub fn refresh(&mut self) {
        self.now_ms = unix_ms();
        self.last_ns = self.origin.elapsed().as_nanos() as u64;
        self.read_ns = self.last_ns;
    }

    /// Unix time in milliseconds at the beginning of the round, or a little later in a long one.
    #[inline]
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The last reading of the monotonic clock.
    #[inline]
    pub fn ticks(&self) -> u64 {
        self.last_ns
    }

    /// Reads the monotonic clock and returns the nanoseconds since an earlier [`Clock::ticks`].
    #[inline]
    pub fn lap_ns(&mut self, since: u64) -> u64 {
        self.last_ns = self.origin.elapsed().as_nanos() as u64;
        if self.last_ns - self.read_ns > STALE_NS {
            self.now_ms = unix_ms();
            self.read_ns = self.last_ns;
        }
        self.last_ns.saturating_sub(since)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
