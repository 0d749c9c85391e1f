//! The latency monitor: the last spikes of each event that took longer than
//! `latency-monitor-threshold`.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

/// Spikes kept per event.
const SAMPLES: usize = 160;

/// The worst spike of one second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Unix time in seconds.
    pub at_s: i64,
    /// Milliseconds.
    pub latency_ms: u64,
}

#[derive(Default)]
struct Series {
    samples: VecDeque<Sample>,
    max_ms: u64,
}

/// See the module's documentation.
#[derive(Default)]
pub struct LatencyMonitor {
    events: Mutex<BTreeMap<String, Series>>,
}

impl LatencyMonitor {
    /// Records a spike. Spikes of an event within one second count as one, the worst.
    pub fn add(&self, event: &str, sample: Sample) {
        let mut events = self.events.lock();
        let series = events.entry(event.to_owned()).or_default();
        series.max_ms = series.max_ms.max(sample.latency_ms);
        match series.samples.back_mut() {
            Some(last) if last.at_s == sample.at_s => {
                last.latency_ms = last.latency_ms.max(sample.latency_ms);
            }
            _ => {
                if series.samples.len() == SAMPLES {
                    series.samples.pop_front();
                }
                series.samples.push_back(sample);
            }
        }
    }

    /// For each event: its name, last spike, and worst spike ever in milliseconds.
    pub fn latest(&self) -> Vec<(String, Sample, u64)> {
        let events = self.events.lock();
        let latest = events.iter().filter_map(|(event, series)| {
            Some((event.clone(), *series.samples.back()?, series.max_ms))
        });
        latest.collect()
    }

    /// The spikes of an event, oldest first.
    pub fn history(&self, event: &str) -> Vec<Sample> {
        let events = self.events.lock();
        events.get(event).map_or(Vec::new(), |series| series.samples.iter().copied().collect())
    }

    /// Forgets an event, or all. Returns how many were forgotten.
    pub fn reset(&self, event: Option<&str>) -> usize {
        let mut events = self.events.lock();
        match event {
            Some(event) => usize::from(events.remove(event).is_some()),
            None => std::mem::take(&mut *events).len(),
        }
    }
}
