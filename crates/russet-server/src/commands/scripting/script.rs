//! SCRIPT: the scripts that the server knows.

use russet_script::sandbox::sha1_hex;

use super::eval::{add, take_engine};
use crate::command::{Categories, Command, Flags, Group, Handler};
use crate::commands::help;
use crate::error::Error;
use crate::exec::Ctx;
use crate::scripting::cache::{Digest, Origin};
use crate::scripting::running::Killed;

pub const SCRIPT: Command = Command {
    group: Group::Scripting,
    since: "2.6.0",
    summary: "Groups the commands about the scripts that the server knows.",
    complexity: "Depends on subcommand.",
    subcommands: &[DEBUG, EXISTS, FLUSH, HELP, KILL, LOAD],
    ..Command::new("script", -2, Flags::empty(), help::without_subcommand)
};

const fn declare(name: &'static str, arity: i32, flags: Flags, handler: Handler) -> Command {
    Command {
        group: Group::Scripting,
        categories: Categories::SCRIPTING,
        since: "2.6.0",
        ..Command::new(name, arity, Flags::NOSCRIPT.union(flags), handler)
    }
}

const HELP: Command =
    Command { categories: Categories::SCRIPTING, ..help::declare(Group::Scripting, "5.0.0") };

const DEBUG: Command = Command {
    since: "3.2.0",
    summary: "Sets the debug mode of later scripts, of which there is none.",
    syntax: "mode(YES|SYNC|NO)",
    ..declare("debug", 3, Flags::empty(), debug)
};

fn debug(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.is(2, "NO") {
        ctx.out.ok();
        return Ok(());
    }
    if ctx.is(2, "YES") || ctx.is(2, "SYNC") {
        return Err(Error::new("ERR The script debugger is not part of this server"));
    }
    Err(Error::new("ERR Use SCRIPT DEBUG YES/SYNC/NO"))
}

const EXISTS: Command = Command {
    summary: "Returns which scripts the server knows.",
    complexity: "O(N) where N is the number of digests.",
    syntax: "sha1:string...",
    tips: &["request_policy:all_shards", "response_policy:agg_logical_and"],
    ..declare("exists", -3, Flags::empty(), exists)
};

fn exists(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.array(ctx.args.len() - 2);
    for argument in ctx.args.iter_from(2) {
        // The name as it is: here case matters, unlike in EVALSHA.
        let digest = Digest::try_from(argument).ok();
        let is_known = digest.is_some_and(|digest| ctx.server.scripts.find(&digest).is_some());
        ctx.out.integer(is_known.into());
    }
    Ok(())
}

const FLUSH: Command = Command {
    summary: "Forgets all scripts.",
    complexity: "O(N) where N is the number of scripts.",
    syntax: "[flush-type(ASYNC|SYNC)]",
    history: &[("6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers.")],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..declare("flush", -2, Flags::empty(), flush)
};

fn flush(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let is_known = ctx.args.len() == 2 || ctx.is(2, "SYNC") || ctx.is(2, "ASYNC");
    if !is_known || ctx.args.len() > 3 {
        return Err(Error::new("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    // Every worker drops its interpreter when it next needs one; this one does so now.
    drop(ctx.server.scripts.flush());
    ctx.worker.engine = None;
    ctx.out.ok();
    Ok(())
}

const KILL: Command = Command {
    summary: "Ends the script that is being executed.",
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    ..declare("kill", 2, Flags::ALLOW_BUSY, kill)
};

fn kill(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    match ctx.server.slow_scripts.kill() {
        Killed::Yes => {
            ctx.out.ok();
            Ok(())
        }
        Killed::HasWritten => Err(Error::new(
            "UNKILLABLE Sorry the script already executed write commands against the dataset. You \
             can either wait the script termination or kill the server in a hard way using the \
             SHUTDOWN NOSAVE command.",
        )),
        Killed::NotBusy => Err(Error::new("NOTBUSY No scripts in execution right now.")),
    }
}

const LOAD: Command = Command {
    summary: "Has the server know a script.",
    complexity: "O(N) where N is the length of the script.",
    syntax: "script:string",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..declare("load", 3, Flags::STALE, load)
};

fn load(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let source = ctx.args.get(2);
    let digest = sha1_hex(source);
    let mut engine = take_engine(ctx);
    let result = add(ctx, &mut engine, &digest, source, Origin::Load);
    ctx.worker.put_back(engine);
    result?;
    ctx.out.bulk(&digest);
    Ok(())
}
