//! Commands that wait for a key to come into being: BLPOP and its relatives.
//!
//! # Problem
//!
//! A client waits for several keys at once, in shards that any worker may hold; it may give up, be
//! told to, or go away at any moment. Each element must go to exactly one client, the one that has
//! waited longest, and to none that has given up.
//!
//! # How it goes
//!
//! ```text
//!  BLPOP a b      under the locks of a and b: nothing there ─► a Wait in the queues of both shards
//!  RPUSH b x      adds b, finds a queue there: b is ready
//!                 at its end, still under its locks: the oldest Wait of b is claimed,
//!                 its command attempted again ─► [b, x] into the mailbox of its worker
//!  its worker     sends the reply, goes on with the connection, takes the Wait out of a's queue
//! ```
//!
//! A command that blocks is a value, [`Blocking`]: the same code serves a client at once or later. The
//! worker that has made a key ready serves its waiters, whoever their clients belong to, and before it
//! lets go of the shard: nobody else sees the elements in between. Only a command that touches a
//! second key (BLMOVE) may need a lock that is not held. Then the locks are let go and both are taken,
//! in order; while one of them is busy, the key stays on the worker's list, and so does the element in
//! its list, where others may come first.
//!
//! # Invariants
//!
//! - **K1** A [`Wait`] ends once: whoever claims it answers the client, all others leave it alone.
//!   Serving, giving up (the time is over, the client is gone) and CLIENT UNBLOCK all claim it first.
//! - **K2** A wait is put into queues under the same locks under which its command found nothing; a
//!   key that comes into being under such a lock later is ready. So none is overlooked.
//! - **K3** While a queue holds a wait that is not over, its key holds nothing that would do, or the
//!   key is on the list of some command or worker.
//! - **K4** Queues are served from the oldest wait on; those that want another type are passed over.

#[cfg(test)]
mod model;
mod serve;
#[cfg(test)]
mod tests;
mod wait;

pub use serve::{Ready, serve_ready};
pub use wait::{Awaited, Wait};

use std::sync::Arc;

use russet_data::number::parse_f64;
use russet_data::object::ValueType;
use russet_resp::ReplyWriter;

use crate::config::Config;
use crate::error::Error;
use crate::exec::{Ctx, Key, View};
use crate::server::Server;

/// What an attempt of a blocking command may use, be it at once or on behalf of a client that waits.
pub struct Attempt<'a, 'v> {
    /// What all workers share.
    pub server: &'a Server,
    /// The configuration.
    pub config: &'a Config,
    /// The keyspace, in which the key is locked, and the second key of the command.
    pub db: &'a mut View<'v>,
    /// The client's reply.
    pub out: &'a mut ReplyWriter<'a>,
}

/// A command that takes from the first of its keys that has something, or waits until one has.
pub trait Blocking: Send + Sync {
    /// The type of the values it takes from.
    fn value_type(&self) -> ValueType;

    /// Takes from a key and writes the reply, and has the journal record what it did. Returns whether
    /// there was such a key.
    ///
    /// # Errors
    ///
    /// What the client is told instead; nothing was taken then.
    fn attempt(&self, attempt: &mut Attempt<'_, '_>, key: Key<'_>) -> Result<bool, Error>;

    /// The hash of a second key that it touches.
    fn second_key(&self) -> Option<u64> {
        None
    }

    /// What it answers in a transaction, where nobody waits, if there is nothing.
    fn reply_without_waiting(&self, out: &mut ReplyWriter<'_>) {
        out.null_array();
    }
}

/// Attempts a command with each of its keys, which are the arguments of these positions; if none of
/// them is there, the client waits until `deadline_ms`, in Unix milliseconds, or without an end.
///
/// # Errors
///
/// Those of the command.
pub fn take_or_wait(
    ctx: &mut Ctx<'_>,
    keys: impl Iterator<Item = usize> + Clone,
    deadline_ms: Option<i64>,
    command: impl Blocking + 'static,
) -> Result<(), Error> {
    for at in keys.clone() {
        let key = ctx.key(at);
        let config = ctx.worker.config.clone();
        let protocol = ctx.out.protocol();
        let mut out = ReplyWriter::new(ctx.out.buffer(), protocol);
        let mut attempt =
            Attempt { server: ctx.server, config: &config, db: &mut ctx.db, out: &mut out };
        if command.attempt(&mut attempt, key)? {
            return Ok(());
        }
    }
    if ctx.in_exec {
        command.reply_without_waiting(&mut ctx.out);
        return Ok(());
    }
    let keys = keys.map(|at| ctx.key(at)).map(|key| (key.hash, key.bytes.into()));
    let awaited = Awaited::Keys(keys.collect(), Box::new(command));
    let wait = begin_wait(ctx, deadline_ms, awaited);
    for (hash, key) in wait.keys() {
        ctx.db.await_key(Key { bytes: key, hash: *hash }, wait.clone());
    }
    Ok(())
}

/// Has the client of a command wait when the command is done.
pub fn begin_wait(ctx: &mut Ctx<'_>, deadline_ms: Option<i64>, awaited: Awaited) -> Arc<Wait> {
    let wait = Arc::new(Wait::new(ctx, deadline_ms, awaited));
    *ctx.client.info.wait.lock() = Some(wait.clone());
    ctx.client.wait = Some(wait.clone());
    wait
}

/// The time until which the client is ready to wait, in Unix milliseconds, from an argument in
/// seconds; `None` if it waits without an end.
///
/// # Errors
///
/// If the argument is no time.
pub fn deadline(ctx: &Ctx<'_>, at: usize) -> Result<Option<i64>, Error> {
    let seconds = parse_f64(ctx.args.get(at))
        .filter(|seconds| !seconds.is_nan())
        .ok_or_else(|| Error::new("ERR timeout is not a float or out of range"))?;
    let timeout_ms = (seconds * 1000.0).ceil();
    if timeout_ms < 0.0 {
        return Err(Error::new("ERR timeout is negative"));
    }
    // The largest number of milliseconds that a float holds exactly.
    let now_ms = ctx.worker.clock.now_ms();
    let end = (timeout_ms < i64::MAX as f64).then_some(timeout_ms as i64);
    let end = end.and_then(|timeout_ms| now_ms.checked_add(timeout_ms));
    let end = end.ok_or_else(|| Error::new("ERR timeout is out of range"))?;
    Ok((timeout_ms > 0.0).then_some(end))
}
