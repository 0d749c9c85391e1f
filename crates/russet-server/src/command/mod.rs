//! What a command is: one declaration, from which everything else derives.
//!
//! A [`Command`] stands next to its handler in [`crate::commands`]. Dispatch, key locking, COMMAND
//! and its subcommands, and later ACL, cluster redirection and the CLI's help all read it; nothing
//! about a command is said anywhere else.

#[cfg(test)]
mod documents;
mod keys;
mod table;

pub use keys::{Begin, Find, KeyFlags, KeyPositions, KeySpec};
pub use table::{COMMANDS, CommandEntry, CommandTable, LookupError, Names, Recent};

use crate::error::Error;
use crate::exec::{Args, Ctx};
use crate::server::Server;

/// Executes a command: reads `ctx.args`, works on `ctx.db`, writes one reply to `ctx.out`.
///
/// # Errors
///
/// An error is written as the reply by the caller; the handler must not have written one.
pub type Handler = fn(&mut Ctx<'_>) -> Result<(), Error>;

bitflags::bitflags! {
    /// How a command behaves, in the terms of Redis' COMMAND reply.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Flags: u32 {
        /// May change the keyspace.
        const WRITE = 1;
        /// Reads keys and changes none.
        const READONLY = 1 << 1;
        /// May use more memory: refused when memory is out.
        const DENYOOM = 1 << 2;
        /// Administration.
        const ADMIN = 1 << 3;
        /// Belongs to Pub/Sub.
        const PUBSUB = 1 << 4;
        /// Not from scripts.
        const NOSCRIPT = 1 << 5;
        /// May block its client.
        const BLOCKING = 1 << 6;
        /// Allowed while loading.
        const LOADING = 1 << 7;
        /// Allowed on a replica with stale data.
        const STALE = 1 << 8;
        /// Not shown by MONITOR.
        const SKIP_MONITOR = 1 << 9;
        /// Not recorded in the slow log.
        const SKIP_SLOWLOG = 1 << 10;
        /// May be called without any key although it takes some.
        const NO_MANDATORY_KEYS = 1 << 11;
        /// Constant or logarithmic time.
        const FAST = 1 << 12;
        /// Needs no authentication.
        const NO_AUTH = 1 << 13;
        /// Replicated in some forms although it is no write.
        const MAY_REPLICATE = 1 << 14;
        /// Not inside MULTI.
        const NO_MULTI = 1 << 15;
        /// Allowed while a script keeps the server busy.
        const ALLOW_BUSY = 1 << 16;
        /// Not allowed during asynchronous loading.
        const NO_ASYNC_LOADING = 1 << 17;
        /// Refused unless the configuration allows it to this client (DEBUG, MODULE).
        const PROTECTED = 1 << 18;
        /// For those who work on the server itself; marked in COMMAND DOCS.
        const SYSTEM = 1 << 19;
        /// Runs behind the closed gate: it cannot name its keys, or needs them all. Not Redis'.
        const EXCLUSIVE = 1 << 24;
        /// Executed inside a transaction at once instead of being queued. Not Redis'.
        const NOT_QUEUED = 1 << 25;
        /// Runs while clients are paused. Not Redis'.
        const NOT_PAUSED = 1 << 26;
        /// Visits shards by itself, one at a time; exclusive inside a transaction. Not Redis'.
        const WALKS = 1 << 27;
        /// Allowed to subscribers that speak RESP2. Not Redis'.
        const FOR_SUBSCRIBERS = 1 << 30;
        /// Executes the client's queue: EXEC. Not Redis'.
        const RUNS_QUEUE = 1 << 28;
        /// Locks the shards of the client's watched keys too. Not Redis'.
        const LOCKS_WATCHED = 1 << 29;
        /// Runs a script, which may call any command that scripts may. Not Redis'.
        const RUNS_SCRIPT = 1 << 31;
    }

    /// ACL categories beyond those that follow from [`Flags`] and the group.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Categories: u32 {
        /// `@keyspace`
        const KEYSPACE = 1;
        /// `@dangerous`
        const DANGEROUS = 1 << 1;
        /// `@connection`
        const CONNECTION = 1 << 2;
        /// `@transaction`
        const TRANSACTION = 1 << 3;
        /// `@scripting`
        const SCRIPTING = 1 << 4;
        /// `@admin`, of commands without the flag
        const ADMIN = 1 << 5;
        /// `@list`, `@set` and `@sortedset`, of commands for all three
        const COLLECTIONS = 1 << 6;
    }
}

/// The chapter of the manual that a command belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are Redis' own
pub enum Group {
    String,
    Bitmap,
    List,
    Set,
    SortedSet,
    Hash,
    HyperLogLog,
    Geo,
    Stream,
    PubSub,
    Transactions,
    Scripting,
    Generic,
    Connection,
    Server,
    Cluster,
}

/// One command or subcommand. See the module's documentation.
pub struct Command {
    /// Lower case; a subcommand without its parent's name.
    pub name: &'static str,
    /// Number of arguments with the name(s); negative: at least that many.
    pub arity: i32,
    /// See [`Flags`].
    pub flags: Flags,
    /// See [`Categories`].
    pub categories: Categories,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// See [`Group`].
    pub group: Group,
    /// Version of Redis that had it first.
    pub since: &'static str,
    /// One sentence for COMMAND DOCS.
    pub summary: &'static str,
    /// For COMMAND DOCS.
    pub complexity: &'static str,
    /// Its arguments in the notation of [`crate::commands::server::command_docs`].
    pub syntax: &'static str,
    /// Version and change, for COMMAND DOCS.
    pub history: &'static [(&'static str, &'static str)],
    /// Tips to clients, for COMMAND.
    pub tips: &'static [&'static str],
    /// Since which version another command should be used, and which.
    pub replaced_by: Option<(&'static str, &'static str)>,
    /// The last argument of this index may be received into the allocation that will hold the
    /// value: `ctx.take_large` hands it out.
    pub adopts: Option<usize>,
    /// The argument that names an element of the value, or the first of several: what leads to it is
    /// prefetched. For commands with a single key.
    pub element: Option<usize>,
    /// The argument that becomes the score of that element: what leads to its place in the order is
    /// prefetched too.
    pub score: Option<usize>,
    /// What runs; a command with subcommands runs this only when called without one.
    pub handler: Handler,
    /// What a call does with the keys of a specification with `VARIABLE_FLAGS`.
    pub key_flags: Option<fn(Args<'_>) -> KeyFlags>,
    /// Whether a call touches keys that no specification finds, or needs them all: it runs as with
    /// [`Flags::EXCLUSIVE`].
    pub reaches: Option<fn(&Server, Args<'_>) -> bool>,
    /// Its subcommands.
    pub subcommands: &'static [Command],
}

impl Command {
    /// A declaration to be completed by struct update syntax: everything optional is empty.
    pub const fn new(name: &'static str, arity: i32, flags: Flags, handler: Handler) -> Self {
        Command {
            name,
            arity,
            flags,
            categories: Categories::empty(),
            keys: &[],
            group: Group::Generic,
            since: "1.0.0",
            summary: "",
            complexity: "O(1)",
            syntax: "",
            history: &[],
            tips: &[],
            replaced_by: None,
            adopts: None,
            element: None,
            score: None,
            key_flags: None,
            reaches: None,
            handler,
            subcommands: &[],
        }
    }
}
