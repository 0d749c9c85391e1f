//! The server itself: its configuration, statistics, clock and commands.

mod config;
mod debug;
pub mod info;
mod latency;
mod lolwut;
mod shutdown;
mod slowlog;
mod time;

use crate::command::Command;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    config::CONFIG,
    debug::DEBUG,
    info::INFO,
    latency::LATENCY,
    lolwut::LOLWUT,
    shutdown::SHUTDOWN,
    slowlog::SLOWLOG,
    time::LASTSAVE,
    time::ROLE,
    time::TIME,
];
