//! A lock that is tried, never waited for, and that remembers whom to wake.
//!
//! # Problem
//!
//! A worker must not sleep on a shard that another worker holds (I9): the connection whose command
//! needs the shard is set aside, the worker goes on with its others, and it has to learn of the
//! release. So whoever is refused puts itself down beside the lock, and whoever lets go looks who is
//! there:
//!
//! ```text
//!  refused:   waiting |= own bit;  fence;  held?     yes: will be woken;  no: takes it after all
//!  letting go:  held = false;      fence;  waiting?  none: done;          some: takes and wakes them
//! ```
//!
//! Each side writes before it reads and the fences order the two, so at least one of them sees the
//! other (Dekker's argument). But a lock is let go with every command, some of them three times, and
//! nearly never is anybody refused. A fence, or an atomic read-modify-write in its place, is most of
//! what an uncontended release costs. Therefore the two sides share unevenly ([`crate::barrier`]): who
//! lets go only keeps the compiler from reordering, and who is refused has the system execute a fence
//! on every processor that runs a thread of this process.
//!
//! # Invariants
//!
//! - **W1** At most one thread sees its acquisition succeed between two releases.
//! - **W2** A worker that was refused and put itself down is returned by a release that comes after
//!   that. So nobody who was told "busy" is forgotten.
//!
//! W2, of a worker that sees the lock held after its fence: the fence cuts the holder's program in two.
//! If its release lay before the cut, the worker would have seen that. So it comes after the cut, and
//! what it reads in `waiting` contains the worker's bit, unless another release has taken it since.
//!
//! Workers beyond 32 share bits, and one that gets the lock after all leaves its bit there: waking one
//! too many costs a look, waking one too few would lose a connection.

use crate::barrier;
use crate::sync::{AtomicU32, Ordering, fence};

const FREE: u32 = 0;
const HELD: u32 = 1;

/// A set of workers, by their number modulo 32.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WorkerSet(u32);

impl WorkerSet {
    /// Whether nobody is in the set.
    #[inline]
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

fn bit_of(worker: usize) -> u32 {
    1 << (worker % u32::BITS as usize)
}

/// How those who use a lock, always in the same way, learn of each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// One thread alone, which needs nothing to keep itself out.
    Solo,
    /// Several threads, of which each executes a fence.
    Even,
    /// Several threads, of which one that is refused has the others execute a fence. Only where
    /// [`barrier::is_available`].
    Uneven,
}

impl Sharing {
    /// The cheapest way for so many threads that let go often and are refused rarely.
    pub fn among(threads: usize) -> Self {
        match threads {
            1 => Sharing::Solo,
            _ if barrier::is_available() => Sharing::Uneven,
            _ => Sharing::Even,
        }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct WakeLock {
    held: AtomicU32,
    /// The bits of a [`WorkerSet`].
    waiting: AtomicU32,
}

impl Default for WakeLock {
    fn default() -> Self {
        WakeLock { held: AtomicU32::new(FREE), waiting: AtomicU32::new(0) }
    }
}

impl WakeLock {
    /// Takes the lock if it is free, and says whether it did.
    #[inline]
    pub fn try_acquire(&self, sharing: Sharing) -> bool {
        // A failed attempt need not write to the line that the holder is working on.
        if self.is_held() {
            return false;
        }
        if sharing == Sharing::Solo {
            self.held.store(HELD, Ordering::Relaxed);
            return true;
        }
        let taken = self.held.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok()
    }

    /// Takes the lock if it is free; otherwise puts `worker` down to be woken at its release.
    pub fn acquire_or_register(&self, worker: usize, sharing: Sharing) -> bool {
        self.try_acquire(sharing) || {
            self.register(worker, sharing);
            self.try_acquire(sharing)
        }
    }

    /// If the lock is held, puts `worker` down to be woken at its release and returns true;
    /// otherwise returns false.
    pub fn register_if_held(&self, worker: usize, sharing: Sharing) -> bool {
        self.is_held() && {
            self.register(worker, sharing);
            self.is_held()
        }
    }

    /// Puts a worker down: the holder that is seen from now on wakes it.
    fn register(&self, worker: usize, sharing: Sharing) {
        self.waiting.fetch_or(bit_of(worker), Ordering::Relaxed);
        match sharing {
            Sharing::Solo => {}
            Sharing::Even => fence(Ordering::SeqCst),
            Sharing::Uneven => barrier::heavy(),
        }
    }

    /// Whether somebody holds the lock at this moment.
    #[inline]
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed) != FREE
    }

