//! Sketches as strings of the keyspace.

use russet_data::hyperloglog::{Corrupted, Sketch};
use russet_data::object::ValueType;
use russet_keyspace::entry::{Entry, ValueRef};

use crate::error::Error;

/// The error about a sketch whose registers cannot be read.
pub fn corrupted(_: Corrupted) -> Error {
    Error::new("INVALIDOBJ Corrupted HLL object detected")
}

/// The sketch that an entry holds.
///
/// # Errors
///
/// If it is no string, or no sketch.
pub fn sketch(entry: &Entry) -> Result<Sketch<'_>, Error> {
    if entry.value_type() != ValueType::String {
        return Err(Error::WRONG_TYPE);
    }
    let bytes = match entry.value() {
        ValueRef::Int(_) => None,
        ValueRef::Bytes(bytes) => Some(bytes),
        ValueRef::Object(object) => russet_data::object::Variant::of(object).map(Vec::as_slice),
    };
    bytes
        .and_then(Sketch::new)
        .ok_or(Error::new("WRONGTYPE Key is not a valid HyperLogLog string value."))
}

/// The bytes of a string entry that is a sketch, to be changed and stored again.
pub fn copy(entry: &Entry) -> Vec<u8> {
    entry.string_bytes(&mut Default::default()).to_vec()
}

/// Stores a sketch. As in Redis it is a string that was edited, however short it is.
pub fn store(entry: &mut Entry, sketch: Vec<u8>) {
    // What is displaced is a sketch, which is small.
    drop(entry.set_vec(sketch));
    entry.bytes_mut();
}

/// A new key with a sketch.
pub fn new_entry(key: &[u8], sketch: Vec<u8>) -> Entry {
    let mut entry = Entry::with_vec(key, sketch, None);
    entry.bytes_mut();
    entry
}
