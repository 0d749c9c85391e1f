//! What a worker gives back when it has nothing to do.
//!
//! Between rounds it keeps what the next one will need: the arena, the batch, buffers for replies, and
//! what the allocator holds for the thread, which are freed blocks of every size that was in use. The
//! last of these are more than they are worth in bytes, because a slab with a single block that is not
//! back stays whole. A worker that nobody has asked for anything for a while lets go of all that, and
//! has the pages that are free by then returned to the system.

use super::batch::Batch;
use super::event_loop::Worker;
use crate::memory;

/// How long nobody has asked for anything when it does.
const AFTER_MS: i64 = 50;

/// Whether a worker is at rest.
#[derive(Default)]
pub(super) struct Rest {
    /// When there was something to do last, in Unix milliseconds.
    active_ms: i64,
    is_at_rest: bool,
}

impl Rest {
    /// How long until it may be time to rest; `None` if it is at rest.
    pub(super) fn until_next_ms(&self, now_ms: i64) -> Option<i64> {
        (!self.is_at_rest).then(|| (self.active_ms + AFTER_MS - now_ms).clamp(0, AFTER_MS))
    }

    /// Notes whether there was something to do in a round. Returns whether it is time to rest.
    fn is_due(&mut self, now_ms: i64, is_idle: bool) -> bool {
        if !is_idle {
            (self.active_ms, self.is_at_rest) = (now_ms, false);
            return false;
        }
        let is_due = self.until_next_ms(now_ms) == Some(0);
        self.is_at_rest |= is_due;
        is_due
    }
}

impl Worker {
    /// Lets go of what only work needs, if there has been none for a while.
    pub(super) fn rest(&mut self, is_idle: bool) {
        let now_ms = self.context.clock.now_ms();
        if self.rest.is_due(now_ms, is_idle) && self.batch.is_done() {
            self.batch = Batch::default();
            self.arena = Box::default();
            self.spare_buffers = Vec::new();
            memory::flush_thread_cache();
            self.server.lazy_free.return_pages();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_comes_once_after_work() {
        let mut rest = Rest::default();
        assert!(!rest.is_due(1000, false));
        assert_eq!(rest.until_next_ms(1000), Some(AFTER_MS));
        assert!(!rest.is_due(1000 + AFTER_MS - 1, true));
        assert!(rest.is_due(1000 + AFTER_MS, true));
        assert_eq!(rest.until_next_ms(1000 + AFTER_MS), None);
        assert!(!rest.is_due(1000 + 2 * AFTER_MS, true));
        assert!(!rest.is_due(2000, false));
        assert!(rest.is_due(2000 + AFTER_MS, true));
        // The clock was set back.
        assert!(!rest.is_due(500, false));
        assert_eq!(rest.until_next_ms(400), Some(AFTER_MS));
    }
}
