//! Counting.

use russet_data::number::parse_i64;
use russet_data::object::ValueType;
use russet_keyspace::entry::{Entry, ValueRef};

use super::UPDATES;
use crate::command::{Command, Flags, Group, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass};

pub const INCR: Command = Command {
    group: Group::String,
    summary: "Adds one to the integer value of a key, which counts as 0 if it does not exist.",
    syntax: "key",
    keys: &[KeySpec::one(1, UPDATES)],
    ..Command::new("incr", 2, Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST), incr)
};

const EVENT_INCRBY: Event = Event::new(EventClass::STRING, "incrby");

fn incr(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    add(ctx, 1)
}

fn add(ctx: &mut Ctx<'_>, by: i64) -> Result<(), Error> {
    let key = ctx.key(1);
    let updated = ctx.db.update(key, |entry| {
        let value = integer(entry)?.checked_add(by).ok_or(Error::OVERFLOW)?;
        Ok((value, entry.set_int(value)))
    });
    let value = match updated {
        Some(result) => {
            let (value, displaced) = result?;
            ctx.server.lazy_free.free_object(displaced);
            value
        }
        None => {
            ctx.db.add(key.hash, Entry::with_int(key.bytes, by, None));
            by
        }
    };
    ctx.db.changed(key, EVENT_INCRBY);
    ctx.out.integer(value);
    Ok(())
}

/// The integer that a string entry holds.
fn integer(entry: &Entry) -> Result<i64, Error> {
    if entry.value_type() != ValueType::String {
        return Err(Error::WRONG_TYPE);
    }
    match entry.value() {
        ValueRef::Int(value) => Ok(value),
        ValueRef::Bytes(bytes) => parse_i64(bytes).ok_or(Error::NOT_AN_INTEGER),
        ValueRef::Object(_) => Err(Error::NOT_AN_INTEGER),
    }
}
