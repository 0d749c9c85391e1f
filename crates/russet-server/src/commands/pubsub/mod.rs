//! Pub/Sub: messages for whoever listens at that moment. How they travel is in [`crate::pubsub`].

mod inspect;
mod publish;
mod subscribe;

use crate::command::{Command, Find, Flags, KeyFlags, KeySpec};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    subscribe::PSUBSCRIBE,
    publish::PUBLISH,
    inspect::PUBSUB,
    subscribe::PUNSUBSCRIBE,
    publish::SPUBLISH,
    subscribe::SSUBSCRIBE,
    subscribe::SUBSCRIBE,
    subscribe::SUNSUBSCRIBE,
    subscribe::UNSUBSCRIBE,
];

/// What all of them have in common.
const COMMON: Flags = Flags::PUBSUB.union(Flags::LOADING).union(Flags::STALE);

/// A shard channel belongs to a slot as if it were a key.
const fn shard_channels(find: Find) -> KeySpec {
    KeySpec { find, ..KeySpec::one(1, KeyFlags::NOT_KEY) }
}
