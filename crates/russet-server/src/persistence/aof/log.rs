//! The log that is being written: what workers put into it, and what they ask about it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use russet_persist::aof::{write_command, write_time};

use super::LogFiles;
use super::writer::{self, Writer};
use crate::config::{AppendFsync, Config};
use crate::journal::{Consumer, Unit};
use crate::worker::clock::unix_ms;

/// With so many bytes in the buffer they are written at once.
pub(super) const FULL_BYTES: usize = 256 << 10;
/// With so many bytes of memory waiting for the disk, commands that would add to them wait too. They go
/// on when it is half as much.
const FLOODED_BYTES: u64 = 64 << 20;

/// What is to be done to the files, in order.
pub(super) enum Segment {
    /// To be appended.
    Bytes(Vec<u8>),
    /// What follows is in a new increment.
    Rotate,
}

#[derive(Default)]
pub(super) struct State {
    pub segments: VecDeque<Segment>,
    pub bytes: usize,
    /// Units in the buffer, how many there lately were when it was written, and whether somebody waits
    /// until there are as many again.
    pub units: usize,
    pub expected_units: usize,
    pub is_gathering: bool,
    /// New increments asked for so far.
    rotations: u64,
    /// The database that the next effect is in unless it says otherwise.
    db: Option<u32>,
    /// The time that was last noted, in Unix seconds.
    noted_s: i64,
    /// Threads that have nothing to do.
    pub idle: usize,
    /// Threads that have not ended.
    pub threads: usize,
    /// Whoever has the files for writing.
    pub file: Option<Box<Writer>>,
    /// Threads that flush, up to where the last that began does, and when it began.
    pub flushing: usize,
    pub flushed_to: u64,
    pub flush_began: Option<Instant>,
    /// How long the last one took that has ended.
    pub flush_took: Duration,
    pub is_stopping: bool,
}

/// What the log tells the rest of the server.
pub struct Hooks {
    /// It got on, and this worker had said that it waits for that.
    pub wake: Box<dyn Fn(usize) + Send + Sync>,
    /// Whether it cannot be written.
    pub set_failed: Box<dyn Fn(bool) + Send + Sync>,
    /// Whether more is waiting for the disk than should be.
    pub set_flooded: Box<dyn Fn(bool) + Send + Sync>,
}

/// See the module's documentation. Offsets count the bytes that were put into the buffer.
pub struct AppendLog {
    pub(super) state: Mutex<State>,
    /// There is something to do for a thread that is idle.
    pub(super) work: Condvar,
    /// The buffer is full, or the log to be stopped: whoever lingers goes on.
    pub(super) hurry: Condvar,
    /// A thread has ended.
    pub(super) ended: Condvar,
    /// The files; whoever writes and whoever has rewritten the log change them.
    pub files: Mutex<LogFiles>,
    policy: AtomicU8,
    notes_time: AtomicBool,
    /// A picture is being written, during which the log is not flushed.
    is_flush_paused: AtomicBool,
    appended: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) flushed: AtomicU64,
    /// Workers that want to be woken when one of these has moved.
    waiting: Box<[AtomicBool]>,
    /// Memory of the buffer and of what is being written.
    held_bytes: AtomicU64,
    is_flooded: AtomicBool,
    /// The base of the log is still to be made: until then nothing in it would be loaded.
    is_baseless: AtomicBool,
    /// New increments begun, or not begun because of an error.
    pub(super) rotations: AtomicU64,
    pub(super) failed_rotations: AtomicU64,
    /// The error number of the last write; 0 if it succeeded.
    pub(super) write_errno: AtomicI32,
    /// And of the last flush.
    pub(super) flush_errno: AtomicI32,
    /// The rotation that must come before the base that makes up for a flush that failed; 0 if none has.
    pub(super) damaged_before: AtomicU64,
    /// How long to wait before each write, in microseconds, for tests.
    pub(super) write_delay_us: AtomicU64,
    /// Flushes that were due while one was going on still.
    pub(super) delayed_flushes: AtomicU64,
    /// Bytes of all files.
    pub size: AtomicU64,
    /// Bytes of all files when they were last rewritten, or at the start.
    pub base_size: AtomicU64,
    hooks: Hooks,
}

