//! Several strings at once.

use super::OVERWRITES;
use super::set::store_plain;
use crate::command::{Command, Flags, Group, KeySpec};
use crate::error::Error;
use crate::exec::Ctx;

pub const MSET: Command = Command {
    group: Group::String,
    since: "1.0.1",
    summary: "Sets the string values of several keys at once.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "data(key value)...",
    keys: &[KeySpec::range(1, -1, 2, OVERWRITES)],
    ..Command::new("mset", -3, Flags::WRITE.union(Flags::DENYOOM), mset)
};

fn mset(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.args.len() % 2 == 0 {
        return Err(Error::new("ERR wrong number of arguments for 'mset' command"));
    }
    for nth in 0..(ctx.args.len() - 1) / 2 {
        let key = ctx.nth_key(nth, 1, 2);
        store_plain(ctx, key, ctx.args.get(2 + nth * 2));
    }
    ctx.out.ok();
    Ok(())
}
