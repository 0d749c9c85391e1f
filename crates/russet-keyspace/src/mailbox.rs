//! How other threads reach a worker: a queue and one wake-up.
//!
//! Shards and gate refuse workers and wake them later, so this is the other half of their protocols,
//! and is kept beside them. What is in the messages, and how a sleeping worker is woken, is the
//! owner's business.
//!
//! # Invariant
//!
//! **M1** A message posted, or a wake-up asked for, is seen by the worker's next [`Mailbox::take`]
//! that begins after it, and a worker that sleeps is woken for it. `notified` is raised by whoever
//! rings first and lowered by the worker *before* it empties the queue, so a message that arrives
//! while it does rings again.
//!
//! **M2** Messages are numbered from 0 in the order in which they were put, which is the order in
//! which they are taken. Who needs to tell what came before a moment from what came after it asks
//! [`Mailbox::next_number`] at that moment.

use crate::sync::{AtomicBool, Mutex, Ordering};

/// See the module's documentation.
pub struct Mailbox<Message, Wake> {
    queue: Mutex<Queue<Message>>,
    notified: AtomicBool,
    wake: Wake,
}

struct Queue<Message> {
    waiting: Vec<Message>,
    /// How many were taken before those.
    taken: u64,
}

impl<Message, Wake: Fn()> Mailbox<Message, Wake> {
    /// An empty mailbox. `wake` ends the worker's sleep, or else the next one before it begins.
    pub fn new(wake: Wake) -> Self {
        let queue = Queue { waiting: Vec::new(), taken: 0 };
        Mailbox { queue: Mutex::new(queue), notified: AtomicBool::new(false), wake }
    }

    /// Posts a message.
    pub fn post(&self, message: Message) {
        self.put(message);
        self.ring();
    }

    /// Puts a message into the queue, for those who hold locks and may not wake anybody under them:
    /// they ring afterwards.
    pub fn put(&self, message: Message) {
        self.queue.lock().expect("nobody panics with the queue").waiting.push(message);
    }

    /// The number of the message that will be put next.
    pub fn next_number(&self) -> u64 {
        let queue = self.queue.lock().expect("nobody panics with the queue");
        queue.taken + queue.waiting.len() as u64
    }

    /// Rings without waking, for the worker itself: it is awake, and has to look before it sleeps.
    pub fn ring_awake(&self) {
        self.notified.store(true, Ordering::Release);
    }

    /// Wakes the worker: something it waits for may have happened.
    pub fn ring(&self) {
        if !self.notified.swap(true, Ordering::AcqRel) {
            (self.wake)();
        }
    }

    /// Empties the queue into `messages`. Returns whether anybody has rung since the last time.
    pub fn take(&self, messages: &mut Vec<Message>) -> bool {
        if !self.notified.load(Ordering::Relaxed) {
            return false;
        }
        self.notified.swap(false, Ordering::AcqRel);
        let mut queue = self.queue.lock().expect("nobody panics with the queue");
        queue.taken += queue.waiting.len() as u64;
        messages.append(&mut queue.waiting);
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn rings_once_until_somebody_looks() {
        let woken = Cell::new(0);
        let mailbox = Mailbox::new(|| woken.set(woken.get() + 1));
        let mut messages = Vec::new();
        assert!(!mailbox.take(&mut messages));
        mailbox.post('a');
        mailbox.post('b');
        mailbox.ring();
        assert_eq!((woken.get(), mailbox.next_number()), (1, 2));
        assert!(mailbox.take(&mut messages));
        assert_eq!(messages, ['a', 'b']);
        assert!(!mailbox.take(&mut messages));
        mailbox.ring();
        assert_eq!(woken.get(), 2);
        assert!(mailbox.take(&mut messages), "a ring without a message is seen, too");
        mailbox.put('c');
        mailbox.ring_awake();
        mailbox.ring();
        assert_eq!(woken.get(), 2, "the worker looks by itself");
        messages.clear();
        assert!(mailbox.take(&mut messages));
        assert_eq!((messages, mailbox.next_number()), (vec!['c'], 3));
    }
}

#[cfg(all(test, loom))]
mod model {
    use loom::sync::{Arc, Notify};

    use super::*;

    /// M1 over every interleaving of two threads that post and a worker that sleeps whenever it has
    /// seen nothing new: loom reports if it sleeps forever.
    #[test]
    fn every_message_is_seen() {
        loom::model(|| {
            let sleeper = Arc::new(Notify::new());
            let waker = sleeper.clone();
            let mailbox = Arc::new(Mailbox::new(move || waker.notify()));
            let threads = ['a', 'b'].map(|message| {
                let mailbox = mailbox.clone();
                loom::thread::spawn(move || mailbox.post(message))
            });
            let mut seen = Vec::new();
            while seen.len() < 2 {
                if !mailbox.take(&mut seen) {
                    sleeper.wait();
                }
            }
            seen.sort_unstable();
            assert_eq!(seen, ['a', 'b']);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}
