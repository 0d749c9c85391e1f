//! Building a set whose elements come in any order.

use super::packed::Packed;
use super::ranked::Ranked;
use super::{Form, Limits, SortedSet};
use crate::number::IntBuf;

/// A set that grows by member and gets its order at the end, for the results of commands. The members
/// are hashed once, and no order is kept that later scores would change.
#[derive(Default)]
pub struct Builder {
    members: Ranked,
    longest_member: usize,
}

impl Builder {
    /// A set without elements.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a member the score that `combine` makes of the one it has, if it has one. The score must
    /// not be NaN.
    pub fn put(&mut self, member: &[u8], combine: impl FnOnce(Option<f64>) -> f64) {
        self.longest_member = self.longest_member.max(member.len());
        self.members.put_unordered(member, combine);
    }

    /// Takes a member out again.
    pub fn remove(&mut self, member: &[u8]) {
        self.members.remove_unordered(member);
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.unordered_len()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set: a small one if the limits allow.
    #[must_use]
    pub fn finish(self, limits: Limits) -> SortedSet {
        let Builder { mut members, longest_member } = self;
        members.establish_order();
        if members.len() > limits.entries || longest_member > limits.member_bytes {
            return SortedSet(Form::Ranked(Box::new(members)));
        }
        let mut packed = Packed::new();
        let mut scratch = IntBuf::new();
        for (member, score) in members.range(0..members.len()) {
            packed.push(score, member.as_bytes(&mut scratch));
        }
        SortedSet(Form::Packed(packed))
    }
}
