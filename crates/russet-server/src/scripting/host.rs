//! What a running script asks of the server.

use std::time::Instant;

use russet_resp::{ArgSpan, Protocol};
use russet_script::{Called, Host, LogLevel, Pace, Replication};
use smallvec::SmallVec;

use super::Running;
use super::cache::Digest;
use crate::command::{CommandEntry, Flags};
use crate::error::Error;
use crate::exec::nested::call_nested;
use crate::exec::{Args, Ctx};

/// See the module's documentation.
pub struct ScriptHost<'c, 'a> {
    ctx: &'c mut Ctx<'a>,
    digest: Digest,
    is_read_only: bool,
    /// Whether commands that need memory are refused, until something was written.
    is_short_of_memory: bool,
    /// Whether a command that writes was executed.
    pub has_written: bool,
    /// Whether the script is to be run again, alone.
    pub must_restart: bool,
    replication: Replication,
    /// When it was first asked for its pace, which is soon after it has begun.
    began: Option<Instant>,
}

/// What a script that was killed ends with.
const KILLED: &str = "Script killed by user with SCRIPT KILL...";
/// What a script ends with when the server does.
const SHUTTING_DOWN: &str = "The server is shutting down";

impl<'c, 'a> ScriptHost<'c, 'a> {
    /// The host of a script that is about to run.
    pub fn new(
        ctx: &'c mut Ctx<'a>,
        digest: Digest,
        is_read_only: bool,
        is_short_of_memory: bool,
    ) -> Self {
        let replication = Replication { to_file: true, to_replicas: true };
        ScriptHost {
            ctx,
            digest,
            is_read_only,
            is_short_of_memory,
            has_written: false,
            must_restart: false,
            replication,
            began: None,
        }
    }

    /// What a command may not do that a script calls, if this is such a command.
    fn refusal(&self, entry: &CommandEntry, args: Args<'_>) -> Option<Error> {
        let flags = entry.flags();
        if !entry.arity_fits(args.len()) {
            return Some(Error::new("ERR Wrong number of args calling Redis command from script"));
        }
        if flags.contains(Flags::NOSCRIPT) {
            return Some(Error::new("ERR This Redis command is not allowed from script"));
        }
        if self.is_read_only && flags.intersects(Flags::WRITE | Flags::MAY_REPLICATE) {
            let text = "ERR Write commands are not allowed from read-only scripts.";
            return Some(Error::new(text));
        }
        let needs_memory = flags.contains(Flags::DENYOOM);
        if self.is_short_of_memory && needs_memory && !self.has_written {
            return Some(Error::OUT_OF_MEMORY);
        }
        None
    }

    fn running(&self) -> &Running {
        &self.ctx.server.workers[self.ctx.worker.id].script
    }

    fn refuse(&mut self, entry: Option<&CommandEntry>, error: &Error) -> Called {
        if let Some(entry) = entry {
            self.ctx.worker.stats.commands[entry.id].rejected.add(1);
        }
        self.ctx.server.note_error(self.ctx.worker, error);
        Called::Refused([b"-", error.text()].concat())
    }

    /// Sees to it that the locks cover a command. `None` if they do; otherwise what becomes of it.
    fn cover(&mut self, entry: &CommandEntry, hashes: &[u64]) -> Option<Called> {
        let needs_all = entry.flags().intersects(Flags::EXCLUSIVE | Flags::WALKS);
        if self.ctx.db.covers(needs_all, hashes) {
            return None;
        }
        self.ctx.server.scripts.learn_undeclared(&self.digest);
        if !needs_all && self.ctx.db.extend_locks(hashes) {
            return None;
        }
        if self.has_written || self.ctx.in_exec {
            let error = Error::new(
                "ERR The script uses a key that it has not declared, which is in use elsewhere. \
                 The next time it will be run alone",
            );
            return Some(self.refuse(None, &error));
        }
        self.must_restart = true;
        Some(Called::Stopped)
    }
}

impl Host for ScriptHost<'_, '_> {
    fn call(
        &mut self,
        command: &[u8],
        spans: &[ArgSpan],
        protocol: Protocol,
        reply: &mut Vec<u8>,
    ) -> Called {
        let args = Args::new(command, spans, &[]);
        let server = self.ctx.server;
        let sub = (spans.len() > 1).then(|| args.get(1));
        let Ok(entry) = server.names.resolve(args.get(0), sub) else {
            let error = Error::new("ERR Unknown Redis command called from script");
            return self.refuse(None, &error);
        };
        if let Some(error) = self.refusal(entry, args) {
            return self.refuse(Some(entry), &error);
        }
        let entry = entry.for_call(server, args);
        let positions = entry.key_positions(spans.len(), |at| args.get(at));
        let hashes: SmallVec<[u64; 16]> =
            positions.map(|(at, _)| server.keyspace.hash(args.get(at))).collect();
        if let Some(refused) = self.cover(entry, &hashes) {
            return refused;
        }
        if entry.flags().contains(Flags::WRITE) && !self.has_written {
            self.has_written = true;
            self.running().mark_written();
        }
        let effects = self.ctx.db.effect_count();
        call_nested(self.ctx, entry, args, &hashes, protocol, reply);
        if !self.replication.to_file && !self.replication.to_replicas {
            self.ctx.db.drop_effects(effects);
        }
        Called::Replied
    }

    fn log(&mut self, level: LogLevel, message: &[u8]) {
        let message = String::from_utf8_lossy(message);
        match level {
            LogLevel::Debug => tracing::trace!("{message}"),
            LogLevel::Verbose => tracing::debug!("{message}"),
            LogLevel::Notice => tracing::info!("{message}"),
            LogLevel::Warning => tracing::warn!("{message}"),
        }
    }

    fn set_replication(&mut self, replication: Replication) {
        self.replication = replication;
    }

    fn pace(&mut self) -> Pace {
        let elapsed = self.began.get_or_insert_with(Instant::now).elapsed();
        if self.ctx.server.shutdown.is_final() {
            return Pace::Stop(SHUTTING_DOWN);
        }
        let threshold_ms = self.ctx.config().busy_reply_threshold;
        let running = self.running();
        if running.is_slow() && running.must_end() {
            return Pace::Stop(SHUTTING_DOWN);
        }
        if running.is_slow() {
            if running.is_killed() {
                tracing::warn!("Lua script killed by user with SCRIPT KILL.");
                return Pace::Stop(KILLED);
            }
        } else if threshold_ms > 0 && elapsed.as_millis() >= threshold_ms as u128 {
            tracing::warn!(
                "Slow script detected: still in execution after {} milliseconds. You can try \
                 killing the script using the SCRIPT KILL command. Script name is: {}.",
                elapsed.as_millis(),
                String::from_utf8_lossy(&self.digest)
            );
            running.mark_slow(self.ctx.db.held(), self.has_written);
        }
        Pace::GoOn
    }
}
