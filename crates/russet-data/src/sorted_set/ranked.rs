//! A large sorted set: a table that finds elements by member, and a tree that has them in order.
//!
//! The table owns the elements. The tree knows each by its address and, as prefix, by the upper half
//! of its score, so a search seldom looks at elements whose score is not the one it looks for.
//!
//! Invariants:
//!
//! - **R1** The tree's handles are those of the table's elements, each once. So whatever changes or
//!   drops an element takes its handle out of the tree first.
//! - **R2** The tree is ordered by score, then by member; an item's prefix is [`prefix`] of its score.
//! - **R3** If no picture is taken (`picture.rs`), all buckets of the table carry `epoch`.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use super::Member;
use super::bound::{LexBound, ScoreBound};
use super::element::{Element, ElementRef, Handle};
use super::picture::Progress;
use super::tree::{self, Place, Tree};
use crate::element_hash::{ElementHash, element_hash};
use crate::object::PlaceAhead;
use crate::picture::{Sitting, finish};
use crate::relocation::Relocation;
use crate::size_class::size_class;
use crate::table::{Ahead, Statistics, Table, prefetch};

/// See the module's documentation.
pub(super) struct Ranked {
    pub(super) table: Table<Element>,
    pub(super) tree: Tree<Handle>,
    pub(super) element_bytes: usize,
    pub(super) sitting: Sitting<Progress>,
    pub(super) epoch: bool,
}

/// How many pops ahead the bucket of an element is fetched; the element itself is, twice as many.
const POPS_AHEAD: usize = 4;

/// The flag of a cursor of [`Ranked::relocate`] that says that the rest is a position, and not a cursor
/// of the table, which has no use for so many bits.
const OF_LEAVES: u64 = 1 << 63;

/// The upper half of a number that is ordered as scores are. Both zeros are the same score.
#[inline]
fn prefix(score: f64) -> u32 {
    let bits = (score + 0.0).to_bits();
    let negative = (bits as i64 >> 63) as u64;
    ((bits ^ (negative | 1 << 63)) >> 32) as u32
}

/// The element of a handle.
#[inline]
pub(super) fn element<'a>(handle: Handle) -> ElementRef<'a> {
    // SAFETY: handles come from the tree of a set whose table owns the element (R1). Callers are
    // functions of this module that borrow the set for as long as they use what this returns, and
    // change an element only while no reference that came from a handle is left.
    unsafe { handle.get() }
}

#[inline]
pub(super) fn order(one: ElementRef<'_>, score: f64, member: &[u8]) -> Ordering {
    // No score is NaN; both zeros are equal.
    let scores = one.score().partial_cmp(&score).unwrap_or(Ordering::Equal);
    scores.then_with(|| one.member().cmp(member))
}

/// The place of a score and member: before the element if there is one, or behind it.
#[inline]
pub(super) fn place(score: f64, member: &[u8], is_behind: bool) -> Place<impl Fn(Handle) -> bool> {
    Place::among(prefix(score), move |handle| match order(element(handle), score, member) {
        Ordering::Equal => is_behind,
        ordering => ordering.is_lt(),
    })
}

impl Ranked {
    pub(super) const fn new() -> Self {
        Ranked {
            table: Table::new(),
            tree: Tree::new(),
            element_bytes: 0,
            sitting: Sitting::NONE,
            epoch: false,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    #[inline]
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        let found = self.table.find(element_hash(member), member)?;
        Some(found.get().score())
    }

    /// A step towards the element of a member.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64, ahead: Ahead) {
        self.table.prefetch(hash, ahead);
    }

    /// A step towards what is read when an element that was fetched gets another score, or comes in.
    pub(super) fn prefetch_place(&self, hash: u64, score: f64, ahead: PlaceAhead) {
        let new = prefix(score);
        let both = || {
            let old = self.table.guess(hash, |_| true);
            let old = old.map(|element| prefix(element.get().score()));
            old.into_iter().chain([new])
        };
        match ahead {
            PlaceAhead::Branch => both().for_each(|place| self.tree.prefetch_branch(place)),
            PlaceAhead::Leaf => both().for_each(|place| self.tree.prefetch_leaf(place)),
            PlaceAhead::Neighbour => {
                if let Some(neighbour) = self.tree.first_with(new) {
                    prefetch(neighbour.address());
                }
            }
        }
    }

