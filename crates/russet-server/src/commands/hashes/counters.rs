//! Counting in fields.

use russet_data::hash::Hash;
use russet_data::number::{Extended, IntBuf};

use super::{FAST_ADD, event, limits};
use crate::command::{Command, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, values};

pub const HINCRBY: Command = Command {
    group: Group::Hash,
    since: "2.0.0",
    summary: "Adds an integer to the integer value of a field, which counts as 0 if it does not \
              exist.",
    syntax: "key field increment:integer",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    element: Some(2),
    ..Command::new("hincrby", 4, FAST_ADD, hincrby)
};

const EVENT_HINCRBY: Event = event("hincrby");

fn hincrby(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let increment = ctx.int(3)?;
    let (key, field, limits) = (ctx.key(1), ctx.args.get(2), limits(ctx));
    let sum = values::upsert(&mut ctx.db, key, Hash::new, |hash| {
        let value = match hash.get(field) {
            Some(value) => value.as_int().ok_or(Error::new("ERR hash value is not an integer"))?,
            None => 0,
        };
        let sum = value.checked_add(increment).ok_or(Error::OVERFLOW)?;
        hash.insert(field, IntBuf::new().format_i64(sum), &limits);
        Ok(sum)
    })??;
    ctx.db.changed(key, EVENT_HINCRBY);
    ctx.out.integer(sum);
    Ok(())
}

pub const HINCRBYFLOAT: Command = Command {
    name: "hincrbyfloat",
    since: "2.6.0",
    summary: "Adds a floating-point number to the number that is the value of a field, 0 if it \
              does not exist.",
    syntax: "key field increment:double",
    handler: hincrbyfloat,
    ..HINCRBY
};

const EVENT_HINCRBYFLOAT: Event = event("hincrbyfloat");

fn hincrbyfloat(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let increment = Extended::parse(ctx.args.get(3)).ok_or(Error::NOT_A_FLOAT)?;
    if !increment.is_finite() {
        return Err(Error::new("ERR value is NaN or Infinity"));
    }
    let (key, field, limits) = (ctx.key(1), ctx.args.get(2), limits(ctx));
    let sum = values::upsert(&mut ctx.db, key, Hash::new, |hash| {
        let value = match hash.get(field) {
            Some(value) => Extended::parse(value.as_bytes(&mut IntBuf::new()))
                .ok_or(Error::new("ERR hash value is not a float"))?,
            None => Extended::ZERO,
        };
        let sum = value.checked_add(increment).filter(|sum| sum.is_finite());
        let sum = sum.ok_or(Error::new("ERR increment would produce NaN or Infinity"))?;
        let sum = sum.format_human();
        hash.insert(field, &sum, &limits);
        Ok(sum)
    })??;
    // The sum is what others are to have, whatever their floating-point numbers are like.
    ctx.db.journal_as(&[b"HSET", key.bytes, field, &sum]);
    ctx.db.changed(key, EVENT_HINCRBYFLOAT);
    ctx.out.bulk(&sum);
    Ok(())
}
