//! SAVE, BGSAVE and BGREWRITEAOF.

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
    if let Some(snapshot) = &*ctx.server.persistence.snapshot.load() {
        if !snapshot.is_base {
            return Err(Error::new(IN_PROGRESS));
        }
        if !is_schedule {
            return Err(Error::new(
                "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE \
                 SCHEDULE in order to schedule a BGSAVE whenever possible.",
            ));
        }
        ctx.server.persistence.is_scheduled.store(true, Ordering::Relaxed);
        ctx.out.simple("Background saving scheduled");
        return Ok(());
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

pub const BGREWRITEAOF: Command = Command {
    group: Group::Server,
    categories: Categories::ADMIN.union(Categories::DANGEROUS),
    summary: "Rewrites the append-only file as short as it can be, in the background.",
    complexity: "O(1)",
    ..Command::new("bgrewriteaof", 1, COMMON, rewrite)
};

fn rewrite(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let persistence = &ctx.server.persistence;
    if let Some(snapshot) = &*persistence.snapshot.load() {
        if snapshot.is_base {
            return Err(Error::new(
                "ERR Background append only file rewriting already in progress",
            ));
        }
        persistence.is_rewrite_scheduled.store(true, Ordering::Relaxed);
        ctx.out.simple("Background append only file rewriting scheduled");
        return Ok(());
    }
    if ctx.in_exec {
        // What the transaction has done so far is not in the log yet.
        persistence.is_rewrite_scheduled.store(true, Ordering::Relaxed);
        ctx.out.simple("Background append only file rewriting scheduled");
        return Ok(());
    }
    let policy = ctx.worker.access_policy;
    let exclusive = ctx.db.exclusive().expect("the command is declared exclusive");
    save::rewrite_log(ctx.server, exclusive, &ctx.worker.config, policy, false).map_err(|reason| {
        tracing::warn!("Can't rewrite the append-only file: {reason}");
        Error::new(
            "ERR Can't execute an AOF background rewriting. Please check the server logs for more \
             information.",
        )
    })?;
    ctx.out.simple("Background append only file rewriting started");
    Ok(())
}
