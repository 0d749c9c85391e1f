//! A fence of which one side costs nothing.
//!
//! Dekker's argument needs a fence on both sides, between what each writes and what it reads then. If
//! one side is taken much more often than the other, it can leave its fence to the other: the system
//! can execute one on every processor that runs a thread of this process (`membarrier(2)`,
//! `MEMBARRIER_CMD_PRIVATE_EXPEDITED`), which interrupts them. Threads that do not run at that moment
//! have one behind them and one ahead, in the switches between threads.
//!
//! - **F1** For every [`light`] of one thread and [`heavy`] of another, what the first did before its
//!   fence is visible to the second after its own, or what the second did before its fence is visible
//!   to the first after its own.

#[cfg(not(any(loom, miri)))]
mod imp {
    use std::sync::atomic::{Ordering, compiler_fence};
    use std::thread::yield_now;

    use rustix::thread::{MembarrierCommand, membarrier};

    /// Whether the system offers it; to be asked before the first fence.
    pub fn is_available() -> bool {
        membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
    }

    /// The side that is taken often.
    #[inline]
    pub fn light() {
        compiler_fence(Ordering::SeqCst);
    }

    /// The side that is taken rarely.
    pub fn heavy() {
        // It fails only where the kernel has no memory for the moment.
        while membarrier(MembarrierCommand::PrivateExpedited).is_err() {
            yield_now();
        }
    }
}

/// Fences on both sides, where there is no system: loom knows both, and Miri the first.
#[cfg(any(loom, miri))]
mod imp {
    use crate::sync::{Ordering, fence};

    pub fn is_available() -> bool {
        cfg!(loom)
    }

    pub fn light() {
        fence(Ordering::SeqCst);
    }

    pub fn heavy() {
        fence(Ordering::SeqCst);
    }
}

pub(crate) use imp::{heavy, is_available, light};
