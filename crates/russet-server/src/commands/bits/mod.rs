//! Strings as rows of bits.

mod combine;
mod fields;
mod single;
mod spans;
#[cfg(test)]
mod tests;

use russet_data::bits::{FieldType, parse_offset};

use crate::command::Command;
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    spans::BITCOUNT,
    fields::BITFIELD,
    fields::BITFIELD_RO,
    combine::BITOP,
    spans::BITPOS,
    single::GETBIT,
    single::SETBIT,
];

const EVENT_SETBIT: Event = Event::new(EventClass::STRING, "setbit");

/// Argument `at` as the offset of a bit, or of a field.
fn offset(ctx: &Ctx<'_>, at: usize, field: Option<FieldType>) -> Result<u64, Error> {
    let max_length = u64::try_from(ctx.config().proto_max_bulk_len).unwrap_or(0);
    parse_offset(ctx.args.get(at), field, max_length)
        .ok_or(Error::new("ERR bit offset is not an integer or out of range"))
}
