//! What a running script asks of the server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use russet_resp::{ArgSpan, Protocol};
use russet_script::{Called, Host, LogLevel, Pace, Replication};
use smallvec::SmallVec;

use super::cache::Digest;
use super::refusal::Refusal;
use super::running::SlowScript;
use crate::command::{CommandEntry, Flags};
use crate::error::Error;
use crate::exec::admission::{fits_persistence, permitted};
use crate::exec::fiber::{FIRST_SLICE, SLICE, Wish};
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
    /// Whether it has used a key that it has not declared, or all of them.
    pub uses_undeclared: bool,
    /// Whether it has been found not to, in another run.
    is_tried: bool,
    replication: Replication,
    /// When it began, and when it is to pause, by the worker's clock.
    began_ns: u64,
    pause_at_ns: u64,
    /// What others know of it, once it has run for long.
    slow: Option<Arc<SlowScript>>,
}

/// What a script that was killed ends with.
const KILLED: &str = "Script killed by user with SCRIPT KILL...";
/// What a script ends with that is run again; nobody is told.
const RESTARTED: &str = "The script is run again, alone";
/// What a script ends with when the server does.
const SHUTTING_DOWN: &str = "The server is shutting down";

impl<'c, 'a> ScriptHost<'c, 'a> {
    /// The host of a script that is about to run.
    pub fn new(
        ctx: &'c mut Ctx<'a>,
        digest: Digest,
        is_tried: bool,
        is_read_only: bool,
        is_short_of_memory: bool,
    ) -> Self {
        let replication = Replication { to_file: true, to_replicas: true };
        let began_ns = ctx.worker.clock.ticks();
        ScriptHost {
            ctx,
            digest,
            is_read_only,
            is_short_of_memory,
            has_written: false,
            must_restart: false,
            uses_undeclared: false,
            is_tried,
            replication,
            began_ns,
            pause_at_ns: began_ns + FIRST_SLICE.as_nanos() as u64,
            slow: None,
        }
    }

    /// Why a script may not call a command, if that is so.
    fn refusal(&self, entry: &CommandEntry, args: Args<'_>) -> Option<Refusal> {
        let flags = entry.flags();
        if !entry.arity_fits(args.len()) {
            return Some(Refusal::WRONG_ARITY);
        }
        if flags.contains(Flags::NOSCRIPT) && !self.may_debug(entry) {
            return Some(Refusal::NOT_ALLOWED);
        }
        if self.is_read_only && flags.intersects(Flags::WRITE | Flags::MAY_REPLICATE) {
            return Some(Refusal::READ_ONLY);
        }
        let Ctx { server, worker, client, .. } = &*self.ctx;
        if server.persistence.refuses_some()
            && let Err(error) = fits_persistence(server, worker, entry, client)
        {
            return Some(Refusal::Any(error));
        }
        let needs_memory = flags.contains(Flags::DENYOOM);
        if self.is_short_of_memory && needs_memory && !self.has_written {
            return Some(Refusal::Any(Error::OUT_OF_MEMORY));
        }
        None
    }

    /// Lets the worker go on with others if the script's slice of time is over, and says whether the
    /// script may go on then.
    #[inline]
    fn keep_pace(&mut self) -> Pace {
        if self.ctx.worker.clock.ticks() < self.pause_at_ns { Pace::GoOn } else { self.pause() }
    }

    #[cold]
    fn pause(&mut self) -> Pace {
        self.note_slow();
        if let Some(pauser) = self.ctx.pauser() {
            let is_alone = self.ctx.db.covers(true, &[]);
            pauser.pause(self.ctx.worker, self.ctx.client, is_alone, Wish::GoOn);
        }
        let now_ns = self.ctx.worker.clock.read_ns();
        self.pause_at_ns = now_ns + SLICE.as_nanos() as u64;
        if self.ctx.server.shutdown.is_final() {
            return Pace::Stop(SHUTTING_DOWN);
        }
        match &self.slow {
            Some(slow) if slow.must_end() => Pace::Stop(SHUTTING_DOWN),
            Some(slow) if slow.is_killed() => {
                tracing::warn!("Lua script killed by user with SCRIPT KILL.");
                Pace::Stop(KILLED)
            }
            _ => Pace::GoOn,
        }
    }

