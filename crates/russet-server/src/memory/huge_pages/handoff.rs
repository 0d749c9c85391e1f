//! Huge pages that workers see to, between two rounds.
//!
//! # Problem
//!
//! A huge page is cleared, or filled with what was on small ones, in one go. That takes a fraction of a
//! millisecond, or more than two in a virtual machine that is only then given the memory, and most systems
//! do not interrupt it for others. Whoever shares the processor with the thread that does it waits: a
//! worker in the middle of a command.
//!
//! # How
//!
//! The thread only says which stretch it is about, and how it is put on a huge page: where every processor
//! has a worker, of what it populates, and always of what is moved while memory grows. A worker that has
//! sent its replies does that then. The thread waits for it, but not for long: workers sleep when nobody asks
//! them for anything, and are in nobody's way then.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::memory::pages::{HUGE, Way};

/// How long a stretch is on offer.
const PATIENCE: Duration = Duration::from_millis(1);
/// How often the thread looks.
const LOOK: Duration = Duration::from_micros(100);

/// Nothing is on offer.
const NOTHING: usize = 0;
/// What a stretch that a worker is at is marked with: stretches are at multiples of a huge page.
const TAKEN: usize = 1;
/// The last stretch is on a huge page.
const DONE: usize = 2;
/// It could not be put there.
const FAILED: usize = 3;
/// How far the number of a way is shifted, to be told apart from these marks.
const WAY_SHIFT: u32 = 2;
/// The ways, by their numbers.
const WAYS: [Way; 3] = [Way::Populate, Way::Move, Way::MoveAgain];

/// One stretch at a time, from one thread to any worker.
#[derive(Default)]
pub struct Handoff(AtomicUsize);

impl Handoff {
    /// Has a worker put a stretch on a huge page. `None` if none does soon.
    pub fn offer(&self, stretch: usize, way: Way) -> Option<bool> {
        let offer = stretch | (way as usize) << WAY_SHIFT;
        self.0.store(offer, Ordering::Release);
        let offered_at = Instant::now();
        loop {
            thread::sleep(LOOK);
            let state = self.0.load(Ordering::Acquire);
            if state == DONE || state == FAILED {
                self.0.store(NOTHING, Ordering::Relaxed);
                return Some(state == DONE);
            }
            let is_late = state == offer && offered_at.elapsed() > PATIENCE;
            if is_late && self.advance(offer, NOTHING) {
                return None;
            }
        }
    }

    /// Calls `put` for what is on offer, and says whether there was anything. For workers, where nobody
    /// waits for them.
    #[inline]
    pub fn serve(&self, put: impl FnOnce(usize, Way) -> bool) -> bool {
        let offer = self.0.load(Ordering::Relaxed);
        let is_ours = offer >= HUGE && offer & TAKEN == 0 && self.advance(offer, offer | TAKEN);
        if is_ours {
            let marks = offer % HUGE;
            let (way, stretch) = (WAYS[marks >> WAY_SHIFT], offer - marks);
            let state = if put(stretch, way) { DONE } else { FAILED };
            self.0.store(state, Ordering::Release);
        }
        is_ours
    }

    fn advance(&self, from: usize, to: usize) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn each_stretch_is_put_there_once() {
        let (handoff, is_over) = (Handoff::default(), AtomicBool::new(false));
        let put: [AtomicUsize; 50] = [const { AtomicUsize::new(0) }; 50];
        let of = |stretch: usize| stretch / HUGE - 1;
        let way_of = |stretch| WAYS[of(stretch) % WAYS.len()];
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        handoff.serve(|stretch, way| {
                            assert_eq!(way, way_of(stretch));
                            put[of(stretch)].fetch_add(1, Ordering::Relaxed);
                            of(stretch) % 2 == 0
                        });
                    }
                });
            }
            for (number, times) in put.iter().enumerate() {
                let stretch = (number + 1) * HUGE;
                let answer = handoff.offer(stretch, way_of(stretch));
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
        assert_eq!(handoff.offer(HUGE, Way::Move), None);
        handoff.serve(|_, _| unreachable!("it was withdrawn"));
    }
}
