//! The server itself: its configuration, statistics, clock and commands.

mod command;
pub mod command_docs;
mod command_info;
mod config;
mod debug;
pub mod info;
mod latency;
mod lolwut;
mod memory;
mod save;
mod shutdown;
mod slowlog;
mod time;
mod wait_log;

use crate::command::Command;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    save::BGREWRITEAOF,
    save::BGSAVE,
    command::COMMAND,
    config::CONFIG,
    debug::DEBUG,
    info::INFO,
    latency::LATENCY,
    lolwut::LOLWUT,
    memory::MEMORY,
    save::SAVE,
    shutdown::SHUTDOWN,
    slowlog::SLOWLOG,
    time::LASTSAVE,
    time::ROLE,
    time::TIME,
    wait_log::WAITAOF,
];
