//! Walking through a set.

use std::ops::Range;

use super::packed::unpack;
use crate::intset::Intset;
use crate::listpack::{self, Element};
use crate::records::Record;
use crate::table;

/// The elements of a set.
pub enum Iter<'a> {
    /// Of a listpack.
    Listpack(listpack::Iter<'a>),
    /// Of an intset, by place.
    Intset(&'a Intset, Range<usize>),
    /// Of a table.
    Table(table::Iter<'a, Record<1>>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Iter::Listpack(elements) => elements.next(),
            Iter::Intset(intset, places) => places.next().map(|at| Element::Int(intset.get(at))),
            Iter::Table(records) => records.next().map(|record| unpack(record.key())),
        }
    }
}
