//! Directives with several arguments, each with its own rules.

use super::memory::{format_bytes, parse_bytes};
use super::{Format, Line, Reason, WRONG_NUMBER_OF_ARGUMENTS, joined, quoted, word};
use crate::config::values::{ClientClass, ClientLimits, OutputLimit, SavePoint};
use russet_data::number::parse_f64;

/// The arguments of a directive for which a single empty one means none.
fn or_none(arguments: &[Vec<u8>]) -> &[Vec<u8>] {
    match arguments {
        [only] if only.is_empty() => &[],
        all => all,
    }
}

/// Reads a number the way C does: signs and leading zeros may be there.
fn parse_number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Addresses to listen on.
pub struct Bind;

/// See [`Bind`].
pub const BIND: Bind = Bind;

impl Bind {
    /// As many as Redis takes.
    const ADDRESSES_MAX: usize = 16;
}

impl Format<Vec<String>> for Bind {
    fn parse(&self, arguments: &[Vec<u8>], _: &Vec<String>) -> Result<Vec<String>, Reason> {
        if arguments.len() > Self::ADDRESSES_MAX {
            return Err("Too many bind addresses specified.".into());
        }
        let address = |bytes: &Vec<u8>| {
            let printable = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
            String::from_utf8(bytes.clone()).ok().filter(|_| printable)
        };
        or_none(arguments)
            .iter()
            .map(address)
            .collect::<Option<_>>()
            .ok_or_else(|| "Invalid bind address specified.".into())
    }

    fn show(&self, value: &Vec<String>) -> Vec<u8> {
        value.join(" ").into_bytes()
    }

    fn lines(&self, value: &Vec<String>, default: &Vec<String>) -> Vec<Line> {
        if value == default {
            return Vec::new();
        }
        let words: Vec<_> = value.iter().map(|address| word(address.as_bytes())).collect();
        vec![Line::needed(if words.is_empty() { quoted(b"") } else { words.join(&b' ') })]
    }

    fn describe(&self) -> String {
        "addresses".into()
    }
}

/// When to save a snapshot: pairs of seconds and changes.
pub struct SavePoints;

/// See [`SavePoints`].
pub const SAVE_POINTS: SavePoints = SavePoints;

impl Format<Vec<SavePoint>> for SavePoints {
    fn parse(&self, arguments: &[Vec<u8>], _: &Vec<SavePoint>) -> Result<Vec<SavePoint>, Reason> {
        let (pairs, rest) = or_none(arguments).as_chunks::<2>();
        let point = |[seconds, changes]: &[Vec<u8>; 2]| {
            Some(SavePoint {
                seconds: parse_number(seconds).filter(|seconds| *seconds >= 1)? as u64,
                changes: parse_number(changes).filter(|changes| *changes >= 0)? as u64,
            })
        };
        pairs
            .iter()
            .map(point)
            .collect::<Option<Vec<_>>>()
            .filter(|_| rest.is_empty())
            .ok_or_else(|| "Invalid save parameters".into())
    }

    /// Lines of a file add up, and an empty one removes those before it.
    fn parse_again(
        &self,
        arguments: &[Vec<u8>],
        current: &Vec<SavePoint>,
    ) -> Result<Vec<SavePoint>, Reason> {
        let new = self.parse(arguments, current)?;
        if new.is_empty() && !arguments.is_empty() {
            return Ok(new);
        }
        Ok([current.as_slice(), &new].concat())
    }

    fn show(&self, value: &Vec<SavePoint>) -> Vec<u8> {
        joined(value.iter().map(|point| format!("{} {}", point.seconds, point.changes)))
    }

    fn lines(&self, value: &Vec<SavePoint>, _: &Vec<SavePoint>) -> Vec<Line> {
        // Always written: no line at all would bring the default back.
        match value.as_slice() {
            [] => vec![Line::needed(quoted(b""))],
            points => {
                let line =
                    |point: &SavePoint| format!("{} {}", point.seconds, point.changes).into_bytes();
                points.iter().map(line).map(Line::needed).collect()
            }
        }
    }

    fn describe(&self) -> String {
        "pairs of seconds and changes, or \"\"".into()
    }
}

/// How much may wait to be sent, for each class of clients.
pub struct ClientOutputLimits;

