//! LATENCY: spikes of single events, and how the times of all calls are distributed.

mod doctor;
mod graph;

use crate::command::{COMMANDS, Command, CommandEntry, Flags, Group};
use crate::commands::help;
use crate::error::Error;
use crate::exec::Ctx;
use crate::server::Server;
use crate::stats::Distribution;
use crate::worker::clock::unix_ms;

const SINCE: &str = "2.8.13";
const COMMON: Flags = Flags::ADMIN.union(Flags::NOSCRIPT).union(Flags::LOADING).union(Flags::STALE);
const TIPS: &[&str] =
    &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

pub const LATENCY: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Groups the commands that concern delays.",
    complexity: "Depends on subcommand.",
    subcommands: &[
        DOCTOR,
        GRAPH,
        help::declare(Group::Server, SINCE),
        HISTOGRAM,
        HISTORY,
        LATEST,
        RESET,
    ],
    ..Command::new("latency", -2, Flags::empty(), help::without_subcommand)
};

const LATEST: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Returns the last spike of every event, and its worst.",
    tips: TIPS,
    ..Command::new("latest", 2, COMMON, latest)
};

fn latest(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let events = ctx.server.latency.latest();
    ctx.out.array(events.len());
    for (event, last, max_ms) in events {
        ctx.out.array(4);
        ctx.out.bulk(event.as_bytes());
        ctx.out.integer(last.at_s);
        ctx.out.integer(last.latency_ms as i64);
        ctx.out.integer(max_ms as i64);
    }
    Ok(())
}

const HISTORY: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Returns the spikes of an event with their times.",
    syntax: "event",
    tips: TIPS,
    ..Command::new("history", 3, COMMON, history)
};

fn history(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let samples = ctx.server.latency.history(&event_name(ctx, 2));
    ctx.out.array(samples.len());
    for sample in samples {
        ctx.out.array(2);
        ctx.out.integer(sample.at_s);
        ctx.out.integer(sample.latency_ms as i64);
    }
    Ok(())
}

/// Names of events are ASCII: what is not has no samples.
fn event_name(ctx: &Ctx<'_>, at: usize) -> String {
    String::from_utf8_lossy(ctx.args.get(at)).into_owned()
}

const RESET: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Forgets the spikes of some events, or of all, and returns of how many there were any.",
    syntax: "[event...]",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Command::new("reset", -2, COMMON, reset)
};

fn reset(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let latency = &ctx.server.latency;
    let forgotten: usize = match ctx.args.len() {
        2 => latency.reset(None),
        len => (2..len).map(|at| latency.reset(Some(&event_name(ctx, at)))).sum(),
    };
    ctx.out.integer(forgotten as i64);
    Ok(())
}

const GRAPH: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Draws the spikes of an event.",
    syntax: "event",
    tips: TIPS,
    ..Command::new("graph", 3, COMMON, draw_graph)
};

fn draw_graph(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let event = event_name(ctx, 2);
    let events = ctx.server.latency.latest();
    let Some((_, _, max_ms)) = events.into_iter().find(|(name, ..)| *name == event) else {
        return Err(Error::new(format!("ERR No samples available for event '{event}'")));
    };
    let samples = ctx.server.latency.history(&event);
    let text = graph::draw(&event, &samples, max_ms, unix_ms() / 1000);
    ctx.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

const DOCTOR: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Says in words which events were slow, and what can be done about it.",
    tips: TIPS,
    ..Command::new("doctor", 2, COMMON, examine)
};

fn examine(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let latency = &ctx.server.latency;
    let events: Vec<doctor::Event> = latency
        .latest()
        .into_iter()
        .map(|(name, _, max_ms)| {
            let samples = latency.history(&name);
            doctor::Event { name, samples, max_ms }
        })
        .collect();
    let text = doctor::examine(&events, ctx.config());
    ctx.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

const HISTOGRAM: Command = Command {
    group: Group::Server,
    since: "7.0.0",
    summary: "Returns how the times of all calls of some commands, or of all, are distributed.",
    complexity: "O(N) where N is the number of commands with latency information being retrieved.",
    syntax: "[command...]",
    tips: TIPS,
    ..Command::new("histogram", -2, COMMON, histogram)
};

fn histogram(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let mut shown: Vec<&'static CommandEntry> = Vec::new();
    if ctx.args.len() == 2 {
        shown.extend(&COMMANDS.entries);
    }
    for name in ctx.args.iter_from(2) {
        // A container stands for its subcommands, which are what is measured.
        let found = COMMANDS.entries.iter().filter(|entry| {
            let container = entry.parent.map(|parent| parent.full_name.as_bytes());
            let named = entry.full_name.as_bytes().eq_ignore_ascii_case(name);
            named || container.is_some_and(|container| container.eq_ignore_ascii_case(name))
        });
        shown.extend(found);
    }
    let reply = ctx.out.deferred();
    let mut commands = 0;
    for entry in shown {
        let times = distribution(ctx.server, entry);
        if times.count() > 0 {
            commands += 1;
            write_distribution(ctx, entry, &times);
        }
    }
    ctx.out.finish_map(reply, commands);
    Ok(())
}

fn distribution(server: &Server, entry: &CommandEntry) -> Distribution {
    let mut sum = Distribution::default();
    for worker in &server.workers {
        if let Some(histogram) = worker.stats.commands[entry.id].latency.get() {
            histogram.add_to(&mut sum);
        }
    }
    sum
}

fn write_distribution(ctx: &mut Ctx<'_>, entry: &CommandEntry, times: &Distribution) {
    let out = &mut ctx.out;
    out.bulk(entry.full_name.as_bytes());
    out.map(2);
    out.bulk(b"calls");
    out.integer(times.count() as i64);
    out.bulk(b"histogram_usec");
    let buckets = cumulative(times);
    out.map(buckets.len());
    for (limit_us, count) in buckets {
        out.integer(limit_us as i64);
        out.integer(count as i64);
    }
}

/// Up to how many microseconds how many calls took, at the limits where that number changes: powers
/// of two from 1.024 us on, named as Redis names them, whose buckets end a 128th later.
fn cumulative(times: &Distribution) -> Vec<(u64, u64)> {
    let limits = (FIRST_LIMIT_BITS..u64::BITS).map(|bits| 1u64 << bits);
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    let mut seen = 0;
    for limit_ns in limits {
        let count = times.count_up_to(limit_ns);
        if count > seen {
            seen = count;
            buckets.push(((limit_ns + limit_ns / 128 - 1) / 1000, count));
        }
    }
    buckets
}

/// 1024 ns.
const FIRST_LIMIT_BITS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Histogram;

    #[test]
    fn buckets_are_powers_of_two_and_add_up() {
        let histogram = Histogram::default();
        for (times, value_ns) in [(3, 500), (2, 3_000), (1, 30_000), (1, 9_000_000)] {
            (0..times).for_each(|_| histogram.record(value_ns));
        }
        let mut times = Distribution::default();
        histogram.add_to(&mut times);
        assert_eq!(cumulative(&times), [(1, 3), (4, 5), (33, 6), (16908, 7)]);
    }

    #[test]
    fn even_the_longest_call_is_in_a_bucket() {
        let histogram = Histogram::default();
        histogram.record(u64::MAX);
        let mut times = Distribution::default();
        histogram.add_to(&mut times);
        assert_eq!(cumulative(&times).len(), 1);
    }
}
