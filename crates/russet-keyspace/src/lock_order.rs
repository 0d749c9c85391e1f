//! Taking locks, one or several, without waiting.
//!
//! # Problem
//!
//! A command locks the shards of all its keys at once. Threads that take several locks and wait for
//! each of them deadlock unless all agree on an order; a worker may not even wait (I9). So locks are
//! taken in ascending order, and who meets one that stays busy lets go of what it has, asks to be
//! woken when that one is let go, and tries again from the start another time.
//!
//! # Invariants
//!
//! - **L1** Locks are taken in ascending order, and nothing is done before the last is taken (I1).
//! - **L2** Who is refused holds nothing, and is woken when the lock that was busy is let go.
//! - **L3** Starting over at once, without being refused, takes somebody else's having let go in
//!   between: those who try never keep each other from getting on.

use crate::sync::spin;

/// Tries before a lock counts as busy: about as long as a short command takes. Holders never wait
/// for anything (I2), so a lock is nearly always free by then. A model tries once, because loom does
/// not go on with a thread that spins before others have got on: it would be refused too rarely.
const TRIES: usize = if cfg!(loom) { 1 } else { 64 };

/// A reference to locks with numbers. A guard is made apart from taking its lock: once, where it is
/// used, rather than at the end of each of the ways to take it, from where it would be moved.
pub(crate) trait TryLocks: Copy {
    /// That a lock was taken, for the one guard that is made of this.
    type Taken;
    /// A lock that is held until this is dropped.
    type Guard;

    /// Takes the lock, if it is free.
    fn try_take(self, lock: usize) -> Option<Self::Taken>;

    /// Takes the lock, if it is free; otherwise `worker` is woken when it is let go.
    fn take_or_register(self, lock: usize, worker: usize) -> Option<Self::Taken>;

    /// Holds a lock that was taken.
    fn guard(self, taken: Self::Taken) -> Self::Guard;
}

/// Takes the lock, if it is free or becomes free within a moment.
#[inline]
fn take_briefly<L: TryLocks>(locks: L, lock: usize) -> Option<L::Taken> {
    for attempt in 0..TRIES {
        if attempt > 0 {
            spin();
        }
        if let Some(taken) = locks.try_take(lock) {
            return Some(taken);
        }
    }
    None
}

/// The lock, if it is free or becomes free within a moment.
#[inline]
pub(crate) fn try_briefly<L: TryLocks>(locks: L, lock: usize) -> Option<L::Guard> {
    take_briefly(locks, lock).map(|taken| locks.guard(taken))
}

/// The lock; or, if it stays busy, nothing: then `worker` is woken when it is let go.
#[inline]
pub(crate) fn lock_one<L: TryLocks>(locks: L, lock: usize, worker: usize) -> Option<L::Guard> {
    let taken = take_briefly(locks, lock).or_else(|| locks.take_or_register(lock, worker));
    taken.map(|taken| locks.guard(taken))
}

/// All of the `wanted` locks, which ascend; or none, and `worker` is woken when it should try again.
pub(crate) fn lock_all<L: TryLocks>(
    locks: L,
    wanted: &[usize],
    worker: usize,
) -> Option<Vec<L::Guard>> {
    debug_assert!(wanted.is_sorted_by(|one, next| one < next), "L1");
    loop {
        let mut guards = Vec::with_capacity(wanted.len());
        let busy = wanted.iter().find(|&&lock| match try_briefly(locks, lock) {
            Some(guard) => {
                guards.push(guard);
                false
            }
            None => true,
        });
        let Some(&busy) = busy else { return Some(guards) };
        // The others are let go before, because whoever holds the busy one may want them.
        drop(guards);
        let taken = locks.take_or_register(busy, worker)?;
        // Whoever waits for it is woken, and it is tried for from the start.
        drop(locks.guard(taken));
    }
}

#[cfg(all(test, loom))]
mod model {
    use loom::sync::atomic::{AtomicUsize, Ordering};
    use loom::sync::{Arc, Notify};

    use super::*;
    use crate::gate::{Gate, Refused};
    use crate::mailbox::Mailbox;
    use crate::wake_lock::{Sharing, WakeLock, WorkerSet};

    const WORKERS: usize = 2;
    const SHARING: Sharing = Sharing::Uneven;

    /// Two locks, each with a number that nothing else protects, and workers that sleep at their
    /// mailboxes.
    struct Locks {
        gate: Gate,
        cells: [(WakeLock, AtomicUsize); 2],
        sleepers: [Arc<Notify>; WORKERS],
        mailboxes: [Mailbox<(), Box<dyn Fn()>>; WORKERS],
    }