    /// See [`super::SortedSet::put`].
    pub(super) fn put<R>(
        &mut self,
        member: &[u8],
        change: impl FnOnce(Option<f64>) -> (Option<f64>, R),
    ) -> R {
        let hash = element_hash(member);
        self.hand_over(hash);
        let Some(mut slot) = self.table.find_mut(hash, member) else {
            let (new, result) = change(None);
            if let Some(score) = new {
                let handle = self.adopt(hash, Element::new(score, member));
                self.tree.insert(prefix(score), handle, place(score, member, false));
            }
            return result;
        };
        let old = slot.item().get().score();
        let (new, result) = change(Some(old));
        if let Some(new) = new {
            let old = place(old, member, true);
            if slot.item().has_room_for(new) {
                // An element that stays where it is may change while it is in the tree.
                if self.tree.move_or_remove(old, place(new, member, false), prefix(new)) {
                    slot.update(|element| element.set_score(new));
                    return result;
                }
            } else {
                self.tree.remove_before(old);
            }
            self.element_bytes -= slot.item().allocated_bytes();
            slot.update(|element| element.set_score(new));
            self.element_bytes += slot.item().allocated_bytes();
            self.tree.insert(prefix(new), slot.item().handle(), place(new, member, false));
        }
        result
    }

    /// Puts an element into the table only.
    fn adopt(&mut self, hash: u64, new: Element) -> Handle {
        let handle = new.handle();
        self.element_bytes += new.allocated_bytes();
        self.table.insert_unique(hash, new, &ElementHash);
        if self.epoch && self.table.len() == 1 {
            // The table had no bucket to carry the epoch.
            self.table.set_epoch(hash, true);
        }
        handle
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let hash = element_hash(member);
        self.hand_over(hash);
        let score = self.table.find(hash, member)?.get().score();
        self.tree.remove_before(place(score, member, true));
        let removed = self.table.remove(hash, member);
        self.element_bytes -= removed.map_or(0, |element| element.allocated_bytes());
        Some(score)
    }

    pub(super) fn remove_range(&mut self, positions: Range<usize>) {
        let start = positions.start;
        self.hand_over_range(positions.clone());
        let (table, bytes) = (&mut self.table, &mut self.element_bytes);
        self.tree.remove_range(positions, &mut |handle| {
            let member = element(handle).member();
            // The member is the removed element's own, which lives until it is dropped here.
            let removed = table.remove(element_hash(member), member);
            *bytes -= removed.map_or(0, |element| element.allocated_bytes());
        });
        if start == 0 || start == self.len() {
            self.prefetch_pops(start == 0);
        }
    }

    /// Who takes elements from an end of the set is likely to go on: begins to fetch an element that
    /// comes later, the bucket of one that comes sooner, and what lies behind that of one yet sooner.
    fn prefetch_pops(&self, from_front: bool) {
        let handle = |distance: usize| {
            let last = self.len().checked_sub(distance + 1)?;
            let at = if from_front { distance } else { last };
            self.tree.range(at..at + 1).next()
        };
        if let Some(later) = handle(2 * POPS_AHEAD) {
            prefetch(later.address());
        }
        for (distance, ahead) in [(POPS_AHEAD, Ahead::Bucket), (POPS_AHEAD / 2, Ahead::Element)] {
            if let Some(later) = handle(distance) {
                self.table.prefetch(element_hash(element(later).member()), ahead);
            }
        }
    }

