//! Reading one string.

use russet_keyspace::entry::IntBuf;

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::Ctx;
use crate::exec::values::string;

pub const GET: Command = Command {
    group: Group::String,
    summary: "Returns the string value of a key.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("get", 2, Flags::READONLY.union(Flags::FAST), get)
};

pub const STRLEN: Command = Command {
    group: Group::String,
    since: "2.2.0",
    summary: "Returns the length of a key's string value in bytes.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    ..Command::new("strlen", 2, Flags::READONLY.union(Flags::FAST), strlen)
};

fn get(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    match string(ctx.db.read(key))? {
        Some(entry) => ctx.out.bulk(entry.string_bytes(&mut IntBuf::new())),
        None => ctx.out.null(),
    }
    Ok(())
}

fn strlen(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let len = string(ctx.db.read(key))?.map_or(0, |entry| entry.string_len());
    ctx.out.integer(len as i64);
    Ok(())
}
