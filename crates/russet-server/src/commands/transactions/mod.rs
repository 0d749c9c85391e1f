//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use crate::client::{ClientFlags, WatchedKey};
use crate::command::{Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, transaction};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[MULTI, EXEC, DISCARD, WATCH, UNWATCH];

/// What all of them have in common.
const COMMON: Flags = Flags::NOSCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::FAST)
    .union(Flags::ALLOW_BUSY)
    .union(Flags::NOT_QUEUED);

const MULTI: Command = Command {
    group: Group::Transactions,
    categories: Categories::TRANSACTION,
    since: "1.2.0",
    summary: "Starts a transaction.",
    ..Command::new("multi", 1, COMMON, multi)
};

fn multi(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.client.transaction.is_some() {
        return Err(Error::new("ERR MULTI calls can not be nested"));
    }
    ctx.client.transaction = Some(Box::default());
    ctx.client.info.set_flags(ClientFlags::MULTI, true);
    ctx.client.info.multi.store(0, std::sync::atomic::Ordering::Relaxed);
    ctx.out.ok();
    Ok(())
}

const EXEC: Command = Command {
    group: Group::Transactions,
    categories: Categories::TRANSACTION,
    since: "1.2.0",
    summary: "Executes all commands in a transaction.",
    complexity: "Depends on commands in the transaction.",
    ..Command::new(
        "exec",
        1,
        COMMON
            .difference(Flags::FAST.union(Flags::ALLOW_BUSY))
            .union(Flags::SKIP_SLOWLOG)
            .union(Flags::RUNS_QUEUE)
            .union(Flags::LOCKS_WATCHED),
        transaction::exec,
    )
};

const DISCARD: Command = Command {
    group: Group::Transactions,
    categories: Categories::TRANSACTION,
    since: "2.0.0",
    summary: "Discards a transaction.",
    complexity: "O(N) where N is the number of queued commands.",
    ..Command::new("discard", 1, COMMON.union(Flags::LOCKS_WATCHED), discard)
};

fn discard(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.client.transaction.is_none() {
        return Err(Error::new("ERR DISCARD without MULTI"));
    }
    transaction::leave(ctx);
    ctx.out.ok();
    Ok(())
}

const WATCH: Command = Command {
    group: Group::Transactions,
    categories: Categories::TRANSACTION,
    since: "2.2.0",
    summary: "Lets the next EXEC fail if one of the keys is touched before it.",
    complexity: "O(1) for every key.",
    syntax: "key...",
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    ..Command::new("watch", -2, COMMON, watch)
};

fn watch(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.client.transaction.is_some() {
        return Err(Error::new("ERR WATCH inside MULTI is not allowed"));
    }
    let db = ctx.db.selected();
    for nth in 0..ctx.args.len() - 1 {
        let key = ctx.nth_key(nth, 1, 1);
        if ctx.client.watches.contains(db, key.bytes) {
            continue;
        }
        ctx.db.watch(key, ctx.client.watch_flag());
        let key = WatchedKey { db, hash: key.hash, key: key.bytes.into() };
        ctx.client.info.keep_name(&key.key);
        ctx.client.watches.keys.push(key);
    }
    let watched = ctx.client.watches.keys.len() as u32;
    ctx.client.info.watched.store(watched, std::sync::atomic::Ordering::Relaxed);
    ctx.out.ok();
    Ok(())
}

const UNWATCH: Command = Command {
    group: Group::Transactions,
    categories: Categories::TRANSACTION,
    since: "2.2.0",
    summary: "Forgets the keys under WATCH.",
    ..Command::new(
        "unwatch",
        1,
        COMMON.difference(Flags::NOT_QUEUED).union(Flags::LOCKS_WATCHED),
        unwatch,
    )
};

fn unwatch(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    transaction::unwatch(ctx);
    ctx.out.ok();
    Ok(())
}
