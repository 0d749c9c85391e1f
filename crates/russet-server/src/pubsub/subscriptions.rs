//! What one client is subscribed to, and how that changes.
//!
//! A subscription is put down three times: with the client, with its worker, and with the audience
//! that all workers see. The functions here change all three together.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::{Kind, PubSub, Subscribers};
use crate::client::{Client, ClientFlags};

type Names = BTreeSet<Box<[u8]>>;

/// See the module's documentation.
#[derive(Default)]
pub struct Subscriptions {
    channels: Names,
    patterns: Names,
    shard_channels: Names,
}

impl Subscriptions {
    fn names(&mut self, kind: Kind) -> &mut Names {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::ShardChannel => &mut self.shard_channels,
        }
    }

    /// How many subscriptions replies about this kind count: channels and patterns together.
    pub fn counted_with(&self, kind: Kind) -> usize {
        match kind {
            Kind::Channel | Kind::Pattern => self.channels.len() + self.patterns.len(),
            Kind::ShardChannel => self.shard_channels.len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }
}

/// Subscribes a client to names that it is not subscribed to yet. `tell` is called after each name.
///
/// It hears what is published from one moment on, the same for all the names, and nothing that was
/// published before: S4.
pub fn subscribe<'a>(
    pubsub: &PubSub,
    local: &mut Subscribers,
    client: &mut Client,
    kind: Kind,
    names: impl Iterator<Item = &'a [u8]> + Clone,
    mut tell: impl FnMut(&Client, &'a [u8]),
) {
    let (id, worker) = (client.info.id, client.info.worker);
    for name in names.clone() {
        let subscriptions = client.subscriptions.get_or_insert_default();
        if subscriptions.names(kind).insert(name.into()) {
            client.info.keep_name(name);
            pubsub.audiences(kind).add(name, worker);
            show(client);
        }
        tell(client, name);
    }
    let since = pubsub.next_number(worker);
    for name in names {
        local.add(kind, name, id, since);
    }
}

/// Ends a client's subscription to a name, if there is one.
pub fn unsubscribe(
    pubsub: &PubSub,
    local: &mut Subscribers,
    client: &mut Client,
    kind: Kind,
    name: &[u8],
) {
    let (id, worker) = (client.info.id, client.info.worker);
    let Some(subscriptions) = &mut client.subscriptions else { return };
    if subscriptions.names(kind).remove(name) {
        client.info.forget_name(name);
        local.remove(kind, name, id);
        pubsub.audiences(kind).remove(name, worker);
        show(client);
    }
}

/// The names of a kind that a client is subscribed to, in order.
pub fn names(client: &mut Client, kind: Kind) -> Vec<Box<[u8]>> {
    let subscriptions = client.subscriptions.as_mut();
    subscriptions.map_or_else(Vec::new, |all| all.names(kind).iter().cloned().collect())
}

/// Ends all subscriptions of a client.
pub fn unsubscribe_from_all(pubsub: &PubSub, local: &mut Subscribers, client: &mut Client) {
    for kind in [Kind::Channel, Kind::Pattern, Kind::ShardChannel] {
        for name in names(client, kind) {
            unsubscribe(pubsub, local, client, kind, &name);
        }
    }
}

/// Brings what others may know of a client up to date; who is subscribed to nothing is no subscriber.
fn show(client: &mut Client) {
    let info = &client.info;
    let none = Subscriptions::default();
    let subscriptions = client.subscriptions.as_deref().unwrap_or(&none);
    info.channels.store(subscriptions.channels.len() as u32, Ordering::Relaxed);
    info.patterns.store(subscriptions.patterns.len() as u32, Ordering::Relaxed);
    info.shard_channels.store(subscriptions.shard_channels.len() as u32, Ordering::Relaxed);
    let is_empty = subscriptions.is_empty();
    info.set_flags(ClientFlags::PUBSUB, !is_empty);
    if is_empty {
        client.subscriptions = None;
    }
}
