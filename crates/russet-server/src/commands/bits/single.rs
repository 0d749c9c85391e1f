//! One bit.

use russet_data::bits::{bit_at, length_for_bit, set_bit};
use russet_data::object::ValueType;
use russet_keyspace::entry::{Entry, IntBuf};

use super::{EVENT_SETBIT, offset};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::Ctx;
use crate::exec::values::string;

pub const SETBIT: Command = Command {
    group: Group::Bitmap,
    since: "2.2.0",
    summary: "Sets or clears a bit of a key's string value and returns what it was.",
    syntax: "key offset:integer value:integer",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    ..Command::new("setbit", 4, Flags::WRITE.union(Flags::DENYOOM), setbit)
};

pub const GETBIT: Command = Command {
    group: Group::Bitmap,
    since: "2.2.0",
    summary: "Returns a bit of a key's string value.",
    syntax: "key offset:integer",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("getbit", 3, Flags::READONLY.union(Flags::FAST), getbit)
};

fn setbit(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let offset = offset(ctx, 2, None)?;
    let value = match ctx.int(3) {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(Error::new("ERR bit is not an integer or out of range")),
    };
    let key = ctx.key(1);
    let length = length_for_bit(offset);
    let updated = ctx.db.update(key, |entry| {
        if entry.value_type() != ValueType::String {
            return Err(Error::WRONG_TYPE);
        }
        let before = entry.string_len();
        let previous = set_bit(entry.resize_bytes(before.max(length)), offset, value);
        Ok((previous, previous != value || before < length))
    });
    let (previous, changed) = match updated {
        Some(result) => result?,
        None => {
            let mut entry = Entry::with_bytes(key.bytes, b"", None);
            set_bit(entry.resize_bytes(length), offset, value);
            ctx.db.add(key.hash, entry);
            (false, true)
        }
    };
    if changed {
        ctx.db.changed(key, EVENT_SETBIT);
    }
    ctx.out.integer(previous.into());
    Ok(())
}

fn getbit(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let offset = offset(ctx, 2, None)?;
    let key = ctx.key(1);
    let entry = string(ctx.db.read(key))?;
    let bit = entry.is_some_and(|entry| bit_at(entry.string_bytes(&mut IntBuf::new()), offset));
    ctx.out.integer(bit.into());
    Ok(())
}
