//! Counting without sharing: every worker counts for itself, readers add up.
//!
//! A [`Counter`] is written by one thread only, so that adding needs no atomic read-modify-write,
//! and read by any. Sums over workers are exact as soon as the workers are idle.

mod histogram;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub use histogram::{Distribution, Histogram};

use crate::command::COMMANDS;

/// A number that one thread counts up and any thread reads.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; to be called by the owning thread only.
    #[inline]
    pub fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// The present value.
    #[inline]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Back to zero (CONFIG RESETSTAT). An addition at the same moment may win.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// What one worker knows of one command.
#[derive(Default)]
pub struct CommandStats {
    /// Executions.
    pub calls: Counter,
    /// Time of all executions, in nanoseconds.
    pub total_ns: Counter,
    /// Calls that were refused before execution.
    pub rejected: Counter,
    /// Executions that replied with an error.
    pub failed: Counter,
    /// Execution times in nanoseconds, made at the first call.
    pub latency: OnceLock<Box<Histogram>>,
}

/// Counters of one worker. The names are INFO's where there is one.
#[derive(Default)]
#[repr(align(128))]
#[allow(missing_docs)] // named after INFO's fields
pub struct WorkerStats {
    pub total_commands_processed: Counter,
    pub total_net_input_bytes: Counter,
    pub total_net_output_bytes: Counter,
    pub total_reads_processed: Counter,
    pub total_writes_processed: Counter,
    pub total_error_replies: Counter,
    pub keyspace_hits: Counter,
    pub keyspace_misses: Counter,
    pub expired_keys: Counter,
    pub changes: Counter,
    /// Times a connection was set aside because a shard was busy.
    pub set_aside_shard: Counter,
    /// Times a connection was set aside because the gate was closed, or could not be.
    pub set_aside_gate: Counter,
    /// Times this worker was turned away at the gate.
    pub gate_waits: Counter,
    pub client_query_buffer_limit_disconnections: Counter,
    pub client_output_buffer_limit_disconnections: Counter,
    pub rounds: Counter,
    pub commands: CommandStatsTable,
}

/// One [`CommandStats`] per command.
pub struct CommandStatsTable(Box<[CommandStats]>);

impl Default for CommandStatsTable {
    fn default() -> Self {
        CommandStatsTable(COMMANDS.entries.iter().map(|_| CommandStats::default()).collect())
    }
}

impl std::ops::Index<u16> for CommandStatsTable {
    type Output = CommandStats;

    #[inline]
    fn index(&self, id: u16) -> &CommandStats {
        &self.0[id as usize]
    }
}

/// Numbers that are not counted by workers, or only now and then.
#[derive(Default)]
#[allow(missing_docs)] // named after INFO's fields
pub struct ServerStats {
    pub total_connections_received: AtomicU64,
    pub rejected_connections: AtomicU64,
    pub peak_memory: AtomicU64,
    pub last_save_seconds: AtomicI64,
    pub changes_at_last_save: AtomicU64,
    /// Sum of expired keys in the last expiry step, for the time limit statistics.
    pub expired_time_cap_reached: AtomicU64,
}
