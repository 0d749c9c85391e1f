//! Russet compared with Debian's Redis 7.0, reply by reply.
//!
//! Random streams of commands (see `generate`), right and wrong, over several connections and both
//! protocols, go to both servers in step; every reply must be the same, but for the differences
//! listed with their reasons in `compare`. A stream that tells the servers apart is cut down to the
//! steps that matter before it is shown.
//!
//! Streams follow from their seed. To explore beyond the ones that always run, or some families only:
//! `RUSSET_DIFFERENTIAL_SEED=7 RUSSET_DIFFERENTIAL_STREAMS=100 RUSSET_DIFFERENTIAL_FAMILIES=keys,bits
//! cargo test --test differential`.

mod compare;
mod edges;
mod generate;
mod run;
mod scripts;
mod step;

use russet_e2e::{Server, tool_or_skip};

use crate::generate::server::SETTINGS;
use crate::generate::{FAMILIES, byte_sessions, password_sessions, stream};
use crate::run::Pair;
use crate::step::{Line, Step};

/// Steps of one stream: long enough for states to build up, short enough to shrink quickly.
const STREAM_STEPS: usize = 400;
/// Streams of each family, unless `RUSSET_DIFFERENTIAL_STREAMS` says otherwise.
const STREAMS: u64 = 8;
/// Different failures that a run collects before it gives up.
const MOST_FAILURES: usize = 12;

/// What both servers are started with. Positions beyond the least `proto-max-bulk-len` are refused
/// before they cost memory; collections change their encoding early.
const ARGUMENTS: &[&str] = &[
    "--proto-max-bulk-len",
    "1mb",
    "--slowlog-log-slower-than",
    "-1",
    "--zset-max-listpack-entries",
    "12",
    "--hash-max-listpack-entries",
    "8",
    "--hash-max-listpack-value",
    "20",
    "--set-max-intset-entries",
    "8",
];
/// As of 7.2; Redis 7.0 has no such directive, and sets that are large at once.
const SMALL_SETS: &[&str] = &["--set-max-listpack-entries", "6"];

/// If two Redis servers could be told apart, the comparison would prove nothing.
#[test]
fn the_oracle_agrees_with_itself() {
    if tool_or_skip("redis-server") {
        let (one, other) = (Server::oracle(ARGUMENTS), Server::oracle(ARGUMENTS));
        compare(&one, &other);
    }
}

#[test]
fn one_worker_agrees_with_the_oracle() {
    compare_russet(&["--worker-threads", "1"]);
}

#[test]
fn four_workers_agree_with_the_oracle() {
    compare_russet(&["--worker-threads", "4"]);
}

/// Before a client has given the password, even the protocol's limits are others.
#[test]
fn strangers_are_treated_as_the_oracle_does() {
    if tool_or_skip("redis-server") {
        let arguments = [ARGUMENTS, &["--requirepass", "secret"]].concat();
        let ours = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &arguments);
        let theirs = Server::oracle(&arguments);
        let pair =
            Pair { ours: &ours, theirs: &theirs, password: Some("secret"), reset: keyspace() };
        let failures: Vec<_> = (1..=from_environment("RUSSET_DIFFERENTIAL_STREAMS", STREAMS))
            .flat_map(|seed| {
                let steps = password_sessions(seed, STREAM_STEPS / 4);
                difference(&pair, "password", seed, &steps)
            })
            .collect();
        report(&failures);
    }
}

fn compare_russet(workers: &[&str]) {
    if tool_or_skip("redis-server") {
        let ours = [ARGUMENTS, SMALL_SETS, workers].concat();
        let ours = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &ours);
        compare(&ours, &Server::oracle(ARGUMENTS));
    }
}

/// Run the streams of every family, and the byte sessions, against both servers.
fn compare(ours: &Server, theirs: &Server) {
    let chosen = std::env::var("RUSSET_DIFFERENTIAL_FAMILIES").ok();
    let wanted = |name: &str| chosen.as_ref().is_none_or(|list| list.split(',').any(|f| f == name));
    let first_seed = from_environment("RUSSET_DIFFERENTIAL_SEED", 1);
    let count = from_environment("RUSSET_DIFFERENTIAL_STREAMS", STREAMS);
    let mut failures = Vec::new();
    for seed in first_seed..first_seed + count {
        let families = FAMILIES
            .iter()
            .map(|(name, families)| (*name, stream(families, seed, STREAM_STEPS)))
            .chain([("bytes", byte_sessions(seed, STREAM_STEPS / 4))]);
        for (name, steps) in families.filter(|(name, _)| wanted(name)) {
            let settings = matches!(name, "server" | "everything");
            let reset = if settings { [keyspace(), defaults()].concat() } else { keyspace() };
            let pair = Pair { ours, theirs, password: None, reset };
            if failures.len() < MOST_FAILURES {
                failures.extend(difference(&pair, name, seed, &steps));
            }
        }
    }
    report(&failures);
}

fn difference(pair: &Pair<'_>, name: &str, seed: u64, steps: &[Step]) -> Option<String> {
    let mismatch = pair.run_and_shrink(steps)?;
    Some(format!("{name}, seed {seed}:\n{mismatch}"))
}

fn report(failures: &[String]) {
    assert!(failures.is_empty(), "{} streams differ:\n\n{}", failures.len(), failures.join("\n"));
}

/// What empties the keyspaces before each stream.
fn keyspace() -> Vec<Line> {
    vec![Line::new("FLUSHALL")]
}

/// What puts back everything else that a stream may have changed.
fn defaults() -> Vec<Line> {
    let mut lines = vec![Line::new("SLOWLOG RESET")];
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
