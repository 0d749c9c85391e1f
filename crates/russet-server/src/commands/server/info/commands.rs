//! Sections with a line per command or error.

use super::Source;
use super::report::Report;
use crate::command::{COMMANDS, CommandEntry};
use crate::config::Compatibility;
use crate::server::Server;
use crate::stats::{CommandStats, Distribution};

/// `# Commandstats`
pub fn calls(source: &Source<'_>, report: &mut Report) {
    report.section("Commandstats");
    let is_modern = source.server.config.load().compatibility != Compatibility::V4_0;
    for entry in &COMMANDS.entries {
        let sum = |number: fn(&CommandStats) -> u64| {
            source.server.sum(|stats| number(&stats.commands[entry.id]))
        };
        let calls = sum(|stats| stats.calls.value());
        let rejected = sum(|stats| stats.rejected.value());
        let failed = sum(|stats| stats.failed.value());
        if calls + rejected + failed == 0 {
            continue;
        }
        let total_us = sum(|stats| stats.total_ns.value()) / 1000;
        let per_call_us = if calls == 0 { 0.0 } else { total_us as f64 / calls as f64 };
        let mut line = format!("calls={calls},usec={total_us},usec_per_call={per_call_us:.2}");
        if is_modern {
            line += &format!(",rejected_calls={rejected},failed_calls={failed}");
        }
        report.field(format_args!("cmdstat_{}", entry.full_name), line);
    }
}

/// `# Errorstats`
pub fn errors(source: &Source<'_>, report: &mut Report) {
    report.section("Errorstats");
    for (code, count) in source.server.errors.all() {
        report.field(format_args!("errorstat_{code}"), format_args!("count={count}"));
    }
}

/// `# Latencystats`
pub fn latencies(source: &Source<'_>, report: &mut Report) {
    report.section("Latencystats");
    let percentiles = &source.server.config.load().latency_tracking_info_percentiles;
    for entry in &COMMANDS.entries {
        let times = distribution(source.server, entry);
        if times.count() == 0 {
            continue;
        }
        let shown: Vec<String> = percentiles
            .iter()
            .map(|wanted| format!("p{wanted}={:.3}", times.percentile_ns(*wanted) as f64 / 1000.0))
            .collect();
        report.field(format_args!("latency_percentiles_usec_{}", entry.full_name), shown.join(","));
    }
}

/// The execution times of a command on all workers.
fn distribution(server: &Server, entry: &CommandEntry) -> Distribution {
    let mut sum = Distribution::default();
    let histograms =
        server.workers.iter().filter_map(|worker| worker.stats.commands[entry.id].latency.get());
    histograms.for_each(|histogram| histogram.add_to(&mut sum));
    sum
}
