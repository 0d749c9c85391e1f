//! Commands that may wait, but not for long, and Pub/Sub as far as it answers.

use super::Generator;
use crate::step::Line;

/// How long is waited; wrong times cost none.
const TIMEOUTS: &[&str] =
    &["0.001", "0.001", "0.001", "0.001", "1e-3", "-1", "x", "nan", "", "-0.5"];

/// Commands that take from lists and sorted sets or wait.
pub fn blocking(g: &mut Generator) -> Line {
    let timeout = g.one_of(TIMEOUTS);
    match g.rng.u32(..8) {
        0 | 1 => one_or_more(g, &["BLPOP", "BRPOP"]).with(timeout),
        2 => one_or_more(g, &["BZPOPMIN", "BZPOPMAX"]).with(timeout),
        3 | 4 => many(g, "BLMPOP", timeout, &["LEFT", "RIGHT", "left", "MIN"]),
        5 => many(g, "BZMPOP", timeout, &["MIN", "MAX", "max", "LEFT"]),
        6 => {
            let line = Line::new("BLMOVE").with(g.key()).with(g.key());
            let ends = &["LEFT", "RIGHT", "right", "MIN"];
            line.with(g.one_of(ends)).with(g.one_of(ends)).with(timeout)
        }
        _ => Line::new("BRPOPLPUSH").with(g.key()).with(g.key()).with(timeout),
    }
}

/// One of the commands, with some keys.
fn one_or_more(g: &mut Generator, commands: &[&'static str]) -> Line {
    let line = Line::new(g.one_of(commands));
    (0..g.rng.u32(1..4)).fold(line, |line, _| line.with(g.key()))
}

fn many(g: &mut Generator, command: &str, timeout: &str, ends: &[&'static str]) -> Line {
    let count = g.rng.usize(1..4);
    let claimed = if g.once_in(6) { g.integer() } else { count.to_string().into_bytes() };
    let line = Line::new(command).with(timeout).with(claimed);
    let line = (0..count).fold(line, |line, _| line.with(g.key()));
    let line = line.with(g.one_of(ends));
    match g.rng.u32(..3) {
        0 => line,
        1 => line.and("COUNT").with(g.one_of(&["1", "2", "10", "0", "x"])),
        _ => line.and("COUNT 1 COUNT 2"),
    }
}

/// Messages without subscribers, and questions about those.
pub fn messages(g: &mut Generator) -> Line {
    match g.rng.u32(..7) {
        0 => Line::new("PUBLISH").with(g.key()).with(g.value()),
        1 => Line::new("SPUBLISH").with(g.key()).with(g.value()),
        2 => Line::new("PUBSUB NUMPAT"),
        3 => one_or_more(g, &["PUBSUB NUMSUB"]),
        4 => one_or_more(g, &["PUBSUB SHARDNUMSUB"]),
        5 => Line::new(g.one_of(&["PUBSUB CHANNELS", "PUBSUB SHARDCHANNELS"])).with(g.key()),
        _ => Line::new(g.one_of(&["PUBSUB", "PUBSUB NOPE", "PUBSUB CHANNELS"])),
    }
}
