//! Which requests are executed: the checks that come before anything else.

use russet_resp::Protocol;

use super::Args;
use super::dispatch::{Request, Why, needs_gate};
use crate::client::{Client, ClientFlags};
use crate::command::{CommandEntry, Flags, LookupError};
use crate::config::Permission;
use crate::error::Error;
use crate::eviction::{self, Room};
use crate::server::Server;
use crate::worker::WorkerContext;

/// Arguments of an unknown command that its error text repeats, in bytes.
const ECHOED_BYTES: usize = 128;

/// What becomes of a request that is not refused.
pub(super) enum Admission {
    /// It is executed.
    Now(&'static CommandEntry),
    /// It has to wait.
    Later(Why),
}

/// The checks of a request that come before anything else, in Redis' order.
#[inline(always)] // called once
pub(super) fn admit(
    server: &Server,
    worker: &mut WorkerContext,
    client: &Client,
    request: &Request<'_>,
) -> Result<Admission, Error> {
    let args = request.args;
    let entry = match &request.entry {
        Ok(entry) => *entry,
        Err(unknown) => return Err(unknown_command(unknown, args)),
    };
    let flags = entry.flags();
    if !entry.arity_fits(args.len()) {
        return Err(Error::wrong_arity(&entry.full_name));
    }
    if client.must_authenticate(&worker.config) && !flags.contains(Flags::NO_AUTH) {
        return Err(Error::NOT_AUTHENTICATED);
    }
    if flags.contains(Flags::PROTECTED) {
        permitted(entry, worker.config.enable_debug_command, client)?;
    }
    if client.transaction.is_some() && flags.contains(Flags::NO_MULTI) {
        return Err(Error::new("ERR Command not allowed inside a transaction"));
    }
    if client.info.flags().intersects(ClientFlags::MONITOR | ClientFlags::PUBSUB) {
        fits_listener(entry, client)?;
    }
    let room = eviction::make_room(server, worker, !needs_gate(entry, client));
    if room != Room::Enough && !client.is_replay && needs_memory(entry, client) {
        match room {
            Room::None => return Err(Error::OUT_OF_MEMORY),
            Room::BeingFreed => return Ok(Admission::Later(Why::Memory)),
            Room::Enough | Room::Later => {}
        }
    }
    if server.persistence.refuses_some() && !fits_persistence(server, worker, entry, client)? {
        return Ok(Admission::Later(Why::Memory));
    }
    if server.pause.holds(entry, client.transaction.as_deref(), worker.clock.now_ms()) {
        return Ok(Admission::Later(Why::Pause));
    }
    Ok(Admission::Now(entry))
}

/// Whether a command may be executed while keys are being loaded, or cannot be saved; or has to wait
/// until the disk has caught up.
///
/// # Errors
///
/// If it may not.
#[cold]
pub(crate) fn fits_persistence(
    server: &Server,
    worker: &WorkerContext,
    entry: &CommandEntry,
    client: &Client,
) -> Result<bool, Error> {
    if client.is_replay {
        return Ok(true);
    }
    let runs = |has: fn(&CommandEntry) -> bool| {
        entry.flags().contains(Flags::RUNS_QUEUE)
            && client
                .transaction
                .as_ref()
                .is_some_and(|transaction| transaction.queue.iter().any(|(entry, _)| has(entry)))
    };
    let writes = |entry: &CommandEntry| entry.flags().contains(Flags::WRITE);
    let needs_disk = || writes(entry) || entry.command.name == "ping" || runs(writes);
    let config = &worker.config;
    if server.persistence.has_failed()
        && config.stop_writes_on_bgsave_error
        && !config.save.is_empty()
        && needs_disk()
    {
        return Err(Error::CANNOT_SAVE);
    }
    if server.persistence.has_log_failed()
        && let Some(failure) = server.persistence.log.load().as_ref().and_then(|log| log.failure())
        && needs_disk()
    {
        let text = failure.to_string();
        // The standard library adds the number.
        let text = text.split(" (os error").next().unwrap_or_default();
        return Err(Error::new(format!("MISCONF Errors writing to the AOF file: {text}")));
    }
    let needs_keys = |entry: &CommandEntry| !entry.flags().contains(Flags::LOADING);
    if server.persistence.is_loading() && (needs_keys(entry) || runs(needs_keys)) {
        return Err(Error::LOADING);
    }
    Ok(!(server.persistence.is_log_flooded() && (writes(entry) || runs(writes))))
}

/// Whether a command suits a client that listens: a monitor or a subscriber.
#[cold]
fn fits_listener(entry: &CommandEntry, client: &Client) -> Result<(), Error> {
    let listens_to = client.info.flags();
    // A monitoring client counts as a replica, which reads its stream and nothing else.
    let keyed = Flags::READONLY | Flags::WRITE | Flags::MAY_REPLICATE;
    if listens_to.contains(ClientFlags::MONITOR) && entry.flags().intersects(keyed) {
        return Err(Error::new("ERR Replica can't interact with the keyspace"));
    }
    // RESP2 has no means to tell messages from replies.
    if listens_to.contains(ClientFlags::PUBSUB)
        && client.protocol == Protocol::Resp2
        && !entry.flags().contains(Flags::FOR_SUBSCRIBERS)
    {
        return Err(Error::new(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET \
             are allowed in this context",
            entry.full_name
        )));
    }
    Ok(())
}