    /// Lets the lock go and returns those who asked for it meanwhile. Only its holder may call this.
    #[inline]
    #[must_use = "the workers that wait for the lock have to be woken"]
    pub fn release(&self, sharing: Sharing) -> WorkerSet {
        self.held.store(FREE, Ordering::Release);
        match sharing {
            Sharing::Solo => {}
            Sharing::Even => fence(Ordering::SeqCst),
            Sharing::Uneven => barrier::light(),
        }
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return WorkerSet::default();
        }
        self.take_waiting()
    }

    #[cold]
    fn take_waiting(&self) -> WorkerSet {
        WorkerSet(self.waiting.swap(0, Ordering::Relaxed))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::AtomicBool;

    #[test]
    fn release_returns_those_who_were_refused() {
        let lock = WakeLock::default();
        for sharing in [Sharing::Solo, Sharing::Even, Sharing::among(2)] {
            assert!(lock.acquire_or_register(0, sharing));
            assert!(!lock.try_acquire(sharing));
            assert!(!lock.acquire_or_register(3, sharing));
            assert!(!lock.acquire_or_register(70, sharing));
            let woken = lock.release(sharing);
            assert!(woken.contains(3) && woken.contains(70) && !woken.contains(0));
            assert!(lock.try_acquire(sharing));
            assert!(lock.release(sharing).is_empty());
            assert!(!lock.register_if_held(1, sharing));
        }
    }

    /// Two threads that sleep whenever they are refused. One that is forgotten never wakes up.
    #[test]
    fn threads_that_are_refused_get_their_turn() {
        const TURNS: u32 = 100_000;
        for sharing in [Sharing::Even, Sharing::among(2)] {
            let lock = WakeLock::default();
            let turns = AtomicU32::new(0);
            let woken = [AtomicBool::new(false), AtomicBool::new(false)];
            let run = |worker: usize| {
                for _ in 0..TURNS {
                    while !lock.acquire_or_register(worker, sharing) {
                        while !woken[worker].swap(false, Ordering::Relaxed) {
                            std::thread::yield_now();
                        }
                    }
                    // Not atomic, but for the lock.
                    turns.store(turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                    let set = lock.release(sharing);
                    let others = (0..2).filter(|other| set.contains(*other));
                    others.for_each(|other| woken[other].store(true, Ordering::Relaxed));
                }
            };
            std::thread::scope(|scope| {
                scope.spawn(|| run(1));
                run(0);
            });
            assert_eq!(turns.into_inner(), 2 * TURNS);
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;

    /// W1 and W2 over every interleaving of two workers, of which one tries several times: each that
    /// is refused counts on being woken.
    fn nobody_refused_is_forgotten(sharing: Sharing, attempts: usize) {
        loom::model(move || {
            let lock = Arc::new(WakeLock::default());
            let inside = Arc::new(AtomicUsize::new(0));
            let attempt = |worker: usize| {
                let (lock, inside) = (lock.clone(), inside.clone());
                move || {
                    if !lock.acquire_or_register(worker, sharing) {
                        return (false, WorkerSet::default());
                    }
                    assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0, "W1");
                    inside.fetch_sub(1, Ordering::Relaxed);
                    (true, lock.release(sharing))
                }
            };
            let theirs = attempt(1);
            let other = loom::thread::spawn(move || {
                let mut woken = WorkerSet::default();
                let mut successes = 0;
                for _ in 0..attempts {
                    let (succeeded, others) = theirs();
                    successes += usize::from(succeeded);
                    woken.extend(others);
                }
                (successes, woken)
            });
            let (succeeded, mut woken) = attempt(0)();
            let (successes, others) = other.join().unwrap();
            woken.extend(others);
            assert!(succeeded || successes > 0);
            assert!(succeeded || woken.contains(0), "W2");
            assert!(successes == attempts || woken.contains(1), "W2");
        });
    }

    #[test]
    fn with_fences_on_both_sides() {
        nobody_refused_is_forgotten(Sharing::Even, 2);
    }

    #[test]
    fn with_uneven_fences() {
        nobody_refused_is_forgotten(Sharing::Uneven, 2);
    }
}
