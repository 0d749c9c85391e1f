//! Counting without sharing: every worker counts for itself, readers add up.
//!
//! A [`Counter`] is written by one thread only, so that adding needs no atomic read-modify-write,
//! and read by any. Sums over workers are exact as soon as the workers are idle.

mod histogram;
pub mod rates;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

pub use histogram::{Distribution, Histogram};

use crate::command::COMMANDS;

/// A number that one thread counts up and any thread reads.
#[derive(Default, Debug)]
pub struct Counter {
    /// Written by the owning thread.
    total: AtomicU64,
    /// The total at the last reset; written by whoever resets, so that no addition gets lost and
    /// none undoes the reset.
    at_reset: AtomicU64,
}

impl Counter {
    /// Adds; to be called by the owning thread only.
    #[inline]
    pub fn add(&self, more: u64) {
        self.total.store(self.total.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// What was added since the last reset.
    #[inline]
    pub fn value(&self) -> u64 {
        let at_reset = self.at_reset.load(Ordering::Relaxed);
        self.total.load(Ordering::Relaxed).wrapping_sub(at_reset)
    }

    /// Back to zero (CONFIG RESETSTAT).
    pub fn reset(&self) {
        self.at_reset.store(self.total.load(Ordering::Relaxed), Ordering::Relaxed);
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

impl CommandStats {
    /// Begins anew; the worker must be outside the gate, because of the histogram.
    fn reset(&self) {
        let CommandStats { calls, total_ns, rejected, failed, latency } = self;
        [calls, total_ns, rejected, failed].into_iter().for_each(Counter::reset);
        if let Some(histogram) = latency.get() {
            histogram.reset();
        }
    }
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
    pub evicted_keys: Counter,
    pub evicted_clients: Counter,
    pub active_defrag_hits: Counter,
    pub active_defrag_misses: Counter,
    pub active_defrag_key_hits: Counter,
    pub active_defrag_key_misses: Counter,
    /// Time spent on defragmentation, in microseconds.
    pub defrag_us: Counter,
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
    /// Bytes that the interpreter of scripts takes.
    pub engine_bytes: AtomicU64,
    pub commands: CommandStatsTable,
}

impl WorkerStats {
    /// Begins anew with everything but `changes`, which saving counts on.
    pub fn reset(&self) {
        let counters = [
            &self.total_commands_processed,
            &self.total_net_input_bytes,
            &self.total_net_output_bytes,
            &self.total_reads_processed,
            &self.total_writes_processed,
            &self.total_error_replies,
            &self.keyspace_hits,
            &self.keyspace_misses,
            &self.expired_keys,
            &self.evicted_keys,
            &self.evicted_clients,
            &self.active_defrag_hits,
            &self.active_defrag_misses,
            &self.active_defrag_key_hits,
            &self.active_defrag_key_misses,
            &self.defrag_us,
            &self.set_aside_shard,
            &self.set_aside_gate,
            &self.gate_waits,
            &self.client_query_buffer_limit_disconnections,
            &self.client_output_buffer_limit_disconnections,
            &self.rounds,
        ];
        counters.into_iter().for_each(Counter::reset);
        self.commands.0.iter().for_each(CommandStats::reset);
    }
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
    /// Memory used when the server had started.
    pub startup_memory: AtomicU64,
    /// Since when `maxmemory` is exceeded, in microseconds after the start; 0 while it is not.
    pub eviction_exceeded_since_us: AtomicU64,
    /// For how long it has been exceeded before that.
    pub eviction_exceeded_us: AtomicU64,
    /// Percent of a processor that each worker spends on defragmentation at present.
    pub defrag_effort: AtomicU64,
    /// Since when, in milliseconds after the start; 0 for not at present.
    pub defrag_since_ms: AtomicU64,
    /// For how long it was running before that.
    pub defrag_ms: AtomicU64,
    pub rates: rates::Rates,
    /// Sum of expired keys in the last expiry step, for the time limit statistics.
    pub expired_time_cap_reached: AtomicU64,
}

impl ServerStats {
    /// Begins to count anew.
    pub fn reset(&self) {
        self.total_connections_received.store(0, Ordering::Relaxed);
        self.rejected_connections.store(0, Ordering::Relaxed);
        self.expired_time_cap_reached.store(0, Ordering::Relaxed);
        self.eviction_exceeded_since_us.store(0, Ordering::Relaxed);
        self.eviction_exceeded_us.store(0, Ordering::Relaxed);
        self.defrag_ms.store(0, Ordering::Relaxed);
        self.rates.reset();
    }
}
