//! SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE, and their opposites.
//!
//! They answer with a message for each name, and these are no replies: CLIENT REPLY does not leave
//! them out.

use super::{COMMON, shard_channels};
use russet_resp::ReplyWriter;

use crate::client::{Client, ReplyMode};
use crate::command::{Command, Find, Flags, Group, KeySpec};
use crate::error::Error;
use crate::exec::Ctx;
use crate::pubsub::{self, Kind};

/// What those have in common that make and unmake subscribers.
const FLAGS: Flags = COMMON.union(Flags::NOSCRIPT).union(Flags::FOR_SUBSCRIBERS);

const SHARD_CHANNELS: &[KeySpec] = &[shard_channels(Find::Range { last: -1, step: 1, limit: 0 })];

pub const SUBSCRIBE: Command = Command {
    group: Group::PubSub,
    since: "2.0.0",
    summary: "Delivers messages published in the channels from now on.",
    complexity: "O(N) where N is the number of channels to subscribe to.",
    syntax: "channel:string...",
    ..Command::new("subscribe", -2, FLAGS, |ctx| subscribe(ctx, Kind::Channel))
};

pub const PSUBSCRIBE: Command = Command {
    group: Group::PubSub,
    since: "2.0.0",
    summary: "Delivers messages published in channels that match a pattern.",
    complexity: "O(N) where N is the number of patterns the client is already subscribed to.",
    syntax: "pattern:pattern...",
    ..Command::new("psubscribe", -2, FLAGS, |ctx| subscribe(ctx, Kind::Pattern))
};

pub const SSUBSCRIBE: Command = Command {
    group: Group::PubSub,
    since: "7.0.0",
    summary: "Delivers messages published in the shard channels from now on.",
    complexity: "O(N) where N is the number of shard channels to subscribe to.",
    syntax: "shardchannel:string...",
    keys: SHARD_CHANNELS,
    ..Command::new("ssubscribe", -2, FLAGS, |ctx| subscribe(ctx, Kind::ShardChannel))
};

pub const UNSUBSCRIBE: Command = Command {
    group: Group::PubSub,
    since: "2.0.0",
    summary: "Ends subscriptions to channels: to those named, or to all.",
    complexity: "O(N) where N is the number of clients already subscribed to a channel.",
    syntax: "[channel:string...]",
    ..Command::new("unsubscribe", -1, FLAGS, |ctx| unsubscribe(ctx, Kind::Channel))
};

pub const PUNSUBSCRIBE: Command = Command {
    group: Group::PubSub,
    since: "2.0.0",
    summary: "Ends subscriptions to patterns: to those named, or to all.",
    complexity: "O(N+M) where N is the number of patterns the client is already subscribed and M is \
                 the number of total patterns subscribed in the system (by any client).",
    syntax: "[pattern:pattern...]",
    ..Command::new("punsubscribe", -1, FLAGS, |ctx| unsubscribe(ctx, Kind::Pattern))
};

pub const SUNSUBSCRIBE: Command = Command {
    group: Group::PubSub,
    since: "7.0.0",
    summary: "Ends subscriptions to shard channels: to those named, or to all.",
    complexity: "O(N) where N is the number of clients already subscribed to a shard channel.",
    syntax: "[shardchannel:string...]",
    keys: SHARD_CHANNELS,
    ..Command::new("sunsubscribe", -1, FLAGS, |ctx| unsubscribe(ctx, Kind::ShardChannel))
};

fn subscribe(ctx: &mut Ctx<'_>, kind: Kind) -> Result<(), Error> {
    // Channels and patterns were subscribed to in transactions before that was thought better of.
    if ctx.in_exec && kind == Kind::ShardChannel {
        return Err(Error::new("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    let start = ctx.out.buffer().len();
    let word = match kind {
        Kind::Channel => "subscribe",
        Kind::Pattern => "psubscribe",
        Kind::ShardChannel => "ssubscribe",
    };
    let Ctx { server, worker, client, args, out, .. } = ctx;
    let local = &mut worker.subscribers;
    pubsub::subscribe(&server.pubsub, local, client, kind, args.iter_from(1), |client, name| {
        confirm(out, client, kind, word, Some(name));
    });
    keep_messages(ctx, start);
    Ok(())
}

fn unsubscribe(ctx: &mut Ctx<'_>, kind: Kind) -> Result<(), Error> {
    let start = ctx.out.buffer().len();
    let word = match kind {
        Kind::Channel => "unsubscribe",
        Kind::Pattern => "punsubscribe",
        Kind::ShardChannel => "sunsubscribe",
    };
    let end = |ctx: &mut Ctx<'_>, name: &[u8]| {
        let subscribers = &mut ctx.worker.subscribers;
        pubsub::unsubscribe(&ctx.server.pubsub, subscribers, ctx.client, kind, name);
        confirm(&mut ctx.out, ctx.client, kind, word, Some(name));
    };
    if ctx.args.len() > 1 {
        ctx.args.iter_from(1).for_each(|name| end(ctx, name));
    } else {
        let names = pubsub::names(ctx.client, kind);
        names.iter().for_each(|name| end(ctx, name));
        if names.is_empty() {
            confirm(&mut ctx.out, ctx.client, kind, word, None);
        }
    }
    keep_messages(ctx, start);
    Ok(())
}

/// Says what was done with a name, and how many subscriptions there are now.
fn confirm(
    out: &mut ReplyWriter<'_>,
    client: &Client,
    kind: Kind,
    word: &str,
    name: Option<&[u8]>,
) {
    let subscriptions = client.subscriptions.as_ref();
    let count = subscriptions.map_or(0, |subscriptions| subscriptions.counted_with(kind));
    out.push(3);
    out.bulk(word.as_bytes());
    match name {
        Some(name) => out.bulk(name),
        None => out.null(),
    }
    out.integer(count as i64);
}

/// Keeps what was written from `start` on from being left out.
fn keep_messages(ctx: &mut Ctx<'_>, start: usize) {
    if ctx.client.reply_mode != ReplyMode::On {
        ctx.client.messages.extend_from_slice(&ctx.out.buffer()[start..]);
    }
}
