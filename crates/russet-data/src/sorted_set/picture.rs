//! The picture of a large sorted set: by rank, but what is about to change first.
//!
//! The highest score comes first, so that whoever loads the set adds at the front each time. What of the
//! set was taken is said by two things together:
//!
//! ```text
//!   rank:   0 ──────────────── mark ──────── highest
//!           □ □ ■ □ □ ■ ■ □ □ │ taken by rank
//!               ▲     ▲ ▲
//!               └─────┴─┴── in buckets of the table that carry the set's epoch: taken ahead
//! ```
//!
//! Before a member is changed, added or removed, the elements of its bucket that are below the mark are
//! taken, and the bucket gets the set's epoch. So a bucket with the other epoch holds what it held at the
//! instant, and of a bucket with the set's epoch nothing is to be taken any more. When the mark has
//! come down to rank 0, the buckets that still have the other epoch get the set's, a few at a time.

use std::ops::Range;
use std::sync::Arc;

use super::Member;
use super::element::ElementRef;
use super::ranked::{Ranked, element, order, place};
use crate::element_hash::element_hash;
use crate::picture::{Divisible, ElementSink, Part};
use crate::table::prefetch;

/// Elements that are visited before others get a chance.
const ELEMENTS_AT_ONCE: usize = 32;
/// Buckets whose epoch is changed before others get a chance.
const BUCKETS_AT_ONCE: u32 = 256;

/// How far the picture of a set is.
pub(super) enum Progress {
    /// What is not below the mark was taken.
    ByRank {
        /// `None`: above all.
        mark: Option<Mark>,
        /// Whether some bucket may have the set's epoch.
        is_ahead: bool,
    },
    /// Everything was taken, and buckets from this cursor on may have the other epoch.
    Epochs(u64),
}

/// Where an element is, or was, in the order.
pub(super) struct Mark {
    score: f64,
    member: Box<[u8]>,
}

fn part(element: ElementRef<'_>) -> Part<'_> {
    Part::Scored(Member::Bytes(element.member()), element.score())
}

impl Ranked {
    /// Has the bucket of a hash taken before it changes.
    #[inline]
    pub(super) fn hand_over(&mut self, hash: u64) {
        if self.sitting.is_on() {
            self.cover(hash);
        }
    }

    /// As [`Ranked::hand_over`], for the buckets of all elements in a range of positions.
    pub(super) fn hand_over_range(&mut self, positions: Range<usize>) {
        if self.sitting.is_on() {
            let hash = |handle| element_hash(element(handle).member());
            let hashes: Vec<u64> = self.tree.range(positions).map(hash).collect();
            hashes.into_iter().for_each(|hash| self.cover(hash));
        }
    }

    #[cold]
    fn cover(&mut self, hash: u64) {
        let Some((sink, progress)) = self.sitting.get_mut() else { return };
        if let Progress::ByRank { is_ahead, .. } = progress {
            // Also where the bucket has it already: the first one of an empty table is made with it.
            *is_ahead = true;
        }
        if self.table.epoch(hash) == self.epoch {
            return;
        }
        if let Progress::ByRank { mark, .. } = progress {
            self.table.scan(hash, &mut |element| {
                let element = element.get();
                let is_below = |mark: &Mark| order(element, mark.score, &mark.member).is_lt();
                if mark.as_ref().is_none_or(is_below) {
                    sink.take(part(element));
                }
            });
        }
        self.table.set_epoch(hash, self.epoch);
    }
}

impl Divisible for Ranked {
    fn element_bytes(&self) -> usize {
        self.element_bytes
    }

    fn sink(&self) -> Option<&Arc<dyn ElementSink>> {
        self.sitting.sink()
    }

    fn begin_picture(&mut self, sink: Arc<dyn ElementSink>) {
        self.sitting.begin(sink, Progress::ByRank { mark: None, is_ahead: false });
        self.epoch = !self.epoch;
    }

    fn continue_picture(&mut self, take: &mut dyn FnMut(Part<'_>)) -> bool {
        let Some((_, progress)) = self.sitting.get_mut() else { return true };
        match progress {
            Progress::ByRank { mark, is_ahead } => {
                let below = match mark {
                    None => self.tree.len(),
                    Some(mark) => self.tree.position(place(mark.score, &mark.member, false)),
                };
                let from = below.saturating_sub(ELEMENTS_AT_ONCE);
                self.tree.range(from..below).for_each(|handle| prefetch(handle.address()));
                let mut last = None;
                for handle in self.tree.range(from..below).rev() {
                    let element = element(handle);
                    let is_taken =
                        *is_ahead && self.table.epoch(element_hash(element.member())) == self.epoch;
                    if !is_taken {
                        take(part(element));
                    }
                    last = Some(element);
                }
                *mark = last.map(|last| Mark { score: last.score(), member: last.member().into() });
                if from == 0 {
                    *progress = Progress::Epochs(0);
                }
                false
            }
            Progress::Epochs(cursor) => {
                for _ in 0..BUCKETS_AT_ONCE {
                    self.table.set_epoch(*cursor, self.epoch);
                    *cursor = self.table.next_cursor(*cursor);
                    if *cursor == 0 {
                        self.sitting.end();
                        return true;
                    }
                }
                false
            }
        }
    }
}
