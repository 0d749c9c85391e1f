//! A small sorted set: members and scores in turn, in order, in one listpack.
//!
//! ```text
//! ┌────────┬───────┬────────┬───────┬┄┄
//! │ member │ score │ member │ score │       lowest score first
//! └────────┴───────┴────────┴───────┴┄┄
//! ```
//!
//! A score that is a whole number is one in the listpack, any other is text with 17 digits, as in
//! Redis, where negative zero is zero in a listpack as well.

use std::cmp::Ordering;
use std::ops::Range;

use super::Member;
use super::bound::{LexBound, ScoreBound};
use crate::listpack::{Listpack, Position};
use crate::number::{FloatBuf, IntBuf, parse_f64};
use crate::relocation::Relocation;

/// See the module's documentation.
#[derive(Clone)]
pub(super) struct Packed(Listpack);

/// Scores of at most this magnitude are stored as integers if they are whole numbers: up to there,
/// each of them is a float.
const LARGEST_INTEGER: f64 = (1_u64 << 52) as f64;

/// Writes a score at a position, where `write` puts an element.
fn with_score(score: f64, write: impl FnOnce(Member<'_>)) {
    let number = score as i64;
    if score.abs() < LARGEST_INTEGER && number as f64 == score {
        write(Member::Int(number));
    } else {
        write(Member::Bytes(FloatBuf::new().format_17_digits(score)));
    }
}

fn read_score(element: Member<'_>) -> f64 {
    match element {
        Member::Int(number) => number as f64,
        // What is here was written above, or checked when it was loaded.
        Member::Bytes(text) => parse_f64(text).unwrap_or(0.0),
    }
}

impl Packed {
    pub(super) fn new() -> Self {
        Packed(Listpack::new())
    }

    /// A set of members and scores in a listpack from outside, if they are in order.
    pub(super) fn from_listpack(listpack: Listpack) -> Result<Self, Listpack> {
        let packed = Packed(listpack);
        let mut before: Option<(f64, Vec<u8>)> = None;
        for (member, score) in packed.members() {
            let this = (score, member.to_vec());
            if before.is_some_and(|before| before >= this) {
                return Err(packed.0);
            }
            before = Some(this);
        }
        Ok(packed)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len() / 2
    }

    /// Moves the allocation.
    pub(super) fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        self.0.relocate(relocation);
    }

    pub(super) fn listpack(&self) -> &Listpack {
        &self.0
    }

    /// Where a member is.
    pub(super) fn find(&self, member: &[u8]) -> Option<Position> {
        self.0.find(member, self.0.first()?, 1)
    }

    /// The score of the member at a position.
    pub(super) fn score_at(&self, position: Position) -> f64 {
        let score = self.0.next(position).expect("a score follows each member");
        read_score(self.0.get(score))
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.find(member).map(|position| self.score_at(position))
    }

    /// Whether a member of so many bytes may be added.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.0.has_room_for(bytes)
    }

    /// Adds a member that is not in the set.
    pub(super) fn insert(&mut self, score: f64, member: &[u8]) {
        let mut next = self.0.first();
        while let Some(position) = next {
            let follows = match self.score_at(position).partial_cmp(&score) {
                Some(Ordering::Equal) => self.0.get(position).as_bytes(&mut IntBuf::new()) > member,
                ordering => ordering.is_some_and(Ordering::is_gt),
            };
            if follows {
                with_score(score, |score| self.0.insert(position, score));
                self.0.insert(position, member);
                return;
            }
            next = self.skip(position);
        }
        self.push(score, member);
    }

    /// Adds a member that comes after all others.
    pub(super) fn push(&mut self, score: f64, member: &[u8]) {
        self.0.push_back(member);
        with_score(score, |score| self.0.push_back(score));
    }

    /// The member after the one at a position.
    fn skip(&self, position: Position) -> Option<Position> {
        self.0.next(position).and_then(|score| self.0.next(score))
    }

    /// Gives the member at a position, which this is, another score.
    pub(super) fn replace(&mut self, position: Position, score: f64, member: &[u8]) {
        self.0.remove_many(position, 2);
        self.insert(score, member);
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let position = self.find(member)?;
        let score = self.score_at(position);
        self.0.remove_many(position, 2);
        Some(score)
    }

    pub(super) fn remove_range(&mut self, positions: Range<usize>) {
        if let Some(start) = self.seek(positions.start) {
            self.0.remove_many(start, 2 * positions.len());
        }
    }

    /// Where the member of a rank is.
    fn seek(&self, rank: usize) -> Option<Position> {
        self.0.seek(2 * rank as i64)
    }

    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let rank = self.members().position(|(other, _)| other == Member::from(member))?;
        Some((rank, self.score_at(self.seek(rank)?)))
    }

    fn members(&self) -> Items<'_> {
        self.range(0..self.len())
    }

    pub(super) fn positions_by_score(&self, min: ScoreBound, max: ScoreBound) -> Range<usize> {
        self.positions(|_, score| min.is_above(score), |_, score| max.admits(score))
    }

    pub(super) fn positions_by_lex(&self, min: LexBound<'_>, max: LexBound<'_>) -> Range<usize> {
        self.positions(|member, _| min.is_above(member), |member, _| max.admits(member))
    }

    /// From the first element that is not below the range, as far as elements are not above it.
    fn positions<'a>(
        &'a self,
        is_below: impl Fn(Member<'a>, f64) -> bool,
        is_admitted: impl Fn(Member<'a>, f64) -> bool,
    ) -> Range<usize> {
        let mut members = self.members();
        let is_start = |(member, score)| !is_below(member, score);
        let start = members.position(is_start).unwrap_or(self.len());
        let inside = self
            .range(start..self.len())
            .take_while(|(member, score)| is_admitted(*member, *score))
            .count();
        start..start + inside
    }

    pub(super) fn range(&self, positions: Range<usize>) -> Items<'_> {
        let last = positions.end.saturating_sub(1);
        Items {
            listpack: &self.0,
            left: positions.len(),
            front: self.seek(positions.start),
            back: self.seek(last),
        }
    }

    pub(super) fn check_invariants(&self) {
        self.0.check_invariants();
        assert!(self.0.len().is_multiple_of(2));
        let mut before: Option<(f64, Vec<u8>)> = None;
        for (member, score) in self.members() {
            let this = (score, member.to_vec());
            assert!(before.is_none_or(|before| before < this));
            before = Some(this);
        }
    }
}

/// Members and scores in order, from both ends.
pub(super) struct Items<'a> {
    listpack: &'a Listpack,
    left: usize,
    /// The next member from the front; good as long as there are some left.
    front: Option<Position>,
    back: Option<Position>,
}

impl<'a> Items<'a> {
    fn pair(&self, position: Position) -> (Member<'a>, f64, Option<Position>) {
        let score = self.listpack.next(position).expect("a score follows each member");
        let pair = (self.listpack.get(position), read_score(self.listpack.get(score)));
        (pair.0, pair.1, self.listpack.next(score))
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (Member<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (member, score, next) = self.pair(self.front?);
        self.front = next;
        Some((member, score))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let position = self.back?;
        let (member, score, _) = self.pair(position);
        let score_before = self.listpack.previous(position);
        self.back = score_before.and_then(|score| self.listpack.previous(score));
        Some((member, score))
    }
}
