//! What the allocator and the system know, and what the allocator can be asked to do.

use std::ptr;

use tikv_jemalloc_ctl::{epoch, stats, stats_print};

use super::Ratio;

/// Sizes in bytes, from the inside to the outside.
#[derive(Clone, Copy, Default, Debug)]
pub struct Allocator {
    /// In allocations.
    pub allocated: u64,
    /// In pages with at least one allocation.
    pub active: u64,
    /// In pages that the allocator keeps in memory.
    pub resident: u64,
    /// In pages that the system keeps in memory for the process.
    pub process_resident: u64,
}

impl Allocator {
    /// Asks both.
    pub fn ask() -> Self {
        // Without the allocator that counts there is nothing to tell, which 0 says.
        let _ = epoch::advance();
        let bytes = |known: Result<usize, _>| known.map_or(0, |bytes| bytes as u64);
        Allocator {
            allocated: bytes(stats::allocated::read()),
            active: bytes(stats::active::read()),
            resident: bytes(stats::resident::read()),
            process_resident: process_resident(),
        }
    }

    /// What is lost between allocations.
    pub fn fragmentation(&self) -> Ratio {
        Ratio::of(self.active, self.allocated)
    }

    /// What the allocator keeps for later.
    pub fn retention(&self) -> Ratio {
        Ratio::of(self.resident, self.active)
    }

    /// What the process has beside the allocator.
    pub fn beside(&self) -> Ratio {
        Ratio::of(self.process_resident, self.resident)
    }
}

fn process_resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// The allocator's own report.
pub fn statistics() -> Vec<u8> {
    let mut report = Vec::new();
    // Writing to memory does not fail.
    let _ = stats_print::stats_print(&mut report, stats_print::Options::default());
    report
}

/// Lets the allocator return memory to the system on threads of its own from now on. Otherwise the
/// threads that allocate would do it in passing, a worker for example what the freeing of another's
/// hundred megabytes has left, and none while they are idle. To be called after the last fork.
pub fn return_in_background() {
    if let Err(error) = tikv_jemalloc_ctl::background_thread::write(true) {
        tracing::warn!("The allocator cannot return memory in the background: {error}");
    }
}

/// Returns to the system what the allocator keeps for later.
pub fn purge() {
    // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
    const NAME: &std::ffi::CStr = c"arena.4096.purge";
    // SAFETY: the name is a C string, and this control neither reads nor writes a value, as the null
    // pointers say; it may be called by any thread at any time.
    let failed = unsafe {
        let (old, old_len, new) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        tikv_jemalloc_sys::mallctl(NAME.as_ptr(), old, old_len, new, 0)
    };
    if failed != 0 {
        tracing::warn!("The allocator cannot return memory: error {failed}");
    }
}
