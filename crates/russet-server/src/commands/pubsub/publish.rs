//! PUBLISH and SPUBLISH.

use russet_keyspace::wake_lock::WorkerSet;

use super::{COMMON, shard_channels};
use crate::command::{Command, Find, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;

const FLAGS: Flags = COMMON.union(Flags::FAST).union(Flags::MAY_REPLICATE);

pub const PUBLISH: Command = Command {
    group: Group::PubSub,
    since: "2.0.0",
    summary: "Sends a message to the subscribers of a channel.",
    complexity: "O(N+M) where N is the number of clients subscribed to the receiving channel and M \
                 is the total number of subscribed patterns (by any client).",
    syntax: "channel:string message:string",
    ..Command::new("publish", 3, FLAGS, publish)
};

fn publish(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let mut addressed = WorkerSet::default();
    let pubsub = &ctx.server.pubsub;
    let receivers = pubsub.publish(ctx.args.get(1), ctx.args.get(2), &mut addressed);
    ctx.db.wake_later(addressed);
    ctx.out.integer(receivers as i64);
    Ok(())
}

pub const SPUBLISH: Command = Command {
    group: Group::PubSub,
    since: "7.0.0",
    summary: "Sends a message to the subscribers of a shard channel.",
    complexity: "O(N) where N is the number of clients subscribed to the receiving shard channel.",
    syntax: "shardchannel:string message:string",
    keys: &[shard_channels(Find::Range { last: 0, step: 1, limit: 0 })],
    ..Command::new("spublish", 3, FLAGS, publish_to_shard)
};

fn publish_to_shard(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let mut addressed = WorkerSet::default();
    let pubsub = &ctx.server.pubsub;
    let receivers = pubsub.publish_to_shard(ctx.args.get(1), ctx.args.get(2), &mut addressed);
    ctx.db.wake_later(addressed);
    ctx.out.integer(receivers as i64);
    Ok(())
}
