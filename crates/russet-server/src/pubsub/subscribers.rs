//! The clients of one worker by what they are subscribed to.

use std::collections::{BTreeSet, HashMap};

use super::Kind;

/// Clients by their numbers, so that the oldest is served first.
type ByName = HashMap<Box<[u8]>, BTreeSet<u64>>;

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

    /// Puts a subscription down.
    pub fn add(&mut self, kind: Kind, name: &[u8], client: u64) {
        self.of_kind(kind).entry(name.into()).or_default().insert(client);
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

    /// Who is subscribed to a name.
    pub fn of(&self, kind: Kind, name: &[u8]) -> impl Iterator<Item = u64> {
        let by_name = match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
            Kind::ShardChannel => &self.shard_channels,
        };
        by_name.get(name).into_iter().flatten().copied()
    }
}
