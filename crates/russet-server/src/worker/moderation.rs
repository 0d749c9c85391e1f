//! Letting requests gather, as network cards moderate their interrupts.
//!
//! A request that comes alone costs what the kernel does for its packet and its reply, and much again for
//! putting the worker to sleep and waking it; the client pays for the waking too. A worker that is faster
//! than its clients finds one or two requests each time it looks. So while many clients talk at once, and
//! a round has found few of them, the worker sleeps for a moment that nothing interrupts, and then
//! finds several.
//!
//! How long is that? A small part of the time in which each of them comes round once, which is what they
//! wait for already, and never longer than [`LONGEST`]. How many different clients were heard within a
//! millisecond, and how often, tells that time. Only if at least [`MANY`] were heard does the next
//! request come within such a part: a few clients would wait for themselves, so they never do.

use std::num::NonZeroU64;
use std::time::Duration;

/// Requests gather for one part in so many of the time in which each client comes round once.
const PART: u32 = 16;
/// The longest time for which they gather.
const LONGEST: Duration = Duration::from_micros(50);
/// So many clients, heard within a millisecond, are many.
const MANY: u32 = 24;
/// A round with so many requests was worth waking up for.
const WORTHWHILE: u32 = 12;

/// What was heard in a millisecond.
#[derive(Clone, Copy, Default)]
struct Heard {
    clients: u32,
    requests: u32,
}

/// What a worker knows about how its requests come.
#[derive(Default)]
pub(super) struct Moderation {
    /// The millisecond that is being counted, in Unix time.
    now_ms: i64,
    now: Heard,
    /// The millisecond before it.
    before: Heard,
    /// Requests, or batches of them, that this round has found.
    found: u32,
}

impl Moderation {
    /// Lets the calling thread sleep as shortly as it asks for: by default the system adds about
    /// [`LONGEST`].
    pub(super) fn allow_short_sleep() {
        // If it fails, requests gather for longer than they should, but not much.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    }

    /// A round begins.
    pub(super) fn begin_round(&mut self, now_ms: i64) {
        self.found = 0;
        if now_ms != self.now_ms {
            self.before = if now_ms == self.now_ms + 1 { self.now } else { Heard::default() };
            (self.now_ms, self.now) = (now_ms, Heard::default());
        }
    }

    /// A client was heard. `last_heard_ms` is when it was heard before this.
    #[inline]
    pub(super) fn note(&mut self, last_heard_ms: &mut i64) {
        self.found += 1;
        self.now.requests += 1;
        if *last_heard_ms != self.now_ms {
            *last_heard_ms = self.now_ms;
            self.now.clients += 1;
        }
    }

    /// How long requests should gather before the next round.
    pub(super) fn pause(&self) -> Option<Duration> {
        let heard = if self.before.clients >= MANY { self.before } else { self.now };
        if heard.clients < MANY || !(1..WORTHWHILE).contains(&self.found) {
            return None;
        }
        let round_trip = Duration::from_millis(1) * heard.clients / heard.requests;
        Some((round_trip / PART).min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pauses after rounds that each hear the next `per_round` of so many clients, a hundred requests in
    /// a millisecond.
    fn pauses(clients: usize, per_round: usize) -> Vec<Duration> {
        let mut moderation = Moderation::default();
        let mut last_heard_ms = vec![0; clients];
        let rounds = (0..1000).step_by(per_round).filter_map(|request: usize| {
            moderation.begin_round(1 + request as i64 / 100);
            for request in request..request + per_round {
                moderation.note(&mut last_heard_ms[request % clients]);
            }
            moderation.pause()
        });
        rounds.collect()
    }

    #[test]
    fn requests_of_many_clients_gather() {
        assert!(pauses(100, 1).len() > 950);
        assert!(pauses(100, 10).len() > 90);
    }

    #[test]
    fn they_gather_for_a_part_of_what_they_wait_anyway() {
        assert_eq!(pauses(1000, 1).last(), Some(&LONGEST));
        let of_half = Duration::from_micros(500) / PART;
        assert_eq!(pauses(50, 1).last(), Some(&of_half));
    }

    #[test]
    fn a_few_clients_do_not_wait_for_themselves() {
        assert_eq!(pauses(1, 1), []);
        assert_eq!(pauses(MANY as usize - 1, 2), []);
    }

    #[test]
    fn nobody_waits_when_requests_gather_by_themselves() {
        assert_eq!(pauses(100, WORTHWHILE as usize), []);
        assert_eq!(pauses(100, 100), []);
    }

    #[test]
    fn many_clients_that_fell_silent_are_not_waited_for() {
        let mut moderation = Moderation::default();
        moderation.begin_round(1);
        (0..100).for_each(|_| moderation.note(&mut 0));
        moderation.begin_round(4);
        moderation.note(&mut 0);
        assert_eq!(moderation.pause(), None);
    }
}
