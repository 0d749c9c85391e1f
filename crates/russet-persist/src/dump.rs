//! One value outside of any file: what DUMP answers and RESTORE takes.
//!
//! ```text
//! ┌──────┬───────┬─────────┬──────────┐
//! │ kind │ value │ version │ checksum │   low bytes first
//! │ u8   │       │ u16     │ u64      │
//! └──────┴───────┴─────────┴──────────┘
//! ```
//!
//! Kind and value are those of RDB files ([`crate::rdb`]), the version that of the file they could be
//! in, and the checksum is of all before it. As in files, a checksum of zero is none.

use russet_keyspace::entry::ValueRef;

use crate::crc64;
use crate::rdb::{self, Encoder, Error, Kind, Limits, Problem, Value};

/// Bytes of version and checksum.
const FOOTER_BYTES: usize = 10;
/// What version a payload can have at most: the newest that Redis and Valkey write.
const NEWEST_VERSION: u16 = 80;

/// The payload of a value.
#[must_use]
pub fn dump(value: ValueRef<'_>, encoder: Encoder) -> Vec<u8> {
    let mut payload = vec![encoder.kind(value) as u8];
    encoder.value(&mut payload, value);
    payload.extend((encoder.level.version() as u16).to_le_bytes());
    let checksum = crc64::update(0, &payload);
    payload.extend(checksum.to_le_bytes());
    payload
}

/// Kind and value of a payload whose version and, if that is checked, checksum are right.
#[must_use]
pub fn verified(payload: &[u8], checks: bool) -> Option<&[u8]> {
    let (body, footer) = payload.split_last_chunk::<FOOTER_BYTES>()?;
    let [low, high, checksum @ ..] = *footer;
    let checksum = u64::from_le_bytes(checksum);
    let checked = &payload[..payload.len() - size_of::<u64>()];
    let is_right = !checks || checksum == 0 || checksum == crc64::update(0, checked);
    (u16::from_le_bytes([low, high]) <= NEWEST_VERSION && is_right).then_some(body)
}

/// The value of kind and bytes.
///
/// # Errors
/// If they are not a value that can be stored.
pub fn restore(body: &[u8], limits: &Limits) -> Result<Value, Error> {
    let problem = |problem| Error { offset: 0, problem };
    let (&number, value) = body.split_first().ok_or(problem(Problem::Truncated))?;
    let kind = Kind::of(number).ok_or(problem(Problem::UnknownType(number)))?;
    rdb::decode(kind, value, limits).map_err(|error| error.behind(1))
}
