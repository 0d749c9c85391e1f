//! The script that a worker is running, as others may know of it.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// What a slow script keeps from others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Held {
    /// These shards.
    Shards(Vec<usize>),
    /// Everything: it runs alone.
    #[default]
    All,
}

/// See the module's documentation.
#[derive(Default)]
pub struct Running {
    /// It has run for longer than `busy-reply-threshold`.
    is_slow: AtomicBool,
    has_written: AtomicBool,
    is_killed: AtomicBool,
    must_end: AtomicBool,
    held: Mutex<Held>,
}

/// What came of an attempt to end scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Killed {
    /// It ends.
    Yes,
    /// It has written, and what it has written cannot be undone.
    HasWritten,
    /// None runs, or not for long.
    NotBusy,
}

impl Running {
    /// The script is slow, and keeps this from others.
    pub fn mark_slow(&self, held: Held, has_written: bool) {
        *self.held.lock() = held;
        self.has_written.store(has_written, Ordering::Relaxed);
        self.is_killed.store(false, Ordering::Relaxed);
        self.must_end.store(false, Ordering::Relaxed);
        self.is_slow.store(true, Ordering::Release);
    }

    /// A slow script has begun to write. Returns whether it was killed just before.
    pub fn mark_written(&self) {
        self.has_written.store(true, Ordering::SeqCst);
    }

    /// The script has ended.
    pub fn end(&self) {
        self.is_slow.store(false, Ordering::Release);
    }

    /// Whether the script is slow.
    #[inline]
    pub fn is_slow(&self) -> bool {
        self.is_slow.load(Ordering::Acquire)
    }

    /// Whether the script is slow and keeps one of these shards from others; for none, whether it
    /// keeps all.
    pub fn blocks(&self, shards: &[usize]) -> bool {
        self.is_slow()
            && match &*self.held.lock() {
                Held::All => true,
                Held::Shards(held) => shards.iter().any(|shard| held.contains(shard)),
            }
    }

    /// Has the script end, if it is slow and has written nothing.
    pub fn kill(&self) -> Killed {
        if !self.is_slow() {
            Killed::NotBusy
        } else if self.has_written.load(Ordering::SeqCst) {
            Killed::HasWritten
        } else {
            self.is_killed.store(true, Ordering::SeqCst);
            Killed::Yes
        }
    }

    /// Has the script end, if it is slow, whatever it has written: the server is to end without saving
    /// anything.
    pub fn end_for_good(&self) {
        self.must_end.store(true, Ordering::Relaxed);
    }

    /// See [`Running::end_for_good`].
    pub fn must_end(&self) -> bool {
        self.must_end.load(Ordering::Relaxed)
    }

    /// Whether the script is to end. One that has begun to write since it was killed goes on.
    pub fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::SeqCst) && !self.has_written.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slow_scripts_that_have_written_nothing_are_killed() {
        let running = Running::default();
        assert_eq!(running.kill(), Killed::NotBusy);
        running.mark_slow(Held::Shards(vec![3]), false);
        assert!(running.blocks(&[1, 3]) && !running.blocks(&[1]) && !running.blocks(&[]));
        assert_eq!(running.kill(), Killed::Yes);
        assert!(running.is_killed());
        running.mark_written();
        assert!(!running.is_killed());
        assert_eq!(running.kill(), Killed::HasWritten);
        running.end();
        assert_eq!(running.kill(), Killed::NotBusy);
        running.mark_slow(Held::All, false);
        assert!(running.blocks(&[]) && !running.is_killed());
    }
}
