//! What the allocator knows.

use std::sync::atomic::Ordering;

use crate::server::Server;

/// Bytes that the process has allocated and not freed.
pub fn used_bytes() -> u64 {
    let _ = tikv_jemalloc_ctl::epoch::advance();
    tikv_jemalloc_ctl::stats::allocated::read().map_or(0, |bytes| bytes as u64)
}

/// Remembers the highest use of memory so far.
pub fn note_peak(server: &Server) {
    server.stats.peak_memory.fetch_max(used_bytes(), Ordering::Relaxed);
}
