//! Fibers: stacks of their own, on which commands run that may take long.
//!
//! # Problem
//!
//! A script may run for seconds, and all that time its worker has other clients, who want other keys;
//! with one worker, even SCRIPT KILL comes in through it. Re-entering the event loop from within the
//! script, as Redis does, would bury the script under whatever the loop begins: a second script that
//! is slow keeps the first from going on. So such a command runs on a stack of its own. When its slice
//! of time is over it *pauses*: the worker switches back to its own stack, where `dispatch` returns
//! [`Outcome::Paused`](super::dispatch::Outcome), goes on with its round, and gives the command another
//! slice in each of the following. A switch costs a few nanoseconds, so that short commands need not be
//! told apart.
//!
//! ```text
//!  worker's stack   ── dispatch ──┐            ┌─ round ── resume ─┐           ┌─ reply, round ──
//!                                 │ lends      │ given back        │ lends     │ given back
//!  fiber's stack                  └─ lock, run ┴ pause  . . . . . .└─ run ─────┴ unlock
//! ```
//!
//! # What is whose
//!
//! - **The worker's context and the client** are lent: for a slice they are moved to where the command
//!   refers to them, and moved back before the worker goes on. So either has them exclusively, and there
//!   is one of each. Should the client's connection be closed during a pause, the client stays with the
//!   command.
//! - **Request and reply** belong to the fiber: the request is copied out of the buffers it was received
//!   into, and the reply is appended to the connection's when the command is done.
//! - **Locks, view and effects** live on the fiber's stack and outlast pauses. Therefore a command that
//!   has paused *lodges* in the gate (G1), and is still one unit of the journal (I3). Time stands still
//!   in its view, and goes on for others.
//! - **The configuration** of a command that has paused stays as it was when it began: a change
//!   by another client does not take effect between two of its slices.
//! - **The interpreter** of a script that pauses is not in its worker's context, so another script gets
//!   another one.
//!
//! # Why nothing gets stuck
//!
//! A command on a fiber never waits for a lock that it was refused: before it has begun it lets go of
//! what it has (L2), and a script that wants more than it has either gets it at once or ends. So whoever
//! holds locks across a pause goes on in its worker's next round, whatever that worker's other commands
//! wait for. They are set aside like those of other workers (I9), and are woken by the release. A walk
//! over the keyspace pauses as well, also when it meets a locked shard, and holds no lock then.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use russet_resp::ArgSpan;

use super::dispatch::{Outcome, Request, run_special};
use super::{Args, OwnedCommand};
use crate::client::{Client, ClientInfo};
use crate::command::CommandEntry;
use crate::config::Config;
use crate::error::Error;
use crate::process::crash::in_flight;
use crate::server::Server;
use crate::worker::WorkerContext;

/// As much as a thread has: scripts may nest calls as deep as the interpreter allows. Memory is used as
/// far as the stack is.
const STACK_BYTES: usize = 2 << 20;
/// Fibers that a worker keeps for the next commands.
const KEPT_IDLE: usize = 2;
/// Bytes of a request or a reply for which a fiber keeps room: those of most scripts, and fewer than
/// would be missed when memory is counted.
const KEPT_BYTES: usize = 4 << 10;
/// Arguments above this size have allocations of their own, so that spans reach all others.
const LARGE_BYTES: usize = 32 << 10;
const ARGUMENTS_MAX_BYTES: usize = 1 << 30;
/// Commands of one worker that may be under way at the same time.
pub const UNDER_WAY_MAX: usize = 16;

/// How long a command runs before it pauses first: longer than nearly all scripts do.
pub const FIRST_SLICE: Duration = Duration::from_micros(500);
/// How long it runs between two pauses: as long as a request may well have to wait.
pub const SLICE: Duration = Duration::from_micros(50);

/// What a command that has paused wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// To go on.
    GoOn,
    /// To try again when a shard was let go.
    TryAgain,
}

/// What is lent to a fiber for a slice.
struct Loan {
    worker: WorkerContext,
    client: Client,
}

impl Loan {
    /// Something in its place.
    fn blank(worker: &WorkerContext) -> Self {
        Loan {
            worker: WorkerContext::new(worker.id, worker.config.clone(), worker.stats.clone()),
            client: Client::new(Arc::new(ClientInfo::nobody(worker.id)), false),
        }
    }

    fn swap(&mut self, worker: &mut WorkerContext, client: &mut Client) {
        std::mem::swap(&mut self.worker, worker);
        std::mem::swap(&mut self.client, client);
    }
}

/// A command on a fiber.
struct Job {
    loan: Loan,
    entry: Option<&'static CommandEntry>,
    arguments: Vec<u8>,
    /// Large arguments, and those for which there is no room beside the others.
    owned: Vec<Vec<u8>>,
    spans: Vec<ArgSpan>,
    hashes: Vec<u64>,
    out: Vec<u8>,
    outcome: Outcome,
}

