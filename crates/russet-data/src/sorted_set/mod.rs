//! Sorted sets: different members, each with a score, ordered by score and among equals by member.
//!
//! A small set is one listpack, see `packed.rs`. A set with more elements or longer members than the
//! [`Limits`] allow becomes a table and a tree over the same elements (`ranked.rs`):
//!
//! ```text
//!      by member                               by rank, score, member
//!  table::Table<Element>                       tree::Tree<Handle>
//!       │                                           │
//!       │  8 bytes and a share of the buckets       │  4 bytes of the score and
//!       │                                           │  the element's address
//!       ▼                                           ▼
//!      ┌────────────────────────────────────────────────┐
//!      │ score, member: one allocation for each element │   element.rs
//!      └────────────────────────────────────────────────┘
//! ```
//!
//! It stays so when it shrinks, as in Redis, where only results of commands that store a new set are
//! small again if they fit ([`Builder`]).
//!
//! **Cost.** Finding, adding and removing a member, and finding a rank, take time logarithmic in the
//! number of elements; removing a range of them that and what the elements themselves take. An element
//! with a member of 12 bytes takes 42 bytes at most, all included, if scores are whole numbers
//! below eight million, and 58 otherwise (a test keeps the figures).
//!
//! Ranks are positions from the lowest score on, from 0. Ranges are ranges of ranks: bounds by score
//! or member are turned into one first.

mod bound;
mod builder;
mod element;
mod outside;
mod packed;
mod picture;
mod ranked;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;
use std::ops::Range;

pub use bound::{LexBound, ScoreBound};
pub use builder::Builder;

use crate::digest::Digest;
use crate::number::{FloatBuf, IntBuf};
use crate::object::{Encoding, PlaceAhead, Value, ValueType};
use crate::picture::Divisible;
use crate::relocation::Relocation;
use crate::serialized_len;
use crate::table::{Ahead, Statistics};
use packed::Packed;
use ranked::Ranked;

/// A member as it is stored. See [`crate::listpack::Element`].
pub type Member<'a> = crate::listpack::Element<'a>;

/// Up to where a set is one listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most elements.
    pub entries: usize,
    /// Longest member.
    pub member_bytes: usize,
}

impl Limits {
    /// No set is small.
    pub const NONE: Limits = Limits { entries: 0, member_bytes: 0 };
}

/// See the module's documentation.
#[derive(Clone)]
pub struct SortedSet(Form);

#[derive(Clone)]
enum Form {
    Packed(Packed),
    Ranked(Box<Ranked>),
}

/// Calls a method that both forms have.
macro_rules! on_form {
    ($form:expr, $set:ident => $call:expr) => {
        match $form {
            Form::Packed($set) => $call,
            Form::Ranked($set) => $call,
        }
    };
}

impl SortedSet {
    /// A set without elements.
    #[must_use]
    pub fn new() -> Self {
        SortedSet(Form::Packed(Packed::new()))
    }

    /// A set without elements that is going to have members of about so many bytes. Redis decides by
    /// its first member which form a set begins with.
    #[must_use]
    pub fn for_members(member_bytes: usize, limits: Limits) -> Self {
        if limits.entries == 0 || member_bytes > limits.member_bytes {
            return SortedSet(Form::Ranked(Box::default()));
        }
        Self::new()
    }

    /// Number of elements.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        on_form!(&self.0, set => set.len())
    }

    /// Whether there are no elements.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of a member.
    #[inline]
    #[must_use]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        on_form!(&self.0, set => set.score(member))
    }

    /// Shows `change` the score of a member, if it is in the set, and gives the member the score that is
    /// returned, if one is. It must not be NaN.
    pub fn put<R>(
        &mut self,
        member: &[u8],
        limits: Limits,
        change: impl FnOnce(Option<f64>) -> (Option<f64>, R),
    ) -> R {
        let packed = match &mut self.0 {
            Form::Packed(packed) => packed,
            Form::Ranked(ranked) => return ranked.put(member, change),
        };
        let place = packed.find(member);
        let (new, result) = change(place.map(|place| packed.score_at(place)));
        match (new, place) {
            (Some(score), Some(place)) => packed.replace(place, score, member),
            (Some(score), None) => self.add(score, member, limits),
            (None, _) => {}
        }
        result
    }

    /// Adds a member that is not in the set, which is small so far.
    fn add(&mut self, score: f64, member: &[u8], limits: Limits) {
        if let Form::Packed(packed) = &mut self.0
            && packed.len() < limits.entries
            && member.len() <= limits.member_bytes
            && packed.has_room_for(member.len())
        {
            return packed.insert(score, member);
        }
        self.unpack().put(member, |_| (Some(score), ()));
    }

    /// Takes a member out and returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        on_form!(&mut self.0, set => set.remove(member))
    }

    /// Takes out the elements of a range of ranks.
    ///
    /// # Panics
    /// If there are not that many.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        assert!(ranks.start <= ranks.end && ranks.end <= self.len());
        on_form!(&mut self.0, set => set.remove_range(ranks));
    }

    /// The rank of a member, and its score.
    #[must_use]
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        on_form!(&self.0, set => set.rank(member))
    }

    /// The ranks of the elements whose scores are in a range.
    #[must_use]
    pub fn ranks_by_score(&self, min: ScoreBound, max: ScoreBound) -> Range<usize> {
        in_order(on_form!(&self.0, set => set.positions_by_score(min, max)))
    }

    /// The ranks of the elements whose members are in a range, if all scores are the same. If they are
    /// not, it is some range of ranks.
    #[must_use]
    pub fn ranks_by_lex(&self, min: LexBound<'_>, max: LexBound<'_>) -> Range<usize> {
        in_order(on_form!(&self.0, set => set.positions_by_lex(min, max)))
    }

    /// The elements of a range of ranks, from both ends.
    ///
    /// # Panics
    /// If there are not that many.
    #[must_use]
    pub fn range(&self, ranks: Range<usize>) -> Items<'_> {
        assert!(ranks.start <= ranks.end && ranks.end <= self.len());
        Items(match &self.0 {
            Form::Packed(set) => FormItems::Packed(set.range(ranks)),
            Form::Ranked(set) => FormItems::Ranked(set.range(ranks)),
        })
    }

    /// All elements.
    #[must_use]
    pub fn iter(&self) -> Items<'_> {
        self.range(0..self.len())
    }

    /// The element of a rank.
    #[must_use]
    pub fn at(&self, rank: usize) -> Option<(Member<'_>, f64)> {
        (rank < self.len()).then(|| self.range(rank..rank + 1).next()).flatten()
    }

    /// Visits some elements and returns the cursor of the next ones; 0 begins and ends. All at once if
    /// the set is small; otherwise the contract is that of [`crate::table::Table::scan`].
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(Member<'_>, f64)) -> u64 {
        match &self.0 {
            Form::Packed(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            Form::Ranked(set) => set.scan(cursor, visit),
        }
    }

    /// Turns a listpack into table and tree.
    fn unpack(&mut self) -> &mut Ranked {
        if let Form::Packed(_) = &self.0 {
            let elements: Vec<(Vec<u8>, f64)> =
                self.iter().map(|(member, score)| (member.to_vec(), score)).collect();
            let borrowed = elements.iter().map(|(member, score)| (&member[..], *score));
            self.0 = Form::Ranked(Box::new(borrowed.collect()));
        }
        match &mut self.0 {
            Form::Ranked(ranked) => ranked,
            Form::Packed(_) => unreachable!("it has just become large"),
        }
    }

    /// Asserts the invariants of all parts.
    pub fn check_invariants(&self) {
        on_form!(&self.0, set => set.check_invariants());
    }
}

