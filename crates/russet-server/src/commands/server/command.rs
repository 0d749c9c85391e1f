//! COMMAND: what the server tells about its commands.

use russet_data::glob::{self, Case};

use super::command_info::{categories, write_docs, write_info, write_key_flags};
use crate::command::{
    COMMANDS, Categories, Command, CommandEntry, Flags, Group, KeyFlags, KeySpec, Names,
};
use crate::commands::help;
use crate::error::Error;
use crate::exec::Ctx;

/// See the module's documentation.
pub const COMMAND: Command = Command {
    subcommands: &[COUNT, DOCS, GETKEYS, GETKEYSANDFLAGS, HELP, INFO, LIST],
    summary: "Returns what there is to know about every command.",
    complexity: "O(N) for N commands.",
    tips: &["nondeterministic_output_order"],
    ..declare("command", -1, "2.8.13", every_info)
};

/// What all of them have in common.
const fn declare(
    name: &'static str,
    arity: i32,
    since: &'static str,
    handler: crate::command::Handler,
) -> Command {
    Command {
        group: Group::Server,
        categories: Categories::CONNECTION,
        since,
        ..Command::new(name, arity, Flags::LOADING.union(Flags::STALE), handler)
    }
}

fn every_info(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.array(COMMANDS.commands().count());
    COMMANDS.commands().for_each(|entry| write_info(&mut ctx.out, entry));
    Ok(())
}

const HELP: Command =
    Command { categories: Categories::CONNECTION, ..help::declare(Group::Server, "5.0.0") };

const COUNT: Command = Command {
    summary: "Returns the number of commands.",
    ..declare("count", 2, "2.8.13", |ctx| {
        ctx.out.integer(COMMANDS.commands().count() as i64);
        Ok(())
    })
};

const INFO: Command = Command {
    summary: "Returns flags, keys and categories of some commands, or of all.",
    complexity: "O(N) for N commands.",
    syntax: "[command-name...]",
    history: &[("7.0.0", "Without a name, tells of all commands.")],
    tips: &["nondeterministic_output_order"],
    ..declare("info", -2, "2.8.13", info)
};

fn info(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.args.len() == 2 {
        return every_info(ctx);
    }
    ctx.out.array(ctx.args.len() - 2);
    for name in ctx.args.iter_from(2) {
        match named(&ctx.server.names, name) {
            Some(entry) => write_info(&mut ctx.out, entry),
            None => ctx.out.null(),
        }
    }
    Ok(())
}

const DOCS: Command = Command {
    summary: "Returns the documentation of some commands, or of all.",
    complexity: "O(N) for N commands.",
    syntax: "[command-name...]",
    tips: &["nondeterministic_output_order"],
    ..declare("docs", -2, "7.0.0", docs)
};

fn docs(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let entries: Vec<&CommandEntry> = if ctx.args.len() == 2 {
        COMMANDS.commands().collect()
    } else {
        ctx.args.iter_from(2).filter_map(|name| named(&ctx.server.names, name)).collect()
    };
    ctx.out.map(entries.len());
    for entry in entries {
        ctx.out.bulk(entry.full_name.as_bytes());
        write_docs(&mut ctx.out, entry);
    }
    Ok(())
}

/// The command that `name` or `container|name` means.
fn named(names: &Names, name: &[u8]) -> Option<&'static CommandEntry> {
    let mut parts = name.splitn(2, |byte| *byte == b'|');
    let container = names.find(parts.next()?)?;
    let Some(sub) = parts.next() else { return Some(container) };
    let mut subcommands = container.subcommands.iter().copied();
    subcommands.find(|entry| entry.command.name.as_bytes().eq_ignore_ascii_case(sub))
}

const LIST: Command = Command {
    summary: "Returns the names of all commands and subcommands, or of some.",
    complexity: "O(N) for N commands.",
    syntax: "[FILTERBY filterby(MODULE module-name | ACLCAT category | PATTERN pattern:pattern)]",
    tips: &["nondeterministic_output_order"],
    ..declare("list", -2, "7.0.0", list)
};

