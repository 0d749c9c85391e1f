//! Pub/Sub: who is subscribed to what, and how messages get there.
//!
//! # Problem
//!
//! A message reaches subscribers on all workers, but a worker touches only its own connections. So a
//! message is encoded once, by the worker that publishes, and goes once to each worker that serves
//! somebody who wants it, through the worker's mailbox; that worker copies it to its connections.
//!
//! ```text
//!  PUBLISH ─► Audiences: channel ─► workers, subscribers of each ─► the reply: how many
//!                                        │
//!                                        ▼ one Publication, shared
//!                              mailboxes of those workers
//!                                        │
//!                                        ▼
//!             Subscribers of the worker: channel ─► clients ─► their buffers
//! ```
//!
//! [`Audiences`] are shared and know numbers of subscribers; [`Subscribers`] belong to one worker
//! and know who they are; [`Subscriptions`] belong to a client. SUBSCRIBE changes all three before
//! it answers.
//!
//! # Order
//!
//! - **S1** A mailbox is a queue, and also the publishing worker's own subscribers get their messages
//!   through it. So two messages reach every subscriber of a worker in the same order, and those of
//!   one publisher in the order in which they were published.
//! - **S2** A worker empties its mailbox after it has received requests and before it executes them.
//!   So a client that was told that a message was published, or has told another, is not overtaken by
//!   it: what was sent before a request was made stands before its reply.
//! - **S3** What a command publishes under locks is put into mailboxes under them, and the workers are
//!   woken when they are let go (I2). So the events of one key are published in the order in which
//!   they happened.
//! - **S4** A client hears a publisher's messages from one of them on, without a gap, and none that
//!   was published before it subscribed. SUBSCRIBE adds to the audiences first, so that whoever
//!   publishes from then on addresses the worker; then asks for the number of the next message in the
//!   worker's mailbox (M2); and the client is passed over for those before it. These lie there for
//!   other subscribers of the worker, and of what was published meanwhile to a name without others
//!   nothing was put there: who got them would hear of some and miss what followed.
//!
//! A worker that publishes for its own subscribers reads its mailbox after that command and before
//! the next one of the same connection.
//!
//! Nobody waits for a subscriber: what a connection does not take gathers in its buffer, until the
//! limits of the class `pubsub` have it closed.

mod audience;
mod events;
mod publication;
mod subscribers;
mod subscriptions;

use std::sync::Arc;

use russet_keyspace::wake_lock::WorkerSet;

pub use audience::Audiences;
pub use events::Events;
pub use publication::{Publication, append};
pub use subscribers::Subscribers;
pub use subscriptions::{Subscriptions, names, subscribe, unsubscribe, unsubscribe_from_all};

use crate::worker::{Mailbox, Message};

/// What a name that is subscribed to stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A channel: SUBSCRIBE.
    Channel,
    /// All channels that match a pattern: PSUBSCRIBE.
    Pattern,
    /// A channel that belongs to a cluster's shard: SSUBSCRIBE.
    ShardChannel,
}

/// Pub/Sub as all workers share it. See the module's documentation.
pub struct PubSub {
    /// Of channels.
    pub channels: Audiences,
    /// Of patterns.
    pub patterns: Audiences,
    /// Of shard channels.
    pub shard_channels: Audiences,
    mailboxes: Box<[Arc<Mailbox>]>,
}

impl PubSub {
    /// Nobody is subscribed yet; the workers are reached through these.
    pub fn new(mailboxes: Box<[Arc<Mailbox>]>) -> Self {
        PubSub {
            channels: Audiences::default(),
            patterns: Audiences::default(),
            shard_channels: Audiences::default(),
            mailboxes,
        }
    }

    /// The audiences of a kind.
    pub fn audiences(&self, kind: Kind) -> &Audiences {
        match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
            Kind::ShardChannel => &self.shard_channels,
        }
    }

    /// The number of the next message that is put into a worker's mailbox.
    fn next_number(&self, worker: usize) -> u64 {
        self.mailboxes[worker].next_number()
    }

    /// Whether a message could reach anybody at all.
    #[inline]
    pub fn has_listeners(&self) -> bool {
        !self.channels.is_empty() || !self.patterns.is_empty()
    }

    /// Puts a message for the subscribers of a channel, or of a pattern that matches it, into the
    /// mailboxes of their workers, which are added to `addressed`: to be rung with [`PubSub::ring`]
    /// once no lock is held. Returns how many subscribers there are.
    pub fn publish(&self, channel: &[u8], message: &[u8], addressed: &mut WorkerSet) -> u64 {
        let mut publication = Publication::default();
        let mut audience = self.channels.of(channel);
        if !audience.is_empty() {
            publication.add(Kind::Channel, channel, channel, message);
        }
        self.patterns.for_each_match(channel, |pattern, listeners| {
            publication.add(Kind::Pattern, pattern, channel, message);
            audience.extend(listeners);
        });
        self.post(publication, &audience, addressed)
    }

    /// As [`PubSub::publish`], for a shard channel, which patterns do not match.
    pub fn publish_to_shard(
        &self,
        channel: &[u8],
        message: &[u8],
        addressed: &mut WorkerSet,
    ) -> u64 {
        let audience = self.shard_channels.of(channel);
        let mut publication = Publication::default();
        if !audience.is_empty() {
            publication.add(Kind::ShardChannel, channel, channel, message);
        }
        self.post(publication, &audience, addressed)
    }

    fn post(
        &self,
        publication: Publication,
        audience: &audience::Audience,
        addressed: &mut WorkerSet,
    ) -> u64 {
        if audience.is_empty() {
            return 0;
        }
        let publication = Arc::new(publication);
        for worker in audience.workers() {
            self.mailboxes[worker].put(Message::Publish(publication.clone()));
            addressed.insert(worker);
        }
        audience.subscribers()
    }

    /// Wakes workers that messages were put down for. Returns whether `own`, the worker that calls
    /// this, is one of them: it has to read its mailbox before it sleeps.
    pub fn ring(&self, addressed: WorkerSet, own: usize) -> bool {
        for (worker, mailbox) in self.mailboxes.iter().enumerate() {
            if addressed.contains(worker) && worker != own {
                mailbox.ring();
            }
        }
        let is_addressed = addressed.contains(own);
        if is_addressed {
            self.mailboxes[own].ring_awake();
        }
        is_addressed
    }
}
