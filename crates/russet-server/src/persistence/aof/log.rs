//! The log that is being written: a buffer, and the thread that empties it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use russet_persist::aof::write_command;
use rustix::io::Errno;

use super::LogFiles;
use crate::config::AppendFsync;
use crate::journal::{Consumer, Unit};

/// How long effects may lie in the buffer when no reply waits for them.
const LINGER: Duration = Duration::from_millis(5);
/// With so many bytes in the buffer they are written at once.
const FULL_BYTES: usize = 256 << 10;
/// How often the log is flushed under `everysec`, and what failed is tried again.
const SECOND: Duration = Duration::from_secs(1);

/// What is to be done to the files, in order.
enum Segment {
    /// To be appended.
    Bytes(Vec<u8>),
    /// What follows is in a new increment.
    Rotate,
}

#[derive(Default)]
struct State {
    segments: VecDeque<Segment>,
    bytes: usize,
    /// New increments asked for so far.
    rotations: u64,
    /// The database that the next effect is in unless it says otherwise.
    db: Option<u32>,
    /// The thread waits for something to do.
    is_idle: bool,
    is_stopping: bool,
    has_stopped: bool,
}

/// Called when the log has become durable further than before.
type Wake = Box<dyn Fn() + Send + Sync>;

/// See the module's documentation. Offsets count the bytes that were put into the buffer.
pub struct AppendLog {
    state: Mutex<State>,
    changed: Condvar,
    /// The files; the thread and whoever has rewritten the log change them.
    pub files: Mutex<LogFiles>,
    policy: AtomicU8,
    appended: AtomicU64,
    durable: AtomicU64,
    /// Memory of the buffer and of what is being written.
    held_bytes: AtomicU64,
    /// New increments begun, or not begun because of an error.
    rotations: AtomicU64,
    failed_rotations: AtomicU64,
    /// The error number of the last write; 0 if it succeeded.
    write_errno: AtomicI32,
    /// And of the last flush.
    flush_errno: AtomicI32,
    /// Bytes of all files.
    pub size: AtomicU64,
    /// Bytes of all files when they were last rewritten, or at the start.
    pub base_size: AtomicU64,
    wake: Wake,
}

impl AppendLog {
    /// Begins to write a log whose last increment is open at its end, on a thread of its own.
    ///
    /// # Errors
    ///
    /// If the system has no thread to give.
    pub fn start(
        files: LogFiles,
        file: File,
        file_bytes: u64,
        size: u64,
        policy: AppendFsync,
        wake: Wake,
    ) -> io::Result<Arc<Self>> {
        let log = Arc::new(AppendLog {
            state: Mutex::default(),
            changed: Condvar::new(),
            files: Mutex::new(files),
            policy: AtomicU8::new(policy as u8),
            appended: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
            rotations: AtomicU64::new(0),
            failed_rotations: AtomicU64::new(0),
            write_errno: AtomicI32::new(0),
            flush_errno: AtomicI32::new(0),
            size: AtomicU64::new(size),
            base_size: AtomicU64::new(size),
            wake,
        });
        let writer = Writer { log: log.clone(), file, file_bytes, flushed: Instant::now() };
        std::thread::Builder::new().name("append-log".into()).spawn(move || writer.run())?;
        Ok(log)
    }

    /// Why the last write or flush has failed, if one has.
    pub fn failure(&self) -> Option<io::Error> {
        [&self.write_errno, &self.flush_errno]
            .map(|errno| errno.load(Ordering::Relaxed))
            .into_iter()
            .find(|errno| *errno != 0)
            .map(io::Error::from_raw_os_error)
    }

    /// Changes when the log is flushed.
    pub fn set_policy(&self, policy: AppendFsync) {
        self.policy.store(policy as u8, Ordering::Relaxed);
    }

    fn is_always(&self) -> bool {
        self.policy.load(Ordering::Relaxed) == AppendFsync::Always as u8
    }

    /// Up to where the log must be durable before replies to what was executed may leave; `None` if
    /// they may leave now.
    #[inline]
    pub fn barrier(&self) -> Option<u64> {
        if !self.is_always() {
            return None;
        }
        let appended = self.appended.load(Ordering::Acquire);
        (self.durable.load(Ordering::Acquire) < appended).then_some(appended)
    }

    /// Whether the log is durable up to an offset.
    pub fn is_durable(&self, offset: u64) -> bool {
        self.durable.load(Ordering::Acquire) >= offset
    }

    /// Bytes that are not written yet.
    pub fn buffered_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Bytes of memory that what is not written yet takes.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Has what follows be in a new increment, and returns what [`AppendLog::wait_rotated`] needs.
    pub fn rotate(&self) -> u64 {
        let mut state = self.state.lock();
        state.segments.push_back(Segment::Rotate);
        state.db = None;
        state.rotations += 1;
        self.changed.notify_one();
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

    /// Writes and flushes what there is and ends the thread.
    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.is_stopping = true;
        self.changed.notify_all();
        while !state.has_stopped {
            self.changed.wait(&mut state);
        }
    }

