//! A worker's idea of time.
//!
//! Two clocks: Unix time in milliseconds, which decides expiry, and a monotonic one in nanoseconds,
//! which measures commands. Unix time is read once per round and again when a round has lasted, so
//! that a command costs one reading of the monotonic clock: the end of one command is the beginning
//! of the next.
//!
//! # Ticks
//!
//! Asking the system for the monotonic time takes about as long as a short command. So durations are
//! counted in ticks of the processor's time stamp counter, where there is one, and what a tick is
//! worth is learned at the beginning of every round, when both are read anyway. Until the worker
//! has run for [`LEARNING`], and on other processors, the system is asked.
//!
//! The counter serves for durations only. Should a thread move to a processor whose counter is
//! behind, one duration is wrong: shown as zero, never as a negative number.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A round longer than this reads the Unix clock again.
const STALE_NS: u64 = 500_000;
/// How long counter and clock are compared before the counter is trusted.
const LEARNING: Duration = Duration::from_millis(20);
/// Fractional bits of the length of a tick.
const SCALE_BITS: u32 = 32;

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

/// The processor's time stamp counter, or 0 where there is none.
#[inline]
fn time_stamp() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reading the counter has no preconditions and changes nothing.
    unsafe {
        std::arch::x86_64::_rdtsc()
    }
    #[cfg(not(target_arch = "x86_64"))]
    0
}

/// See the module's documentation.
pub struct Clock {
    origin: Instant,
    origin_stamp: u64,
    /// Nanoseconds per tick with [`SCALE_BITS`] fractional bits; 0 while that is being learned.
    scale: u64,
    now_ms: i64,
    /// When `now_ms` was read, and the last reading, in nanoseconds since `origin`.
    read_ns: u64,
    last_ns: u64,
}

impl Clock {
    /// A clock that has just been read.
    pub fn new() -> Self {
        Clock {
            origin: Instant::now(),
            origin_stamp: time_stamp(),
            scale: 0,
            now_ms: unix_ms(),
            read_ns: 0,
            last_ns: 0,
        }
    }

    /// Reads both clocks, at the beginning of a round.
    pub fn refresh(&mut self) {
        self.now_ms = unix_ms();
        let elapsed = self.origin.elapsed();
        let ticks = time_stamp().saturating_sub(self.origin_stamp);
        if elapsed >= LEARNING && ticks > 0 {
            self.scale = ((elapsed.as_nanos() << SCALE_BITS) / u128::from(ticks)) as u64;
        }
        self.last_ns = self.reading_ns();
        self.read_ns = self.last_ns;
    }

    /// Nanoseconds since `origin`.
    #[inline]
    fn reading_ns(&self) -> u64 {
        if self.scale == 0 {
            return self.origin.elapsed().as_nanos() as u64;
        }
        let ticks = time_stamp().saturating_sub(self.origin_stamp);
        ((u128::from(ticks) * u128::from(self.scale)) >> SCALE_BITS) as u64
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
        self.read_ns().saturating_sub(since)
    }

    /// Reads the monotonic clock: what [`Clock::ticks`] says from now on.
    #[inline]
    pub fn read_ns(&mut self) -> u64 {
        self.last_ns = self.reading_ns();
        if self.last_ns.saturating_sub(self.read_ns) > STALE_NS {
            self.now_ms = unix_ms();
            self.read_ns = self.last_ns;
        }
        self.last_ns
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_agree_with_the_system() {
        let mut clock = Clock::new();
        std::thread::sleep(LEARNING * 2);
        clock.refresh();
        let (system, since) = (Instant::now(), clock.ticks());
        std::thread::sleep(LEARNING);
        let counted = clock.lap_ns(since) as f64;
        let told = system.elapsed().as_nanos() as f64;
        // `told` includes what `counted` does, give or take the readings themselves.
        assert!(counted >= LEARNING.as_nanos() as f64 * 0.9, "{counted} of {told} ns");
        assert!(counted <= told * 1.1, "{counted} of {told} ns");
    }
}
