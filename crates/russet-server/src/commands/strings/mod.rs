//! Strings.

mod basic;
mod counters;
mod multi;
mod set;

use crate::command::{Command, KeyFlags};

/// The commands of this family.
pub const COMMANDS: &[Command] = &[basic::GET, set::SET, counters::INCR, multi::MSET];

/// Reads the value.
const READS: KeyFlags = KeyFlags::RO.union(KeyFlags::ACCESS);
/// Replaces the value.
const OVERWRITES: KeyFlags = KeyFlags::OW.union(KeyFlags::UPDATE);
/// Changes the value depending on what it was, and returns it.
const UPDATES: KeyFlags = KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE);
