//! Huge pages that workers populate, between two rounds.
//!
//! # Problem
//!
//! A huge page is cleared in one go. That takes a fraction of a millisecond, or more than two in a virtual
//! machine that is only then given the memory, and most systems do not interrupt it for others. Whoever
//! shares the processor with the thread that populates it waits: a worker in the middle of a command.
//!
//! # How
//!
//! Where every processor has a worker, the thread only says which stretch it is about. A worker that has
//! sent its replies populates it then. The thread waits for that, but not for long: workers sleep when
//! nobody asks them for anything, and are in nobody's way then.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a stretch is on offer.
const PATIENCE: Duration = Duration::from_millis(1);
/// How often the thread looks.
const LOOK: Duration = Duration::from_micros(100);

/// Nothing is on offer.
const NOTHING: usize = 0;
/// What a stretch that a worker is at is marked with: stretches are at multiples of a huge page.
const TAKEN: usize = 1;
/// The last stretch is populated.
const DONE: usize = 2;
/// It could not be populated.
const FAILED: usize = 3;

/// One stretch at a time, from one thread to any worker.
#[derive(Default)]
pub struct Handoff(AtomicUsize);

impl Handoff {
    /// Has a worker populate a stretch. `None` if none does soon.
    pub(super) fn offer(&self, stretch: usize) -> Option<bool> {
        self.0.store(stretch, Ordering::Release);
        let offered_at = Instant::now();
        loop {
            thread::sleep(LOOK);
            let state = self.0.load(Ordering::Acquire);
            if state == DONE || state == FAILED {
                self.0.store(NOTHING, Ordering::Relaxed);
                return Some(state == DONE);
            }
            let is_late = state == stretch && offered_at.elapsed() > PATIENCE;
            if is_late && self.advance(stretch, NOTHING) {
                return None;
            }
        }
    }

    /// Populates what is on offer. For workers, where nobody waits for them.
    #[inline]
    pub fn serve(&self, populate: impl FnOnce(usize) -> bool) {
        let stretch = self.0.load(Ordering::Relaxed);
        if stretch > FAILED && stretch & TAKEN == 0 && self.advance(stretch, stretch | TAKEN) {
            let state = if populate(stretch) { DONE } else { FAILED };
            self.0.store(state, Ordering::Release);
        }
    }

    fn advance(&self, from: usize, to: usize) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::memory::pages::HUGE;

    #[test]
    fn each_stretch_is_populated_once() {
        let (handoff, is_over) = (Handoff::default(), AtomicBool::new(false));
        let populated: [AtomicUsize; 50] = [const { AtomicUsize::new(0) }; 50];
        let of = |stretch: usize| stretch / HUGE - 1;
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        handoff.serve(|stretch| {
                            populated[of(stretch)].fetch_add(1, Ordering::Relaxed);
                            of(stretch) % 2 == 0
                        });
                    }
                });
            }
            for (number, times) in populated.iter().enumerate() {
                let stretch = (number + 1) * HUGE;
                let answer = handoff.offer(stretch);
                let times = times.load(Ordering::Relaxed);
                match answer {
                    Some(is_done) => assert_eq!((is_done, times), (number % 2 == 0, 1)),
                    None => assert_eq!(times, 0),
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn nobody_need_be_there() {
        let handoff = Handoff::default();
        assert_eq!(handoff.offer(HUGE), None);
        handoff.serve(|_| unreachable!("it was withdrawn"));
    }
}
