//! Returning memory to the system in small pieces.
//!
//! The allocator's own thread returns what is due ten times a second, in one go. Where it shares a
//! processor with a worker, which it does when all processors are busy, the system lets it finish, or go
//! on until its next tick, and that is several milliseconds for every client of that worker. So the
//! allocator is given a function of ours for this, which does the same and then lets others have the
//! processor from time to time.

use std::cell::Cell;
use std::ffi::{c_uint, c_void};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use tikv_jemalloc_ctl::raw;
use tikv_jemalloc_sys::{extent_hooks_t, extent_purge_t};

/// How long a thread returns memory before it lets others have the processor.
const SLICE: Duration = Duration::from_micros(200);

/// The functions that the allocator calls, and what it would have called without them.
#[repr(C)]
struct Hooks {
    table: extent_hooks_t,
    purge: extent_purge_t,
    /// The table that it is from, which it is given when it is called.
    of: *mut extent_hooks_t,
}

thread_local! {
    /// When the thread's slice began.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Has the arena that all threads share return memory so from now on. Arenas that are made later only
/// ever hold what was moved there.
pub fn return_in_small_pieces() {
    const HOOKS: &[u8] = b"arena.0.extent_hooks\0";
    // SAFETY: the value of the control is a pointer to the table that is in use, which stays where it is
    // and as it is. Its successor has the same functions but for one that calls its predecessor, and is
    // never freed, as the allocator demands.
    let set = unsafe {
        raw::read::<*mut extent_hooks_t>(HOOKS).and_then(|in_use| {
            let Some(purge) = (*in_use).purge_forced else { return Ok(()) };
            let table = extent_hooks_t { purge_forced: Some(purge_a_piece), ..*in_use };
            let hooks: &mut Hooks = Box::leak(Box::new(Hooks { table, purge, of: in_use }));
            raw::write(HOOKS, std::ptr::from_mut(hooks).cast::<extent_hooks_t>())
        })
    };
    if let Err(error) = set {
        tracing::warn!("The allocator returns memory in large pieces: {error}");
    }
}

/// Returns a range of pages, and ends the thread's slice if it is over.
///
/// # Safety
///
/// `hooks` is the table of a [`Hooks`], and the rest as for the function that would have been called.
unsafe extern "C" fn purge_a_piece(
    hooks: *mut extent_hooks_t,
    start: *mut c_void,
    bytes: usize,
    offset: usize,
    len: usize,
    arena: c_uint,
) -> bool {
    // SAFETY: the table is the first field of a `Hooks`, which is never freed.
    let Hooks { purge, of, .. } = unsafe { &*hooks.cast::<Hooks>() };
    // SAFETY: called as it would have been, with the table that it is from.
    let failed = unsafe { purge(*of, start, bytes, offset, len, arena) };
    BEGAN.with(|began| match began.get() {
        Some(at) if at.elapsed() < SLICE => {}
        _ => {
            yield_now();
            began.set(Some(Instant::now()));
        }
    });
    failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::purge;

    #[test]
    fn what_is_returned_reads_as_zeros_and_can_be_used_again() {
        const BLOCKS: usize = 256;
        const BLOCK_BYTES: usize = 1 << 17;
        // The second goes by way of the first.
        return_in_small_pieces();
        return_in_small_pieces();
        for round in 0..3_u8 {
            let blocks: Vec<Vec<u8>> = (0..BLOCKS).map(|_| vec![round + 1; BLOCK_BYTES]).collect();
            assert!(blocks.iter().flatten().all(|byte| *byte == round + 1));
            drop(blocks);
            purge();
            let zeros = vec![0_u8; BLOCKS * BLOCK_BYTES];
            assert!(zeros.iter().all(|byte| *byte == 0));
        }
    }
}