    fn append(&self, unit: &Unit) {
        let mut state = self.state.lock();
        if !matches!(state.segments.back(), Some(Segment::Bytes(_))) {
            state.segments.push_back(Segment::Bytes(Vec::new()));
        }
        let mut db = state.db;
        let Some(Segment::Bytes(out)) = state.segments.back_mut() else { return };
        let (before, capacity) = (out.len(), out.capacity());
        let select = |out: &mut Vec<u8>, db: &mut Option<u32>, wanted: u32| {
            if db.replace(wanted) != Some(wanted) {
                write_command(out, &[b"SELECT".to_vec(), wanted.to_string().into_bytes()]);
            }
        };
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
        self.held_bytes.fetch_add((out.capacity() - capacity) as u64, Ordering::Relaxed);
        state.db = db;
        state.bytes += added;
        self.appended.fetch_add(added as u64, Ordering::AcqRel);
        if self.is_always() || state.is_idle || state.bytes > FULL_BYTES {
            self.changed.notify_one();
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

/// The thread.
struct Writer {
    log: Arc<AppendLog>,
    file: File,
    file_bytes: u64,
    flushed: Instant,
}

impl Writer {
    fn run(mut self) {
        let log = self.log.clone();
        let mut has_unflushed = false;
        loop {
            let mut state = log.state.lock();
            self.wait(&log, &mut state);
            let segments = std::mem::take(&mut state.segments);
            state.bytes = 0;
            let is_stopping = state.is_stopping;
            drop(state);
            let offset = log.appended_of(&segments, self.file_offset());
            has_unflushed |= !segments.is_empty();
            let mut released = 0;
            for segment in segments {
                match segment {
                    Segment::Bytes(bytes) => {
                        self.write(&bytes);
                        released += bytes.capacity() as u64;
                    }
                    Segment::Rotate => self.rotate(),
                }
            }
            let is_due = self.flushed.elapsed() >= SECOND
                && log.policy.load(Ordering::Relaxed) == AppendFsync::EverySecond as u8;
            if has_unflushed && (log.is_always() || is_due || is_stopping) {
                self.flush();
                has_unflushed = false;
            }
            log.durable.store(offset, Ordering::Release);
            // Workers allocated what was written and is freed now.
            crate::memory::publish();
            log.held_bytes.fetch_sub(released, Ordering::Relaxed);
            if log.is_always() {
                (log.wake)();
            }
            if is_stopping {
                log.state.lock().has_stopped = true;
                log.changed.notify_all();
                return;
            }
        }
    }

    fn file_offset(&self) -> u64 {
        self.log.durable.load(Ordering::Relaxed)
    }

    /// Waits until there is something to do.
    fn wait(&self, log: &AppendLog, state: &mut MutexGuard<'_, State>) {
        while state.segments.is_empty() && !state.is_stopping {
            state.is_idle = true;
            let timed_out = log.changed.wait_for(state, SECOND).timed_out();
            state.is_idle = false;
            if timed_out {
                return;
            }
        }
        if !log.is_always() && !state.is_stopping && state.bytes < FULL_BYTES {
            log.changed.wait_for(state, LINGER);
        }
    }

    /// Writes, and tries again each second until it succeeds; replies that wait go on waiting, and
    /// further writes are refused meanwhile.
    fn write(&mut self, bytes: &[u8]) {
        loop {
            match self.file.write_all(bytes) {
                Ok(()) => break,
                Err(error) => {
                    self.fail("Error writing to the AOF file", &error, &self.log.write_errno);
                }
            }
            // What was written of it would be read as a command that is damaged.
            let whole = SeekFrom::Start(self.file_bytes);
            let cut = self.file.set_len(self.file_bytes).and_then(|()| self.file.seek(whole));
            if let Err(error) = cut {
                tracing::warn!("Could not cut off what was written in part: {error}");
            }
            std::thread::sleep(SECOND);
            if self.log.state.lock().is_stopping {
                tracing::error!("{} bytes of the AOF could not be written.", bytes.len());
                return;
            }
        }
        self.file_bytes += bytes.len() as u64;
        self.log.size.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.succeed(&self.log.write_errno);
    }

    fn flush(&mut self) {
        match self.file.sync_data() {
            Ok(()) => self.succeed(&self.log.flush_errno),
            Err(error) => self.fail("Error flushing the AOF file", &error, &self.log.flush_errno),
        }
        self.flushed = Instant::now();
    }

    fn succeed(&self, errno: &AtomicI32) {
        if errno.swap(0, Ordering::Relaxed) != 0 && self.log.failure().is_none() {
            tracing::warn!("AOF write error looks solved. The server can write again.");
        }
    }

    fn fail(&self, what: &str, error: &io::Error, errno: &AtomicI32) {
        if self.log.is_always() {
            tracing::error!(
                "{what}: {error}. Can't recover when the AOF fsync policy is 'always'. Exiting..."
            );
            std::process::exit(1);
        }
        if errno.swap(error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()), Ordering::Relaxed)
            == 0
        {
            tracing::warn!("{what}: {error}");
        }
    }

    fn rotate(&mut self) {
        self.flush();
        match self.log.files.lock().begin_increment() {
            Ok(file) => {
                self.file = file;
                self.file_bytes = 0;
            }
            Err(error) => {
                tracing::warn!("Can't begin a new increment of the AOF: {error}");
                self.log.failed_rotations.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.log.rotations.fetch_add(1, Ordering::Release);
    }
}

impl AppendLog {
    /// The offset behind segments that follow an offset.
    fn appended_of(&self, segments: &VecDeque<Segment>, from: u64) -> u64 {
        let lengths = segments.iter().map(|segment| match segment {
            Segment::Bytes(bytes) => bytes.len() as u64,
            Segment::Rotate => 0,
        });
        from + lengths.sum::<u64>()
    }
}
