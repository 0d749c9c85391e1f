//! The server itself: its configuration, statistics, clock and commands.

mod config;
mod time;

use crate::command::Command;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[config::CONFIG, time::TIME, time::LASTSAVE, time::ROLE];
