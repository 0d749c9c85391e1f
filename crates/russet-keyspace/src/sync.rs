//! The synchronisation primitives of this crate, or loom's models of them.
//!
//! Built with `--cfg loom`, the protocols between threads run on loom's primitives, so that a model test
//! explores every interleaving; in every other build these are the standard library's.

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence},
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence},
};

/// Gives the processor (in a model: the other threads) a chance while spinning.
pub(crate) fn spin() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}

/// Gives the rest of the time slice away, for a spin that has lasted too long for `spin`.
pub(crate) fn yield_now() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::thread::yield_now();
}
