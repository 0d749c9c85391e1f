//! Whole databases: choosing, counting, emptying and exchanging them.

use std::sync::atomic::Ordering;

use super::{FAST_READ, database, int32};
use crate::command::{Categories, Command, Flags, Group};
use crate::config::Compatibility;
use crate::error::Error;
use crate::exec::Ctx;
use crate::lazy_free::Garbage;
use crate::persistence::save;

pub const SELECT: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    summary: "Chooses the database of this connection.",
    syntax: "index:integer",
    ..Command::new("select", 2, Flags::LOADING.union(Flags::STALE).union(Flags::FAST), select)
};

fn select(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let index = match ctx.config().compatibility {
        Compatibility::V4_0 => int32(ctx, 1).map_err(|_| Error::new("ERR invalid DB index"))?,
        Compatibility::V7_2 => int32(ctx, 1)?,
    };
    let db = database(ctx, index)?;
    ctx.client.select(db);
    // For the commands that follow in the same transaction.
    ctx.db.select(db);
    ctx.out.ok();
    Ok(())
}

pub const DBSIZE: Command = Command {
    group: Group::Server,
    categories: Categories::KEYSPACE,
    summary: "Counts the keys of the selected database.",
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..Command::new("dbsize", 1, FAST_READ, dbsize)
};

fn dbsize(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.integer(ctx.db.key_count() as i64);
    Ok(())
}

pub const FLUSHDB: Command = Command {
    group: Group::Server,
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    summary: "Removes all keys of the selected database.",
    complexity: "O(N) where N is the number of keys; with ASYNC that work is done in the background.",
    syntax: "[flush-type(ASYNC|SYNC)]",
    history: &[("4.0.0", "Added the `ASYNC` option."), ("6.2.0", "Added the `SYNC` option.")],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Command::new("flushdb", -1, Flags::WRITE.union(Flags::EXCLUSIVE), |ctx| {
        let in_background = is_in_background(ctx)?;
        let db = ctx.db.selected();
        flush(ctx, db..db + 1, in_background);
        Ok(())
    })
};

pub const FLUSHALL: Command = Command {
    name: "flushall",
    summary: "Removes all keys of all databases.",
    handler: |ctx| {
        let in_background = is_in_background(ctx)?;
        give_up_saving(ctx);
        let all = 0..ctx.server.keyspace.databases();
        flush(ctx, all, in_background);
        save_nothing(ctx);
        Ok(())
    },
    ..FLUSHDB
};

/// Whether what is removed is to be freed later.
fn is_in_background(ctx: &Ctx<'_>) -> Result<bool, Error> {
    match ctx.args.len() {
        1 => Ok(ctx.config().lazyfree_lazy_user_flush),
        2 if ctx.is(1, "ASYNC") => Ok(true),
        2 if ctx.is(1, "SYNC") => Ok(false),
        _ => Err(Error::SYNTAX),
    }
}

fn flush(ctx: &mut Ctx<'_>, databases: std::ops::Range<u32>, in_background: bool) {
    let tables: Vec<_> = databases.flat_map(|db| ctx.db.take_db(db)).collect();
    if in_background {
        ctx.server.lazy_free.defer(Garbage::Tables(tables));
    } else {
        ctx.db.free_afterwards(tables);
    }
    // Also if there was no key: whoever replays this may have some.
    let argv: Vec<&[u8]> = ctx.args.iter_from(0).collect();
    ctx.db.journal_as(&argv);
    ctx.out.ok();
}

/// A save that is going on would be of keys that nobody wants any more.
fn give_up_saving(ctx: &Ctx<'_>) {
    let saving = ctx.server.persistence.snapshot.load();
    if let Some(snapshot) = saving.as_ref().filter(|snapshot| !snapshot.is_base) {
        tracing::info!("All keys are removed: the background save is given up.");
        snapshot.abandon();
    }
}

/// With save points there is a file after the removal of all keys, which has none.
fn save_nothing(ctx: &mut Ctx<'_>) {
    let config = ctx.worker.config.clone();
    if config.save.is_empty() || ctx.client.is_replay {
        return;
    }
    let policy = ctx.worker.access_policy;
    let exclusive = ctx.db.exclusive().expect("the command is declared exclusive");
    // What has failed is in the log, and writes may be refused from now on.
    if save::save(ctx.server, exclusive, &config, policy).is_ok() {
        // This command is not counted yet.
        let changes = ctx.db.tally().changes;
        ctx.server.persistence.changes_at_last_save.fetch_add(changes, Ordering::Relaxed);
    }
}

pub const SWAPDB: Command = Command {
    group: Group::Server,
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    since: "4.0.0",
    summary: "Lets two databases change places, for all clients at once.",
    complexity: "O(N) where N is the number of watched keys in both databases.",
    syntax: "index1:integer index2:integer",
    ..Command::new("swapdb", 3, Flags::WRITE.union(Flags::FAST).union(Flags::EXCLUSIVE), swapdb)
};

fn swapdb(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let one = int32(ctx, 1).map_err(|_| Error::new("ERR invalid first DB index"))?;
    let other = int32(ctx, 2).map_err(|_| Error::new("ERR invalid second DB index"))?;
    let (one, other) = (database(ctx, one)?, database(ctx, other)?);
    ctx.db.swap_dbs(one, other);
    ctx.db.count_changes(1);
    ctx.out.ok();
    Ok(())
}
