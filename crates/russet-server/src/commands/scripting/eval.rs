//! EVAL, EVALSHA, EVAL_RO, EVALSHA_RO.

use std::sync::Arc;

use russet_script::sandbox::sha1_hex;
use russet_script::{Compiled, Ended, Failure, source};

use crate::command::{Begin, Categories, Command, Find, Flags, Group, KeyFlags, KeySpec};
use crate::config::Compatibility;
use crate::error::Error;
use crate::exec::{Args, Ctx};
use crate::memory;
use crate::scripting::Engine;
use crate::scripting::cache::{Digest, Origin, Script, digest_of_call, parse_digest};
use crate::scripting::host::ScriptHost;
use crate::server::Server;

/// The keys that a script declares.
const fn declared_keys(flags: KeyFlags) -> KeySpec {
    KeySpec { flags, begin: Begin::Index(2), find: Find::KeyNum { count: 0, first: 1, step: 1 } }
}

const COMMON: Flags = Flags::NOSCRIPT
    .union(Flags::STALE)
    .union(Flags::SKIP_MONITOR)
    .union(Flags::NO_MANDATORY_KEYS)
    .union(Flags::RUNS_SCRIPT);

const fn declare(
    name: &'static str,
    since: &'static str,
    summary: &'static str,
    is_read_only: bool,
    handler: crate::command::Handler,
) -> Command {
    const WRITER: &[KeySpec] =
        &[declared_keys(KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))];
    const READER: &[KeySpec] = &[declared_keys(KeyFlags::RO.union(KeyFlags::ACCESS))];
    let flags = if is_read_only { Flags::READONLY } else { Flags::MAY_REPLICATE };
    Command {
        group: Group::Scripting,
        categories: Categories::SCRIPTING,
        since,
        summary,
        complexity: "Depends on the script that is executed.",
        syntax: "script:string numkeys:integer [key...] [arg:string...]",
        keys: if is_read_only { READER } else { WRITER },
        reaches: Some(reaches_undeclared),
        ..Command::new(name, -3, COMMON.union(flags), handler)
    }
}

pub const EVAL: Command =
    declare("eval", "2.6.0", "Executes a script.", false, |ctx| run(ctx, Named::BySource, false));

pub const EVAL_RO: Command =
    declare("eval_ro", "7.0.0", "Executes a script that writes nothing.", true, |ctx| {
        run(ctx, Named::BySource, true)
    });

pub const EVALSHA: Command = Command {
    syntax: "sha1:string numkeys:integer [key...] [arg:string...]",
    ..declare("evalsha", "2.6.0", "Executes a script by its SHA-1 digest.", false, |ctx| {
        run(ctx, Named::ByDigest, false)
    })
};

pub const EVALSHA_RO: Command = Command {
    syntax: "sha1:string numkeys:integer [key...] [arg:string...]",
    ..declare(
        "evalsha_ro",
        "7.0.0",
        "Executes a script that writes nothing by its SHA-1 digest.",
        true,
        |ctx| run(ctx, Named::ByDigest, true),
    )
};

/// How a command says which script it means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    BySource,
    ByDigest,
}

/// Whether the script is known to use keys that it does not declare.
fn reaches_undeclared(server: &Server, args: Args<'_>) -> bool {
    server.scripts.any_undeclared()
        && digest_of_call(args).is_some_and(|digest| server.scripts.is_undeclared(&digest))
}

/// A script that the worker's engine has compiled.
struct Known {
    digest: Digest,
    flags: source::Flags,
    is_tried: bool,
    compiled: Compiled,
}

fn run(ctx: &mut Ctx<'_>, named: Named, is_read_only: bool) -> Result<(), Error> {
    // The commands of the script are shown after it.
    if ctx.server.monitors.any() {
        ctx.server.monitors.feed_script(ctx);
    }
    let digest = match named {
        Named::BySource => None,
        Named::ByDigest => Some(parse_digest(ctx.args.get(1)).ok_or(Error::NO_SCRIPT)?),
    };
    let keys = ctx.int(2)?;
    if keys > ctx.args.len() as i64 - 3 {
        return Err(Error::new("ERR Number of keys can't be greater than number of args"));
    }
    let keys =
        usize::try_from(keys).map_err(|_| Error::new("ERR Number of keys can't be negative"))?;
    let digest = digest.unwrap_or_else(|| sha1_hex(ctx.args.get(1)));
    let mut engine = take_engine(ctx);
    let result = find(ctx, &mut engine, &digest, named)
        .and_then(|script| execute(ctx, &mut engine, &script, keys, is_read_only));
    ctx.worker.put_back(engine);
    result
}

/// The worker's engine, made when it is needed first, and again when all scripts were forgotten.
pub(super) fn take_engine(ctx: &mut Ctx<'_>) -> Box<Engine> {
    let scripts = &ctx.server.scripts;
    let present = ctx.worker.engine.take().filter(|engine| !engine.is_outdated(scripts));
    let mut engine = present.unwrap_or_else(|| Box::new(Engine::new(&ctx.worker.config, scripts)));
    engine.interpreter().set_limit(ctx.worker.config.lua_memory_limit as usize);
    engine
}

