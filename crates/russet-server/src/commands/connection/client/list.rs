//! CLIENT LIST and CLIENT INFO.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use russet_data::number::parse_i64;

use super::{ADMINISTRATION, COMMON, client_kind};
use crate::client::{ClientInfo, ClientKind};
use crate::command::{Categories, Command, Group};
use crate::error::Error;
use crate::exec::Ctx;

pub const LIST: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "2.4.0",
    summary: "Describes the connected clients, one to a line.",
    complexity: "O(N) where N is the number of client connections",
    syntax: "[TYPE client-type(NORMAL|MASTER|REPLICA|PUBSUB)] [ID client-id:integer...]",
    history: &[
        ("2.8.12", "Shows the client's number."),
        ("5.0.0", "Chooses by `TYPE`."),
        ("6.0.0", "Shows the user."),
        ("6.2.0", "Shows `argv-mem`, `tot-mem`, `laddr` and `redir`, and chooses by `ID`."),
        ("7.0.0", "Shows `resp`, `multi-mem`, `rbs` and `rbp`."),
        ("7.0.3", "Shows `ssub`."),
    ],
    tips: &["nondeterministic_output"],
    ..Command::new("list", -2, ADMINISTRATION, list)
};

/// Which clients to list.
enum Choice {
    All,
    Kind(ClientKind),
    Ids(Vec<u64>),
}

impl Choice {
    fn parse(ctx: &Ctx<'_>) -> Result<Self, Error> {
        match ctx.args.len() {
            2 => Ok(Choice::All),
            4 if ctx.is(2, "TYPE") => client_kind(ctx.args.get(3)).map(Choice::Kind),
            4.. if ctx.is(2, "ID") => {
                let ids = ctx.args.iter_from(3).map(parse_i64);
                let ids: Option<Vec<i64>> = ids.collect();
                let ids = ids.ok_or_else(|| Error::new("ERR Invalid client ID"))?;
                // No client has a negative number, nor one as large as it becomes here.
                Ok(Choice::Ids(ids.into_iter().map(|id| id as u64).collect()))
            }
            _ => Err(Error::SYNTAX),
        }
    }
}

fn list(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let clients = match Choice::parse(ctx)? {
        Choice::All => ctx.server.clients.all(),
        Choice::Kind(kind) => {
            let mut clients = ctx.server.clients.all();
            clients.retain(|client| kind.matches(client));
            clients
        }
        Choice::Ids(ids) => ids.into_iter().filter_map(|id| ctx.server.clients.find(id)).collect(),
    };
    show_present_command(ctx);
    let mut lines = String::new();
    clients.iter().for_each(|client| push_line(&mut lines, client, ctx));
    ctx.out.verbatim(b"txt", lines.as_bytes());
    Ok(())
}

pub const INFO: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "6.2.0",
    summary: "Describes the connection as CLIENT LIST does.",
    tips: &["nondeterministic_output"],
    ..Command::new("info", 2, COMMON, info)
};

fn info(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    show_present_command(ctx);
    let mut line = String::new();
    push_line(&mut line, &ctx.client.info, ctx);
    ctx.out.verbatim(b"txt", line.as_bytes());
    Ok(())
}

fn push_line(lines: &mut String, client: &ClientInfo, ctx: &Ctx<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(lines, "{}", client.line(ctx.worker.clock.now_ms()));
}

/// Brings what is known of the asking client up to date: workers do that only after a batch.
fn show_present_command(ctx: &mut Ctx<'_>) {
    let info = &ctx.client.info;
    let argument_bytes: usize = ctx.args.iter_from(0).map(<[u8]>::len).sum();
    info.last_command.store(ctx.command.id, Ordering::Relaxed);
    info.last_interaction_ms.store(ctx.worker.clock.now_ms(), Ordering::Relaxed);
    info.argv_bytes.store(argument_bytes as u64, Ordering::Relaxed);
    info.query_bytes.store(request_bytes(ctx) as u64, Ordering::Relaxed);
}

/// The bytes that the present command took on the wire.
fn request_bytes(ctx: &Ctx<'_>) -> usize {
    let header = |number: usize| number.checked_ilog10().unwrap_or(0) as usize + "*0\r\n".len();
    let arguments = ctx.args.iter_from(0).map(|arg| header(arg.len()) + arg.len() + "\r\n".len());
    header(ctx.args.len()) + arguments.sum::<usize>()
}
