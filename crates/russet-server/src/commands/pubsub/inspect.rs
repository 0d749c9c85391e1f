//! PUBSUB and its subcommands: which channels have subscribers, and how many.

use russet_data::glob::{Case, matches};

use super::COMMON;
use crate::command::{Command, Flags, Group};
use crate::commands::help::{self, too_many_arguments};
use crate::error::Error;
use crate::exec::Ctx;
use crate::pubsub::Audiences;

pub const PUBSUB: Command = Command {
    group: Group::PubSub,
    since: "2.8.0",
    summary: "Groups the commands that say who listens.",
    complexity: "Depends on subcommand.",
    subcommands: &[CHANNELS, HELP, NUMPAT, NUMSUB, SHARDCHANNELS, SHARDNUMSUB],
    ..Command::new("pubsub", -2, Flags::empty(), help::without_subcommand)
};

const HELP: Command = help::declare(Group::PubSub, "6.2.0");

const CHANNELS: Command = Command {
    group: Group::PubSub,
    since: "2.8.0",
    summary: "Lists the channels that have subscribers, all or those that match a pattern.",
    complexity: "O(N) where N is the number of active channels, and assuming constant time pattern \
                 matching (relatively short channels and patterns)",
    syntax: "[pattern:pattern]",
    ..Command::new("channels", -2, COMMON, |ctx| list(ctx, &ctx.server.pubsub.channels))
};

const SHARDCHANNELS: Command = Command {
    group: Group::PubSub,
    since: "7.0.0",
    summary: "Lists the shard channels that have subscribers, all or those that match a pattern.",
    complexity: "O(N) where N is the number of active shard channels, and assuming constant time \
                 pattern matching (relatively short shard channels).",
    syntax: "[pattern:pattern]",
    ..Command::new("shardchannels", -2, COMMON, |ctx| list(ctx, &ctx.server.pubsub.shard_channels))
};

fn list(ctx: &mut Ctx<'_>, audiences: &Audiences) -> Result<(), Error> {
    let pattern = match ctx.args.len() {
        2 => None,
        3 => Some(ctx.args.get(2)),
        _ => return Err(too_many_arguments(ctx)),
    };
    let length = ctx.out.deferred();
    let mut listed = 0;
    audiences.for_each(|name, _| {
        if pattern.is_none_or(|pattern| matches(pattern, name, Case::Sensitive)) {
            ctx.out.bulk(name);
            listed += 1;
        }
    });
    ctx.out.finish_array(length, listed);
    Ok(())
}

const NUMSUB: Command = Command {
    group: Group::PubSub,
    since: "2.8.0",
    summary: "Counts the subscribers of channels, those of patterns not included.",
    complexity: "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    syntax: "[channel:string...]",
    ..Command::new("numsub", -2, COMMON, |ctx| count(ctx, &ctx.server.pubsub.channels))
};

const SHARDNUMSUB: Command = Command {
    group: Group::PubSub,
    since: "7.0.0",
    summary: "Counts the subscribers of shard channels.",
    complexity: "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard \
                 channels",
    syntax: "[shardchannel:string...]",
    ..Command::new("shardnumsub", -2, COMMON, |ctx| count(ctx, &ctx.server.pubsub.shard_channels))
};

fn count(ctx: &mut Ctx<'_>, audiences: &Audiences) -> Result<(), Error> {
    let names = ctx.args.iter_from(2);
    ctx.out.array(2 * names.len());
    for name in names {
        ctx.out.bulk(name);
        ctx.out.integer(audiences.of(name).subscribers() as i64);
    }
    Ok(())
}

const NUMPAT: Command = Command {
    group: Group::PubSub,
    since: "2.8.0",
    summary: "Counts the patterns that have subscribers.",
    ..Command::new("numpat", 2, COMMON, numpat)
};

fn numpat(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.integer(ctx.server.pubsub.patterns.len() as i64);
    Ok(())
}
