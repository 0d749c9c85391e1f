//! The server itself: its configuration, statistics, clock and commands.

mod config;
mod debug;
pub mod info;
mod shutdown;
mod time;

use crate::command::Command;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    config::CONFIG,
    debug::DEBUG,
    info::INFO,
    shutdown::SHUTDOWN,
    time::TIME,
    time::LASTSAVE,
    time::ROLE,
];
