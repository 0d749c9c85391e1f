//! SLOWLOG.

use russet_data::number::parse_i64;

use crate::command::{Command, Flags, Group};
use crate::commands::help;
use crate::commands::help::too_many_arguments;
use crate::error::Error;
use crate::exec::Ctx;

const SINCE: &str = "2.2.12";
const COMMON: Flags = Flags::ADMIN.union(Flags::LOADING).union(Flags::STALE);
/// Entries that GET returns unless it is told another number.
const DEFAULT_COUNT: usize = 10;

pub const SLOWLOG: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Groups the commands that concern the log of slow commands.",
    complexity: "Depends on subcommand.",
    subcommands: &[GET, help::declare(Group::Server, "6.2.0"), LEN, RESET],
    ..Command::new("slowlog", -2, Flags::empty(), help::without_subcommand)
};

const GET: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Returns the last slow commands, newest first: 10, or as many as asked for; -1 for all.",
    complexity: "O(N) where N is the number of entries returned",
    syntax: "[count:integer]",
    history: &[("4.0.0", "The reply names the client and its address.")],
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    ..Command::new("get", -2, COMMON, get)
};

fn get(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let count = match ctx.args.len() {
        2 => DEFAULT_COUNT,
        3 => match parse_i64(ctx.args.get(2)) {
            Some(-1) => usize::MAX,
            count => count
                .and_then(|count| usize::try_from(count).ok())
                .ok_or(Error::new("ERR count should be greater than or equal to -1"))?,
        },
        _ => return Err(too_many_arguments(ctx)),
    };
    let log = ctx.server.slow_log.lock();
    let out = &mut ctx.out;
    out.array(log.entries().len().min(count));
    for entry in log.entries().take(count) {
        out.array(6);
        out.integer(entry.id as i64);
        out.integer(entry.at_s);
        out.integer(entry.duration_us as i64);
        out.array(entry.argv.len());
        entry.argv.iter().for_each(|arg| out.bulk(arg));
        out.bulk(entry.peer.as_bytes());
        out.bulk(&entry.name);
    }
    Ok(())
}

const LEN: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Returns how many slow commands are remembered.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    ..Command::new("len", 2, COMMON, len)
};

fn len(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let len = ctx.server.slow_log.lock().entries().len();
    ctx.out.integer(len as i64);
    Ok(())
}

const RESET: Command = Command {
    group: Group::Server,
    since: SINCE,
    summary: "Forgets all slow commands.",
    complexity: "O(N) where N is the number of entries in the slowlog",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Command::new("reset", 2, COMMON, reset)
};

fn reset(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.server.slow_log.lock().reset();
    ctx.out.ok();
    Ok(())
}
