//! DEL and UNLINK.
//!
//! Both do the same, because what is costly to free is freed in the background anyway (I7).

use super::SUM_OVER_SHARDS;
use crate::command::{Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event};

pub const DEL: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    summary: "Removes keys with their values.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "key...",
    tips: SUM_OVER_SHARDS,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RM.union(KeyFlags::DELETE))],
    ..Command::new("del", -2, Flags::WRITE, del)
};

pub const UNLINK: Command = Command {
    since: "4.0.0",
    summary: "Removes keys; their values are freed in the background.",
    flags: Flags::WRITE.union(Flags::FAST),
    name: "unlink",
    ..DEL
};

fn del(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let mut removed = 0;
    for nth in 0..ctx.args.len() - 1 {
        let key = ctx.nth_key(nth, 1, 1);
        if let Some(entry) = ctx.db.remove(key) {
            ctx.server.lazy_free.free(entry);
            ctx.db.changed(key, Event::DEL);
            removed += 1;
        }
    }
    ctx.out.integer(removed);
    Ok(())
}
