//! RENAME and RENAMENX.

use super::FAST_WRITE;
use crate::command::{Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass};

pub const RENAME: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    summary: "Gives a value another key, in place of whatever is there.",
    syntax: "key newkey",
    keys: &[KeySpec::one(1, KeyFlags::TAKES), KeySpec::one(2, KeyFlags::OVERWRITES)],
    ..Command::new("rename", 3, Flags::WRITE, |ctx| {
        rename(ctx, Target::Any)?;
        ctx.out.ok();
        Ok(())
    })
};

pub const RENAMENX: Command = Command {
    name: "renamenx",
    summary: "Gives a value another key, unless that exists.",
    history: &[("3.2.0", "Source and destination may be the same key.")],
    keys: &[KeySpec::one(1, KeyFlags::TAKES), KeySpec::one(2, KeyFlags::INSERTS)],
    flags: FAST_WRITE,
    handler: |ctx| {
        let renamed = rename(ctx, Target::Absent)?;
        ctx.out.integer(renamed.into());
        Ok(())
    },
    ..RENAME
};

const EVENT_FROM: Event = Event::new(EventClass::GENERIC, "rename_from");
const EVENT_TO: Event = Event::new(EventClass::GENERIC, "rename_to");

/// What may be under the new key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Any,
    Absent,
}

/// Renames, if the new key may be overwritten. Returns whether it did.
fn rename(ctx: &mut Ctx<'_>, target: Target) -> Result<bool, Error> {
    let (from, to) = (ctx.nth_key(0, 1, 1), ctx.nth_key(1, 1, 1));
    // Counts as a use of the value, which keeps what is known about its uses.
    ctx.db.update(from, |_| ()).ok_or(Error::NO_SUCH_KEY)?;
    if from.bytes == to.bytes || (target == Target::Absent && ctx.db.peek(to).is_some()) {
        return Ok(false);
    }
    if let Some(replaced) = ctx.db.remove(to) {
        ctx.server.lazy_free.free(replaced);
    }
    let entry = ctx.db.remove(from).expect("it was just found");
    ctx.db.put_used(to.hash, entry.with_key(to.bytes));
    // Two keys are touched, one change is counted.
    ctx.db.touch(from);
    ctx.db.notify(EVENT_FROM, from.bytes);
    ctx.db.changed(to, EVENT_TO);
    Ok(true)
}