impl AppendLog {
    /// Begins to write a log whose last increment ends after so many bytes, on threads of its own.
    /// Without a base it is not what would be loaded yet.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn start(
        files: LogFiles,
        file: File,
        is_baseless: bool,
        config: &Config,
        hooks: Hooks,
    ) -> io::Result<Arc<Self>> {
        let size = files.total_bytes();
        let writer = Writer::new(file)?;
        let log = Arc::new(AppendLog {
            state: Mutex::new(State { file: Some(Box::new(writer)), ..State::default() }),
            work: Condvar::new(),
            hurry: Condvar::new(),
            ended: Condvar::new(),
            files: Mutex::new(files),
            policy: AtomicU8::new(0),
            notes_time: AtomicBool::new(false),
            is_flush_paused: AtomicBool::new(false),
            appended: AtomicU64::new(0),
            written: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
            waiting: (0..config.worker_threads).map(|_| AtomicBool::new(false)).collect(),
            held_bytes: AtomicU64::new(0),
            is_flooded: AtomicBool::new(false),
            is_baseless: AtomicBool::new(is_baseless),
            rotations: AtomicU64::new(0),
            failed_rotations: AtomicU64::new(0),
            write_errno: AtomicI32::new(0),
            flush_errno: AtomicI32::new(0),
            damaged_before: AtomicU64::new(0),
            write_delay_us: AtomicU64::new(0),
            delayed_flushes: AtomicU64::new(0),
            size: AtomicU64::new(size),
            base_size: AtomicU64::new(size),
            hooks,
        });
        log.configure(config);
        writer::spawn(&log, &config.bio_cpulist)?;
        Ok(log)
    }

    /// Follows the configuration.
    pub fn configure(&self, config: &Config) {
        self.policy.store(config.appendfsync as u8, Ordering::Relaxed);
        self.notes_time.store(config.aof_timestamp_enabled, Ordering::Relaxed);
        // What was written and not flushed may have to be now; what has waited for it may not have to.
        self.give_work();
        self.wake_waiting();
    }

    /// Says whether a picture is being written during which the log is not to be flushed.
    pub fn pause_flushes(&self, is_paused: bool) {
        if self.is_flush_paused.swap(is_paused, Ordering::Relaxed) != is_paused {
            self.wake_waiting();
            self.give_work();
        }
    }

    /// Why the last write or flush has failed, if one has.
    pub fn failure(&self) -> Option<io::Error> {
        [&self.write_errno, &self.flush_errno]
            .map(|errno| errno.load(Ordering::Relaxed))
            .into_iter()
            .find(|errno| *errno != 0)
            .map(io::Error::from_raw_os_error)
    }

    /// Whether no flush has succeeded since one failed.
    pub(super) fn has_flush_failed(&self) -> bool {
        self.flush_errno.load(Ordering::Relaxed) != 0
    }

    pub(super) fn note_failures(&self) {
        (self.hooks.set_failed)(self.failure().is_some());
    }

    pub(super) fn policy_is(&self, policy: AppendFsync) -> bool {
        self.policy.load(Ordering::Relaxed) == policy as u8
    }

    /// Whether replies wait for the log.
    #[inline]
    pub fn is_always(&self) -> bool {
        self.policy_is(AppendFsync::Always)
    }

    pub(super) fn is_flush_paused(&self) -> bool {
        self.is_flush_paused.load(Ordering::Relaxed)
    }

    /// Up to where the log must have got before replies to what was executed may leave; `None` if they
    /// may leave now.
    #[inline]
    pub fn barrier(&self) -> Option<u64> {
        if !self.is_always() {
            return None;
        }
        let appended = self.appended.load(Ordering::Acquire);
        (!self.is_settled(appended)).then_some(appended)
    }

    /// Whether replies that wait for an offset may leave.
    #[inline]
    pub fn is_settled(&self, offset: u64) -> bool {
        let reached = if self.is_flush_paused() { &self.written } else { &self.flushed };
        reached.load(Ordering::Acquire) >= offset
    }

    /// Whether what is before an offset survives a loss of power.
    pub fn is_durable(&self, offset: u64) -> bool {
        self.flushed.load(Ordering::Acquire) >= offset
            && !self.is_baseless()
            && self.damaged_before.load(Ordering::Relaxed) == 0
    }

    /// Up to where there are effects.
    pub fn appended(&self) -> u64 {
        self.appended.load(Ordering::Acquire)
    }

    /// Has a worker be woken when the log has got on. It looks once more before it sleeps.
    pub fn await_progress(&self, worker: usize) {
        self.waiting[worker].store(true, Ordering::SeqCst);
    }

    pub(super) fn wake_waiting(&self) {
        for (worker, is_waiting) in self.waiting.iter().enumerate() {
            if is_waiting.swap(false, Ordering::SeqCst) {
                (self.hooks.wake)(worker);
            }
        }
    }

    /// At the end of a worker's round under `always`: what it has executed is written and flushed in one
    /// go, not command by command.
    #[inline]
    pub fn end_round(&self) {
        if self.is_always() && self.written.load(Ordering::Relaxed) < self.appended() {
            let state = self.state.lock();
            if state.is_gathering {
                if state.units >= state.expected_units {
                    self.hurry.notify_one();
                }
            } else if state.idle > 0 && state.file.is_some() && writer::is_write_due(self, &state) {
                self.work.notify_one();
            }
        }
    }

    pub(super) fn give_work(&self) {
        let state = self.state.lock();
        if state.idle > 0 {
            self.work.notify_one();
        }
    }

    /// Bytes that are not written yet.
    pub fn buffered_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Flushes that are going on.
    pub fn pending_flushes(&self) -> usize {
        self.state.lock().flushing
    }

    /// Flushes that were put off because the one before took too long.
    pub fn delayed_flushes(&self) -> u64 {
        self.delayed_flushes.load(Ordering::Relaxed)
    }

    /// Bytes of memory that what is not written yet takes.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    fn hold(&self, bytes: usize) {
        let held = self.held_bytes.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if held > FLOODED_BYTES && !self.is_flooded.swap(true, Ordering::Relaxed) {
            (self.hooks.set_flooded)(true);
        }
    }

    pub(super) fn release(&self, bytes: u64) {
        let held = self.held_bytes.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        if held < FLOODED_BYTES / 2 && self.is_flooded.swap(false, Ordering::Relaxed) {
            (self.hooks.set_flooded)(false);
        }
    }

    /// Whether the base of the log is still to be made.
    pub fn is_baseless(&self) -> bool {
        self.is_baseless.load(Ordering::Relaxed)
    }

    /// Has what follows be in a new increment, and returns what [`AppendLog::wait_rotated`] needs.
    pub fn rotate(&self) -> u64 {
        let mut state = self.state.lock();
        state.segments.push_back(Segment::Rotate);
        state.db = None;
        state.rotations += 1;
        self.work.notify_one();
        state.rotations
    }

    /// Waits until an increment was begun. Returns whether it was.
    pub fn wait_rotated(&self, rotation: u64) -> bool {
        let failed = self.failed_rotations.load(Ordering::Relaxed);
        while self.rotations.load(Ordering::Acquire) < rotation {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.failed_rotations.load(Ordering::Relaxed) == failed
    }

    /// The log has a base as of a rotation; `None` if it has been written since that instant only.
    pub fn note_base(&self, rotation: Option<u64>) {
        let size = self.files.lock().total_bytes();
        self.size.store(size, Ordering::Relaxed);
        self.base_size.store(size, Ordering::Relaxed);
        self.is_baseless.store(false, Ordering::Relaxed);
        let damaged_before = self.damaged_before.load(Ordering::Relaxed);
        if rotation.is_some_and(|rotation| rotation >= damaged_before) {
            self.damaged_before.store(0, Ordering::Relaxed);
        }
        self.wake_waiting();
    }

    /// Whether only a new base can make up for what may be missing from the disk.
    pub fn needs_base(&self) -> bool {
        self.failure().is_none() && self.damaged_before.load(Ordering::Relaxed) != 0
    }

    /// Waits until what there is has been written, or cannot be.
    pub fn write_out(&self) {
        let appended = self.appended();
        self.give_work();
        while self.written.load(Ordering::Acquire) < appended && self.failure().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Has whoever writes wait so long before each write, for tests.
    pub fn delay_writes(&self, delay: Duration) {
        self.write_delay_us.store(delay.as_micros() as u64, Ordering::Relaxed);
    }

    /// Writes and flushes what there is and ends the threads.
    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.is_stopping = true;
        self.work.notify_all();
        self.hurry.notify_all();
        while state.threads > 0 {
            self.ended.wait(&mut state);
        }
    }

    fn append(&self, unit: &Unit) {
        let mut state = self.state.lock();
        if !matches!(state.segments.back(), Some(Segment::Bytes(_))) {
            state.segments.push_back(Segment::Bytes(Vec::new()));
        }
        let (mut db, mut noted_s) = (state.db, state.noted_s);
        let Some(Segment::Bytes(out)) = state.segments.back_mut() else { return };
        let (before, capacity) = (out.len(), out.capacity());
        let select = |out: &mut Vec<u8>, db: &mut Option<u32>, wanted: u32| {
            if db.replace(wanted) != Some(wanted) {
                write_command(out, &[b"SELECT".to_vec(), wanted.to_string().into_bytes()]);
            }
        };
        if self.notes_time.load(Ordering::Relaxed) {
            let now_s = unix_ms() / 1000;
            if now_s > noted_s {
                write_time(out, now_s);
                noted_s = now_s;
            }
        }
        if let Some(first) = unit.first() {
            select(out, &mut db, first.db);
        }
        if unit.len() > 1 {
            write_command(out, &[b"MULTI"]);
        }
        for effect in unit {
            select(out, &mut db, effect.db);
            write_command(out, &effect.argv);
        }
        if unit.len() > 1 {
            write_command(out, &[b"EXEC"]);
        }
        let added = out.len() - before;
        self.hold(out.capacity() - capacity);
        (state.db, state.noted_s) = (db, noted_s);
        state.bytes += added;
        state.units += 1;
        self.appended.fetch_add(added as u64, Ordering::AcqRel);
        if state.bytes > FULL_BYTES {
            self.hurry.notify_one();
        }
        // Under `always` the end of the round says so.
        if state.file.is_some() && state.idle > 0 && !self.is_always() {
            self.work.notify_one();
        }
    }
}

/// What the journal feeds.
pub struct Feed(pub Arc<AppendLog>);

impl Consumer for Feed {
    fn take(&mut self, unit: &Unit) {
        self.0.append(unit);
    }
}
