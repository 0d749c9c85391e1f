//! From a request to its reply: admission, locks, execution, bookkeeping.

use russet_keyspace::keyspace::Keyspace;
use russet_resp::ReplyWriter;
use smallvec::SmallVec;

use super::admission::{Admission, admit};
use super::context::Special;
use super::fiber::{Pauser, UNDER_WAY_MAX, run_on_fiber};
use super::locks::ManyLocks;
use super::view::{Access, Tally};
use super::{Args, Ctx, Locks, OwnedCommand, View, transaction};
use crate::blocking::serve_ready;
use crate::client::{Client, Close, ReplyMode};
use crate::command::{CommandEntry, Flags, LookupError};
use crate::error::Error;
use crate::journal::Effect;
use crate::process::crash::in_flight::{self, InFlight};
use crate::pubsub::Events;
use crate::server::Server;
use crate::worker::WorkerContext;

/// A request whose command has been looked up and whose keys have been hashed.
pub struct Request<'a> {
    /// The command, unless there is none of that name.
    pub entry: Result<&'static CommandEntry, LookupError>,
    /// Name and arguments.
    pub args: Args<'a>,
    /// The hashes of its keys, in order.
    pub hashes: &'a [u64],
    /// The argument that the command adopts, if it came in an allocation of its own.
    pub large: &'a mut Option<Vec<u8>>,
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was executed or refused, and a reply was written where one is due.
    Done,
    /// Nothing happened. The request is to be tried again when its worker is woken.
    SetAside(Why),
    /// It was executed and waits for data: its reply comes later.
    Blocked,
    /// It is being executed on a fiber and has paused: its reply comes later.
    Paused,
}

/// What a request that was set aside waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// A shard: the worker is woken when it is let go.
    Shard,
    /// The gate: the worker is woken, or tries again shortly.
    Gate,
    /// CLIENT PAUSE.
    Pause,
    /// Memory that is being freed.
    Memory,
    /// One of the scripts that its worker has under way.
    Fiber,
    /// Keys that are not there: the command is done and has no reply yet.
    Data,
    /// Its own end: it has paused.
    Turn,
}

/// Executes a request for a client, writing the reply to `out`. The worker is inside the gate, except
/// when the command is exclusive (see [`needs_gate`]): then it is outside.
#[inline]
pub fn dispatch(
    server: &Server,
    worker: &mut WorkerContext,
    client: &mut Client,
    out: &mut Vec<u8>,
    request: Request<'_>,
) -> Outcome {
    let reply_start = out.len();
    let outcome = match admit(server, worker, client, &request) {
        Ok(Admission::Later(why)) => Outcome::SetAside(why),
        Ok(Admission::Now(entry)) => {
            if client.transaction.is_some() && !entry.flags().contains(Flags::NOT_QUEUED) {
                queue(server, client, entry, request, out);
                Outcome::Done
            } else if entry.flags().intersects(SPECIAL) {
                if needs_fiber(entry, client) {
                    if worker.under_way >= UNDER_WAY_MAX && !entry.flags().contains(Flags::WALKS) {
                        return Outcome::SetAside(Why::Fiber);
                    }
                    run_on_fiber(server, worker, client, out, entry, request)
                } else {
                    run_special(server, worker, client, out, entry, request, None, None)
                }
            } else {
                run(server, worker, client, out, entry, request)
            }
        }
        Err(error) => refuse(server, worker, client, out, request, error),
    };
    if outcome == Outcome::Done {
        settle_reply(client, out, reply_start);
    }
    outcome
}

/// Whether the command has to run behind the closed gate for this client.
#[inline]
pub fn needs_gate(entry: &CommandEntry, client: &Client) -> bool {
    entry.flags().intersects(Flags::EXCLUSIVE | Flags::RUNS_QUEUE) && needs_gate_now(entry, client)
}

fn needs_gate_now(entry: &CommandEntry, client: &Client) -> bool {
    match &client.transaction {
        None => entry.flags().contains(Flags::EXCLUSIVE),
        Some(transaction) if entry.flags().contains(Flags::RUNS_QUEUE) => transaction.runs_alone,
        Some(_) => {
            entry.flags().contains(Flags::NOT_QUEUED) && entry.flags().contains(Flags::EXCLUSIVE)
        }
    }
}

/// Whether the command is one that touches no key for this client, and that works while a script has
/// everything to itself: then it may run outside the gate although that is closed.
pub fn works_outside(entry: &CommandEntry, client: &Client) -> bool {
    let flags = entry.flags();
    flags.contains(Flags::ALLOW_BUSY)
        && !needs_gate(entry, client)
        && entry.command.keys.is_empty()
        && (!flags.contains(Flags::LOCKS_WATCHED) || client.watches.keys.is_empty())
}

