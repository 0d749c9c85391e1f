//! SAVE and BGSAVE.

use std::sync::atomic::Ordering;

use crate::command::{Categories, Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;
use crate::persistence::save;

const COMMON: Flags =
    Flags::ADMIN.union(Flags::NOSCRIPT).union(Flags::NO_ASYNC_LOADING).union(Flags::EXCLUSIVE);

const IN_PROGRESS: &str = "ERR Background save already in progress";

pub const SAVE: Command = Command {
    group: Group::Server,
    categories: Categories::ADMIN.union(Categories::DANGEROUS),
    summary: "Saves all keys to the file before it replies; nothing else is executed meanwhile.",
    complexity: "O(N) where N is the total number of keys in all databases.",
    ..Command::new("save", 1, COMMON.union(Flags::NO_MULTI), save_now)
};

fn save_now(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.server.persistence.snapshot.load().is_some() {
        return Err(Error::new(IN_PROGRESS));
    }
    let policy = ctx.worker.access_policy;
    let exclusive = ctx.db.exclusive().expect("the command is declared exclusive");
    match save::save(ctx.server, exclusive, &ctx.worker.config, policy) {
        Ok(()) => ctx.out.ok(),
        Err(_) => return Err(Error::new("ERR")),
    }
    Ok(())
}

pub const BGSAVE: Command = Command {
    group: Group::Server,
    categories: Categories::ADMIN.union(Categories::DANGEROUS),
    summary: "Saves the keys as they are at this instant to the file, in the background.",
    complexity: "O(1)",
    syntax: "[SCHEDULE]",
    history: &[("3.2.2", "Added the `SCHEDULE` option.")],
    ..Command::new("bgsave", -1, COMMON, save_in_background)
};

fn save_in_background(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let is_schedule = ctx.args.len() == 2 && ctx.is(1, "SCHEDULE");
    if ctx.args.len() > 1 && !is_schedule {
        return Err(Error::SYNTAX);
    }
    if ctx.server.persistence.snapshot.load().is_some() {
        return Err(Error::new(IN_PROGRESS));
    }
    ctx.server.persistence.is_scheduled.store(false, Ordering::Relaxed);
    let policy = ctx.worker.access_policy;
    let exclusive = ctx.db.exclusive().expect("the command is declared exclusive");
    match save::begin(ctx.server, exclusive, &ctx.worker.config, policy) {
        Ok(()) => ctx.out.simple("Background saving started"),
        Err(error) => return Err(Error::new(format!("ERR {error}"))),
    }
    Ok(())
}
