//! The threads that write the log and flush it to the disk.
//!
//! There are a few, all alike. One at a time has the [`Writer`] and appends what is in the buffer; then
//! it gives the writer back and flushes, if that is due, while another goes on writing. So under
//! `always` several flushes are under way at once, each covering what was written before it began, and a
//! reply waits for one of them, not for the one that is under way and another one after it. Disks and
//! file systems put flushes that arrive together into one. Under `everysec` no write waits for a flush.
//!
//! A flush costs the processor as much as several commands do. So whoever writes under `always` waits for
//! a moment until about as many units are there as lately were; a client that is alone is one, and waits
//! for nobody. And how many flushes may be under way at once depends on how long they take: where one is
//! over before it would be missed, what arrives meanwhile is better flushed together.
//!
//! # When the disk fails
//!
//! Under `always` the process ends: replies that were kept back are never sent, so what was promised is
//! on the disk. Otherwise what could not be written stays in the buffer and is tried again, while
//! commands that write are refused. What was written of it in part is cut off, because it would be read
//! as a command that is damaged; if even that is impossible, writing goes on in the middle.
//!
//! After a flush that has failed, commands that write are refused until one succeeds, which is tried once
//! a second whatever the policy. But the system may have dropped what the first was to flush, and says
//! nothing of it to the next. So the log is rewritten from memory, too. Each thread flushes through
//! a file description of its own, because the system reports an error once per description.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use rustix::io::Errno;

use super::log::{AppendLog, FULL_BYTES, Segment, State};
use crate::config::AppendFsync;
use crate::processors;

/// The threads of a log, and so the flushes that may be under way at once.
const THREADS: usize = 4;
/// How long effects may lie in the buffer when no reply waits for them.
const LINGER: Duration = Duration::from_millis(5);
/// How long whoever writes waits for company under `always`.
const GATHER: Duration = Duration::from_micros(300);
/// For each so long that a flush takes, another one may be under way besides it.
const BESIDES: Duration = Duration::from_micros(500);
/// How often the log is flushed under `everysec`.
const SECOND: Duration = Duration::from_secs(1);
/// How long after a write that failed it is tried again.
const RETRY: Duration = Duration::from_millis(100);
/// How often somebody who has nothing to do looks whether a flush is due.
const NAP: Duration = Duration::from_millis(100);

/// The end of the last increment.
pub struct Writer {
    file: Arc<File>,
    bytes: u64,
    /// Tells it apart from the increments before.
    number: u64,
}

impl Writer {
    /// Goes on with a file that is open for appending.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn new(file: File) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Writer { file: Arc::new(file), bytes, number: 0 })
    }
}

/// What a thread is to do.
enum Task {
    /// To write, and to flush if that is due then.
    Write(Box<Writer>),
    /// To flush what is written.
    Flush,
    /// To end.
    End,
}