    /// The rank of a member, and its score.
    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((self.tree.position(place(score, member, false)), score))
    }

    /// The positions of the elements whose scores are in a range.
    pub(super) fn positions_by_score(&self, min: ScoreBound, max: ScoreBound) -> Range<usize> {
        let score = |handle| element(handle).score();
        let start = Place::among(prefix(min.score()), |handle| min.is_above(score(handle)));
        let end = Place::among(prefix(max.score()), |handle| max.admits(score(handle)));
        self.tree.position(start)..self.tree.position(end)
    }

    pub(super) fn positions_by_lex(&self, min: LexBound<'_>, max: LexBound<'_>) -> Range<usize> {
        let member = |handle| Member::Bytes(element(handle).member());
        let start = Place::anywhere(|handle| min.is_above(member(handle)));
        let end = Place::anywhere(|handle| max.admits(member(handle)));
        self.tree.position(start)..self.tree.position(end)
    }

    pub(super) fn range(&self, positions: Range<usize>) -> Items<'_> {
        Items { handles: self.tree.range(positions) }
    }

    /// Visits the elements of one bucket and returns the next cursor, see [`Table::scan`].
    pub(super) fn scan(&self, cursor: u64, visit: &mut dyn FnMut(Member<'_>, f64)) -> u64 {
        self.table.scan(cursor, &mut |element| {
            let element = element.get();
            visit(Member::Bytes(element.member()), element.score());
        })
    }

    /// See [`Value::relocate`](crate::object::Value::relocate): first the buckets with their elements,
    /// then the leaves.
    pub(super) fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        if cursor & OF_LEAVES != 0 {
            let position = (cursor & !OF_LEAVES) as usize;
            let next = self.tree.relocate_leaf(position, relocation);
            return next.map_or(0, |position| OF_LEAVES | position as u64);
        }
        if cursor == 0 {
            self.table.relocate_pages(relocation);
        }
        let tree = &mut self.tree;
        let next = self.table.relocate_bucket(cursor, &mut |old| {
            if relocation.concerns(old.handle().address()) {
                let (score, member) = (old.get().score(), old.get().member());
                let new = Element::new(score, member);
                // The old one is in the tree until then (R1), and is read there.
                tree.replace_before(place(score, member, true), new.handle());
                *old = new;
            }
        });
        if next == 0 { OF_LEAVES } else { next }
    }

    /// In constant time but for the nodes of the tree.
    pub(super) fn allocated_bytes(&self) -> usize {
        size_class(size_of::<Self>())
            + self.table.allocated_bytes()
            + self.tree.allocated_bytes()
            + self.element_bytes
    }

    pub(super) fn table_statistics(&self) -> Statistics {
        self.table.statistics()
    }

    pub(super) fn check_invariants(&self) {
        self.table.check_invariants(&ElementHash);
        self.tree.check_invariants(
            |handle| prefix(element(handle).score()),
            |one, other| {
                let other = element(other);
                order(element(one), other.score(), other.member()).is_lt()
            },
        );
        assert_eq!(self.table.len(), self.tree.len(), "R1");
        for handle in self.tree.range(0..self.tree.len()) {
            let member = element(handle).member();
            let found = self.table.find(element_hash(member), member);
            assert!(found.is_some_and(|found| found.handle() == handle), "R1");
        }
        let bytes = self.table.iter().map(|element| element.allocated_bytes());
        assert_eq!(bytes.sum::<usize>(), self.element_bytes);
        assert!(self.sitting.is_on() || self.table.carries_epoch(self.epoch), "R3");
    }
}

/// Building: first the table, then the tree. In between, R1 and R2 do not hold, and only these
/// functions may be called.
impl Ranked {
    /// See [`super::Builder::put`].
    pub(super) fn put_unordered(
        &mut self,
        member: &[u8],
        combine: impl FnOnce(Option<f64>) -> f64,
    ) {
        let hash = element_hash(member);
        match self.table.find_mut(hash, member) {
            Some(mut slot) => {
                let old = slot.item().get().score();
                self.element_bytes -= slot.item().allocated_bytes();
                slot.update(|element| element.set_score(combine(Some(old))));
                self.element_bytes += slot.item().allocated_bytes();
            }
            None => {
                self.adopt(hash, Element::new(combine(None), member));
            }
        }
    }

    pub(super) fn remove_unordered(&mut self, member: &[u8]) {
        let removed = self.table.remove(element_hash(member), member);
        self.element_bytes -= removed.map_or(0, |element| element.allocated_bytes());
    }

