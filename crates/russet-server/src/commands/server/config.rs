//! CONFIG.

use crate::command::{Command, Flags, Group};
use crate::commands::help;
use crate::config::{Appended, SetError, Setter, rewrite};
use crate::error::Error;
use crate::exec::Ctx;
use crate::reconfigure::reconfigure;

pub const CONFIG: Command = Command {
    group: Group::Server,
    since: "2.0.0",
    summary: "Groups the commands that concern the configuration.",
    complexity: "Depends on subcommand.",
    subcommands: &[GET, help::declare(Group::Server, "5.0.0"), RESETSTAT, REWRITE, SET],
    ..Command::new("config", -2, Flags::empty(), help::without_subcommand)
};

/// What all but HELP have in common.
const COMMON: Flags = Flags::ADMIN.union(Flags::NOSCRIPT).union(Flags::LOADING).union(Flags::STALE);

const GET: Command = Command {
    group: Group::Server,
    since: "2.0.0",
    summary: "Returns the directives that match any of the patterns, with their values.",
    complexity: "O(N) for N parameters.",
    syntax: "parameter(parameter)...",
    history: &[("7.0.0", "Takes several patterns.")],
    ..Command::new("get", -3, COMMON, get)
};

fn get(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let patterns: Vec<&[u8]> = ctx.args.iter_from(2).collect();
    let found = ctx.server.config.load().get(&patterns);
    ctx.out.map(found.len());
    for (name, value) in found {
        ctx.out.bulk(name.as_bytes());
        ctx.out.bulk(&value);
    }
    Ok(())
}

const SET: Command = Command {
    group: Group::Server,
    since: "2.0.0",
    summary: "Changes directives while the server runs: all of those given, or none.",
    complexity: "O(N) for N parameters.",
    syntax: "parameter_value(parameter value)...",
    history: &[("7.0.0", "Sets several parameters at once.")],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Command::new("set", -4, COMMON, set)
};

fn set(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let arguments: Vec<&[u8]> = ctx.args.iter_from(2).collect();
    let (pairs, rest) = arguments.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::SYNTAX);
    }
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
    let is_local = ctx.client.info.transport.is_local();
    let setter = Setter { is_local, is_loading: ctx.server.persistence.is_loading() };
    reconfigure(ctx.server, &pairs, setter).map_err(refusal)?;
    // What this worker executes next sees the change; the others see it from their next round on.
    ctx.worker.reconfigure(ctx.server.config.load_full());
    ctx.out.ok();
    Ok(())
}

const REWRITE: Command = Command {
    group: Group::Server,
    since: "2.8.0",
    summary: "Brings the configuration file up to date with the configuration in force.",
    ..Command::new("rewrite", 2, COMMON, rewrite_file)
};

fn rewrite_file(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let _one_at_a_time = ctx.server.config_changes.lock();
    rewrite(&ctx.server.source, &ctx.server.config.load(), Appended::Changed).map_err(|error| {
        tracing::warn!("CONFIG REWRITE failed: {error}");
        Error::new(format!("ERR {error}"))
    })?;
    tracing::info!("CONFIG REWRITE executed with success.");
    ctx.out.ok();
    Ok(())
}

const RESETSTAT: Command = Command {
    group: Group::Server,
    since: "2.0.0",
    summary: "Begins to count anew what INFO and LATENCY HISTOGRAM report.",
    // Exclusive, because histograms are recorded without the means to be reset meanwhile.
    ..Command::new("resetstat", 2, COMMON.union(Flags::EXCLUSIVE), resetstat)
};

fn resetstat(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.server.reset_statistics();
    ctx.out.ok();
    Ok(())
}

/// The error reply for a change that was refused.
fn refusal(why: SetError) -> Error {
    match why {
        SetError::Unknown(name) => {
            let template = "ERR Unknown option or number of arguments for CONFIG SET - '{}'";
            Error::quoting(template, &[&name])
        }
        other => Error::new(other.to_string()),
    }
}
