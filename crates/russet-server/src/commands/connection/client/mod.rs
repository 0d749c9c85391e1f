//! CLIENT and its subcommands.

mod identity;
mod kill;
mod list;
mod modes;
mod pause;

pub(super) use identity::client_name;

use crate::client::ClientKind;
use crate::command::{Categories, Command, Flags, Group};
use crate::commands::help;
use crate::error::Error;

pub const CLIENT: Command = Command {
    group: Group::Connection,
    since: "2.4.0",
    summary: "Groups the commands that concern connections.",
    complexity: "Depends on subcommand.",
    subcommands: &[
        identity::GETNAME,
        HELP,
        identity::ID,
        list::INFO,
        kill::KILL,
        list::LIST,
        modes::NO_EVICT,
        modes::NO_TOUCH,
        pause::PAUSE,
        modes::REPLY,
        identity::SETINFO,
        identity::SETNAME,
        kill::UNBLOCK,
        pause::UNPAUSE,
    ],
    ..Command::new("client", -2, Flags::empty(), help::without_subcommand)
};

const HELP: Command =
    Command { categories: Categories::CONNECTION, ..help::declare(Group::Connection, "5.0.0") };

/// What all subcommands have in common.
const COMMON: Flags = Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE);

/// What those have in common that concern other clients.
const ADMINISTRATION: Flags = COMMON.union(Flags::ADMIN);

/// The value of a TYPE filter.
fn client_kind(name: &[u8]) -> Result<ClientKind, Error> {
    ClientKind::named(name).ok_or_else(|| Error::quoting("ERR Unknown client type '{}'", &[name]))
}
