//! DEBUG: what tests of servers need, and nobody else.
//!
//! To clients DEBUG is one command, as in Redis. Here it is a table of subcommands, from which HELP
//! and the number of arguments follow too. All of it runs behind the closed gate: much of DEBUG looks
//! at the whole keyspace, and DEBUG SLEEP is there to make the whole server stand still.

mod digest;
mod keys;
mod process;
mod protocol;
mod reload;

use std::ops::RangeInclusive;

use crate::command::{Command, Flags, Group, Handler};
use crate::error::Error;
use crate::exec::Ctx;

pub const DEBUG: Command = Command {
    group: Group::Server,
    summary: "Groups the commands that help with finding faults and testing.",
    complexity: "Depends on subcommand.",
    ..Command::new(
        "debug",
        -2,
        Flags::ADMIN
            .union(Flags::NOSCRIPT)
            .union(Flags::LOADING)
            .union(Flags::STALE)
            .union(Flags::PROTECTED)
            .union(Flags::SYSTEM)
            .union(Flags::EXCLUSIVE),
        debug,
    )
};

struct Subcommand {
    name: &'static str,
    /// How many arguments there may be after the name.
    arguments: RangeInclusive<usize>,
    /// The arguments, for HELP.
    syntax: &'static str,
    summary: &'static str,
    handler: Handler,
}

const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: "AOF-FLUSH-SLEEP",
        arguments: 1..=1,
        syntax: "<microseconds>",
        summary: "Wait so long before each write to the append-only file. For tests only.",
        handler: process::delay_log_writes,
    },
    Subcommand {
        name: "ASSERT",
        arguments: 0..=0,
        syntax: "",
        summary: "Fail an assertion, which ends the process with a report in the log.",
        handler: process::assert,
    },
    Subcommand {
        name: "CHANGE-REPL-ID",
        arguments: 0..=0,
        syntax: "",
        summary: "Take a new replication id. For tests of replication only.",
        handler: process::change_replication_id,
    },
    Subcommand {
        name: "CONFIG-REWRITE-FORCE-ALL",
        arguments: 0..=0,
        syntax: "",
        summary: "Rewrite the configuration file with every directive, defaults included.",
        handler: process::rewrite_whole_config,
    },
    Subcommand {
        name: "DIGEST",
        arguments: 0..=0,
        syntax: "",
        summary: "Reply with a fingerprint of all keys and values.",
        handler: digest::of_everything,
    },
    Subcommand {
        name: "DIGEST-VALUE",
        arguments: 0..=usize::MAX,
        syntax: "[<key> ...]",
        summary: "Reply with a fingerprint of the value of each key.",
        handler: digest::of_values,
    },
    Subcommand {
        name: "ERROR",
        arguments: 1..=1,
        syntax: "<string>",
        summary: "Reply with <string> as an error.",
        handler: protocol::error,
    },
    Subcommand {
        name: "HTSTATS",
        arguments: 1..=1,
        syntax: "<dbid>",
        summary: "Describe the tables of a database, which takes a look at every bucket.",
        handler: keys::table_statistics,
    },
    Subcommand {
        name: "HTSTATS-KEY",
        arguments: 1..=1,
        syntax: "<key>",
        summary: "Describe the table inside the value of <key>.",
        handler: keys::value_table_statistics,
    },
    Subcommand {
        name: "LOADAOF",
        arguments: 0..=0,
        syntax: "",
        summary: "Write the append-only file to its end, remove all keys and load them from it.",
        handler: reload::load_log,
    },
    Subcommand {
        name: "LOG",
        arguments: 1..=1,
        syntax: "<message>",
        summary: "Write <message> to the log.",
        handler: process::log,
    },
    Subcommand {
        name: "MALLCTL",
        arguments: 1..=2,
        syntax: "<key> [<val>]",
        summary: "Reply with a number that the allocator knows under <key>, and set it to <val>.",
        handler: process::allocator_number,
    },
    Subcommand {
        name: "MALLCTL-STR",
        arguments: 1..=2,
        syntax: "<key> [<val>]",
        summary: "Reply with a string that the allocator knows under <key>, or, if <val> is VOID, let \
                  it do what <key> stands for.",
        handler: process::allocator_text,
    },
    Subcommand {
        name: "OBJECT",
        arguments: 1..=1,
        syntax: "<key>",
        summary: "Show how the value of <key> is stored.",
        handler: keys::object,
    },
    Subcommand {
        name: "PANIC",
        arguments: 0..=0,
        syntax: "",
        summary: "Panic, which ends the process with a report in the log.",
        handler: process::panic,
    },
    Subcommand {
        name: "POPULATE",
        arguments: 1..=3,
        syntax: "<count> [<prefix>] [<size>]",
        summary: "Add the keys <prefix>:0 to <prefix>:<count - 1> unless they are there already; the \
                  prefix is 'key' unless it is given.",
        handler: keys::populate,
    },
    Subcommand {
        name: "PROTOCOL",
        arguments: 1..=1,
        syntax: "<type>",
        summary: "Reply with an example of a type: string, integer, double, bignum, null, array, \
                  set, map, attrib, push, verbatim, true or false.",
        handler: protocol::example,
    },
    Subcommand {
        name: "QUICKLIST-PACKED-THRESHOLD",
        arguments: 1..=1,
        syntax: "<size>",
        summary: "Keep elements of long lists that are of <size> or longer alone; 0 is 1GB.",
        handler: keys::set_list_alone_bytes,
    },
    Subcommand {
        name: "RELOAD",
        arguments: 0..=3,
        syntax: "[MERGE] [NOFLUSH] [NOSAVE]",
        summary: "Save the keys and load them again; without removing them first, or without saving, \
                  or replacing those that are there.",
        handler: reload::reload,
    },
    Subcommand {
        name: "REPLYBUFFER",
        arguments: 2..=2,
        syntax: "<PEAK-RESET-TIME <NEVER|RESET|milliseconds>|RESIZING <0|1>>",
        summary: "Accepted and without effect: a connection at rest has no buffer that could be resized.",
        handler: process::ignore_reply_buffer,
    },
    Subcommand {
        name: "SEGFAULT",
        arguments: 0..=0,
        syntax: "",
        summary: "End the process with the signal SIGSEGV.",
        handler: process::segfault,
    },
    Subcommand {
        name: "SET-ACTIVE-EXPIRE",
        arguments: 1..=1,
        syntax: "<0|1>",
        summary: "With 0, remove keys whose time has come only when they are accessed.",
        handler: keys::set_active_expire,
    },
    Subcommand {
        name: "SET-DISABLE-DENY-SCRIPTS",
        arguments: 1..=1,
        syntax: "<0|1>",
        summary: "Let scripts call DEBUG (1) or not (0).",
        handler: process::let_scripts_debug,
    },
    Subcommand {
        name: "SET-SKIP-CHECKSUM-VALIDATION",
        arguments: 1..=1,
        syntax: "<0|1>",
        summary: "With 1, look at no checksums of RDB files and of what RESTORE is given.",
        handler: process::skip_checksums,
    },
    Subcommand {
        name: "SLEEP",
        arguments: 1..=1,
        syntax: "<seconds>",
        summary: "Let the whole server stand still for <seconds>, which may have decimals.",
        handler: process::sleep,
    },
    Subcommand {
        name: "STRINGMATCH-LEN",
        arguments: 2..=2,
        syntax: "<string> <pattern>",
        summary: "Reply 1 if <string> matches the glob <pattern>, 0 if not.",
        handler: keys::string_matches,
    },
];

