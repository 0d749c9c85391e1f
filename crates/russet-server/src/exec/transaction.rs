//! EXEC: a transaction is executed under the locks of all its keys.
//!
//! EXEC locks the shards of every queued command's keys and of every watched key at once. Under those
//! locks it decides whether a watched key was touched, and runs the queue; nobody can come between.
//! If one of the commands needs the whole keyspace, all of them run behind the closed gate.
//!
//! A script cannot be begun anew within a transaction, as it can alone when it turns out to use a key
//! that it has not declared: what was executed before it would be executed twice. So a transaction
//! with scripts runs alone too, until each of them has been seen to use declared keys only. One that
//! does otherwise later, because it takes another way, fails if the key is in use at that moment.

use smallvec::SmallVec;

use super::dispatch::call;
use super::{Ctx, Key};
use crate::client::{Client, ClientFlags};
use crate::command::{CommandEntry, Flags};
use crate::error::Error;
use crate::server::Server;

/// Adds the hashes of the keys that `entry` touches beyond its arguments: the client's watched keys,
/// and for EXEC the keys of the queue.
pub(crate) fn hashes(
    server: &Server,
    client: &Client,
    entry: &CommandEntry,
    hashes: &mut SmallVec<[u64; 16]>,
) {
    hashes.extend(client.watches.keys.iter().map(|watched| watched.hash));
    let queue = client.transaction.iter().filter(|_| entry.flags().contains(Flags::RUNS_QUEUE));
    for (entry, command) in queue.flat_map(|transaction| &transaction.queue) {
        let args = command.args();
        let positions = entry.key_positions(args.len(), |at| args.get(at));
        hashes.extend(positions.map(|(at, _)| server.keyspace.hash(args.get(at))));
    }
}

/// Runs the transaction in the context of its EXEC.
///
/// # Errors
///
/// [`Error::EXEC_ABORTED`] if a command was refused while it was queued.
pub fn exec(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let Some(transaction) = ctx.special.and_then(|special| special.queue) else {
        return Err(Error::new("ERR EXEC without MULTI"));
    };
    let dirty = ctx.client.watches.is_dirty() || a_watched_key_expired(ctx);
    unwatch(ctx);
    if transaction.aborted {
        leave(ctx);
        return Err(Error::EXEC_ABORTED);
    }
    if dirty {
        leave(ctx);
        ctx.out.null_array();
        return Ok(());
    }
    ctx.in_exec = true;
    ctx.out.array(transaction.queue.len());
    let (exec, args, hashes) = (ctx.command, ctx.args, ctx.hashes);
    for (entry, command) in &transaction.queue {
        (ctx.command, ctx.args, ctx.hashes) = (*entry, command.args(), &[]);
        call(ctx);
    }
    (ctx.command, ctx.args, ctx.hashes) = (exec, args, hashes);
    ctx.in_exec = false;
    ctx.db.journal_nothing();
    leave(ctx);
    Ok(())
}

/// Ends the transaction of an EXEC that was not admitted.
pub(super) fn refuse(ctx: &mut Ctx<'_>, why: &Error) {
    leave(ctx);
    let error = discarded(why);
    ctx.worker.stats.commands[ctx.command.id].rejected.add(1);
    ctx.server.note_error(ctx.worker, &error);
    ctx.out.error_bytes(error.text());
    // Monitors have seen the MULTI.
    if ctx.server.monitors.any() {
        ctx.server.monitors.feed(ctx);
    }
}

/// What an EXEC is told that was not admitted.
pub(super) fn discarded(why: &Error) -> Error {
    let why = why.text().strip_prefix(b"ERR ").unwrap_or(why.text());
    Error::quoting("EXECABORT Transaction discarded because of: {}", &[why])
}

/// Ends the client's transaction and forgets its watched keys; the shards of those are locked.
pub fn leave(ctx: &mut Ctx<'_>) {
    forget(ctx.client);
    unwatch(ctx);
}

/// Ends the client's transaction, of which no key is watched any more.
pub(super) fn forget(client: &mut Client) {
    client.transaction = None;
    client.info.multi.store(-1, std::sync::atomic::Ordering::Relaxed);
    client.info.set_flags(ClientFlags::MULTI, false);
}

/// Forgets the client's watched keys; their shards are locked.
pub fn unwatch(ctx: &mut Ctx<'_>) {
    let watches = &mut ctx.client.watches;
    for watched in std::mem::take(&mut watches.keys) {
        let key = Key { bytes: &watched.key, hash: watched.hash };
        ctx.db.unwatch(watched.db, key, &watches.dirty);
        ctx.client.info.forget_name(&watched.key);
    }
    watches.dirty.store(false, std::sync::atomic::Ordering::Relaxed);
    ctx.client.info.watched.store(0, std::sync::atomic::Ordering::Relaxed);
}

fn a_watched_key_expired(ctx: &mut Ctx<'_>) -> bool {
    let keys = &ctx.client.watches.keys;
    keys.iter().any(|watched| {
        let key = Key { bytes: &watched.key, hash: watched.hash };
        ctx.db.is_overdue(watched.db, key)
    })
}
