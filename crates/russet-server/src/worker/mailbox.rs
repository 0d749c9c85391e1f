//! How other threads reach a worker: a queue and one wake-up.
//!
//! # Invariant
//!
//! **M1** A message posted, or a wake-up asked for, is seen by the worker's next [`Mailbox::take`]
//! that begins after it, and a worker that sleeps is woken for it. `notified` is raised by whoever
//! rings first and lowered by the worker *before* it empties the queue, so a message that arrives
//! while it does rings again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::client::ClientInfo;
use crate::net::Stream;

/// What a worker is told.
pub enum Message {
    /// Serve this connection from now on.
    Adopt(Stream, Arc<ClientInfo>),
    /// Close this client's connection, if it is still there.
    Kill(u64),
    /// Send these bytes to this client between two of its commands.
    Send(u64, Arc<[u8]>),
}

/// See the module's documentation.
pub struct Mailbox {
    queue: Mutex<Vec<Message>>,
    notified: AtomicBool,
    waker: mio::Waker,
}

impl Mailbox {
    /// A mailbox that wakes its worker's poller.
    pub fn new(waker: mio::Waker) -> Self {
        Mailbox { queue: Mutex::new(Vec::new()), notified: AtomicBool::new(false), waker }
    }

    /// Posts a message.
    pub fn post(&self, message: Message) {
        self.queue.lock().push(message);
        self.ring();
    }

    /// Wakes the worker: something it waits for may have happened.
    pub fn ring(&self) {
        if !self.notified.swap(true, Ordering::AcqRel) {
            self.waker.wake().expect("an eventfd that exists can be written");
        }
    }

    /// Empties the queue into `messages`. Returns whether anybody has rung since the last time.
    pub fn take(&self, messages: &mut Vec<Message>) -> bool {
        if !self.notified.load(Ordering::Relaxed) {
            return false;
        }
        self.notified.swap(false, Ordering::AcqRel);
        messages.append(&mut self.queue.lock());
        true
    }
}
