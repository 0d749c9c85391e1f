//! Russet compared with Debian's Redis 7.0, reply by reply.
//!
//! Random streams of commands (see `generate`), right and wrong, over several connections and both
//! protocols, go to both servers in step; every reply must be the same, but for the differences
//! listed with their reasons in `compare`. A stream that tells the servers apart is cut down to the
//! steps that matter before it is shown.
//!
//! Streams follow from their seed. To explore beyond the ones that always run:
//! `RUSSET_DIFFERENTIAL_SEED=7 RUSSET_DIFFERENTIAL_STREAMS=100 cargo test --test differential`.

mod compare;
mod generate;
mod run;
mod step;

use russet_e2e::{Server, tool_or_skip};

use crate::generate::{FAMILIES, byte_sessions, server::SETTINGS, stream};
use crate::run::Pair;
use crate::step::{Line, Step};

/// Steps of one stream: long enough for states to build up, short enough to shrink quickly.
const STREAM_STEPS: usize = 400;
/// Streams of each family, unless `RUSSET_DIFFERENTIAL_STREAMS` says otherwise.
const STREAMS: u64 = 8;
/// Different failures that a run collects before it gives up.
const MOST_FAILURES: usize = 12;

/// What both servers are started with. Positions beyond the least `proto-max-bulk-len` are refused
/// before they cost memory.
const ARGUMENTS: &[&str] = &["--proto-max-bulk-len", "1mb", "--slowlog-log-slower-than", "-1"];

/// If two Redis servers could be told apart, the comparison would prove nothing.
#[test]
fn the_oracle_agrees_with_itself() {
    if tool_or_skip("redis-server") {
        let (one, other) = (Server::oracle(ARGUMENTS), Server::oracle(ARGUMENTS));
        compare(&one, &other, &[]);
    }
}

/// Run the streams of every family, and the byte sessions, against both servers.
fn compare(ours: &Server, theirs: &Server, greeting: &[Line]) {
    let pair = Pair { ours, theirs, greeting: greeting.to_vec(), reset: reset() };
    let first_seed = from_environment("RUSSET_DIFFERENTIAL_SEED", 1);
    let count = from_environment("RUSSET_DIFFERENTIAL_STREAMS", STREAMS);
    let mut failures = Vec::new();
    for seed in first_seed..first_seed + count {
        let families = FAMILIES
            .iter()
            .map(|(name, families)| (*name, stream(families, seed, STREAM_STEPS)))
            .chain([("bytes", byte_sessions(seed, STREAM_STEPS / 4))]);
        for (name, steps) in families {
            if failures.len() < MOST_FAILURES {
                failures.extend(difference(&pair, name, seed, &steps));
            }
        }
    }
    assert!(failures.is_empty(), "{} streams differ:\n\n{}", failures.len(), failures.join("\n"));
}

fn difference(pair: &Pair<'_>, name: &str, seed: u64, steps: &[Step]) -> Option<String> {
    let mismatch = pair.run_and_shrink(steps)?;
    Some(format!("{name}, seed {seed}:\n{mismatch}"))
}

/// What makes the servers equal again before each stream.
fn reset() -> Vec<Line> {
    let mut lines = vec![Line::new("FLUSHALL"), Line::new("SLOWLOG RESET")];
    let settable =
        SETTINGS.iter().filter(|(name, ..)| !["databases", "nosuchdirective"].contains(name));
    lines.extend(
        settable.map(|(name, default, _)| Line::new("CONFIG SET").and(name).with(*default)),
    );
    lines
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text}")))
        .unwrap_or(default)
}
