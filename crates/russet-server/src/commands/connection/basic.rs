//! PING.

use crate::command::{Categories, Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;

pub const PING: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    summary: "Answers PONG, or the message.",
    syntax: "[message]",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Command::new("ping", -1, Flags::FAST, ping)
};

fn ping(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    match ctx.args.len() {
        1 => ctx.out.simple("PONG"),
        2 => ctx.out.bulk(ctx.args.get(1)),
        _ => return Err(Error::new("ERR wrong number of arguments for 'ping' command")),
    }
    Ok(())
}
