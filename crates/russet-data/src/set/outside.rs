//! Sets as files have them.

use super::{Form, Limits, Other, Set, fits};
use crate::intset::Intset;
use crate::listpack::Listpack;
use crate::number::IntBuf;

impl Set {
    /// A set of integers from outside.
    #[must_use]
    pub fn from_intset(intset: Intset, limits: &Limits) -> Self {
        let is_small = intset.len() <= limits.intset_entries;
        let mut set = Set(Form::Other(Other::Intset(intset)));
        if !is_small {
            set.convert_to_table();
        }
        set
    }

    /// A set of the elements of a listpack from outside; `None` if there is one twice.
    #[must_use]
    pub fn from_listpack(listpack: Listpack, limits: &Limits) -> Option<Self> {
        let listpack = listpack.into_canonical();
        if listpack.has_duplicates(1) {
            return None;
        }
        let longest = listpack.iter().map(|element| element.text_len()).max().unwrap_or(0);
        if fits(listpack.len(), longest, limits) {
            return Some(Set(Form::Listpack(listpack)));
        }
        let (mut set, mut scratch) = (Set::new(), IntBuf::new());
        for element in listpack.iter() {
            set.insert(element.as_bytes(&mut scratch), limits);
        }
        Some(set)
    }

    /// The intset that the set is.
    #[must_use]
    pub fn intset(&self) -> Option<&Intset> {
        match &self.0 {
            Form::Other(Other::Intset(intset)) => Some(intset),
            _ => None,
        }
    }

    /// The listpack that the set is.
    #[must_use]
    pub fn listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Listpack(listpack) => Some(listpack),
            Form::Other(_) => None,
        }
    }
}