/// Starts the threads of a log, to run on some processors.
pub fn spawn(log: &Arc<AppendLog>, processors: &processors::List) -> io::Result<()> {
    for number in 0..THREADS {
        let hand = Hand { log: log.clone(), flusher: None };
        let name = format!("append-log-{number}");
        log.state.lock().threads += 1;
        if let Err(error) = processors::spawn(&name, processors, move || hand.run()) {
            log.state.lock().threads -= 1;
            if number == 0 {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// A thread.
struct Hand {
    log: Arc<AppendLog>,
    /// What it flushes through, with the number of the increment.
    flusher: Option<(u64, File)>,
}

impl Hand {
    fn run(mut self) {
        let log = self.log.clone();
        let mut state = log.state.lock();
        loop {
            match next_task(&log, &mut state) {
                Task::Write(writer) => self.write(&log, &mut state, writer),
                Task::Flush => self.flush(&log, &mut state),
                Task::End => {
                    state.threads -= 1;
                    log.ended.notify_all();
                    return;
                }
            }
        }
    }

    /// Appends what is in the buffer, and flushes.
    fn write(
        &mut self,
        log: &AppendLog,
        state: &mut MutexGuard<'_, State>,
        mut writer: Box<Writer>,
    ) {
        if !state.is_stopping && state.bytes < FULL_BYTES {
            if !log.is_always() {
                log.hurry.wait_for(state, LINGER);
            } else if state.units < state.expected_units {
                state.is_gathering = true;
                log.hurry.wait_for(state, GATHER);
                state.is_gathering = false;
            }
        }
        let segments = std::mem::take(&mut state.segments);
        state.bytes = 0;
        let units = std::mem::take(&mut state.units);
        state.expected_units = units.max(state.expected_units - state.expected_units.div_ceil(8));
        MutexGuard::unlocked(state, || {
            let mut released = 0;
            for segment in segments {
                match segment {
                    Segment::Bytes(bytes) => {
                        writer.append(log, &bytes);
                        log.written.fetch_add(bytes.len() as u64, Ordering::Release);
                        released += bytes.capacity() as u64;
                    }
                    Segment::Rotate => writer.rotate(log),
                }
            }
            // Workers allocated what was written and is freed now.
            crate::memory::publish();
            log.release(released);
            if log.is_flush_paused() {
                log.wake_waiting();
            }
        });
        state.file = Some(writer);
        if is_flush_due(log, state) {
            self.flush(log, state);
        }
    }

    /// Flushes what is written. Meanwhile another thread goes on writing.
    fn flush(&mut self, log: &AppendLog, state: &mut MutexGuard<'_, State>) {
        let Some(writer) = &state.file else { return };
        let offset = log.written.load(Ordering::Acquire);
        let (number, file) = (writer.number, writer.file.clone());
        state.flushing += 1;
        state.flushed_to = offset;
        let began = Instant::now();
        state.flush_began = Some(began);
        if state.idle > 0 && is_write_due(log, state) {
            log.work.notify_one();
        }
        MutexGuard::unlocked(state, || {
            let result = self.flusher_of(number, &file).and_then(File::sync_data);
            log.note_flush(result, offset);
            log.wake_waiting();
        });
        state.flush_took = began.elapsed();
        if state.flush_began.is_some_and(|began| began.elapsed() > SECOND) {
            // The next one is due already.
            log.delayed_flushes.fetch_add(1, Ordering::Relaxed);
        }
        state.flushing -= 1;
    }

    /// An increment, through a description that nobody else uses.
    fn flusher_of(&mut self, number: u64, file: &File) -> io::Result<&File> {
        if self.flusher.as_ref().is_none_or(|(mine, _)| *mine != number) {
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            let again = OpenOptions::new().append(true).open(path).or_else(|_| file.try_clone())?;
            self.flusher = Some((number, again));
        }
        Ok(&self.flusher.as_ref().expect("it was just opened").1)
    }
}

/// Waits for something to do.
fn next_task(log: &AppendLog, state: &mut MutexGuard<'_, State>) -> Task {
    loop {
        if is_write_due(log, state)
            && let Some(writer) = state.file.take()
        {
            return Task::Write(writer);
        }
        if state.file.is_some() && is_flush_due(log, state) {
            return Task::Flush;
        }
        if state.is_stopping && state.segments.is_empty() {
            return Task::End;
        }
        let is_flushed = state.flushed_to >= log.written.load(Ordering::Relaxed);
        let nap = if is_flushed && !log.has_flush_failed() { SECOND } else { NAP };
        state.idle += 1;
        log.work.wait_for(state, nap);
        state.idle -= 1;
    }
}

/// Whether there is something in the buffer that is to be written now. What has to wait for a flush is
/// written by whoever ends it.
pub(super) fn is_write_due(log: &AppendLog, state: &State) -> bool {
    let may_flush = may_flush_besides(state.flushing, state.flush_took);
    !state.segments.is_empty() && (!log.is_always() || state.is_stopping || may_flush)
}

/// Whether it pays to flush besides so many flushes, when one takes so long.
fn may_flush_besides(flushing: usize, took: Duration) -> bool {
    flushing == 0 || BESIDES * (flushing as u32) < took
}

/// Whether what is written is to be flushed now.
fn is_flush_due(log: &AppendLog, state: &State) -> bool {
    let is_unflushed = state.flushed_to < log.written.load(Ordering::Relaxed);
    if state.is_stopping {
        return is_unflushed;
    }
    // Commands that write are refused until one succeeds, even if there is nothing new to flush.
    let has_failed = log.has_flush_failed();
    if !(is_unflushed || has_failed) || log.is_flush_paused() {
        return false;
    }
    if log.is_always() {
        return true;
    }
    let is_wanted = has_failed || log.policy_is(AppendFsync::EverySecond);
    let is_time = || state.flush_began.is_none_or(|began| began.elapsed() >= SECOND);
    is_wanted && state.flushing == 0 && is_time()
}

impl Writer {
    /// Appends, and tries again until it succeeds, or the log is to be stopped.
    fn append(&mut self, log: &AppendLog, bytes: &[u8]) {
        let delay_us = log.write_delay_us.load(Ordering::Relaxed);
        if delay_us > 0 {
            std::thread::sleep(Duration::from_micros(delay_us));
        }
        let mut done = 0;
        while done < bytes.len() {
            match (&*self.file).write(&bytes[done..]) {
                Ok(0) => log.note_write(&Err(ErrorKind::WriteZero.into())),
                Ok(written) => {
                    done += written;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => log.note_write(&Err(error)),
            }
            if done > 0 {
                match self.file.set_len(self.bytes) {
                    Ok(()) => done = 0,
                    Err(error) => tracing::warn!(
                        "Could not cut off what was written in part. It is the end of the AOF until \
                         the rest can be written: {error}"
                    ),
                }
            }
            let mut state = log.state.lock();
            if !state.is_stopping {
                log.hurry.wait_for(&mut state, RETRY);
            }
            if state.is_stopping {
                tracing::error!("{} bytes of the AOF could not be written.", bytes.len() - done);
                return;
            }
        }
        self.bytes += done as u64;
        log.size.fetch_add(done as u64, Ordering::Relaxed);
        log.note_write(&Ok(()));
    }

    /// Begins a new increment, after what belongs into the one before is on the disk.
    fn rotate(&mut self, log: &AppendLog) {
        let offset = log.written.load(Ordering::Acquire);
        log.note_flush(self.file.sync_data(), offset);
        let mut files = log.files.lock();
        let begun = match log.is_baseless() {
            true => files.begin_unlisted_increment(),
            false => files.begin_increment(),
        };
        match begun {
            Ok(file) => {
                (self.file, self.bytes) = (Arc::new(file), 0);
                self.number += 1;
            }
            Err(error) => {
                tracing::warn!("Can't begin a new increment of the AOF: {error}");
                log.failed_rotations.fetch_add(1, Ordering::Relaxed);
            }
        }
        log.rotations.fetch_add(1, Ordering::Release);
    }
}

impl AppendLog {
    fn note_write(&self, result: &io::Result<()>) {
        self.note(result, "Error writing to the AOF file", &self.write_errno);
    }

    fn note_flush(&self, result: io::Result<()>, offset: u64) {
        self.note(&result, "Error flushing the AOF file", &self.flush_errno);
        match result {
            Ok(()) => _ = self.flushed.fetch_max(offset, Ordering::Release),
            Err(_) => {
                let next = self.rotations.load(Ordering::Relaxed) + 1;
                self.damaged_before.fetch_max(next, Ordering::Relaxed);
                // What was to be flushed is tried again after a while, but not at the end.
                let mut state = self.state.lock();
                if !state.is_stopping {
                    state.flushed_to = self.flushed.load(Ordering::Relaxed);
                }
            }
        }
    }

    fn note(&self, result: &io::Result<()>, what: &str, errno: &AtomicI32) {
        match result {
            Ok(()) => {
                if errno.load(Ordering::Relaxed) == 0 {
                    return;
                }
                errno.store(0, Ordering::Relaxed);
                if self.failure().is_none() {
                    tracing::warn!("AOF write error looks solved. The server can write again.");
                }
            }
            Err(error) => {
                if self.is_always() {
                    tracing::error!(
                        "{what}: {error}. Can't recover when the AOF fsync policy is 'always'. \
                         Exiting..."
                    );
                    std::process::exit(1);
                }
                let number = error.raw_os_error().unwrap_or(Errno::IO.raw_os_error());
                if errno.swap(number, Ordering::Relaxed) == 0 {
                    tracing::warn!("{what}: {error}");
                }
            }
        }
        self.note_failures();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_disks_flush_several_times_at_once() {
        let at_once = |took_us| {
            let took = Duration::from_micros(took_us);
            (1..THREADS).take_while(|flushing| may_flush_besides(*flushing, took)).count() + 1
        };
        assert_eq!([0, 100, 500, 600, 1_100, 2_000, 10_000].map(at_once), [1, 1, 1, 2, 3, 4, 4]);
        assert!(may_flush_besides(0, Duration::ZERO));
    }
}
