//! LATENCY DOCTOR: the spikes in words, with advice.

use std::fmt::Write as _;

use crate::config::Config;
use crate::observe::Sample;

/// An event with its spikes.
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its spikes, oldest first; at least one.
    pub samples: Vec<Sample>,
    /// The worst ever, in milliseconds.
    pub max_ms: u64,
}

/// Says what the events have in common with trouble, and what helps against it.
pub fn examine(events: &[Event], config: &Config) -> String {
    if config.latency_monitor_threshold == 0 && events.is_empty() {
        return "The latency monitor is off, so there is nothing to say. Switch it on with 'CONFIG \
                SET latency-monitor-threshold <milliseconds>': every event that takes longer is \
                remembered from then on.\n"
            .into();
    }
    if events.is_empty() {
        return format!(
            "No event has taken {} ms or longer since the latency monitor began to look. All is \
             well.\n",
            config.latency_monitor_threshold
        );
    }
    let mut text = format!("{} kind(s) of event were slow:\n\n", events.len());
    for (number, event) in (1..).zip(events) {
        let _ = writeln!(text, "{number}. {}", describe(event));
    }
    text.push_str("\nWhat may help:\n\n");
    for advice in advice(events, config) {
        let _ = writeln!(text, "- {advice}");
    }
    text
}

fn describe(event: &Event) -> String {
    let Event { name, samples, max_ms } = event;
    let count = samples.len() as f64;
    let latencies = || samples.iter().map(|sample| sample.latency_ms as f64);
    let average = latencies().sum::<f64>() / count;
    let deviation = latencies().map(|latency| (latency - average).abs()).sum::<f64>() / count;
    let mut text = format!(
        "{name}: {} spike(s), {average:.0} ms on average (mean deviation {deviation:.0} ms)",
        samples.len()
    );
    if let [first, .., last] = &samples[..] {
        let period = (last.at_s - first.at_s) as f64 / (count - 1.0);
        let _ = write!(text, ", one every {period:.2} s");
    }
    let _ = write!(text, ". The worst ever took {max_ms} ms.");
    text
}

fn advice(events: &[Event], config: &Config) -> Vec<String> {
    let is_slow = |name: &str| events.iter().any(|event| event.name == name);
    let mut advice = Vec::new();
    if is_slow("command") {
        let slow_us = config.slowlog_log_slower_than;
        let threshold_us = config.latency_monitor_threshold.saturating_mul(1000);
        if slow_us < 0 || slow_us > threshold_us {
            advice.push(format!(
                "The slow log does not see commands as fast as those. 'CONFIG SET \
                 slowlog-log-slower-than {threshold_us}' makes it name them."
            ));
        }
        advice.push(
            "SLOWLOG GET names the slow commands. Replace those that go through many elements at \
             once: KEYS by SCAN, whole values by ranges of them, large transactions by smaller ones."
                .into(),
        );
        advice.push(
            "Large values are freed in the background, but building or copying one in a single \
             command takes its time: divide it among several."
                .into(),
        );
    }
    if is_slow("fast-command") {
        advice.push(
            "Commands that take constant time were slow, which is rarely their fault: the machine \
             may be short of processors, swap memory or stop for its virtual neighbours. \
             'redis-cli --intrinsic-latency 100', run on it, measures what it does to anybody."
                .into(),
        );
    }
    if is_slow("expire-cycle") {
        advice.push(
            "Many keys expire at the same moment. Spread their times by adding something random."
                .into(),
        );
    }
    advice.push(
        "LATENCY GRAPH <event> shows when it happened: spikes at regular intervals have a cause \
         that runs at regular intervals."
            .into(),
    );
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_described_and_advised_on() {
        let config = Config { latency_monitor_threshold: 100, ..Config::default() };
        assert!(examine(&[], &config).contains("100 ms"));
        let samples = [(10, 100), (20, 300), (30, 200)]
            .map(|(at_s, latency_ms)| Sample { at_s, latency_ms })
            .to_vec();
        let event = Event { name: "expire-cycle".into(), samples, max_ms: 400 };
        let text = examine(&[event], &config);
        let expected = "1. expire-cycle: 3 spike(s), 200 ms on average (mean deviation 67 ms), one \
                        every 10.00 s. The worst ever took 400 ms.";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("Spread their times") && !text.contains("SLOWLOG"), "{text}");
    }

    #[test]
    fn a_blind_slow_log_is_pointed_out() {
        let sample = Sample { at_s: 1, latency_ms: 5 };
        let event = || Event { name: "command".into(), samples: vec![sample], max_ms: 5 };
        let mut config = Config { latency_monitor_threshold: 1, ..Config::default() };
        assert!(examine(&[event()], &config).contains("slowlog-log-slower-than 1000"));
        config.slowlog_log_slower_than = 500;
        assert!(!examine(&[event()], &config).contains("slowlog-log-slower-than"));
    }

    #[test]
    fn without_the_monitor_there_is_nothing_to_say() {
        assert!(examine(&[], &Config::default()).contains("latency-monitor-threshold"));
    }
}
