//! The clients of one worker by what they are subscribed to.

use std::collections::{BTreeMap, HashMap};

use super::Kind;

/// Clients by their numbers, so that the oldest is served first, with the number of the first message
/// in the worker's mailbox that is for them: what was published before they subscribed may still lie
/// there, for others.
type ByName = HashMap<Box<[u8]>, BTreeMap<u64, u64>>;

/// See the module's documentation.
#[derive(Default)]
pub struct Subscribers {
    channels: ByName,
    patterns: ByName,
    shard_channels: ByName,
}

impl Subscribers {
    fn of_kind(&mut self, kind: Kind) -> &mut ByName {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::ShardChannel => &mut self.shard_channels,
        }
    }

    /// Puts a subscription down, unless there is one, for messages from number `since` on.
    pub fn add(&mut self, kind: Kind, name: &[u8], client: u64, since: u64) {
        self.of_kind(kind).entry(name.into()).or_default().entry(client).or_insert(since);
    }

    /// Strikes a subscription off.
    pub fn remove(&mut self, kind: Kind, name: &[u8], client: u64) {
        let by_name = self.of_kind(kind);
        if let Some(clients) = by_name.get_mut(name) {
            clients.remove(&client);
            if clients.is_empty() {
                by_name.remove(name);
            }
        }
    }

    /// Who is to have the message of this number to a name.
    pub fn of(&self, kind: Kind, name: &[u8], number: u64) -> impl Iterator<Item = u64> {
        let by_name = match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
            Kind::ShardChannel => &self.shard_channels,
        };
        let clients = by_name.get(name).into_iter().flatten();
        clients.filter(move |(_, since)| **since <= number).map(|(client, _)| *client)
    }
}
