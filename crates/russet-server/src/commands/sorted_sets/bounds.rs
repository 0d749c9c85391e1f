//! Ranges as arguments: by rank, score and member.

use std::ops::Range;

use russet_data::number::parse_f64;
use russet_data::sorted_set::{LexBound, ScoreBound, SortedSet};

use crate::error::Error;
use crate::exec::Ctx;

/// How the two bounds of a range are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Rank,
    Score,
    Lex,
}

/// A range of elements.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds<'a> {
    /// From one rank to another, both included; negative ones count from the end.
    Rank(i64, i64),
    Score(ScoreBound, ScoreBound),
    Lex(LexBound<'a>, LexBound<'a>),
}

impl<'a> Bounds<'a> {
    /// Reads the lower bound from one argument and the upper one from another.
    pub(super) fn parse(ctx: &Ctx<'a>, by: By, min: usize, max: usize) -> Result<Self, Error> {
        let args = ctx.args;
        match by {
            By::Rank => Ok(Bounds::Rank(ctx.int(min)?, ctx.int(max)?)),
            By::Score => score_bound(args.get(min))
                .zip(score_bound(args.get(max)))
                .map(|(min, max)| Bounds::Score(min, max))
                .ok_or(Error::new("ERR min or max is not a float")),
            By::Lex => lex_bound(args.get(min))
                .zip(lex_bound(args.get(max)))
                .map(|(min, max)| Bounds::Lex(min, max))
                .ok_or(Error::new("ERR min or max not valid string range item")),
        }
    }

    /// The ranks of the elements within; counted from the highest element if `reverse`, which makes a
    /// difference to bounds that are ranks.
    pub(super) fn ranks(self, set: &SortedSet, reverse: bool) -> Range<usize> {
        match self {
            Bounds::Rank(start, stop) => {
                let len = set.len();
                let ranks = ranks(start, stop, len);
                if reverse { len - ranks.end..len - ranks.start } else { ranks }
            }
            Bounds::Score(min, max) => set.ranks_by_score(min, max),
            Bounds::Lex(min, max) => set.ranks_by_lex(min, max),
        }
    }
}

/// The positions from `start` to `stop`, both included, in a sequence of `len`.
fn ranks(start: i64, stop: i64, len: usize) -> Range<usize> {
    let from_end = |index: i64| {
        if index < 0 { index.saturating_add_unsigned(len as u64).max(-1) } else { index }
    };
    let start = (from_end(start).max(0) as usize).min(len);
    let end = usize::try_from(from_end(stop).saturating_add(1)).unwrap_or(0).min(len);
    start..end.max(start)
}

fn score_bound(text: &[u8]) -> Option<ScoreBound> {
    match text.strip_prefix(b"(") {
        Some(text) => lenient_float(text).map(ScoreBound::Exclusive),
        None => lenient_float(text).map(ScoreBound::Inclusive),
    }
}

/// A float as C's `strtod` reads the bounds of a range: spaces may precede it, nothing at all is 0,
/// and numbers that are too large or too small are infinite or 0. A zero byte ends the text.
fn lenient_float(text: &[u8]) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let spaces = text.iter().take_while(|byte| is_space(byte)).count();
    let number = &text[spaces..];
    let out_of_range = || str::from_utf8(number).ok()?.parse().ok();
    parse_f64(number).or_else(out_of_range).filter(|value: &f64| !value.is_nan())
}

fn lex_bound(text: &[u8]) -> Option<LexBound<'_>> {
    // A zero byte ends the text of what is no member.
    match text {
        [b'-'] | [b'-', 0, ..] => Some(LexBound::Lowest),
        [b'+'] | [b'+', 0, ..] => Some(LexBound::Highest),
        [b'[', member @ ..] => Some(LexBound::Inclusive(member)),
        [b'(', member @ ..] => Some(LexBound::Exclusive(member)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_clamped() {
        for (start, stop, expected) in [
            (0, -1, 0..5),
            (1, 2, 1..3),
            (-2, -1, 3..5),
            (-100, 1, 0..2),
            (3, 100, 3..5),
            (3, 2, 3..3),
            (5, 9, 5..5),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
            (i64::MAX, i64::MIN, 5..5),
        ] {
            assert_eq!(ranks(start, stop, 5), expected, "{start} {stop}");
        }
        assert_eq!(ranks(0, -1, 0), 0..0);
    }

    #[test]
    fn bounds_are_read_as_c_does() {
        for (text, value) in [
            ("", 0.0),
            ("1.5", 1.5),
            (" \t2", 2.0),
            ("-inf", f64::NEG_INFINITY),
            ("1e999", f64::INFINITY),
            ("1e-999", 0.0),
            ("0x10", 16.0),
            ("3\0x", 3.0),
        ] {
            assert_eq!(lenient_float(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in ["nan", " ", "1 ", "x", "(1", "1_0", "\u{ff}"] {
            assert_eq!(lenient_float(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(score_bound(b"(2"), Some(ScoreBound::Exclusive(2.0)));
        assert_eq!(score_bound(b"((2"), None);
        assert_eq!(lex_bound(b"-"), Some(LexBound::Lowest));
        assert_eq!(lex_bound(b"+\0x"), Some(LexBound::Highest));
        assert_eq!(lex_bound(b"(a"), Some(LexBound::Exclusive(b"a")));
        assert_eq!(lex_bound(b"["), Some(LexBound::Inclusive(b"")));
        assert_eq!(lex_bound(b"-x"), None);
        assert_eq!(lex_bound(b"a"), None);
        assert_eq!(lex_bound(b""), None);
    }
}
