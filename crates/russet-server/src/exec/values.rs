//! Typed access to what a key holds.

use russet_data::object::ValueType;
use russet_keyspace::keyspace::EntryRef;

use crate::error::Error;

/// The entry of a key that must hold a string if it exists.
///
/// # Errors
///
/// [`Error::WRONG_TYPE`]
#[inline]
pub fn string(entry: Option<EntryRef<'_>>) -> Result<Option<EntryRef<'_>>, Error> {
    match entry {
        Some(entry) if entry.value_type() != ValueType::String => Err(Error::WRONG_TYPE),
        entry => Ok(entry),
    }
}
