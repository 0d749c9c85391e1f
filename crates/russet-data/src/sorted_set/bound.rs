//! Ranges by score and by member.

use super::Member;
use crate::number::IntBuf;

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScoreBound {
    /// The score itself belongs to the range.
    Inclusive(f64),
    /// It does not.
    Exclusive(f64),
}

impl ScoreBound {
    /// Whether a score lies below a range that begins here.
    #[inline]
    pub(super) fn is_above(self, score: f64) -> bool {
        match self {
            ScoreBound::Inclusive(bound) => score < bound,
            ScoreBound::Exclusive(bound) => score <= bound,
        }
    }

    /// Whether a score lies below the end of a range that ends here.
    #[inline]
    pub(super) fn admits(self, score: f64) -> bool {
        match self {
            ScoreBound::Inclusive(bound) => score <= bound,
            ScoreBound::Exclusive(bound) => score < bound,
        }
    }

    /// The score that the bound names.
    #[inline]
    pub(super) fn score(self) -> f64 {
        match self {
            ScoreBound::Inclusive(bound) | ScoreBound::Exclusive(bound) => bound,
        }
    }
}

/// One end of a range of members that all have the same score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before all members.
    Lowest,
    /// After all members.
    Highest,
    /// The member itself belongs to the range.
    Inclusive(&'a [u8]),
    /// It does not.
    Exclusive(&'a [u8]),
}

impl LexBound<'_> {
    /// Whether a member lies below a range that begins here.
    #[inline]
    pub(super) fn is_above(self, member: Member<'_>) -> bool {
        let mut scratch = IntBuf::new();
        match self {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Inclusive(bound) => member.as_bytes(&mut scratch) < bound,
            LexBound::Exclusive(bound) => member.as_bytes(&mut scratch) <= bound,
        }
    }

    /// Whether a member lies below the end of a range that ends here.
    #[inline]
    pub(super) fn admits(self, member: Member<'_>) -> bool {
        let mut scratch = IntBuf::new();
        match self {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Inclusive(bound) => member.as_bytes(&mut scratch) <= bound,
            LexBound::Exclusive(bound) => member.as_bytes(&mut scratch) < bound,
        }
    }
}
