//! SET, and the commands that do a part of what it does.

use super::expiring::{ExpiryOption, ExpiryUnit};
use super::store::{Condition, Expiry, Manner, NewValue, store};

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::Ctx;

const WRITES: Flags = Flags::WRITE.union(Flags::DENYOOM);

pub const SET: Command = Command {
    group: Group::String,
    summary: "Sets the string value of a key, whatever type it holds, creating it if need be.",
    syntax: "key value [condition(NX|XX)] [GET] [expiration(EX seconds:integer | \
             PX milliseconds:integer | EXAT unix-time-seconds:unix-time | \
             PXAT unix-time-milliseconds:unix-time | KEEPTTL)]",
    history: &[
        ("2.6.12", "Added the `EX`, `NX`, `PX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` options."),
        ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
    ],
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES.union(KeyFlags::VARIABLE_FLAGS))],
    key_flags: Some(|args| {
        let gets = args.iter_from(3).any(|arg| arg.eq_ignore_ascii_case(b"GET"));
        if gets { KeyFlags::EXCHANGES } else { KeyFlags::OVERWRITES }
    }),
    adopts: Some(2),
    ..Command::new("set", -3, WRITES, set)
};

pub const SETNX: Command = Command {
    group: Group::String,
    summary: "Sets the string value of a key only if the key does not exist.",
    syntax: "key value",
    keys: &[KeySpec::one(1, KeyFlags::INSERTS)],
    replaced_by: Some(("2.6.12", "`SET` with the `NX` argument")),
    adopts: Some(2),
    ..Command::new("setnx", 3, WRITES.union(Flags::FAST), setnx)
};

pub const SETEX: Command = Command {
    group: Group::String,
    since: "2.0.0",
    summary: "Sets the string value of a key and how many seconds it lives.",
    syntax: "key seconds:integer value",
    keys: &[KeySpec::one(1, KeyFlags::OVERWRITES)],
    replaced_by: Some(("2.6.12", "`SET` with the `EX` argument")),
    adopts: Some(3),
    ..Command::new("setex", 4, WRITES, setex)
};

pub const PSETEX: Command = Command {
    group: Group::String,
    since: "2.6.0",
    summary: "Sets the string value of a key and how many milliseconds it lives.",
    syntax: "key milliseconds:integer value",
    keys: &[KeySpec::one(1, KeyFlags::OVERWRITES)],
    replaced_by: Some(("2.6.12", "`SET` with the `PX` argument")),
    adopts: Some(3),
    ..Command::new("psetex", 4, WRITES, psetex)
};

pub const GETSET: Command = Command {
    group: Group::String,
    summary: "Sets the string value of a key and returns the one it had.",
    syntax: "key value",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    replaced_by: Some(("6.2.0", "`SET` with the `!GET` argument")),
    adopts: Some(2),
    ..Command::new("getset", 3, WRITES.union(Flags::FAST), getset)
};

fn set(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let manner = if ctx.args.len() == 3 { Manner::PLAIN } else { parse_options(ctx)? };
    let key = ctx.key(1);
    let value = NewValue::of_argument(ctx, 2);
    let stored = store(ctx, key, value, manner)?;
    match stored {
        _ if manner.get => {}
        true => ctx.out.ok(),
        false => ctx.out.null(),
    }
    Ok(())
}

#[cold]
fn parse_options(ctx: &Ctx<'_>) -> Result<Manner, Error> {
    let mut manner = Manner::PLAIN;
    let mut expiry = ExpiryOption::None;
    let mut at = 3;
    while at < ctx.args.len() {
        let taken = if ctx.is(at, "NX") && manner.condition != Some(Condition::Present) {
            manner.condition = Some(Condition::Absent);
            Some(1)
        } else if ctx.is(at, "XX") && manner.condition != Some(Condition::Absent) {
            manner.condition = Some(Condition::Present);
            Some(1)
        } else if ctx.is(at, "GET") {
            manner.get = true;
            Some(1)
        } else {
            expiry.accept(ctx, at, "KEEPTTL")
        };
        at += taken.ok_or(Error::SYNTAX)?;
    }
    manner.expiry = match expiry {
        ExpiryOption::None => Expiry::Clear,
        ExpiryOption::Word => Expiry::Keep,
        ExpiryOption::Time(unit, at) => Expiry::At(unit.deadline_ms(ctx, at)?),
    };
    Ok(manner)
}

fn setnx(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let value = NewValue::of_argument(ctx, 2);
    let manner = Manner { condition: Some(Condition::Absent), ..Manner::PLAIN };
    let stored = store(ctx, key, value, manner)?;
    ctx.out.integer(stored.into());
    Ok(())
}

fn setex(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    set_expiring(ctx, ExpiryUnit::SECONDS)
}

fn psetex(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    set_expiring(ctx, ExpiryUnit::MILLISECONDS)
}

fn set_expiring(ctx: &mut Ctx<'_>, unit: ExpiryUnit) -> Result<(), Error> {
    let expiry = Expiry::At(unit.deadline_ms(ctx, 2)?);
    let key = ctx.key(1);
    let value = NewValue::of_argument(ctx, 3);
    store(ctx, key, value, Manner { expiry, ..Manner::PLAIN })?;
    ctx.out.ok();
    Ok(())
}

fn getset(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let value = NewValue::of_argument(ctx, 2);
    store(ctx, key, value, Manner { get: true, ..Manner::PLAIN })?;
    Ok(())
}