/// See [`ClientOutputLimits`].
pub const CLIENT_LIMITS: ClientOutputLimits = ClientOutputLimits;

impl Format<ClientLimits> for ClientOutputLimits {
    /// Changes the classes that are named and leaves the others.
    fn parse(&self, arguments: &[Vec<u8>], current: &ClientLimits) -> Result<ClientLimits, Reason> {
        let (groups, rest) = arguments.as_chunks::<4>();
        if !rest.is_empty() {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        let mut limits = *current;
        for [class, hard, soft, seconds] in groups {
            let class = ClientClass::named(class)
                .ok_or("Invalid client class specified in buffer limit configuration.")?;
            let limit = || {
                Some(OutputLimit {
                    hard_bytes: parse_bytes(hard)?,
                    soft_bytes: parse_bytes(soft)?,
                    soft_seconds: parse_number(seconds)?.try_into().ok()?,
                })
            };
            limits[class as usize] = limit().ok_or(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            )?;
        }
        Ok(limits)
    }

    fn show(&self, value: &ClientLimits) -> Vec<u8> {
        joined(ClientClass::ALL.map(|class| {
            let OutputLimit { hard_bytes, soft_bytes, soft_seconds } = value[class as usize];
            format!("{} {hard_bytes} {soft_bytes} {soft_seconds}", class.old_name())
        }))
    }

    fn lines(&self, value: &ClientLimits, default: &ClientLimits) -> Vec<Line> {
        let line = |class: ClientClass| {
            let limit = value[class as usize];
            let (hard, soft) = (format_bytes(limit.hard_bytes), format_bytes(limit.soft_bytes));
            Line {
                arguments: format!("{} {hard} {soft} {}", class.name(), limit.soft_seconds).into(),
                needed: limit != default[class as usize],
            }
        };
        ClientClass::ALL.map(line).into()
    }

    fn describe(&self) -> String {
        "normal, replica or pubsub; hard limit, soft limit, seconds".into()
    }
}

/// Scores for the kernel's out-of-memory killer: of a primary, a replica, a background process.
pub struct OomScores;

/// See [`OomScores`].
pub const OOM_SCORES: OomScores = OomScores;

impl Format<[i32; 3]> for OomScores {
    fn parse(&self, arguments: &[Vec<u8>], _: &[i32; 3]) -> Result<[i32; 3], Reason> {
        let arguments: &[Vec<u8>; 3] =
            arguments.try_into().map_err(|_| WRONG_NUMBER_OF_ARGUMENTS)?;
        let mut scores = [0; 3];
        for (score, argument) in scores.iter_mut().zip(arguments) {
            *score = parse_number(argument)
                .filter(|score| (-2000..=2000).contains(score))
                .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?
                as i32;
        }
        Ok(scores)
    }

    fn show(&self, value: &[i32; 3]) -> Vec<u8> {
        joined(value.map(|score| score.to_string()))
    }

    fn describe(&self) -> String {
        "three numbers from -2000 to 2000".into()
    }
}

/// Percentiles to show.
pub struct Percentiles;

/// See [`Percentiles`].
pub const PERCENTILES: Percentiles = Percentiles;

impl Format<Vec<f64>> for Percentiles {
    fn parse(&self, arguments: &[Vec<u8>], _: &Vec<f64>) -> Result<Vec<f64>, Reason> {
        let percentile = |text: &Vec<u8>| -> Result<f64, Reason> {
            let value =
                parse_f64(text).ok_or("Invalid latency-tracking-info-percentiles parameters")?;
            if (0.0..=100.0).contains(&value) {
                return Ok(value);
            }
            Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                .into())
        };
        or_none(arguments).iter().map(percentile).collect()
    }

    fn show(&self, value: &Vec<f64>) -> Vec<u8> {
        joined(value.iter().map(|percentile| {
            let digits = format!("{percentile:.6}");
            digits.trim_end_matches('0').trim_end_matches('.').to_owned()
        }))
    }

    fn lines(&self, value: &Vec<f64>, _: &Vec<f64>) -> Vec<Line> {
        vec![Line::needed(if value.is_empty() { quoted(b"") } else { self.show(value) })]
    }

    fn describe(&self) -> String {
        "numbers from 0 to 100, or \"\"".into()
    }
}