/// Which commands COMMAND LIST lists.
enum Filter<'a> {
    All,
    /// No command belongs to a module yet.
    Module,
    Category(&'a [u8]),
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(ctx: &Ctx<'a>) -> Result<Self, Error> {
        match ctx.args.len() {
            2 => Ok(Filter::All),
            5 if ctx.is(2, "FILTERBY") => match () {
                () if ctx.is(3, "MODULE") => Ok(Filter::Module),
                () if ctx.is(3, "ACLCAT") => Ok(Filter::Category(ctx.args.get(4))),
                () if ctx.is(3, "PATTERN") => Ok(Filter::Pattern(ctx.args.get(4))),
                () => Err(Error::SYNTAX),
            },
            _ => Err(Error::SYNTAX),
        }
    }

    fn admits(&self, entry: &CommandEntry) -> bool {
        match self {
            Filter::All => true,
            Filter::Module => false,
            Filter::Category(name) => {
                let is_asked = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
                categories(entry.command).iter().any(is_asked)
            }
            Filter::Pattern(pattern) => {
                glob::matches(pattern, entry.full_name.as_bytes(), Case::Insensitive)
            }
        }
    }
}

fn list(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let filter = Filter::parse(ctx)?;
    let listed = COMMANDS.entries.iter().filter(|entry| filter.admits(entry));
    let names: Vec<&str> = listed.map(|entry| entry.full_name.as_str()).collect();
    ctx.out.array(names.len());
    names.iter().for_each(|name| ctx.out.bulk(name.as_bytes()));
    Ok(())
}

const GETKEYS: Command = Command {
    summary: "Returns the keys in a call of a command.",
    complexity: "O(N) for N arguments of the call.",
    syntax: "command [arg...]",
    ..declare("getkeys", -4, "2.8.13", |ctx| {
        let keys = keys_of_call(ctx)?;
        ctx.out.array(keys.len());
        keys.iter().for_each(|(key, _)| ctx.out.bulk(key));
        Ok(())
    })
};

const GETKEYSANDFLAGS: Command = Command {
    summary: "Returns the keys in a call of a command, and what it does with each.",
    complexity: "O(N) for N arguments of the call.",
    syntax: "command [arg...]",
    ..declare("getkeysandflags", -4, "7.0.0", |ctx| {
        let keys = keys_of_call(ctx)?;
        ctx.out.array(keys.len());
        for (key, flags) in keys {
            ctx.out.array(2);
            ctx.out.bulk(key);
            write_key_flags(&mut ctx.out, flags);
        }
        Ok(())
    })
};

/// The keys of the call that the arguments from the third on are.
fn keys_of_call<'a>(ctx: &Ctx<'a>) -> Result<Vec<(&'a [u8], KeyFlags)>, Error> {
    let call = ctx.args.after(2);
    let sub = (call.len() > 1).then(|| call.get(1));
    let Ok(entry) = ctx.server.names.resolve(call.get(0), sub) else {
        return Err(Error::new("ERR Invalid command specified"));
    };
    let command = entry.command;
    if command.keys.iter().all(|spec| spec.flags.contains(KeyFlags::NOT_KEY)) {
        return Err(Error::new("ERR The command has no key arguments"));
    }
    if !entry.arity_fits(call.len()) {
        return Err(Error::new("ERR Invalid number of arguments specified for command"));
    }
    let flags = |spec: &KeySpec| match command.key_flags {
        Some(of_call) if spec.flags.contains(KeyFlags::VARIABLE_FLAGS) => of_call(call),
        _ => spec.flags,
    };
    let keys: Vec<_> = entry
        .key_positions(call.len(), |at| call.get(at))
        .map(|(at, spec)| (call.get(at), flags(spec)))
        .collect();
    if keys.is_empty() && !command.flags.contains(Flags::NO_MANDATORY_KEYS) {
        return Err(Error::new("ERR Invalid arguments specified for command"));
    }
    Ok(keys)
}