impl Job {
    fn take_over(&mut self, entry: &'static CommandEntry, request: &Request<'_>) {
        self.entry = Some(entry);
        self.arguments.clear();
        self.owned.clear();
        self.spans.clear();
        for argument in request.args.iter_from(0) {
            if argument.len() > LARGE_BYTES || self.arguments.len() > ARGUMENTS_MAX_BYTES {
                self.spans.push(ArgSpan::owned(self.owned.len() as u32));
                self.owned.push(argument.to_vec());
            } else {
                let start = self.arguments.len() as u32;
                self.spans.push(ArgSpan::bytes(start, argument.len() as u32));
                self.arguments.extend_from_slice(argument);
            }
        }
        self.hashes.clear();
        self.hashes.extend_from_slice(request.hashes);
        self.out.clear();
    }

    fn run(&mut self, server: &Server, pauser: &Pauser<'_>) {
        let entry = self.entry.expect("it was taken over");
        let args = Args::new(&self.arguments, &self.spans, &self.owned);
        let request = Request { entry: Ok(entry), args, hashes: &self.hashes, large: &mut None };
        let Loan { worker, client } = &mut self.loan;
        let out = &mut self.out;
        self.outcome = run_special(server, worker, client, out, entry, request, None, Some(pauser));
    }
}

/// What the worker tells a fiber.
enum Call {
    Run(Box<Job>),
    GoOn(Box<Loan>),
    End,
}

/// What a fiber tells the worker.
enum Answer {
    Done(Box<Job>),
    Paused(Box<Loan>, Wish),
}

/// How far the command on a fiber has got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It has ended.
    Ended(Outcome),
    /// It has paused.
    Paused(Wish),
}

/// See the module's documentation.
pub struct Fiber {
    coroutine: Coroutine<Call, Answer, ()>,
    /// The job when none is under way.
    job: Option<Box<Job>>,
    /// What is to be lent to the job that has paused.
    loan: Option<Box<Loan>>,
    /// The configuration under which that has run so far.
    config: Option<Arc<Config>>,
}

impl Fiber {
    /// A fiber for commands of a worker.
    pub fn new(server: Arc<Server>, worker: &WorkerContext) -> Box<Self> {
        let stack = DefaultStack::new(STACK_BYTES).expect("the system has room for a stack");
        let coroutine = Coroutine::with_stack(stack, move |yielder, first| {
            let mut call = first;
            while let Call::Run(mut job) = call {
                job.run(&server, &Pauser::new(&server, yielder));
                call = yielder.suspend(Answer::Done(job));
            }
        });
        let job = Job {
            loan: Loan::blank(worker),
            entry: None,
            arguments: Vec::new(),
            owned: Vec::new(),
            spans: Vec::new(),
            hashes: Vec::new(),
            out: Vec::new(),
            outcome: Outcome::Done,
        };
        Box::new(Fiber { coroutine, job: Some(Box::new(job)), loan: None, config: None })
    }

    /// Gives the command that has paused another slice.
    pub fn go_on(&mut self, worker: &mut WorkerContext, client: &mut Client) -> Progress {
        const PAUSED: &str = "the command has paused";
        let mut loan = self.loan.take().expect(PAUSED);
        let present = worker.config.clone();
        worker.reconfigure(self.config.take().expect(PAUSED));
        loan.swap(worker, client);
        let progress = self.resume(Call::GoOn(loan), worker, client);
        worker.reconfigure(present);
        progress
    }

    fn resume(&mut self, call: Call, worker: &mut WorkerContext, client: &mut Client) -> Progress {
        let CoroutineResult::Yield(answer) = self.coroutine.resume(call) else {
            unreachable!("a fiber ends when it is dropped");
        };
        match answer {
            Answer::Done(mut job) => {
                job.loan.swap(worker, client);
                let outcome = job.outcome;
                self.job = Some(job);
                Progress::Ended(outcome)
            }
            Answer::Paused(mut loan, wish) => {
                loan.swap(worker, client);
                self.loan = Some(loan);
                self.config = Some(worker.config.clone());
                Progress::Paused(wish)
            }
        }
    }

    fn ended(&mut self) -> &mut Job {
        self.job.as_mut().expect("the command has ended")
    }

    /// The reply of the command that has ended.
    pub fn reply(&mut self) -> &mut Vec<u8> {
        &mut self.ended().out
    }

    /// The command that has ended, to be tried again.
    pub fn command(&mut self) -> (&'static CommandEntry, OwnedCommand) {
        let job = self.ended();
        let args = Args::new(&job.arguments, &job.spans, &job.owned);
        (job.entry.expect("it was taken over"), OwnedCommand::new(args.to_owned()))
    }

