//! Walking through a hash.

use crate::listpack::{self, Element};
use crate::records::{Record, strings_of};
use crate::table;

/// The fields of a hash with their values.
pub enum Iter<'a> {
    /// Of a listpack: fields and values in turn.
    Listpack(listpack::Iter<'a>),
    /// Of a table.
    Table(table::Iter<'a, Record<2>>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, Element<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Listpack(elements) => elements.next().zip(elements.next()),
            Iter::Table(records) => {
                let [field, value] = strings_of(&records.next()?);
                Some((Element::Bytes(field), Element::Bytes(value)))
            }
        }
    }
}