fn find(ctx: &Ctx<'_>, engine: &mut Engine, digest: &Digest, named: Named) -> Result<Known, Error> {
    let scripts = &ctx.server.scripts;
    let known = |script: &Script, compiled| {
        scripts.note_use(script);
        Known { digest: *digest, flags: script.flags, is_tried: script.is_tried(), compiled }
    };
    if let Some((script, compiled)) = engine.find(digest) {
        return Ok(known(script, compiled));
    }
    let script = match named {
        Named::ByDigest => scripts.find(digest).ok_or(Error::NO_SCRIPT)?,
        Named::BySource => add(ctx, engine, digest, ctx.args.get(1), Origin::Eval)?,
    };
    let compiled = engine.compile(&script, scripts).map_err(|wrong| cannot_compile(ctx, &wrong))?;
    Ok(known(&script, compiled))
}

/// Has the server know a script, if it can be compiled.
pub(super) fn add(
    ctx: &Ctx<'_>,
    engine: &mut Engine,
    digest: &Digest,
    source: &[u8],
    origin: Origin,
) -> Result<Arc<Script>, Error> {
    let scripts = &ctx.server.scripts;
    let mut compiler_error = None;
    let added = scripts.add(*digest, source, origin, |script| {
        engine.compile(script, scripts).map(|_| ()).inspect_err(|wrong| {
            compiler_error = Some(cannot_compile(ctx, wrong));
        })
    });
    added.map_err(|wrong| compiler_error.unwrap_or_else(|| error_of(&wrong)))
}

fn error_of(text: &[u8]) -> Error {
    Error::from_line([b"ERR ", text].concat())
}

fn cannot_compile(ctx: &Ctx<'_>, wrong: &[u8]) -> Error {
    let text = [b"Error compiling script (new function): ", wrong].concat();
    match ctx.config().compatibility {
        Compatibility::V4_0 => error_of(&as_line(&text)),
        Compatibility::V7_2 => error_of(&text),
    }
}

/// A text as Redis 4.0 makes a line of it: as far as C sees it, with a line end behind it, and with
/// blanks in the places of line ends.
fn as_line(text: &[u8]) -> Vec<u8> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    let blank = |byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte };
    text.iter().chain(b"\n").map(blank).collect()
}

fn execute(
    ctx: &mut Ctx<'_>,
    engine: &mut Engine,
    script: &Known,
    keys: usize,
    is_read_only: bool,
) -> Result<(), Error> {
    let flags = script.flags;
    if flags.are_declared && !flags.no_writes && is_read_only {
        return Err(Error::new("ERR Can not execute a script with write flag using *_ro command."));
    }
    let limit_bytes = ctx.config().maxmemory;
    let is_short_of_memory = limit_bytes != 0 && memory::used_bytes() > limit_bytes;
    if is_short_of_memory && flags.are_declared && !flags.allow_oom && !flags.no_writes {
        return Err(Error::new(
            "OOM allow-oom flag is not set on the script, can not run it when used memory > \
             'maxmemory'",
        ));
    }
    let is_read_only = is_read_only || (flags.are_declared && flags.no_writes);
    let is_short_of_memory = is_short_of_memory && !(flags.are_declared && flags.allow_oom);
    let (args, db) = (ctx.args, ctx.client.db);
    // Taken away for the time being: the commands that the script calls write where they always do,
    // and have another buffer there.
    let mut reply = std::mem::take(ctx.out.buffer());
    let mut out = russet_resp::ReplyWriter::new(&mut reply, ctx.out.protocol());
    let mut host =
        ScriptHost::new(ctx, script.digest, script.is_tried, is_read_only, is_short_of_memory);
    let ended = engine.interpreter().run(
        script.compiled,
        args.after(3).iter_to(keys),
        args.iter_from(3 + keys),
        &mut host,
        &mut out,
    );
    let must_restart = host.must_restart;
    let is_first_try =
        !script.is_tried && !host.uses_undeclared && matches!(ended, Ended::Returned { .. });
    drop(host);
    *ctx.out.buffer() = reply;
    if is_first_try {
        ctx.server.scripts.note_tried(&script.digest);
    }
    if ctx.client.db != db {
        ctx.client.select(db);
    }
    ctx.db.select(db);
    ctx.db.journal_nothing();
    if must_restart {
        ctx.restart_alone = true;
        return Ok(());
    }
    match ended {
        Ended::Returned { is_counted } => {
            ctx.is_error_counted = is_counted;
            Ok(())
        }
        Ended::Failed(failure) => {
            ctx.is_error_counted = failure.is_counted;
            Err(match ctx.config().compatibility {
                Compatibility::V4_0 => describe_as_line(&failure, script),
                Compatibility::V7_2 => describe(failure, script),
            })
        }
    }
}

/// What a client of Redis 4.0 is told of an error that its script did not catch.
fn describe_as_line(failure: &Failure, script: &Known) -> Error {
    let parts: [&[u8]; 4] =
        [b"Error running script (call to f_", &script.digest, b"): ", &failure.text];
    error_of(&as_line(&parts.concat()))
}

/// What a client is told of an error that its script did not catch.
fn describe(failure: Failure, script: &Known) -> Error {
    let Failure { text, place, .. } = failure;
    match place {
        Some((source, line)) if source.is_empty() && line.is_empty() => Error::from_line(text),
        Some((source, line)) => {
            let parts: [&[u8]; 7] =
                [&text, b" script: ", &script.digest, b", on ", &source, b":", &line];
            Error::from_line([&parts.concat()[..], b"."].concat())
        }
        None => {
            const SHOWN: usize = 100;
            let shown = &text[..text.len().min(SHOWN)];
            error_of(&[b"Error running script ", &script.digest[..], b", ", shown].concat())
        }
    }
}
