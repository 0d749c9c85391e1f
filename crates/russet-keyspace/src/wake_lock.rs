//! A lock that is tried, never waited for, and that remembers whom to wake.
//!
//! # Problem
//!
//! A worker must not sleep on a shard that another worker holds (I9): the connection whose command
//! needs the shard is set aside, the worker goes on with its others, and it has to learn of the
//! release. A mutex and a separate list of waiters leave a window in which the release is missed,
//! unless both sides pay for a fence. Here lock and waiters are one word, so that both sides decide
//! by a single atomic operation on it.
//!
//! ```text
//!  bit 63 ........................ 1   0
//!  [ one bit per worker to be woken ][held]
//! ```
//!
//! # Invariants
//!
//! - **W1** At most one thread sees its acquisition succeed between two releases.
//! - **W2** A worker whose bit was set while the lock was held is in the set that the release of
//!   that very holding returns. So nobody who was told "busy" is forgotten.
//!
//! Workers beyond 63 share bits: waking one too many costs a look, waking one too few would lose a
//! connection.

use crate::sync::{AtomicU64, Ordering};

const HELD: u64 = 1;
/// How many workers can be told apart in a [`WorkerSet`].
const DISTINCT_WORKERS: usize = 63;

/// A set of workers, by their number modulo 63.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WorkerSet(u64);

impl WorkerSet {
    /// Whether nobody is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds a worker, and with it those that share its bit.
    pub fn insert(&mut self, worker: usize) {
        self.0 |= bit_of(worker);
    }

    /// Adds the workers of another set.
    pub fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Whether `worker` is in the set. Workers that share a bit are in it together.
    pub fn contains(self, worker: usize) -> bool {
        self.0 & bit_of(worker) != 0
    }
}

fn bit_of(worker: usize) -> u64 {
    1 << (1 + worker % DISTINCT_WORKERS)
}

/// See the module's documentation.
#[derive(Debug)]
pub struct WakeLock {
    state: AtomicU64,
}

impl Default for WakeLock {
    fn default() -> Self {
        WakeLock { state: AtomicU64::new(0) }
    }
}

/// How many threads use a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// One thread alone, which needs no atomic read-modify-write to keep itself out.
    Solo,
    /// Several threads.
    Shared,
}

impl WakeLock {
    /// Takes the lock if it is free, and says whether it did.
    #[inline]
    pub fn try_acquire(&self, sharing: Sharing) -> bool {
        // A failed attempt need not write to the line that the holder is working on.
        if self.state.load(Ordering::Relaxed) & HELD != 0 {
            return false;
        }
        if sharing == Sharing::Solo {
            self.state.store(HELD, Ordering::Relaxed);
            return true;
        }
        self.state.fetch_or(HELD, Ordering::Acquire) & HELD == 0
    }

    /// Takes the lock if it is free; otherwise puts `worker` down to be woken at its release.
    pub fn acquire_or_register(&self, worker: usize) -> bool {
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            let free = seen & HELD == 0;
            let wanted = seen | if free { HELD } else { bit_of(worker) };
            match self.state.compare_exchange_weak(
                seen,
                wanted,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return free,
                Err(now) => seen = now,
            }
        }
    }

    /// If the lock is held, puts `worker` down to be woken at its release and returns true;
    /// otherwise leaves it alone and returns false.
    pub fn register_if_held(&self, worker: usize) -> bool {
        let mut seen = self.state.load(Ordering::Relaxed);
        while seen & HELD != 0 {
            match self.state.compare_exchange_weak(
                seen,
                seen | bit_of(worker),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Whether somebody holds the lock at this moment.
    #[inline]
    pub fn is_held(&self) -> bool {
        self.state.load(Ordering::Relaxed) & HELD != 0
    }

    /// Lets the lock go and returns those who asked for it meanwhile. Only its holder may call this.
    #[inline]
    #[must_use = "the workers that wait for the lock have to be woken"]
    pub fn release(&self, sharing: Sharing) -> WorkerSet {
        if sharing == Sharing::Solo {
            let registered = self.state.load(Ordering::Relaxed) & !HELD;
            self.state.store(0, Ordering::Relaxed);
            return WorkerSet(registered);
        }
        WorkerSet(self.state.swap(0, Ordering::Release) & !HELD)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn release_returns_those_who_were_refused() {
        let lock = WakeLock::default();
        assert!(lock.acquire_or_register(0));
        assert!(!lock.try_acquire(Sharing::Shared));
        assert!(!lock.acquire_or_register(3));
        assert!(!lock.acquire_or_register(70));
        let woken = lock.release(Sharing::Shared);
        assert!(woken.contains(3) && woken.contains(70) && !woken.contains(0));
        assert!(lock.try_acquire(Sharing::Shared));
        assert!(lock.release(Sharing::Shared).is_empty());
        assert!(!lock.register_if_held(1));
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;

    /// W1 and W2 over every interleaving of two workers that each try once and, when refused, count
    /// on being woken.
    #[test]
    fn nobody_refused_is_forgotten() {
        loom::model(|| {
            let lock = Arc::new(WakeLock::default());
            let inside = Arc::new(AtomicUsize::new(0));
            let attempt = |worker: usize| {
                let (lock, inside) = (lock.clone(), inside.clone());
                move || {
                    if !lock.acquire_or_register(worker) {
                        return (false, WorkerSet::default());
                    }
                    assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0, "W1");
                    inside.fetch_sub(1, Ordering::Relaxed);
                    (true, lock.release(Sharing::Shared))
                }
            };
            let other = loom::thread::spawn(attempt(1));
            let mine = attempt(0)();
            let theirs = other.join().unwrap();
            assert!(mine.0 || theirs.0);
            assert!(mine.0 || theirs.1.contains(0), "W2");
            assert!(theirs.0 || mine.1.contains(1), "W2");
        });
    }
}
