//! Reading strings.

use russet_keyspace::entry::IntBuf;

use super::READS;
use crate::command::{Command, Flags, Group, KeySpec};
use crate::error::Error;
use crate::exec::Ctx;
use crate::exec::values::string;

pub const GET: Command = Command {
    group: Group::String,
    summary: "Returns the string value of a key.",
    syntax: "key",
    keys: &[KeySpec::one(1, READS)],
    ..Command::new("get", 2, Flags::READONLY.union(Flags::FAST), get)
};

fn get(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    match string(ctx.db.read(key))? {
        Some(entry) => ctx.out.bulk(entry.string_bytes(&mut IntBuf::new())),
        None => ctx.out.null(),
    }
    Ok(())
}