    struct Guard<'a> {
        locks: &'a Locks,
        lock: usize,
    }

    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            self.locks.wake(self.locks.cells[self.lock].0.release(SHARING));
        }
    }

    impl<'a> TryLocks for &'a Locks {
        type Taken = usize;
        type Guard = Guard<'a>;

        fn try_take(self, lock: usize) -> Option<usize> {
            self.cells[lock].0.try_acquire(SHARING).then_some(lock)
        }

        fn take_or_register(self, lock: usize, worker: usize) -> Option<usize> {
            self.cells[lock].0.acquire_or_register(worker, SHARING).then_some(lock)
        }

        fn guard(self, taken: usize) -> Guard<'a> {
            Guard { locks: self, lock: taken }
        }
    }

    impl Locks {
        fn new() -> Self {
            let sleepers: [Arc<Notify>; WORKERS] = Default::default();
            let mailboxes = sleepers.each_ref().map(|sleeper| {
                let sleeper = sleeper.clone();
                Mailbox::new(Box::new(move || sleeper.notify()) as Box<dyn Fn()>)
            });
            Locks { gate: Gate::new(WORKERS), cells: Default::default(), sleepers, mailboxes }
        }

        fn wake(&self, woken: WorkerSet) {
            let called = (0..WORKERS).filter(|worker| woken.contains(*worker));
            called.for_each(|worker| self.mailboxes[worker].ring());
        }

        fn sleep(&self, worker: usize) {
            while !self.mailboxes[worker].take(&mut Vec::new()) {
                self.sleepers[worker].wait();
            }
        }

        fn write(&self, lock: usize) {
            let number = &self.cells[lock].1;
            number.store(number.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }

        /// A command of `worker`, tried again whenever it is woken, until it was executed.
        fn execute(&self, worker: usize, wanted: &[usize]) {
            loop {
                if let Some(guards) = lock_all(self, wanted, worker) {
                    guards.iter().for_each(|guard| self.write(guard.lock));
                    return;
                }
                self.sleep(worker);
            }
        }

        /// A script that declares one key and writes to another as well, after the declared one or
        /// before it, as the server runs it: under the lock of the declared key first; then with
        /// the other lock too, if that is free, otherwise alone, or not to its end if it has
        /// written. Returns whether it was executed to its end.
        fn run_script(
            &self,
            worker: usize,
            declared: usize,
            other: usize,
            writes_first: bool,
        ) -> bool {
            loop {
                if self.gate.enter(worker) {
                    let first = lock_all(self, &[declared], worker);
                    if first.is_some() && writes_first {
                        self.write(declared);
                    }
                    let second = first
                        .as_ref()
                        .and_then(|_| self.try_take(other).map(|taken| self.guard(taken)));
                    let is_covered = second.is_some();
                    if is_covered {
                        self.write(other);
                        if !writes_first {
                            self.write(declared);
                        }
                    }
                    let has_begun = first.is_some();
                    drop((first, second));
                    self.gate.leave(worker);
                    if is_covered || (has_begun && writes_first) {
                        return is_covered;
                    }
                    if has_begun {
                        break;
                    }
                }
                self.sleep(worker);
            }
            loop {
                match self.gate.close(worker) {
                    Ok(alone) => {
                        self.write(other);
                        self.write(declared);
                        self.wake(alone.reopen());
                        return true;
                    }
                    Err(Refused::Crowded(woken)) => self.wake(woken),
                    Err(Refused::Registered) => self.sleep(worker),
                }
                loom::thread::yield_now();
            }
        }
    }

    /// Over every interleaving of two commands: both are executed, so nobody is refused without
    /// being woken (L2; loom reports threads that sleep forever) and neither keeps the other from
    /// getting on (L3; loom reports endless loops). And not at the same time: then one would not see
    /// what the other has added.
    fn both_are_executed(one: &'static [usize], other: &'static [usize]) {
        loom::model(move || {
            let locks = Arc::new(Locks::new());
            let theirs = locks.clone();
            let thread = loom::thread::spawn(move || theirs.execute(1, other));
            locks.execute(0, one);
            thread.join().unwrap();
            for (lock, (state, number)) in locks.cells.iter().enumerate() {
                let wanted = [one, other].iter().filter(|wanted| wanted.contains(&lock)).count();
                assert_eq!(number.load(Ordering::Relaxed), wanted);
                assert!(!state.is_held());
            }
        });
    }

    #[test]
    fn two_that_want_both_locks_get_them() {
        both_are_executed(&[0, 1], &[0, 1]);
    }

    #[test]
    fn one_that_wants_the_first_lock_and_one_that_wants_both_get_them() {
        both_are_executed(&[0], &[0, 1]);
    }

    #[test]
    fn one_that_wants_the_last_lock_and_one_that_wants_both_get_them() {
        both_are_executed(&[1], &[0, 1]);
    }

    /// Over every interleaving of two scripts, each of which declares what the other does not: both
    /// end, whatever each holds when it reaches for the other's key, and what they have written adds
    /// up. One that has written nothing when it meets the undeclared key is always executed to its
    /// end.
    fn both_scripts_end(writes_first: [bool; WORKERS]) {
        loom::model(move || {
            let locks = Arc::new(Locks::new());
            let theirs = locks.clone();
            let thread = loom::thread::spawn(move || theirs.run_script(1, 1, 0, writes_first[1]));
            let mine = locks.run_script(0, 0, 1, writes_first[0]);
            let theirs = thread.join().unwrap();
            assert!((mine || writes_first[0]) && (theirs || writes_first[1]));
            let expected = [1 + usize::from(theirs), 1 + usize::from(mine)];
            for ((state, number), expected) in locks.cells.iter().zip(expected) {
                assert_eq!(number.load(Ordering::Relaxed), expected);
                assert!(!state.is_held());
            }
        });
    }

    #[test]
    fn scripts_that_read_undeclared_keys_first_are_executed() {
        both_scripts_end([false, false]);
    }

    #[test]
    fn scripts_that_reach_for_undeclared_keys_late_end() {
        both_scripts_end([true, true]);
    }

    #[test]
    fn scripts_of_both_kinds_end() {
        both_scripts_end([true, false]);
    }
}
