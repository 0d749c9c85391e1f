//! A drawing of an event's spikes, one column for each, oldest first.
//!
//! ```text
//! command - high 500 ms, low 300 ms (all time high 500 ms)
//! --------------------------------------------------------------------------------
//!   #
//!  o|
//! _||
//!
//! 321
//! 075
//! sss
//! ```
//!
//! Below a column stands how long ago it was, to be read downwards.

use std::fmt::Write as _;

use crate::observe::Sample;

const ROWS: u64 = 4;
/// What a column's top row looks like, from nearly nothing to full.
const TOPS: [char; 3] = ['_', 'o', '#'];
/// A row below a column's top.
const BODY: char = '|';
const RULE: &str =
    "--------------------------------------------------------------------------------";

/// Draws spikes, of which there is at least one, as seen from the time `now_s`.
pub fn draw(event: &str, samples: &[Sample], max_ms: u64, now_s: i64) -> String {
    let latencies = || samples.iter().map(|sample| sample.latency_ms);
    let (low, high) = (latencies().min().unwrap_or(0), latencies().max().unwrap_or(0));
    let mut text =
        format!("{event} - high {high} ms, low {low} ms (all time high {max_ms} ms)\n{RULE}\n");
    let steps: Vec<u64> = latencies().map(|latency| step(latency, low, high)).collect();
    for row in (0..ROWS).rev() {
        push_line(&mut text, steps.iter().map(|step| cell(*step, row)));
    }
    text.push('\n');
    let ages: Vec<Vec<char>> = samples.iter().map(|sample| age(now_s - sample.at_s)).collect();
    for row in 0..ages.iter().map(Vec::len).max().unwrap_or(0) {
        push_line(&mut text, ages.iter().map(|age| age.get(row).copied().unwrap_or(' ')));
    }
    text
}

fn push_line(text: &mut String, line: impl Iterator<Item = char>) {
    let line: String = line.collect();
    let _ = writeln!(text, "{}", line.trim_end());
}

/// The height of a column, in parts of rows.
fn step(latency: u64, low: u64, high: u64) -> u64 {
    let steps = ROWS * TOPS.len() as u64;
    (latency - low) * (steps - 1) / (high - low).max(1)
}

fn cell(step: u64, row: u64) -> char {
    let tops = TOPS.len() as u64;
    match row.cmp(&(step / tops)) {
        std::cmp::Ordering::Less => BODY,
        std::cmp::Ordering::Equal => TOPS[(step % tops) as usize],
        std::cmp::Ordering::Greater => ' ',
    }
}

/// How long ago, in the largest unit that gives a whole number above zero.
fn age(seconds: i64) -> Vec<char> {
    let seconds = seconds.max(0);
    let (number, unit) = match seconds {
        0..60 => (seconds, 's'),
        60..3600 => (seconds / 60, 'm'),
        3600..86_400 => (seconds / 3600, 'h'),
        _ => (seconds / 86_400, 'd'),
    };
    format!("{number}{unit}").chars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_rise_with_latency() {
        let sample = |at_s, latency_ms| Sample { at_s, latency_ms };
        let samples = [sample(1, 300), sample(62, 400), sample(100, 500)];
        let text = draw("command", &samples, 700, 101);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "command - high 500 ms, low 300 ms (all time high 700 ms)");
        assert_eq!(lines[1].len(), 80);
        assert_eq!(lines[2..6], ["  #", "  |", " #|", "_||"]);
        assert_eq!(lines[6..], ["", "131", "m9s", " s"]);
    }

    #[test]
    fn equal_spikes_are_flat() {
        let sample = Sample { at_s: 5, latency_ms: 7 };
        let text = draw("e", &[sample, Sample { at_s: 6, ..sample }], 7, 6);
        assert!(text.contains("\n__\n\n10\nss\n"), "{text}");
    }
}
