//! Keyspace events: what happens to keys, published.
//!
//! An event of a class that `notify-keyspace-events` selects is published in the channel
//! `__keyspace@DB__:KEY`, where the message is its name, and in `__keyevent@DB__:NAME`, where the
//! message is the key; the letters `K` and `E` select the channels.

use std::io::Write;

use russet_keyspace::wake_lock::WorkerSet;

use super::PubSub;
use crate::config::NotifyClasses;
use crate::exec::Event;

/// Where events go while some are selected.
#[derive(Clone, Copy)]
pub struct Events<'a> {
    pubsub: &'a PubSub,
    selected: NotifyClasses,
}

impl<'a> Events<'a> {
    /// Where events go; `None` if none is published, or in no channel.
    #[inline]
    pub fn new(pubsub: &'a PubSub, selected: NotifyClasses) -> Option<Self> {
        (!selected.is_empty()).then_some(Events { pubsub, selected })
    }

    /// Publishes an event of a key of a logical database, if it is selected. Called with the lock of
    /// the key's shard held, so that the events of a key keep their order; see [`PubSub::publish`].
    #[cold]
    pub fn publish(&self, event: Event, db: u32, key: &[u8], addressed: &mut WorkerSet) {
        if !self.selected.contains(event.class) || !self.pubsub.has_listeners() {
            return;
        }
        let mut publish = |kind: &str, subject: &[u8], message: &[u8]| {
            let mut channel = Vec::with_capacity(32 + subject.len());
            write!(channel, "__{kind}@{db}__:").expect("a vector takes everything");
            channel.extend_from_slice(subject);
            self.pubsub.publish(&channel, message, addressed);
        };
        if self.selected.contains(NotifyClasses::KEYSPACE) {
            publish("keyspace", key, event.name.as_bytes());
        }
        if self.selected.contains(NotifyClasses::KEYEVENT) {
            publish("keyevent", event.name.as_bytes(), key);
        }
    }
}
