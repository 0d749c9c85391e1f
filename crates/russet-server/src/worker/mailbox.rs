//! What a worker is told by other threads.

use std::sync::Arc;

use russet_keyspace::mailbox;

use crate::blocking::Wait;
use crate::client::ClientInfo;
use crate::net::Stream;
use crate::pubsub::Publication;

/// A message to a worker.
pub enum Message {
    /// Serve this connection from now on.
    Adopt(Stream, Arc<ClientInfo>),
    /// Close this client's connection, if it is still there.
    Kill(u64),
    /// Send this to its subscribers among the worker's clients.
    Publish(Arc<Publication>),
    /// Give this reply to the client of this wait, which was claimed. If it is said to be the only
    /// queue that the wait was in, the wait is in none any more.
    Answer(Arc<Wait>, Vec<u8>, bool),
    /// Send these bytes to this client between two of its commands.
    Send(u64, Arc<[u8]>),
}

/// How other threads reach a worker.
pub type Mailbox = mailbox::Mailbox<Message, Box<dyn Fn() + Send + Sync>>;

/// A mailbox that wakes its worker's poller.
pub fn mailbox(waker: mio::Waker) -> Mailbox {
    let wake = move || waker.wake().expect("an eventfd that exists can be written");
    Mailbox::new(Box::new(wake))
}