/// Answers a request that was not admitted.
#[cold]
fn refuse(
    server: &Server,
    worker: &mut WorkerContext,
    client: &mut Client,
    out: &mut Vec<u8>,
    request: Request<'_>,
    error: Error,
) -> Outcome {
    match request.entry {
        // The transaction ends with its EXEC, which takes locks, so this may have to wait.
        Ok(entry) if entry.flags().contains(Flags::RUNS_QUEUE) => {
            return run_special(server, worker, client, out, entry, request, Some(error), None);
        }
        Ok(entry) => worker.stats.commands[entry.id].rejected.add(1),
        Err(_) if is_http(request.args.get(0)) => {
            server.note_attack(worker.clock.now_ms());
            client.close(Close::Now);
            return Outcome::Done;
        }
        Err(_) => {}
    }
    if let Some(transaction) = &mut client.transaction {
        transaction.aborted = true;
    }
    server.note_error(worker, &error);
    ReplyWriter::new(out, client.protocol).error_bytes(error.text());
    Outcome::Done
}

/// Answers a command that would have to wait for a slow script.
#[cold]
pub fn refuse_as_busy(
    server: &Server,
    worker: &WorkerContext,
    client: &mut Client,
    out: &mut Vec<u8>,
    entry: &CommandEntry,
) {
    let reply_start = out.len();
    worker.stats.commands[entry.id].rejected.add(1);
    let mut error = Error::BUSY;
    if entry.flags().contains(Flags::RUNS_QUEUE) {
        error = transaction::discarded(&error);
        transaction::forget(client);
    } else if let Some(transaction) = &mut client.transaction {
        transaction.aborted = true;
    }
    server.note_error(worker, &error);
    ReplyWriter::new(out, client.protocol).error_bytes(error.text());
    settle_reply(client, out, reply_start);
}

/// Whether a command's name is a word of HTTP: a browser was tricked into connecting here.
fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"POST") || name.eq_ignore_ascii_case(b"Host:")
}

/// Puts a command into the client's transaction.
fn queue(
    server: &Server,
    client: &mut Client,
    entry: &'static CommandEntry,
    request: Request<'_>,
    out: &mut Vec<u8>,
) {
    let flags = entry.flags();
    let runs_alone = flags.intersects(Flags::EXCLUSIVE | Flags::WALKS)
        || (flags.contains(Flags::RUNS_SCRIPT) && !server.scripts.is_call_keyed(request.args));
    let mut argv = request.args.to_owned();
    if let (Some(at), Some(large)) = (entry.command.adopts, request.large.take()) {
        argv[at] = large;
    }
    let transaction = client.transaction.as_mut().expect("the caller saw it");
    transaction.runs_alone |= runs_alone;
    transaction.push(entry, OwnedCommand::new(argv));
    client.info.multi.store(transaction.queue.len() as i64, std::sync::atomic::Ordering::Relaxed);
    ReplyWriter::new(out, client.protocol).simple("QUEUED");
}

/// Takes the locks of the command's keys and executes it.
#[inline]
fn run(
    server: &Server,
    worker: &mut WorkerContext,
    client: &mut Client,
    out: &mut Vec<u8>,
    entry: &'static CommandEntry,
    request: Request<'_>,
) -> Outcome {
    // Apart, so that the guard of the usual command is made where it is used.
    let [hash] = request.hashes else {
        return run_with_locks(server, worker, client, out, entry, request);
    };
    let Some(guard) = server.keyspace.lock(server.keyspace.shard_of(*hash), worker.id) else {
        return Outcome::SetAside(Why::Shard);
    };
    within(server, worker, client, out, entry, request, Locks::One(guard), None, call)
}

/// As [`run`], for a command of no key or of several.
#[inline(never)]
fn run_with_locks(
    server: &Server,
    worker: &mut WorkerContext,
    client: &mut Client,
    out: &mut Vec<u8>,
    entry: &'static CommandEntry,
    request: Request<'_>,
) -> Outcome {
    let Some(locks) = lock(&server.keyspace, worker.id, request.hashes) else {
        return Outcome::SetAside(Why::Shard);
    };
    within(server, worker, client, out, entry, request, locks, None, call)
}

/// Commands with any of these may take long.
const LONG: Flags = Flags::RUNS_SCRIPT.union(Flags::WALKS);
/// Commands with any of these need other locks than those of their keys, or the client's queue, or
/// may take long.
const SPECIAL: Flags =
    LONG.union(Flags::EXCLUSIVE).union(Flags::RUNS_QUEUE).union(Flags::LOCKS_WATCHED);

/// Whether a command that is [`SPECIAL`] may take so long that its worker should not wait for it.
fn needs_fiber(entry: &CommandEntry, client: &Client) -> bool {
    let runs_scripts = || {
        let queue = client.transaction.iter().flat_map(|transaction| &transaction.queue);
        entry.flags().contains(Flags::RUNS_QUEUE)
            && queue.into_iter().any(|(entry, _)| entry.flags().contains(Flags::RUNS_SCRIPT))
    };
    entry.flags().intersects(LONG) || runs_scripts()
}

