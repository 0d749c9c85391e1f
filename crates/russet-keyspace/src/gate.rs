//! The gate: how one worker gets the whole keyspace to itself.
//!
//! # Problem
//!
//! Most commands lock the shards of their keys. A few need everything at once: FLUSHALL, SWAPDB, a
//! transaction that contains one of them. A readers-writer lock would make every command write to
//! one shared line. Instead each worker has a flag on a cache line of its own, which it raises
//! before it executes a round of commands and lowers after it; an exclusive section closes the gate
//! and looks at the flags.
//!
//! # Protocol
//!
//! ```text
//!  worker: flag = up;  fence;  gate closed?  yes: flag = down, ask to be woken, stay outside
//!                                            no:  inside until flag = down
//!  closer: gate = closed;  fence;  every other flag down?  yes: alone, until the gate reopens
//!                                                          no: spin a while, else reopen
//! ```
//!
//! Each side writes before it reads and the fences order the two, so at least one of them sees the
//! other (Dekker's argument): a worker is never inside while another is alone.
//!
//! A command that pauses while its worker goes on (a slow script) keeps its locks, so it must count
//! as inside although its worker comes and goes. Such commands lodge: they are counted, in one number
//! that is written rarely, and who wants to be alone looks at it after the flags. The worker counts
//! its command before it lowers its flag, so whoever sees the flag down sees the lodger (release and
//! acquire of the flag).
//!
//! # Invariants
//!
//! - **G1** While an [`Alone`] exists, no other worker is between a successful [`Gate::enter`] and
//!   its [`Gate::leave`], nobody is between [`Gate::lodge`] and [`Gate::move_out`], and no other
//!   `Alone` exists.
//! - **G2** A worker that was refused entry is among those woken when the gate reopens.
//! - **G3** Closing gives up after a bounded spin (I9: a worker waits for nothing but its poller).
//!   Workers leave between two commands when they see the gate closed, so only a long command or a
//!   descheduled thread makes it give up.

use crate::sync::{AtomicBool, AtomicUsize, Ordering, fence, spin, yield_now};
use crate::wake_lock::{Sharing, WakeLock, WorkerSet};

/// Rounds of looking at the flags with `spin` and then with `yield_now` before closing gives up. A
/// model looks once, because loom does not go on with a thread that spins before others have got on:
/// the flags would be down too often.
const SPINS: usize = if cfg!(loom) { 1 } else { 200 };
const YIELDS: usize = if cfg!(loom) { 0 } else { 50 };

/// Who opens the gate and who is turned away are equally rare.
const SHARING: Sharing = Sharing::Even;

/// A worker's flag, on a line of its own so that raising it disturbs nobody.
#[derive(Debug)]
#[repr(align(128))]
struct Flag(AtomicBool);

/// See the module's documentation.
#[derive(Debug)]
pub struct Gate {
    closed: WakeLock,
    inside: Box<[Flag]>,
    /// Commands that are inside while their workers come and go.
    lodgers: AtomicUsize,
}

impl Gate {
    /// An open gate for `workers` workers, all outside.
    pub fn new(workers: usize) -> Self {
        Gate {
            closed: WakeLock::default(),
            inside: (0..workers).map(|_| Flag(AtomicBool::new(false))).collect(),
            lodgers: AtomicUsize::new(0),
        }
    }

    /// Lets `worker` in unless the gate is closed; if it is, the worker is woken when it reopens.
    #[inline]
    pub fn enter(&self, worker: usize) -> bool {
        let flag = &self.inside[worker].0;
        loop {
            flag.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if !self.closed.is_held() {
                // Pairs with the release in `Alone::drop`: what happened alone is visible inside.
                fence(Ordering::Acquire);
                return true;
            }
            flag.store(false, Ordering::Release);
            if self.closed.register_if_held(worker, SHARING) {
                return false;
            }
        }
    }

    /// Says that `worker` has left. What it did inside is visible to whoever is alone later.
    #[inline]
    pub fn leave(&self, worker: usize) {
        self.inside[worker].0.store(false, Ordering::Release);
    }