/// The range, or an empty one if its end comes before its start.
fn in_order(range: Range<usize>) -> Range<usize> {
    range.start..range.end.max(range.start)
}

impl Default for SortedSet {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SortedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Value for SortedSet {
    const TYPE: ValueType = ValueType::SortedSet;

    fn encoding(&self) -> Encoding {
        match &self.0 {
            Form::Packed(_) => Encoding::Listpack,
            Form::Ranked(_) => Encoding::Skiplist,
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn allocated_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(set) => set.listpack().allocated_bytes(),
            Form::Ranked(set) => set.allocated_bytes(),
        }
    }

    fn free_cost(&self) -> usize {
        match &self.0 {
            Form::Packed(_) => 1,
            Form::Ranked(set) => 1 + set.len(),
        }
    }

    #[inline]
    fn prefetch_element(&self, hash: u64, ahead: Ahead) {
        match &self.0 {
            Form::Packed(packed) => packed.listpack().prefetch(ahead),
            Form::Ranked(ranked) => ranked.prefetch(hash, ahead),
        }
    }

    #[inline]
    fn prefetch_place(&self, hash: u64, score: f64, ahead: PlaceAhead) {
        if let Form::Ranked(ranked) = &self.0 {
            ranked.prefetch_place(hash, score, ahead);
        }
    }

    fn serialized_len(&self) -> usize {
        match &self.0 {
            Form::Packed(set) => serialized_len::of_bytes(set.listpack().byte_len()),
            Form::Ranked(set) => {
                let mut scratch = IntBuf::new();
                let elements = set.range(0..set.len()).map(|(member, _)| {
                    serialized_len::of_string(member.as_bytes(&mut scratch)) + size_of::<f64>()
                });
                serialized_len::of_len(set.len()) + elements.sum::<usize>()
            }
        }
    }

    fn digest(&self, digest: &mut Digest) {
        let (mut for_member, mut for_score) = (IntBuf::new(), FloatBuf::new());
        for (member, score) in self.iter() {
            let score = for_score.format_17_digits(score);
            digest.add_sequence(&[member.as_bytes(&mut for_member), score]);
        }
    }

    fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        match &mut self.0 {
            Form::Packed(packed) => {
                packed.relocate(relocation);
                0
            }
            Form::Ranked(ranked) => {
                if cursor == 0 {
                    relocation.boxed(ranked, Ranked::new());
                }
                ranked.relocate(cursor, relocation)
            }
        }
    }

    fn table_statistics(&self) -> Option<Statistics> {
        match &self.0 {
            Form::Packed(_) => None,
            Form::Ranked(set) => Some(set.table_statistics()),
        }
    }

    fn divisible(&self) -> Option<&dyn Divisible> {
        match &self.0 {
            Form::Packed(_) => None,
            Form::Ranked(set) => Some(&**set),
        }
    }

    fn divisible_mut(&mut self) -> Option<&mut dyn Divisible> {
        match &mut self.0 {
            Form::Packed(_) => None,
            Form::Ranked(set) => Some(&mut **set),
        }
    }
}

/// Members and scores in order, see [`SortedSet::range`].
pub struct Items<'a>(FormItems<'a>);

enum FormItems<'a> {
    Packed(packed::Items<'a>),
    Ranked(ranked::Items<'a>),
}

impl<'a> Iterator for Items<'a> {
    type Item = (Member<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            FormItems::Packed(items) => items.next(),
            FormItems::Ranked(items) => items.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            FormItems::Packed(items) => items.size_hint(),
            FormItems::Ranked(items) => items.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Items<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            FormItems::Packed(items) => items.next_back(),
            FormItems::Ranked(items) => items.next_back(),
        }
    }
}

impl ExactSizeIterator for Items<'_> {}