/// As [`run`], for a command that is [`SPECIAL`]; or, for an EXEC that is refused, ends the
/// transaction.
#[inline(never)]
#[allow(clippy::too_many_arguments)] // what a context is made of
pub(super) fn run_special(
    server: &Server,
    worker: &mut WorkerContext,
    client: &mut Client,
    out: &mut Vec<u8>,
    entry: &'static CommandEntry,
    request: Request<'_>,
    refusal: Option<Error>,
    pauser: Option<&Pauser<'_>>,
) -> Outcome {
    let keyspace = &server.keyspace;
    let locks = if needs_gate(entry, client) {
        match keyspace.exclusive(worker.id) {
            Some(exclusive) => Locks::All(Box::new(exclusive)),
            None => return Outcome::SetAside(Why::Gate),
        }
    } else {
        let mut hashes: SmallVec<[u64; 16]> = request.hashes.into();
        if entry.flags().contains(Flags::LOCKS_WATCHED) {
            transaction::hashes(server, client, entry, &mut hashes);
        }
        match lock(keyspace, worker.id, &hashes) {
            Some(locks) => locks,
            None => return Outcome::SetAside(Why::Shard),
        }
    };
    let runs_queue = entry.flags().contains(Flags::RUNS_QUEUE);
    let queue = if runs_queue { client.transaction.take() } else { None };
    let special = Special { queue: queue.as_deref(), pauser };
    within(
        server,
        worker,
        client,
        out,
        entry,
        request,
        locks,
        Some(&special),
        |ctx| match refusal {
            None => call(ctx),
            Some(error) => transaction::refuse(ctx, &error),
        },
    )
}

/// Runs something in the context of a command, and ends its view of the keyspace.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // what a context is made of
fn within(
    server: &Server,
    worker: &mut WorkerContext,
    client: &mut Client,
    out: &mut Vec<u8>,
    entry: &'static CommandEntry,
    request: Request<'_>,
    locks: Locks<'_>,
    special: Option<&Special<'_>>,
    body: impl FnOnce(&mut Ctx<'_>),
) -> Outcome {
    // What has no locks may be outside the gate (`works_outside`), and leaves no keys to be served.
    let has_shards = matches!(locks, Locks::One(_) | Locks::Many(_));
    let protocol = client.protocol;
    let reply_start = out.len();
    let restart_alone;
    let tally = {
        let mut ctx = Ctx {
            // Made in its place: it is too large to be moved for nothing.
            db: new_view(server, worker, locks, client.db, client.no_touch),
            server,
            worker: &mut *worker,
            client: &mut *client,
            command: entry,
            args: request.args,
            out: ReplyWriter::new(out, protocol),
            hashes: request.hashes,
            large: request.large,
            special,
            in_exec: false,
            in_script: false,
            is_error_counted: false,
            restart_alone: false,
        };
        body(&mut ctx);
        restart_alone = ctx.restart_alone;
        ctx.db.finish(server, ctx.worker)
    };
    account(worker, tally);
    if tally.changes != 0 && server.journal.is_consumed() {
        note_log_offset(server, client);
    }
    if restart_alone {
        out.truncate(reply_start);
        return Outcome::SetAside(Why::Gate);
    }
    if !worker.ready.is_empty() && has_shards {
        serve_ready(server, worker);
    }
    if entry.flags().contains(Flags::BLOCKING) && client.wait.is_some() {
        return Outcome::Blocked;
    }
    Outcome::Done
}

/// Notes up to where the client's writes reach in the log.
#[inline(never)]
fn note_log_offset(server: &Server, client: &mut Client) {
    if let Some(log) = &*server.persistence.log.load() {
        client.log_offset = log.appended();
    }
}

/// The keyspace as a command sees it that runs now, in a logical database.
#[inline(always)]
pub(crate) fn new_view<'a>(
    server: &'a Server,
    worker: &mut WorkerContext,
    locks: Locks<'a>,
    db: u32,
    no_touch: bool,
) -> View<'a> {
    let access = Access { policy: worker.access_policy, no_touch, random: worker.random_u32() };
    let now_ms = if worker.is_replaying { 0 } else { worker.clock.now_ms() };
    let journal = server.journal.is_consumed().then_some(&server.journal);
    let events = Events::new(&server.pubsub, worker.config.notify_keyspace_events);
    View::new(&server.keyspace, locks, db, now_ms, access, journal, events)
}

