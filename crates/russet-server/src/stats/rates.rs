//! Rates of the last one and a half seconds: operations and bytes per second, as they are just now.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Time between two readings.
pub const INTERVAL: Duration = Duration::from_millis(100);
/// Readings kept.
const READINGS: usize = 16;

/// Totals at one moment.
#[derive(Clone, Copy, Default, Debug)]
pub struct Totals {
    /// Commands executed.
    pub commands: u64,
    /// Bytes received.
    pub input_bytes: u64,
    /// Bytes sent.
    pub output_bytes: u64,
    /// Rounds of all event loops.
    pub rounds: u64,
}

/// Per second.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
#[allow(missing_docs)] // as in Totals
pub struct PerSecond {
    pub commands: f64,
    pub input_bytes: f64,
    pub output_bytes: f64,
    pub rounds: f64,
}

/// The last readings of the totals. A rate is what came between the first and the last of them.
#[derive(Default)]
pub struct Rates(Mutex<VecDeque<(Instant, Totals)>>);

impl Rates {
    /// Adds a reading.
    pub fn read(&self, at: Instant, totals: Totals) {
        let mut readings = self.0.lock();
        if readings.len() == READINGS {
            readings.pop_front();
        }
        readings.push_back((at, totals));
    }

    /// Forgets all readings, because the totals begin anew.
    pub fn reset(&self) {
        self.0.lock().clear();
    }

    /// The present rates.
    pub fn per_second(&self) -> PerSecond {
        let readings = self.0.lock();
        let (Some((since, first)), Some((until, last))) = (readings.front(), readings.back())
        else {
            return PerSecond::default();
        };
        let seconds = until.duration_since(*since).as_secs_f64();
        if seconds == 0.0 {
            return PerSecond::default();
        }
        let rate =
            |total: fn(&Totals) -> u64| total(last).saturating_sub(total(first)) as f64 / seconds;
        PerSecond {
            commands: rate(|totals| totals.commands),
            input_bytes: rate(|totals| totals.input_bytes),
            output_bytes: rate(|totals| totals.output_bytes),
            rounds: rate(|totals| totals.rounds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_the_last_readings() {
        let rates = Rates::default();
        let start = Instant::now();
        assert_eq!(rates.per_second(), PerSecond::default());
        // Busy for three seconds, then at rest for two.
        for step in 0..50u32 {
            let commands = u64::from(step.min(30)) * 1000;
            rates.read(start + INTERVAL * step, Totals { commands, ..Totals::default() });
            let per_second = rates.per_second().commands;
            match step {
                0 => assert_eq!(per_second, 0.0),
                1..=30 => assert!((per_second - 10_000.0).abs() < 1.0, "{per_second}"),
                46.. => assert_eq!(per_second, 0.0),
                _ => assert!(per_second < 10_000.0),
            }
        }
        rates.reset();
        assert_eq!(rates.per_second(), PerSecond::default());
    }
}
