//! PING, ECHO, QUIT, RESET.

use std::sync::atomic::Ordering;

use russet_resp::Protocol;

use super::NEEDS_NO_AUTH;
use crate::client::{ClientFlags, Close, ReplyMode};
use crate::command::{Categories, Command, Flags, Group};
use crate::error::Error;
use crate::exec::{Ctx, transaction};
use crate::pubsub;

pub const PING: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    summary: "Answers PONG, or the message.",
    syntax: "[message]",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Command::new("ping", -1, Flags::FAST.union(Flags::FOR_SUBSCRIBERS), ping)
};

fn ping(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let message = match ctx.args.len() {
        1 => None,
        2 => Some(ctx.args.get(1)),
        _ => return Err(Error::new("ERR wrong number of arguments for 'ping' command")),
    };
    let listens = ctx.client.subscriptions.is_some() && ctx.client.protocol == Protocol::Resp2;
    match message {
        // Among messages a reply has to look like one.
        _ if listens => {
            ctx.out.array(2);
            ctx.out.bulk(b"pong");
            ctx.out.bulk(message.unwrap_or_default());
        }
        None => ctx.out.simple("PONG"),
        Some(message) => ctx.out.bulk(message),
    }
    Ok(())
}

pub const ECHO: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    summary: "Answers the message.",
    syntax: "message",
    ..Command::new("echo", 2, Flags::LOADING.union(Flags::STALE).union(Flags::FAST), echo)
};

fn echo(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.bulk(ctx.args.get(1));
    Ok(())
}

pub const QUIT: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    summary: "Closes the connection once its replies are sent.",
    replaced_by: Some(("7.2.0", "just closing the connection")),
    ..Command::new(
        "quit",
        -1,
        NEEDS_NO_AUTH.union(Flags::NOT_QUEUED).union(Flags::FOR_SUBSCRIBERS),
        quit,
    )
};

fn quit(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.ok();
    ctx.client.close(Close::AfterReply);
    Ok(())
}

pub const RESET: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "6.2.0",
    summary: "Makes the connection as if it had just been opened.",
    ..Command::new(
        "reset",
        1,
        NEEDS_NO_AUTH
            .union(Flags::NOT_QUEUED)
            .union(Flags::LOCKS_WATCHED)
            .union(Flags::FOR_SUBSCRIBERS),
        reset,
    )
};

fn reset(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    transaction::leave(ctx);
    let client = &mut *ctx.client;
    if client.info.flags().contains(ClientFlags::MONITOR) {
        ctx.server.monitors.remove(client.info.id);
    }
    client
        .info
        .set_flags(ClientFlags::MONITOR | ClientFlags::NO_EVICT | ClientFlags::NO_TOUCH, false);
    pubsub::unsubscribe_from_all(&ctx.server.pubsub, &mut ctx.worker.subscribers, client);
    client.info.identity.lock().name.clear();
    client.info.multi.store(-1, Ordering::Relaxed);
    client.no_touch = false;
    client.authenticated = ctx.worker.config.requirepass.is_none();
    if client.reply_mode == ReplyMode::Off {
        client.reply_mode = ReplyMode::On;
    }
    client.select(0);
    client.speak(Protocol::Resp2);
    ctx.out.set_protocol(Protocol::Resp2);
    ctx.out.simple("RESET");
    Ok(())
}
