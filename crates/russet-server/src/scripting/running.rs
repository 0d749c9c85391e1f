//! Scripts that have been running for long, as all workers may know of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// What a script keeps from others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Held {
    /// These shards.
    Shards(Vec<usize>),
    /// Everything: it runs alone.
    All,
}

/// A script that has run for longer than `busy-reply-threshold`.
pub struct SlowScript {
    held: Mutex<Held>,
    has_written: AtomicBool,
    is_killed: AtomicBool,
    must_end: AtomicBool,
}

impl SlowScript {
    /// It keeps this from others now.
    pub fn set_held(&self, held: Held) {
        *self.held.lock() = held;
    }

    /// It has begun to write.
    pub fn mark_written(&self) {
        self.has_written.store(true, Ordering::SeqCst);
    }

    /// Whether it is to end although it may have written: the server ends without saving anything.
    pub fn must_end(&self) -> bool {
        self.must_end.load(Ordering::Relaxed)
    }

    /// Whether it is to end. One that has begun to write since it was killed goes on.
    pub fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::SeqCst) && !self.has_written.load(Ordering::SeqCst)
    }
}

/// What came of an attempt to end scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Killed {
    /// At least one ends.
    Yes,
    /// All have written, and what they have written cannot be undone.
    HasWritten,
    /// None runs, or not for long.
    NotBusy,
}

/// See the module's documentation.
#[derive(Default)]
pub struct SlowScripts {
    count: AtomicUsize,
    list: Mutex<Vec<Arc<SlowScript>>>,
}

impl SlowScripts {
    /// Adds a script that keeps this from others.
    pub fn add(&self, held: Held, has_written: bool) -> Arc<SlowScript> {
        let script = Arc::new(SlowScript {
            held: Mutex::new(held),
            has_written: AtomicBool::new(has_written),
            is_killed: AtomicBool::new(false),
            must_end: AtomicBool::new(false),
        });
        let mut list = self.list.lock();
        list.push(script.clone());
        self.count.store(list.len(), Ordering::Release);
        script
    }

    /// Removes a script that has ended.
    pub fn remove(&self, script: &Arc<SlowScript>) {
        let mut list = self.list.lock();
        list.retain(|other| !Arc::ptr_eq(other, script));
        self.count.store(list.len(), Ordering::Release);
    }

    /// Whether there are any.
    #[inline]
    pub fn any(&self) -> bool {
        self.count.load(Ordering::Acquire) != 0
    }

    /// Whether one of them keeps one of these shards from others; for none, whether one keeps all.
    pub fn hold(&self, shards: &[usize]) -> bool {
        let holds = |script: &Arc<SlowScript>| match &*script.held.lock() {
            Held::All => true,
            Held::Shards(held) => shards.iter().any(|shard| held.contains(shard)),
        };
        self.any() && self.list.lock().iter().any(holds)
    }

    /// Has those end that have written nothing.
    pub fn kill(&self) -> Killed {
        let list = self.list.lock();
        let mut killed = if list.is_empty() { Killed::NotBusy } else { Killed::HasWritten };
        for script in list.iter().filter(|script| !script.has_written.load(Ordering::SeqCst)) {
            script.is_killed.store(true, Ordering::SeqCst);
            killed = Killed::Yes;
        }
        killed
    }

    /// Has all end, whatever they have written: the server is to end without saving anything.
    pub fn end_for_good(&self) {
        self.list.lock().iter().for_each(|script| script.must_end.store(true, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scripts_that_have_written_nothing_are_killed() {
        let scripts = SlowScripts::default();
        assert_eq!(scripts.kill(), Killed::NotBusy);
        let reader = scripts.add(Held::Shards(vec![3]), false);
        let writer = scripts.add(Held::Shards(vec![4]), true);
        assert!(scripts.hold(&[1, 3]) && !scripts.hold(&[1]) && !scripts.hold(&[]));
        assert_eq!(scripts.kill(), Killed::Yes);
        assert!(reader.is_killed() && !writer.is_killed());
        reader.mark_written();
        assert!(!reader.is_killed());
        assert_eq!(scripts.kill(), Killed::HasWritten);
        scripts.end_for_good();
        assert!(reader.must_end() && writer.must_end());
        writer.set_held(Held::All);
        assert!(scripts.hold(&[]));
        scripts.remove(&writer);
        assert!(scripts.any() && !scripts.hold(&[]));
        scripts.remove(&reader);
        assert_eq!(scripts.kill(), Killed::NotBusy);
    }
}
