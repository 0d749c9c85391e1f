//! Hashes as files have them.

use super::{Form, Hash, Limits};
use crate::listpack::Listpack;

impl Hash {
    /// A hash of fields and values in turn; `None` if there is a field twice.
    ///
    /// # Panics
    /// If the last field has no value.
    #[must_use]
    pub fn from_listpack(listpack: Listpack, limits: &Limits) -> Option<Self> {
        assert!(listpack.len().is_multiple_of(2), "each field has a value");
        let listpack = listpack.into_canonical();
        if listpack.has_duplicates(2) {
            return None;
        }
        let is_small = listpack.len() / 2 <= limits.entries
            && listpack.iter().all(|element| element.text_len() <= limits.value);
        let mut hash = Hash(Form::Listpack(listpack));
        if !is_small {
            hash.convert_to_table();
        }
        Some(hash)
    }

    /// The listpack that the hash is.
    #[must_use]
    pub fn listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Listpack(listpack) => Some(listpack),
            Form::Table(_) => None,
        }
    }
}