/// Whether a command is refused when memory is out: it may store something, for a start in the
/// client's transaction; or it runs a transaction with such a command.
#[cold]
fn needs_memory(entry: &CommandEntry, client: &Client) -> bool {
    let denied = |entry: &CommandEntry| entry.flags().contains(Flags::DENYOOM);
    let queues = !entry.flags().contains(Flags::NOT_QUEUED);
    let runs = entry.flags().contains(Flags::RUNS_QUEUE);
    denied(entry)
        || client.transaction.as_ref().is_some_and(|transaction| {
            queues || (runs && transaction.queue.iter().any(|(entry, _)| denied(entry)))
        })
}

/// Whether a client may call a command that the configuration may keep from it.
///
/// # Errors
///
/// If it may not.
pub(crate) fn permitted(
    entry: &CommandEntry,
    permission: Permission,
    client: &Client,
) -> Result<(), Error> {
    let allowed = match permission {
        Permission::Yes => true,
        Permission::No => false,
        Permission::Local => client.info.transport.is_local(),
    };
    if allowed {
        return Ok(());
    }
    let name = entry.parent.map_or(entry.command.name, |parent| parent.command.name);
    let upper = name.to_ascii_uppercase();
    Err(Error::new(format!(
        "ERR {upper} command not allowed. If the enable-{name}-command option is set to \"local\", \
         you can run it from a local connection, otherwise you need to set this option in the \
         configuration file, and then restart the server."
    )))
}

fn unknown_command(why: &LookupError, args: Args<'_>) -> Error {
    let cut = |word: &'_ [u8], most: usize| -> Vec<u8> {
        word.iter().copied().take(most).take_while(|&byte| byte != 0).collect()
    };
    match why {
        LookupError::UnknownSubcommand(parent) => Error::quoting(
            &format!(
                "ERR unknown subcommand '{{}}'. Try {} HELP.",
                parent.command.name.to_ascii_uppercase()
            ),
            &[&cut(args.get(1), ECHOED_BYTES)],
        ),
        LookupError::UnknownCommand => {
            let mut echoed = Vec::new();
            for arg in args.iter_from(1) {
                if echoed.len() >= ECHOED_BYTES {
                    break;
                }
                let room = ECHOED_BYTES - echoed.len();
                echoed.extend([b"'", &cut(arg, room)[..], b"' "].concat());
            }
            Error::quoting(
                "ERR unknown command '{}', with args beginning with: {}",
                &[&cut(args.get(0), ECHOED_BYTES), &echoed],
            )
        }
    }
}
