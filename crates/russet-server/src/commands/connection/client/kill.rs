//! CLIENT KILL and CLIENT UNBLOCK.

use russet_data::number::parse_i64;

use super::{ADMINISTRATION, client_kind};
use crate::client::{ClientInfo, ClientKind, Close, DEFAULT_USER};
use crate::command::{Categories, Command, Flags, Group};
use crate::commands::help::too_many_arguments;
use crate::error::Error;
use crate::exec::Ctx;
use crate::worker::Message;

pub const KILL: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "2.4.0",
    summary: "Closes the connections that match every filter, or the one from an address.",
    complexity: "O(N) where N is the number of client connections",
    syntax: "filter(old-format:string | new-format([ID client-id:integer] | \
             [TYPE client-type(NORMAL|MASTER|SLAVE|REPLICA|PUBSUB)] | [USER username] | \
             [ADDR addr] | [LADDR laddr] | [SKIPME skipme(YES|NO)])...)",
    history: &[
        ("2.8.12", "Takes filters."),
        ("2.8.12", "Chooses by `ID`."),
        ("3.2.0", "Knows the type `master`."),
        ("5.0.0", "Calls the type `slave` `replica`; the old name is kept."),
        ("6.2.0", "Chooses by `LADDR`."),
    ],
    // Exclusive, so that nothing a killed client has asked for is executed after the reply.
    ..Command::new("kill", -3, ADMINISTRATION.union(Flags::EXCLUSIVE), kill)
};

/// Which clients to kill: those that match everything given.
#[derive(Default)]
struct Filter<'a> {
    id: Option<u64>,
    kind: Option<ClientKind>,
    user: Option<&'a [u8]>,
    peer: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
    spares_me: bool,
}

impl<'a> Filter<'a> {
    fn parse(ctx: &Ctx<'a>) -> Result<Self, Error> {
        let mut filter = Filter { spares_me: true, ..Filter::default() };
        for at in (2..ctx.args.len()).step_by(2) {
            if at + 1 == ctx.args.len() {
                return Err(Error::SYNTAX);
            }
            let value = ctx.args.get(at + 1);
            match () {
                () if ctx.is(at, "ID") => filter.id = Some(client_id(value)?),
                () if ctx.is(at, "TYPE") => filter.kind = Some(client_kind(value)?),
                () if ctx.is(at, "ADDR") => filter.peer = Some(value),
                () if ctx.is(at, "LADDR") => filter.local = Some(value),
                () if ctx.is(at, "USER") => filter.user = Some(known_user(value)?),
                () if ctx.is(at, "SKIPME") && ctx.is(at + 1, "YES") => filter.spares_me = true,
                () if ctx.is(at, "SKIPME") && ctx.is(at + 1, "NO") => filter.spares_me = false,
                () => return Err(Error::SYNTAX),
            }
        }
        Ok(filter)
    }

    fn matches(&self, client: &ClientInfo, asking: u64) -> bool {
        let is_text = |wanted: Option<&[u8]>, text: &dyn Fn() -> String| {
            wanted.is_none_or(|wanted| wanted == text().as_bytes())
        };
        self.id.is_none_or(|id| id == client.id)
            && self.kind.is_none_or(|kind| kind.matches(client))
            && self.user.is_none_or(|user| user == DEFAULT_USER)
            && is_text(self.peer, &|| client.transport.peer_text())
            && is_text(self.local, &|| client.transport.local_text())
            && !(self.spares_me && client.id == asking)
    }
}

fn client_id(text: &[u8]) -> Result<u64, Error> {
    let id = parse_i64(text).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
    id.ok_or_else(|| Error::new("ERR client-id should be greater than 0"))
}

fn known_user(name: &[u8]) -> Result<&[u8], Error> {
    if name == DEFAULT_USER {
        return Ok(name);
    }
    Err(Error::quoting("ERR No such user '{}'", &[name]))
}

fn kill(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.args.len() == 3 {
        let filter = Filter { peer: Some(ctx.args.get(2)), ..Filter::default() };
        if kill_matching(ctx, &filter) == 0 {
            return Err(Error::new("ERR No such client"));
        }
        ctx.out.ok();
    } else {
        let filter = Filter::parse(ctx)?;
        let killed = kill_matching(ctx, &filter);
        ctx.out.integer(killed);
    }
    Ok(())
}

/// Returns how many clients it killed. The asking one is closed after the reply.
fn kill_matching(ctx: &mut Ctx<'_>, filter: &Filter<'_>) -> i64 {
    let asking = ctx.client.info.id;
    let mut killed = 0;
    for client in ctx.server.clients.all() {
        if !filter.matches(&client, asking) {
            continue;
        }
        if client.id == asking {
            ctx.client.close(Close::AfterReply);
        } else if !ctx.server.kill_client(&client) {
            continue;
        }
        killed += 1;
    }
    killed
}

pub const UNBLOCK: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "5.0.0",
    summary: "Ends another client's wait in a blocking command.",
    complexity: "O(log N) where N is the number of client connections",
    syntax: "client-id:integer [unblock-type(TIMEOUT|ERROR)]",
    ..Command::new("unblock", -3, ADMINISTRATION, unblock)
};

fn unblock(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let with_error = match ctx.args.len() {
        3 => false,
        4 if ctx.is(3, "TIMEOUT") => false,
        4 if ctx.is(3, "ERROR") => true,
        4 => return Err(Error::new("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        _ => return Err(too_many_arguments(ctx)),
    };
    let client = u64::try_from(ctx.int(2)?).ok().and_then(|id| ctx.server.clients.find(id));
    let wait = client.and_then(|client| client.wait.lock().clone());
    let wait = wait.filter(|wait| wait.claim());
    ctx.out.integer(wait.is_some().into());
    if let Some(wait) = wait {
        let reply = match with_error {
            true => b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n".to_vec(),
            false => wait.reply_in_vain(ctx.server),
        };
        let worker = wait.client.worker;
        ctx.server.workers[worker].mailbox.post(Message::Answer(wait, reply, false));
    }
    Ok(())
}
