//! Counting.

use russet_data::number::{Extended, parse_i64};
use russet_data::object::ValueType;
use russet_keyspace::entry::{Entry, IntBuf, ValueRef};

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass};

const FLAGS: Flags = Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST);

pub const INCR: Command = Command {
    group: Group::String,
    summary: "Adds one to the integer value of a key, which counts as 0 if it does not exist.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    ..Command::new("incr", 2, FLAGS, incr)
};

pub const DECR: Command = Command {
    group: Group::String,
    summary: "Subtracts one from the integer value of a key, 0 if it does not exist.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    ..Command::new("decr", 2, FLAGS, decr)
};

pub const INCRBY: Command = Command {
    group: Group::String,
    summary: "Adds an integer to the integer value of a key, 0 if it does not exist.",
    syntax: "key increment:integer",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    ..Command::new("incrby", 3, FLAGS, incrby)
};

pub const DECRBY: Command = Command {
    group: Group::String,
    summary: "Subtracts an integer from the integer value of a key, 0 if it does not exist.",
    syntax: "key decrement:integer",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    ..Command::new("decrby", 3, FLAGS, decrby)
};

pub const INCRBYFLOAT: Command = Command {
    group: Group::String,
    since: "2.6.0",
    summary: "Adds a floating-point number to the number that is a key's value, 0 if it does not \
              exist.",
    syntax: "key increment:double",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    ..Command::new("incrbyfloat", 3, FLAGS, incrbyfloat)
};

const EVENT_INCRBY: Event = Event::new(EventClass::STRING, "incrby");
const EVENT_INCRBYFLOAT: Event = Event::new(EventClass::STRING, "incrbyfloat");

fn incr(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    add(ctx, 1)
}

fn decr(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    add(ctx, -1)
}

fn incrby(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let by = ctx.int(2)?;
    add(ctx, by)
}

fn decrby(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let by = ctx.int(2)?.checked_neg();
    add(ctx, by.ok_or(Error::new("ERR decrement would overflow"))?)
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

fn incrbyfloat(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let increment = ctx.args.get(2);
    let updated = ctx.db.update(key, |entry| {
        if entry.value_type() != ValueType::String {
            return Err(Error::WRONG_TYPE);
        }
        let value = Extended::parse(entry.string_bytes(&mut IntBuf::new()));
        let sum = float_sum(value.ok_or(Error::NOT_A_FLOAT)?, increment)?;
        let displaced = entry.set_bytes(&sum);
        Ok((sum, displaced))
    });
    let sum = match updated {
        Some(result) => {
            let (sum, displaced) = result?;
            ctx.server.lazy_free.free_object(displaced);
            sum
        }
        None => {
            let sum = float_sum(Extended::ZERO, increment)?;
            ctx.db.add(key.hash, Entry::with_bytes(key.bytes, &sum, None));
            sum
        }
    };
    // The sum is what others are to have, whatever their floating-point numbers are like.
    ctx.db.journal_as(&[b"SET", key.bytes, &sum, b"KEEPTTL"]);
    ctx.db.changed(key, EVENT_INCRBYFLOAT);
    ctx.out.bulk(&sum);
    Ok(())
}

/// The text of a number plus the one given as text.
fn float_sum(value: Extended, increment: &[u8]) -> Result<Vec<u8>, Error> {
    let increment = Extended::parse(increment).ok_or(Error::NOT_A_FLOAT)?;
    let sum = value.checked_add(increment);
    let sum = sum.ok_or(Error::new("ERR increment would produce NaN or Infinity"))?;
    Ok(sum.format_human())
}
