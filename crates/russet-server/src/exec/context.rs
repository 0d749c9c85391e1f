//! What a command handler sees.

use russet_resp::ReplyWriter;

use super::fiber::Pauser;
use super::{Args, View, hides_argument};
use crate::client::{Client, Transaction};
use crate::command::CommandEntry;
use crate::config::Config;
use crate::error::Error;
use crate::server::Server;
use crate::worker::WorkerContext;

/// A key with its hash.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The key.
    pub bytes: &'a [u8],
    /// Its hash in the server's keyspace.
    pub hash: u64,
}

/// Everything that the execution of one command may use.
pub struct Ctx<'a> {
    /// What all workers share.
    pub server: &'a Server,
    /// The worker that executes: its statistics, random numbers and configuration.
    pub worker: &'a mut WorkerContext,
    /// The client that asked.
    pub client: &'a mut Client,
    /// The command as it is declared.
    pub command: &'static CommandEntry,
    /// What the client sent.
    pub args: Args<'a>,
    /// The reply; exactly one is to be written.
    pub out: ReplyWriter<'a>,
    /// The keyspace, as far as this command has locked it.
    pub db: View<'a>,
    /// The hashes of the command's keys in the order of its key specifications, so that they are
    /// computed once, when the command is prefetched.
    pub(crate) hashes: &'a [u64],
    /// A large argument that was received into an allocation of its own. See [`Ctx::take_large`].
    pub(crate) large: &'a mut Option<Vec<u8>>,
    /// What few commands have.
    pub(crate) special: Option<&'a Special<'a>>,
    /// EXEC runs the command: its reply is one element of EXEC's.
    pub(crate) in_exec: bool,
    /// A script calls the command.
    pub(crate) in_script: bool,
    /// The reply is an error that has been counted as that of another command.
    pub(crate) is_error_counted: bool,
    /// Nothing was changed, and the command is to be executed again, alone: the script that it runs
    /// uses keys which are not locked.
    pub(crate) restart_alone: bool,
}

/// What few commands have.
#[derive(Clone, Copy)]
pub(crate) struct Special<'a> {
    /// What EXEC is to run.
    pub queue: Option<&'a Transaction>,
    /// How the command pauses, if it runs on a fiber.
    pub pauser: Option<&'a Pauser<'a>>,
}

impl<'a> Ctx<'a> {
    /// How the command pauses, if it runs on a fiber.
    pub(crate) fn pauser(&self) -> Option<&'a Pauser<'a>> {
        self.special.and_then(|special| special.pauser)
    }

    /// Argument `at` as a key. Cheap for the keys of single-key commands and for runs of keys.
    #[inline(always)] // most commands begin with it
    pub fn key(&self, at: usize) -> Key<'a> {
        let bytes = self.args.get(at);
        let hash = match (self.command.single_key, self.hashes) {
            (Some(single), [hash]) if single == at => *hash,
            _ => self.db.hash(bytes),
        };
        Key { bytes, hash }
    }

    /// The key that a run of keys (from argument `first` on, every `step`) has at position `nth`.
    #[inline]
    pub fn nth_key(&self, nth: usize, first: usize, step: usize) -> Key<'a> {
        let bytes = self.args.get(first + nth * step);
        let hash = self.hashes.get(nth).copied().unwrap_or_else(|| self.db.hash(bytes));
        debug_assert_eq!(hash, self.db.hash(bytes));
        Key { bytes, hash }
    }

    /// The configuration as of the beginning of this round.
    #[inline]
    pub fn config(&self) -> &Config {
        &self.worker.config
    }

    /// The argument that the declaration's `adopts` names, if it was received into an allocation of
    /// its own: the handler takes the allocation over instead of copying the argument.
    #[inline]
    pub fn take_large(&mut self) -> Option<Vec<u8>> {
        self.large.take()
    }

    /// Argument `at` as an integer.
    ///
    /// # Errors
    ///
    /// [`Error::NOT_AN_INTEGER`]
    #[inline]
    pub fn int(&self, at: usize) -> Result<i64, Error> {
        russet_data::number::parse_i64(self.args.get(at)).ok_or(Error::NOT_AN_INTEGER)
    }

    /// See [`hides_argument`].
    pub fn hides_argument(&self, at: usize) -> bool {
        hides_argument(self.command, self.args, at)
    }

    /// Whether argument `at` is this word, in any case.
    #[inline]
    pub fn is(&self, at: usize, word: &str) -> bool {
        self.args.get(at).eq_ignore_ascii_case(word.as_bytes())
    }
}
