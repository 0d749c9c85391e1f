//! Connections.

mod basic;

use crate::command::Command;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[basic::PING];