    /// Puts the fiber, whose command has ended, among those that its worker keeps.
    pub fn put_away(mut self: Box<Self>, worker: &mut WorkerContext) {
        let job = self.ended();
        job.owned = Vec::new();
        for buffer in [&mut job.arguments, &mut job.out] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = Vec::new();
            }
        }
        if worker.idle_fibers.len() < KEPT_IDLE {
            worker.idle_fibers.push(self);
        }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        if self.job.is_some() {
            let ended = self.coroutine.resume(Call::End);
            debug_assert!(matches!(ended, CoroutineResult::Return(())));
        }
    }
}

/// Executes a command on a fiber, until it has ended or pauses; then the fiber is in
/// `worker.paused`.
#[inline(never)]
pub(super) fn run_on_fiber(
    server: &Server,
    worker: &mut WorkerContext,
    client: &mut Client,
    out: &mut Vec<u8>,
    entry: &'static CommandEntry,
    request: Request<'_>,
) -> Outcome {
    let mut fiber = match worker.idle_fibers.pop() {
        Some(fiber) => fiber,
        None => Fiber::new(server.shared(), worker),
    };
    let mut job = fiber.job.take().expect("it is idle");
    job.take_over(entry, &request);
    job.loan.swap(worker, client);
    match fiber.resume(Call::Run(job), worker, client) {
        Progress::Ended(outcome) => {
            out.append(fiber.reply());
            fiber.put_away(worker);
            outcome
        }
        Progress::Paused(wish) => {
            worker.paused = Some((fiber, wish));
            Outcome::Paused
        }
    }
}

/// How a command on a fiber pauses.
pub struct Pauser<'a> {
    server: &'a Server,
    yielder: &'a Yielder<Call, Answer>,
    lodges: Cell<bool>,
    /// What was last lent.
    spare: Cell<Option<Box<Loan>>>,
}

impl<'a> Pauser<'a> {
    fn new(server: &'a Server, yielder: &'a Yielder<Call, Answer>) -> Self {
        Pauser { server, yielder, lodges: Cell::new(false), spare: Cell::new(None) }
    }

    /// Lets the worker go on with its round, if it is in one, and returns when the command's next
    /// slice begins. A command that runs alone has closed the gate; the others lodge there.
    pub fn pause(
        &self,
        worker: &mut WorkerContext,
        client: &mut Client,
        is_alone: bool,
        wish: Wish,
    ) {
        if !worker.may_pause() {
            return;
        }
        if !is_alone && !self.lodges.replace(true) {
            self.server.keyspace.gate().lodge();
        }
        let spare = self.spare.take();
        let mut loan = spare.unwrap_or_else(|| Box::new(Loan::blank(worker)));
        loan.swap(worker, client);
        let call = in_flight::without(|| self.yielder.suspend(Answer::Paused(loan, wish)));
        let Call::GoOn(mut loan) = call else { unreachable!("the command has not ended") };
        loan.swap(worker, client);
        self.spare.set(Some(loan));
    }
}

/// Waits for somebody to let go of a shard that the walk of a command has to visit. The walk holds no
/// lock.
///
/// # Errors
///
/// [`Error::BUSY`] if a slow script has the shard.
pub fn wait_for(
    shard: usize,
    pauser: Option<&Pauser<'_>>,
    worker: &mut WorkerContext,
    client: &mut Client,
) -> Result<(), Error> {
    let pauser = pauser.expect("who runs alone is not refused, and other walks run on fibers");
    if pauser.server.slow_scripts.hold(&[shard]) || pauser.server.shutdown.is_final() {
        return Err(Error::BUSY);
    }
    if worker.may_pause() {
        pauser.pause(worker, client, false, Wish::TryAgain);
    } else {
        std::thread::yield_now();
    }
    Ok(())
}

/// The slices of time of a walk, which holds no lock between two of its steps.
pub struct Slices {
    ends_at_ns: u64,
}

impl Slices {
    /// Those of a walk that begins.
    pub fn new(worker: &WorkerContext) -> Self {
        Slices { ends_at_ns: worker.clock.ticks() + FIRST_SLICE.as_nanos() as u64 }
    }

    /// Ends a step: lets the worker go on with its other clients if the slice is over. Who runs alone
    /// has no pauser, and goes on.
    ///
    /// # Errors
    ///
    /// [`Error::BUSY`], which nobody is told, if the server is shutting down.
    pub fn end_step(
        &mut self,
        pauser: Option<&Pauser<'_>>,
        worker: &mut WorkerContext,
        client: &mut Client,
    ) -> Result<(), Error> {
        let Some(pauser) = pauser else { return Ok(()) };
        if worker.clock.read_ns() >= self.ends_at_ns {
            pauser.pause(worker, client, false, Wish::GoOn);
            self.ends_at_ns = worker.clock.read_ns() + SLICE.as_nanos() as u64;
            if pauser.server.shutdown.is_final() {
                return Err(Error::BUSY);
            }
        }
        Ok(())
    }
}

impl Drop for Pauser<'_> {
    fn drop(&mut self) {
        if self.lodges.get() {
            self.server.keyspace.gate().move_out();
        }
    }
}