    /// Has a command stay inside when its worker leaves. The worker is inside.
    pub fn lodge(&self) {
        self.lodgers.fetch_add(1, Ordering::Relaxed);
    }

    /// Says that such a command is done. What it did is visible to whoever is alone later.
    pub fn move_out(&self) {
        self.lodgers.fetch_sub(1, Ordering::Release);
    }

    /// Whether somebody wants to be alone: workers inside look at this between two commands.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.closed.is_held()
    }

    /// Closes the gate for `worker`, which must be outside itself.
    ///
    /// # Errors
    ///
    /// [`Refused::Registered`]: somebody else has closed it, `worker` is woken when it reopens.
    /// [`Refused::Crowded`]: a worker did not leave in time, or somebody lodges; the set is to be woken, and the caller
    /// tries again a little later.
    pub fn close(&self, worker: usize) -> Result<Alone<'_>, Refused> {
        debug_assert!(!self.inside[worker].0.load(Ordering::Relaxed), "closing from inside");
        if !self.closed.acquire_or_register(worker, SHARING) {
            return Err(Refused::Registered);
        }
        fence(Ordering::SeqCst);
        for round in 0..SPINS + YIELDS {
            match round {
                0 => {}
                _ if round < SPINS => spin(),
                _ => yield_now(),
            }
            let all_left = self.inside.iter().all(|flag| !flag.0.load(Ordering::Acquire));
            // After the flags: see the module's documentation.
            match self.lodgers.load(Ordering::Acquire) {
                0 if all_left => return Ok(Alone { gate: self }),
                0 => {}
                // A lodger stays for longer than anybody should spin.
                _ => break,
            }
        }
        Err(Refused::Crowded(self.closed.release(SHARING)))
    }
}

/// Why the gate could not be closed.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another worker is, or is trying to be, alone.
    Registered,
    /// Somebody stayed inside; these workers were turned away meanwhile and must be woken.
    Crowded(WorkerSet),
}

/// Proof that its holder is the only worker inside (G1). The gate reopens by [`Alone::reopen`].
#[derive(Debug)]
#[must_use = "the gate stays closed until it is reopened"]
pub struct Alone<'a> {
    gate: &'a Gate,
}

