//! What is known of saves and loads: for INFO, for save points, for the refusal of writes.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use super::aof::{AppendLog, Replay};
use super::load::Loading;
use super::snapshot::Snapshot;

/// Keys are being loaded: only commands that do without them are executed.
const LOADING: u8 = 1 << 0;
/// The last save in the background has failed.
const SAVE_FAILED: u8 = 1 << 1;
/// The append-only log cannot be written.
const LOG_FAILED: u8 = 1 << 2;
/// More of it waits for the disk than should.
const LOG_FLOODED: u8 = 1 << 3;

/// See the module's documentation.
pub struct Persistence {
    /// The picture that is being taken.
    pub snapshot: ArcSwapOption<Snapshot>,
    /// What is being loaded.
    pub loading: ArcSwapOption<Loading>,
    /// The append-only log, if there is one.
    pub log: ArcSwapOption<AppendLog>,
    /// The log that is being loaded.
    pub replay: ArcSwapOption<Replay>,
    refusals: AtomicU8,
    /// Unix time in seconds of the last save that succeeded, or of the start.
    pub last_save_s: AtomicI64,
    /// Changes that there had been at the instant of the last save.
    pub changes_at_last_save: AtomicU64,
    /// Unix time in milliseconds of the last attempt to save in the background.
    pub last_attempt_ms: AtomicI64,
    /// How long the last save in the background took, in seconds; -1 if there was none.
    pub last_duration_s: AtomicI64,
    /// When the one that is going on began.
    pub began: Mutex<Option<Instant>>,
    /// Saves that succeeded.
    pub saves: AtomicU64,
    /// Keys of the last load.
    pub loaded_keys: AtomicU64,
    /// Keys that it left out because their time had come.
    pub expired_keys: AtomicU64,
    /// Whether to save, or to begin or end the log, is to be decided now and not in a while.
    pub is_decision_due: AtomicBool,
    /// A save was asked for that is to begin when nothing else goes on.
    pub is_scheduled: AtomicBool,
    /// So was a rewrite of the log.
    pub is_rewrite_scheduled: AtomicBool,
    /// Rewrites of the log that have failed since one succeeded.
    pub failed_rewrites: AtomicU64,
    /// When the last of them has, in Unix milliseconds.
    pub last_rewrite_failed_ms: AtomicI64,
    /// Rewrites of the log that succeeded.
    pub rewrites: AtomicU64,
    /// How long the last one took, in seconds; -1 if there was none.
    pub last_rewrite_s: AtomicI64,
}

impl Persistence {
    /// Nothing saved and nothing loaded at a Unix time in seconds.
    pub fn new(now_s: i64) -> Self {
        Persistence {
            snapshot: ArcSwapOption::empty(),
            loading: ArcSwapOption::empty(),
            log: ArcSwapOption::empty(),
            replay: ArcSwapOption::empty(),
            refusals: AtomicU8::new(0),
            last_save_s: AtomicI64::new(now_s),
            changes_at_last_save: AtomicU64::new(0),
            last_attempt_ms: AtomicI64::new(0),
            last_duration_s: AtomicI64::new(-1),
            began: Mutex::new(None),
            saves: AtomicU64::new(0),
            loaded_keys: AtomicU64::new(0),
            expired_keys: AtomicU64::new(0),
            is_decision_due: AtomicBool::new(false),
            is_scheduled: AtomicBool::new(false),
            is_rewrite_scheduled: AtomicBool::new(false),
            failed_rewrites: AtomicU64::new(0),
            last_rewrite_failed_ms: AtomicI64::new(0),
            rewrites: AtomicU64::new(0),
            last_rewrite_s: AtomicI64::new(-1),
        }
    }

    /// Whether some commands are refused at present.
    #[inline]
    pub fn refuses_some(&self) -> bool {
        self.refusals.load(Ordering::Relaxed) != 0
    }

    /// Whether keys are being loaded.
    pub fn is_loading(&self) -> bool {
        self.refusals.load(Ordering::Relaxed) & LOADING != 0
    }

    /// Says whether keys are being loaded.
    pub fn set_loading(&self, is_loading: bool) {
        self.set(LOADING, is_loading);
    }

    /// Whether the last save in the background has failed.
    pub fn has_failed(&self) -> bool {
        self.refusals.load(Ordering::Relaxed) & SAVE_FAILED != 0
    }

    /// Says whether the last save in the background has failed.
    pub fn set_failed(&self, has_failed: bool) {
        self.set(SAVE_FAILED, has_failed);
    }

    /// Whether the log cannot be written.
    pub fn has_log_failed(&self) -> bool {
        self.refusals.load(Ordering::Relaxed) & LOG_FAILED != 0
    }

    /// Says whether the log cannot be written.
    pub fn set_log_failed(&self, has_failed: bool) {
        self.set(LOG_FAILED, has_failed);
    }

    /// Whether commands that write are to wait until the disk has caught up.
    pub fn is_log_flooded(&self) -> bool {
        self.refusals.load(Ordering::Relaxed) & LOG_FLOODED != 0
    }

    /// Says whether commands that write are to wait for the disk.
    pub fn set_log_flooded(&self, is_flooded: bool) {
        self.set(LOG_FLOODED, is_flooded);
    }

    fn set(&self, refusal: u8, is_on: bool) {
        if is_on {
            self.refusals.fetch_or(refusal, Ordering::Relaxed);
        } else {
            self.refusals.fetch_and(!refusal, Ordering::Relaxed);
        }
    }

    /// No picture is being written during which the log was not to be flushed.
    pub fn resume_flushes(&self) {
        if let Some(log) = &*self.log.load() {
            log.pause_flushes(false);
        }
    }

    /// Notes that all changes up to a number are saved.
    pub fn note_saved(&self, changes: u64, now_s: i64) {
        self.changes_at_last_save.store(changes, Ordering::Relaxed);
        self.last_save_s.store(now_s, Ordering::Relaxed);
        self.saves.fetch_add(1, Ordering::Relaxed);
        self.set_failed(false);
    }
}
