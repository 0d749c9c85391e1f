//! Connections: who a client is, what it is told, and when it is closed.

mod auth;
mod basic;
mod client;
mod monitor;

use crate::command::{Command, Flags};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    auth::AUTH,
    client::CLIENT,
    basic::ECHO,
    auth::HELLO,
    monitor::MONITOR,
    basic::PING,
    basic::QUIT,
    basic::RESET,
];

/// What commands have in common that are allowed before AUTH.
const NEEDS_NO_AUTH: Flags = Flags::NOSCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::FAST)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);