impl Alone<'_> {
    /// Reopens the gate and returns the workers that were turned away.
    #[must_use = "the workers that wait at the gate have to be woken"]
    pub fn reopen(self) -> WorkerSet {
        self.gate.closed.release(SHARING)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_worker_closes_its_own_gate() {
        let gate = Gate::new(1);
        assert!(gate.enter(0));
        gate.leave(0);
        let alone = gate.close(0).expect("nobody is inside");
        assert!(gate.is_closed());
        assert!(alone.reopen().is_empty());
        assert!(gate.enter(0));
    }

    #[test]
    fn refused_entry_is_woken_and_a_crowd_is_reported() {
        let gate = Gate::new(3);
        let alone = gate.close(0).expect("nobody is inside");
        assert!(!gate.enter(1));
        assert_eq!(gate.close(2).unwrap_err(), Refused::Registered);
        let woken = alone.reopen();
        assert!(woken.contains(1) && woken.contains(2));
        assert!(gate.enter(1));
        assert!(matches!(gate.close(0), Err(Refused::Crowded(_))));
        assert!(!gate.is_closed());
    }

    #[test]
    fn lodgers_stay_when_their_worker_leaves() {
        let gate = Gate::new(2);
        assert!(gate.enter(0));
        gate.lodge();
        gate.leave(0);
        assert!(matches!(gate.close(0), Err(Refused::Crowded(_))));
        assert!(matches!(gate.close(1), Err(Refused::Crowded(_))));
        assert!(gate.enter(0));
        gate.leave(0);
        gate.move_out();
        assert!(gate.close(1).is_ok());
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::{Arc, Notify};

    /// G1 over every interleaving of a worker inside and one that wants to be alone: loom reports a
    /// concurrent access to the cell. G2: whoever was refused is woken.
    #[test]
    fn alone_means_alone() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(2));
            let cell = Arc::new(UnsafeCell::new(0u32));
            let (gate2, cell2) = (gate.clone(), cell.clone());
            let other = loom::thread::spawn(move || {
                let entered = gate2.enter(1);
                if entered {
                    // SAFETY: inside the gate, and the only worker that enters in this model.
                    cell2.with_mut(|value| unsafe { *value += 1 });
                    gate2.leave(1);
                }
                entered
            });
            let woken = match gate.close(0) {
                Ok(alone) => {
                    // SAFETY: alone by G1, which is what this model checks.
                    cell.with_mut(|value| unsafe { *value += 1 });
                    alone.reopen()
                }
                Err(Refused::Crowded(woken)) => woken,
                Err(Refused::Registered) => unreachable!("nobody else closes"),
            };
            let entered = other.join().unwrap();
            assert!(entered || woken.contains(1), "G2");
        });
    }

    /// G1 with a lodger: a command that goes on after its worker has left, and one that wants to be
    /// alone.
    #[test]
    fn lodgers_are_not_disturbed() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(2));
            let cell = Arc::new(UnsafeCell::new(0u32));
            let (gate2, cell2) = (gate.clone(), cell.clone());
            let other = loom::thread::spawn(move || {
                if gate2.enter(1) {
                    gate2.lodge();
                    gate2.leave(1);
                    // SAFETY: lodging, and the only one that does in this model.
                    cell2.with_mut(|value| unsafe { *value += 1 });
                    gate2.move_out();
                }
            });
            if let Ok(alone) = gate.close(0) {
                // SAFETY: alone by G1, which is what this model checks.
                cell.with_mut(|value| unsafe { *value += 1 });
                let _ = alone.reopen();
            }
            other.join().unwrap();
        });
    }

    /// Of two that want to be alone, each is, or is woken when the other reopens the gate.
    #[test]
    fn one_alone_at_a_time() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(2));
            let cell = Arc::new(UnsafeCell::new(0u32));
            let attempt = |worker: usize| {
                let (gate, cell) = (gate.clone(), cell.clone());
                move || match gate.close(worker) {
                    Ok(alone) => {
                        // SAFETY: alone by G1, which is what this model checks.
                        cell.with_mut(|value| unsafe { *value += 1 });
                        Some(alone.reopen())
                    }
                    Err(Refused::Registered) => None,
                    Err(Refused::Crowded(_)) => unreachable!("nobody is inside"),
                }
            };
            let other = loom::thread::spawn(attempt(1));
            let mine = attempt(0)();
            let theirs = other.join().unwrap();
            assert!(mine.is_some() || theirs.is_some_and(|woken| woken.contains(0)), "G2");
            assert!(theirs.is_some() || mine.is_some_and(|woken| woken.contains(1)), "G2");
        });
    }

    /// A worker that enters, sleeping while it is refused, and one that wants to be alone and tries
    /// until it is: both get their turn. Loom reports a thread that sleeps forever.
    #[test]
    fn both_sides_get_their_turn() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(2));
            let cell = Arc::new(UnsafeCell::new(0u32));
            let sleeper = Arc::new(Notify::new());
            let (gate2, cell2, sleeper2) = (gate.clone(), cell.clone(), sleeper.clone());
            let other = loom::thread::spawn(move || {
                while !gate2.enter(1) {
                    sleeper2.wait();
                }
                // SAFETY: inside the gate, and the only worker that enters in this model.
                cell2.with_mut(|value| unsafe { *value += 1 });
                gate2.leave(1);
            });
            let wake = |woken: WorkerSet| {
                if woken.contains(1) {
                    sleeper.notify();
                }
            };
            loop {
                match gate.close(0) {
                    Ok(alone) => {
                        // SAFETY: alone by G1, which is what this model checks.
                        cell.with_mut(|value| unsafe { *value += 1 });
                        wake(alone.reopen());
                        break;
                    }
                    Err(Refused::Crowded(woken)) => wake(woken),
                    Err(Refused::Registered) => unreachable!("nobody else closes"),
                }
                yield_now();
            }
            other.join().unwrap();
            // SAFETY: the other thread has ended.
            assert_eq!(cell.with(|value| unsafe { *value }), 2);
        });
    }
}
