//! What the allocator and the system know, and what the allocator can be asked to do.

use std::ptr::{self, NonNull};

use tikv_jemalloc_ctl::{epoch, raw, stats, stats_print};

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

/// How long freed pages stay while memory grows, before they go back to the system.
const DECAY_IN_GROWTH_MS: isize = 10_000;

/// Keeps freed pages for longer as long as memory grows, which will want them; or no longer than the
/// allocator's options say, and returns those that were kept at once.
pub fn keep_freed_pages(while_it_grows: bool) {
    // SAFETY: the value of both controls is a C `ssize_t`; the second is of the arena that all threads
    // share.
    let set = unsafe {
        let usual = raw::read::<isize>(b"opt.dirty_decay_ms\0");
        usual.and_then(|usual| {
            let decay_ms = if while_it_grows { DECAY_IN_GROWTH_MS } else { usual };
            raw::write(b"arena.0.dirty_decay_ms\0", decay_ms)
        })
    };
    if let Err(error) = set {
        tracing::warn!("The allocator keeps freed pages as it did: {error}");
    }
    if !while_it_grows {
        purge();
    }
}

/// How well used the slabs are that allocations lie in.
pub struct Utilization {
    /// `experimental.utilization.batch_query`, as the allocator numbers it.
    control: [usize; 3],
}

impl Utilization {
    /// `None` without the allocator that knows.
    pub fn find() -> Option<Self> {
        const NAME: &std::ffi::CStr = c"experimental.utilization.batch_query";
        let (mut control, mut len) = ([0; 3], 3);
        // SAFETY: the name is a C string, and the array has room for `len` numbers.
        let failed = unsafe {
            tikv_jemalloc_sys::mallctlnametomib(NAME.as_ptr(), control.as_mut_ptr(), &mut len)
        };
        (failed == 0 && len == control.len()).then_some(Utilization { control })
    }

    /// Whether an allocation lies in a slab of which at most [`WELL_USED`] is in use.
    pub fn is_poor(&self, allocation: NonNull<u8>) -> bool {
        let mut allocations = [allocation.as_ptr()];
        // Of the slab: free places, places, bytes.
        let mut answer = [0_usize; 3];
        let mut answer_len = size_of_val(&answer);
        // SAFETY: the control reads the one address, which it only looks up, and writes three
        // numbers for it; it may be asked by any thread at any time.
        let failed = unsafe {
            tikv_jemalloc_sys::mallctlbymib(
                self.control.as_ptr(),
                self.control.len(),
                answer.as_mut_ptr().cast(),
                &mut answer_len,
                allocations.as_mut_ptr().cast(),
                size_of_val(&allocations),
            )
        };
        let [free, places, _] = answer;
        failed == 0 && places > 1 && (places - free) as f64 <= places as f64 * WELL_USED
    }
}

/// The part of a slab that is in use from which on there is no point in emptying it.
const WELL_USED: f64 = 0.9;

/// Where a thread puts what it moves: an arena of its own, in which nothing is sparse yet.
pub struct Elsewhere {
    arena: u32,
}

impl Elsewhere {
    /// A new arena; `None` if the allocator has none to give.
    pub fn new() -> Option<Self> {
        // SAFETY: the control gives the number of an arena, an unsigned integer.
        unsafe { raw::read(b"arenas.create\0") }.ok().map(|arena| Elsewhere { arena })
    }

    /// Runs something with all allocations of this thread elsewhere. The thread's cache of freed
    /// allocations is bypassed, so that what is freed leaves its slab at once.
    pub fn during<R>(&self, body: impl FnOnce() -> R) -> R {
        const ARENA: &[u8] = b"thread.arena\0";
        const CACHE: &[u8] = b"thread.tcache.enabled\0";
        // SAFETY: the values of these controls are a C `bool` and the number of an arena that exists;
        // they concern this thread only. Where they fail, allocations just are where they always are.
        unsafe {
            let _ = raw::write(CACHE, false);
            let usual: Result<u32, _> = raw::update(ARENA, self.arena);
            let result = body();
            if let Ok(usual) = usual {
                let _ = raw::write(ARENA, usual);
            }
            let _ = raw::write(CACHE, true);
            result
        }
    }
}

/// For fewer freed pages the allocator's own thread does not wake up.
const FEW_PAGES: usize = 1024;

/// Returns to the system what the allocator keeps for later, if that is so little that nobody else
/// would. Takes a millisecond or two if these pages are scattered.
pub fn purge_few_pages() {
    let _ = epoch::advance();
    // SAFETY: the value of the control is a C `size_t`; 4096 stands for all arenas.
    let dirty: Result<usize, _> = unsafe { raw::read(b"stats.arenas.4096.pdirty\0") };
    if dirty.is_ok_and(|pages| (1..=FEW_PAGES).contains(&pages)) {
        purge();
    }
}

/// Returns to the system what the allocator keeps for later.
pub fn purge() {
    // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
    command(c"arena.4096.purge");
}

/// Puts freed allocations that the allocator keeps for the calling thread back into their slabs, of
/// which those that are empty then go back to the system in their time.
pub fn flush_thread_cache() {
    command(c"thread.tcache.flush");
}

/// Has the allocator do something.
fn command(name: &std::ffi::CStr) {
    // SAFETY: the name is a C string of a control that neither reads nor writes a value, as the null
    // pointers say; such a one may be called by any thread at any time.
    let failed = unsafe {
        let (old, old_len, new) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        tikv_jemalloc_sys::mallctl(name.as_ptr(), old, old_len, new, 0)
    };
    if failed != 0 {
        tracing::warn!("The allocator cannot do {name:?}: error {failed}");
    }
}
