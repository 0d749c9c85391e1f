//! CLIENT PAUSE and CLIENT UNPAUSE.

use russet_data::number::parse_i64;

use super::ADMINISTRATION;
use crate::command::{Categories, Command, Flags, Group};
use crate::commands::help::too_many_arguments;
use crate::error::Error;
use crate::exec::Ctx;
use crate::pause::PauseMode;

pub const PAUSE: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "2.9.50",
    summary: "Has commands wait, all or those that may write, for some time.",
    syntax: "timeout:integer [mode(WRITE|ALL)]",
    history: &[("6.2.0", "Added the mode `WRITE`, and the argument for it.")],
    // Exclusive, so that no command that is to wait is under way after the reply.
    ..Command::new("pause", -3, ADMINISTRATION.union(Flags::EXCLUSIVE), pause)
};

fn pause(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let mode = match ctx.args.len() {
        3 => PauseMode::All,
        4 if ctx.is(3, "WRITE") => PauseMode::Write,
        4 if ctx.is(3, "ALL") => PauseMode::All,
        4 => return Err(Error::new("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(too_many_arguments(ctx)),
    };
    let timeout_ms = parse_i64(ctx.args.get(2))
        .ok_or_else(|| Error::new("ERR timeout is not an integer or out of range"))?;
    if timeout_ms < 0 {
        return Err(Error::new("ERR timeout is negative"));
    }
    let until_ms = ctx.worker.clock.now_ms().saturating_add(timeout_ms);
    ctx.server.pause.begin(mode, until_ms, ctx.worker.clock.now_ms());
    ctx.out.ok();
    Ok(())
}

pub const UNPAUSE: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "6.2.0",
    summary: "Ends CLIENT PAUSE.",
    complexity: "O(N) Where N is the number of paused clients",
    // Redis has UNPAUSE itself wait under CLIENT PAUSE ALL, and so end nothing.
    ..Command::new("unpause", 2, ADMINISTRATION.union(Flags::NOT_PAUSED), unpause)
};

fn unpause(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.server.pause.end();
    ctx.server.workers.iter().for_each(|worker| worker.mailbox.ring());
    ctx.out.ok();
    Ok(())
}