/// Subcommands of Redis' that need a part of the server that does not exist yet.
const UNAVAILABLE: &[(&str, &str)] = &[("REPLICATE", "no replication")];

fn debug(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let name = ctx.args.get(1);
    let arguments = ctx.args.len() - 2;
    let is_named = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
    if is_named("HELP") && arguments == 0 {
        help(ctx);
        return Ok(());
    }
    if let Some(found) = SUBCOMMANDS.iter().find(|known| is_named(known.name))
        && found.arguments.contains(&arguments)
    {
        return (found.handler)(ctx);
    }
    if let Some((name, lack)) = UNAVAILABLE.iter().find(|(known, _)| is_named(known)) {
        return Err(Error::new(format!("ERR DEBUG {name} needs what is not built yet: {lack}")));
    }
    Err(Error::quoting(
        "ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
        &[&name[..name.len().min(ECHOED_BYTES)]],
    ))
}

/// Bytes of a client's word that an error repeats.
const ECHOED_BYTES: usize = 128;

fn help(ctx: &mut Ctx<'_>) {
    let mut lines =
        vec!["DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:".to_owned()];
    for Subcommand { name, syntax, summary, .. } in SUBCOMMANDS {
        lines.push(format!("{name} {syntax}").trim_end().to_owned());
        lines.push(format!("    {summary}"));
    }
    lines.extend(["HELP".to_owned(), "    Print this help.".to_owned()]);
    ctx.out.array(lines.len());
    lines.iter().for_each(|line| ctx.out.simple(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_is_listed_once_and_in_order() {
        let names: Vec<&str> = SUBCOMMANDS.iter().map(|known| known.name).collect();
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(UNAVAILABLE.iter().all(|(name, _)| !names.contains(name)));
    }
}
