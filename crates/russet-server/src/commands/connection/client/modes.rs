//! CLIENT REPLY, NO-EVICT, NO-TOUCH: how the server treats a connection.

use super::{ADMINISTRATION, COMMON};
use crate::client::{ClientFlags, ReplyMode};
use crate::command::{Categories, Command, Group};
use crate::error::Error;
use crate::exec::Ctx;

pub const REPLY: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "3.2.0",
    summary: "Has replies sent, or not, or all but the next.",
    syntax: "action(ON|OFF|SKIP)",
    ..Command::new("reply", 3, COMMON, reply)
};

fn reply(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let mode = &mut ctx.client.reply_mode;
    if ctx.args.get(2).eq_ignore_ascii_case(b"ON") {
        *mode = ReplyMode::On;
        ctx.out.ok();
    } else if ctx.args.get(2).eq_ignore_ascii_case(b"OFF") {
        *mode = ReplyMode::Off;
    } else if !ctx.args.get(2).eq_ignore_ascii_case(b"SKIP") {
        return Err(Error::SYNTAX);
    } else if *mode != ReplyMode::Off {
        *mode = ReplyMode::SkipNext;
    }
    Ok(())
}

pub const NO_EVICT: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "7.0.0",
    summary: "Keeps the connection when clients are closed because they use too much memory.",
    syntax: "enabled(ON|OFF)",
    ..Command::new("no-evict", 3, ADMINISTRATION, no_evict)
};

fn no_evict(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let on = on_or_off(ctx)?;
    ctx.client.info.set_flags(ClientFlags::NO_EVICT, on);
    ctx.out.ok();
    Ok(())
}

pub const NO_TOUCH: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "7.2.0",
    summary: "Leaves the last access of keys as it is when the connection reads them.",
    syntax: "enabled(ON|OFF)",
    ..Command::new("no-touch", 3, COMMON, no_touch)
};

fn no_touch(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let on = on_or_off(ctx)?;
    ctx.client.no_touch = on;
    ctx.client.info.set_flags(ClientFlags::NO_TOUCH, on);
    ctx.out.ok();
    Ok(())
}

fn on_or_off(ctx: &Ctx<'_>) -> Result<bool, Error> {
    match () {
        () if ctx.is(2, "ON") => Ok(true),
        () if ctx.is(2, "OFF") => Ok(false),
        () => Err(Error::SYNTAX),
    }
}
