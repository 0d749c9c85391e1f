//! Who waits for a key to come into being, in the order of arrival.
//!
//! Blocking commands wait in the shard of each of their keys. What they wait for, and how they are
//! told, is the server's business; here they are opaque. A waiter that waits for several keys may be
//! over because another key came first: it is then still here, until it is removed by whoever finds
//! it or by its own worker.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// Somebody who waits.
pub trait Waiter: Any + Send + Sync {}

type Queues = HashMap<Box<[u8]>, VecDeque<Arc<dyn Waiter>>>;

/// The waiters of one shard, by database and key.
#[derive(Default)]
pub struct Waiters {
    /// Empty on nearly every shard at nearly every time; no queue in it is.
    dbs: BTreeMap<u32, Queues>,
}

impl Waiters {
    /// Whether nobody waits for any key.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.dbs.is_empty()
    }

    /// Whether anybody is in the queue of a key.
    pub fn has(&self, db: u32, key: &[u8]) -> bool {
        self.get(db, key, 0).is_some()
    }

    /// The waiter at a position in the queue of a key; the oldest is at 0.
    pub fn get(&self, db: u32, key: &[u8], at: usize) -> Option<&Arc<dyn Waiter>> {
        self.dbs.get(&db)?.get(key)?.get(at)
    }

    /// Puts a waiter at the end of a key's queue, unless it is in it. Returns whether it is the first.
    pub(crate) fn add(&mut self, db: u32, key: &[u8], waiter: Arc<dyn Waiter>) -> bool {
        let queues = self.dbs.entry(db).or_default();
        let Some(queue) = queues.get_mut(key) else {
            queues.insert(key.into(), VecDeque::from([waiter]));
            return true;
        };
        // Only its last command can have put it there.
        if !queue.back().is_some_and(|last| Arc::ptr_eq(last, &waiter)) {
            queue.push_back(waiter);
        }
        false
    }

    /// Removes a waiter from the queue of a key, if it is in it. Returns whether it was the last.
    pub(crate) fn remove(&mut self, db: u32, key: &[u8], waiter: &Arc<dyn Waiter>) -> bool {
        let Some(queues) = self.dbs.get_mut(&db) else { return false };
        let Some(queue) = queues.get_mut(key) else { return false };
        if let Some(at) = queue.iter().position(|known| Arc::ptr_eq(known, waiter)) {
            queue.remove(at);
        }
        if !queue.is_empty() {
            return false;
        }
        queues.remove(key);
        if queues.is_empty() {
            self.dbs.remove(&db);
        }
        true
    }

    /// The keys of a database that somebody waits for.
    pub fn keys(&self, db: u32) -> impl Iterator<Item = &[u8]> {
        self.dbs.get(&db).into_iter().flat_map(|queues| queues.keys().map(|key| &**key))
    }

    /// Lets the waiters of two databases wait for the same keys of the other one.
    pub(crate) fn swap(&mut self, one: u32, other: u32) {
        let (first, second) = (self.dbs.remove(&one), self.dbs.remove(&other));
        self.dbs.extend(first.map(|queues| (other, queues)));
        self.dbs.extend(second.map(|queues| (one, queues)));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    struct Named(u32);

    impl Waiter for Named {}

    fn names(waiters: &Waiters, db: u32, key: &[u8]) -> Vec<u32> {
        let queue = (0..).map_while(|at| waiters.get(db, key, at));
        let named = queue.map(|waiter| {
            let any: Arc<dyn Any + Send + Sync> = waiter.clone();
            any.downcast::<Named>().expect("only these are used here").0
        });
        named.collect()
    }

    #[test]
    fn queues_keep_the_order_of_arrival() {
        let mut waiters = Waiters::default();
        let [a, b, c] = [1, 2, 3].map(|name| Arc::new(Named(name)) as Arc<dyn Waiter>);
        assert!(waiters.add(0, b"k", a.clone()));
        assert!(!waiters.add(0, b"k", b.clone()));
        assert!(!waiters.add(0, b"k", b.clone()), "the same command names the key twice");
        assert!(waiters.add(3, b"k", c.clone()));
        assert_eq!(names(&waiters, 0, b"k"), [1, 2]);
        waiters.swap(0, 3);
        assert_eq!(names(&waiters, 0, b"k"), [3]);
        assert_eq!(names(&waiters, 3, b"k"), [1, 2]);
        waiters.swap(3, 5);
        assert_eq!(waiters.keys(5).collect::<Vec<_>>(), [b"k"]);
        assert!(!waiters.remove(5, b"other", &a) && !waiters.remove(5, b"k", &a));
        assert!(!waiters.remove(5, b"k", &c), "it waits elsewhere");
        assert!(waiters.remove(5, b"k", &b) && waiters.remove(0, b"k", &c));
        assert!(waiters.is_empty());
    }
}
