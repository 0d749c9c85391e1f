//! What can be combined: sorted sets, and sets, whose members all have a score of 1.

use russet_data::object::ValueType;
use russet_data::set::Set;
use russet_data::sorted_set::{Member, SortedSet};
use russet_keyspace::keyspace::EntryRef;

use crate::error::Error;
use crate::exec::values::{Held, held};

/// One of the values that are combined.
pub(super) enum Source<'a> {
    Missing,
    Plain(Held<'a, Set>),
    Sorted(Held<'a, SortedSet>),
}

impl<'a> Source<'a> {
    /// Refuses a key that holds something else.
    pub(super) fn check(entry: Option<EntryRef<'_>>) -> Result<(), Error> {
        match entry.map(|entry| entry.value_type()) {
            None | Some(ValueType::SortedSet | ValueType::Set) => Ok(()),
            Some(_) => Err(Error::WRONG_TYPE),
        }
    }

    /// What a key holds.
    pub(super) fn of(entry: Option<EntryRef<'a>>) -> Result<Self, Error> {
        match entry {
            Some(entry) if entry.value_type() == ValueType::Set => {
                Ok(held(Some(entry))?.map_or(Source::Missing, Source::Plain))
            }
            entry => Ok(held(entry)?.map_or(Source::Missing, Source::Sorted)),
        }
    }

    /// Number of members.
    pub(super) fn len(&self) -> usize {
        match self {
            Source::Missing => 0,
            Source::Plain(set) => set.len(),
            Source::Sorted(set) => set.len(),
        }
    }

    /// The score of a member.
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Missing => None,
            Source::Plain(set) => set.contains(member).then_some(1.0),
            Source::Sorted(set) => set.score(member),
        }
    }

    /// Shows all members, until `visit` wants no more.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(Member<'_>, f64) -> bool) {
        match self {
            Source::Missing => {}
            Source::Plain(set) => {
                let _ = set.iter().all(|member| visit(member, 1.0));
            }
            Source::Sorted(set) => {
                let _ = set.iter().all(|(member, score)| visit(member, score));
            }
        }
    }
}