/// Adds what a view did to the worker's statistics.
#[inline(always)]
pub(crate) fn account(worker: &mut WorkerContext, tally: Tally) {
    worker.own_mail |= tally.own_mail;
    let stats = &worker.stats;
    if tally.hits != 0 {
        stats.keyspace_hits.add(tally.hits.into());
    }
    if tally.misses != 0 {
        stats.keyspace_misses.add(tally.misses.into());
    }
    if tally.changes != 0 {
        stats.changes.add(tally.changes);
    }
    if tally.expired != 0 {
        stats.expired_keys.add(tally.expired.into());
    }
}

/// Runs the handler of `ctx.command` and records what it did and how long it took.
#[inline(always)] // into each of the ways to get here
pub(super) fn call(ctx: &mut Ctx<'_>) {
    let entry = ctx.command;
    let started = ctx.worker.clock.ticks();
    let changes_before = ctx.db.tally().changes;
    // The handler may give it away; who journals needs it afterwards.
    let large = if ctx.db.is_journaled() { ctx.large.clone() } else { None };
    let reply_start = ctx.out.buffer().len();
    let command = InFlight { entry, args: ctx.args, client: ctx.client.info.id };
    let result = in_flight::during(&command, || (entry.command.handler)(ctx));
    if ctx.restart_alone {
        return;
    }
    if let Err(error) = &result {
        ctx.out.buffer().truncate(reply_start);
        ctx.out.error_bytes(error.text());
    }
    if ctx.out.buffer().get(reply_start) == Some(&b'-') {
        note_failure(ctx, reply_start);
    }
    if ctx.db.is_journaled() {
        record(ctx, changes_before, large);
    }
    // Afterwards, so that an EXEC follows its commands, but still under the locks: monitors see the
    // commands on a key in the order of their execution.
    if ctx.server.monitors.any() {
        ctx.server.monitors.feed(ctx);
    }
    ctx.worker.stats.total_commands_processed.add(1);
    let elapsed_ns = ctx.worker.clock.lap_ns(started);
    let stats = &ctx.worker.stats.commands[entry.id];
    stats.calls.add(1);
    stats.total_ns.add(elapsed_ns);
    if ctx.worker.config.latency_tracking {
        stats.latency.get_or_init(Box::default).record(elapsed_ns);
    }
    ctx.server.note_duration(ctx, elapsed_ns);
}

/// Records the command in the journal if it has changed something and has not said itself what it
/// did. `large` is the argument that it may have adopted.
#[inline(never)]
fn record(ctx: &mut Ctx<'_>, changes_before: u64, large: Option<Vec<u8>>) {
    let restated = ctx.db.take_restated();
    if ctx.db.tally().changes != changes_before && !restated {
        let mut argv = ctx.args.to_owned();
        if let (Some(at), Some(large)) = (ctx.command.command.adopts, large) {
            argv[at] = large;
        }
        let effect = Effect { db: ctx.db.selected(), argv };
        ctx.db.effects().push(effect);
    }
}

/// Counts a command whose reply, from `reply_start` on, is an error.
#[cold]
fn note_failure(ctx: &mut Ctx<'_>, reply_start: usize) {
    ctx.worker.stats.commands[ctx.command.id].failed.add(1);
    if std::mem::take(&mut ctx.is_error_counted) {
        return;
    }
    let line = ctx.out.buffer()[reply_start + 1..].to_vec();
    ctx.server.note_error(ctx.worker, &Error::from_line(line));
}

/// Drops the reply where CLIENT REPLY says so.
#[inline]
pub(crate) fn settle_reply(client: &mut Client, out: &mut Vec<u8>, reply_start: usize) {
    if client.reply_mode == ReplyMode::On {
        return;
    }
    out.truncate(reply_start);
    out.append(&mut client.messages);
    match client.reply_mode {
        ReplyMode::On | ReplyMode::Off => {}
        ReplyMode::SkipNext => client.reply_mode = ReplyMode::Skip,
        ReplyMode::Skip => client.reply_mode = ReplyMode::On,
    }
}

/// The locks of the shards of some keys, or nothing: then the worker is woken when the one that
/// was busy is let go.
pub(crate) fn lock<'a>(keyspace: &'a Keyspace, worker: usize, hashes: &[u64]) -> Option<Locks<'a>> {
    match hashes {
        [] => Some(Locks::None),
        [hash] => keyspace.lock(keyspace.shard_of(*hash), worker).map(Locks::One),
        _ => lock_many(keyspace, worker, hashes),
    }
}

#[inline(never)]
fn lock_many<'a>(keyspace: &'a Keyspace, worker: usize, hashes: &[u64]) -> Option<Locks<'a>> {
    let mut shards: SmallVec<[usize; 16]> =
        hashes.iter().map(|hash| keyspace.shard_of(*hash)).collect();
    shards.sort_unstable();
    shards.dedup();
    keyspace.lock_all(&shards, worker).map(|guards| Locks::Many(ManyLocks::new(guards)))
}