    /// Tells others of the script when it has run for long.
    fn note_slow(&mut self) {
        let threshold_ms = self.ctx.config().busy_reply_threshold;
        let elapsed_ms = (self.ctx.worker.clock.ticks().saturating_sub(self.began_ns)) / 1_000_000;
        if self.slow.is_some() || threshold_ms <= 0 || elapsed_ms < threshold_ms as u64 {
            return;
        }
        tracing::warn!(
            "Slow script detected: still in execution after {elapsed_ms} milliseconds. You can try \
             killing the script using the SCRIPT KILL command. Script name is: {}.",
            String::from_utf8_lossy(&self.digest)
        );
        self.slow = Some(self.ctx.server.slow_scripts.add(self.ctx.db.held(), self.has_written));
    }

    /// Whether this is DEBUG, which has been opened to scripts, and the client may call it.
    fn may_debug(&self, entry: &CommandEntry) -> bool {
        let Ctx { server, worker, client, .. } = &*self.ctx;
        entry.command.name == "debug"
            && server.scripts_may_debug.load(Ordering::Relaxed)
            && permitted(entry, worker.config.enable_debug_command, client).is_ok()
    }

    fn refuse(&mut self, entry: Option<&CommandEntry>, refusal: Refusal) -> Called {
        if let Some(entry) = entry {
            self.ctx.worker.stats.commands[entry.id].rejected.add(1);
        }
        let (error, text) = refusal.worded(self.ctx.config().compatibility);
        self.ctx.server.note_error(self.ctx.worker, &error);
        Called::Refused(text)
    }

    /// Sees to it that the locks cover a command. `None` if they do; otherwise what becomes of it.
    fn cover(&mut self, entry: &CommandEntry, hashes: &[u64]) -> Option<Called> {
        let needs_all = entry.flags().intersects(Flags::EXCLUSIVE | Flags::WALKS);
        if self.ctx.db.covers(needs_all, hashes) {
            // A transaction that runs alone tells how it would have gone otherwise.
            if !self.is_tried && self.ctx.in_exec && (needs_all || !self.declares(hashes)) {
                self.learn_undeclared();
            }
            return None;
        }
        self.learn_undeclared();
        let is_extended = !needs_all && self.ctx.db.extend_locks(hashes);
        if let Some(slow) = &self.slow {
            slow.set_held(self.ctx.db.held());
        }
        if is_extended {
            return None;
        }
        if self.has_written || self.ctx.in_exec {
            return Some(self.refuse(None, Refusal::KEY_IN_USE));
        }
        self.must_restart = true;
        Some(Called::Stopped(RESTARTED))
    }
}

impl ScriptHost<'_, '_> {
    fn learn_undeclared(&mut self) {
        if !self.uses_undeclared {
            self.uses_undeclared = true;
            self.ctx.server.scripts.learn_undeclared(&self.digest);
        }
    }

    /// Whether the shards of these keys are among those of the keys that the script declares.
    fn declares(&self, hashes: &[u64]) -> bool {
        let Ctx { server, command, args, .. } = &*self.ctx;
        let shard_of = |hash: u64| server.keyspace.shard_of(hash);
        let positions = command.key_positions(args.len(), |at| args.get(at));
        let declared: SmallVec<[usize; 16]> =
            positions.map(|(at, _)| shard_of(server.keyspace.hash(args.get(at)))).collect();
        hashes.iter().all(|hash| declared.contains(&shard_of(*hash)))
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
            return self.refuse(None, Refusal::UNKNOWN);
        };
        if let Some(refusal) = self.refusal(entry, args) {
            return self.refuse(Some(entry), refusal);
        }
        let entry = entry.for_call(server, args);
        let hash = |at| server.keyspace.hash(args.get(at));
        let hashes: SmallVec<[u64; 16]> = match entry.single_key {
            Some(at) => std::iter::once(hash(at)).collect(),
            None => entry
                .key_positions(spans.len(), |at| args.get(at))
                .map(|(at, _)| hash(at))
                .collect(),
        };
        if let Some(refused) = self.cover(entry, &hashes) {
            return refused;
        }
        if entry.flags().contains(Flags::WRITE) && !self.has_written {
            self.has_written = true;
            if let Some(slow) = &self.slow {
                slow.mark_written();
            }
        }
        let effects = self.ctx.db.effect_count();
        call_nested(self.ctx, entry, args, &hashes, protocol, reply);
        if !self.replication.to_file && !self.replication.to_replicas {
            self.ctx.db.drop_effects(effects);
        }
        match self.keep_pace() {
            Pace::GoOn => Called::Replied,
            Pace::Stop(why) => Called::Stopped(why),
        }
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
        self.ctx.worker.clock.read_ns();
        self.keep_pace()
    }
}

impl Drop for ScriptHost<'_, '_> {
    fn drop(&mut self) {
        if let Some(slow) = &self.slow {
            self.ctx.server.slow_scripts.remove(slow);
        }
    }
}