    pub(super) fn unordered_len(&self) -> usize {
        self.table.len()
    }

    /// Builds the tree.
    pub(super) fn establish_order(&mut self) {
        let handles = self.table.iter().map(|element| element.handle()).collect();
        self.put_in_order(handles);
    }

    fn put_in_order(&mut self, mut handles: Vec<Handle>) {
        let compare = |one: &Handle, other: &Handle| {
            let other = element(*other);
            order(element(*one), other.score(), other.member())
        };
        // Copies are made of elements in order.
        if !handles.is_sorted_by(|one, other| compare(one, other).is_lt()) {
            handles.sort_unstable_by(compare);
        }
        let prefixed = handles.into_iter().map(|handle| (prefix(element(handle).score()), handle));
        self.tree = prefixed.collect();
    }
}

impl<'m> FromIterator<(&'m [u8], f64)> for Ranked {
    /// A set of different members in any order.
    fn from_iter<I: IntoIterator<Item = (&'m [u8], f64)>>(elements: I) -> Self {
        let mut set = Ranked::new();
        let handles = elements
            .into_iter()
            .map(|(member, score)| set.adopt(element_hash(member), Element::new(score, member)))
            .collect();
        set.put_in_order(handles);
        set
    }
}

impl Drop for Ranked {
    fn drop(&mut self) {
        if self.sitting.is_on() {
            finish(self);
        }
    }
}

impl Default for Ranked {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Ranked {
    fn clone(&self) -> Self {
        let elements = self.tree.range(0..self.len()).map(element);
        elements.map(|element| (element.member(), element.score())).collect()
    }
}

impl fmt::Debug for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.range(0..self.len())).finish()
    }
}

/// Members and scores in order, from both ends.
pub(super) struct Items<'a> {
    handles: tree::Items<'a, Handle>,
}

fn pair<'a>(handle: Handle) -> (Member<'a>, f64) {
    let element = element(handle);
    (Member::Bytes(element.member()), element.score())
}

impl<'a> Iterator for Items<'a> {
    type Item = (Member<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(later) = self.handles.peek_ahead() {
            prefetch(later.address());
        }
        self.handles.next().map(pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.handles.size_hint()
    }
}

impl DoubleEndedIterator for Items<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if let Some(later) = self.handles.peek_ahead_back() {
            prefetch(later.address());
        }
        self.handles.next_back().map(pair)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn scores_that_change_a_little_keep_the_order(
            changes in prop::collection::vec((0usize..400, -9i32..10), 1..300),
        ) {
            let member = |number: usize| format!("member{number}").into_bytes();
            let mut scores: Vec<f64> = (0..400).map(|number| f64::from(number / 3)).collect();
            let elements: Vec<_> = (0..400).map(member).zip(scores.iter().copied()).collect();
            let mut set: Ranked =
                elements.iter().map(|(member, score)| (&member[..], *score)).collect();
            for (number, by) in changes {
                // Halves take another width than whole numbers.
                scores[number] += f64::from(by) / 2.0;
                set.put(&member(number), |_| (Some(scores[number]), ()));
            }
            set.check_invariants();
            for (number, score) in scores.into_iter().enumerate() {
                prop_assert_eq!(set.score(&member(number)), Some(score));
            }
        }

        #[test]
        fn prefixes_are_ordered_as_scores_are(one: f64, other: f64) {
            prop_assume!(!one.is_nan() && !other.is_nan());
            match one.partial_cmp(&other) {
                Some(Ordering::Less) => prop_assert!(prefix(one) <= prefix(other)),
                Some(Ordering::Greater) => prop_assert!(prefix(one) >= prefix(other)),
                _ => prop_assert_eq!(prefix(one), prefix(other)),
            }
        }
    }

    #[test]
    fn special_scores_have_their_places() {
        assert_eq!(prefix(0.0), prefix(-0.0));
        let ascending = [f64::NEG_INFINITY, -1e300, -1.0, 0.0, 1.0, 2.0, 1e300, f64::INFINITY];
        assert!(ascending.is_sorted_by(|one, other| prefix(*one) < prefix(*other)));
    }
}
