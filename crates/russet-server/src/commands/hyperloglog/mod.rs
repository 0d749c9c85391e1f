//! HyperLogLog: strings that count different elements.

mod count;
mod debug;
mod sketches;

use crate::command::Command;

/// The commands of this family.
pub const COMMANDS: &[Command] =
    &[count::PFADD, count::PFCOUNT, debug::PFDEBUG, count::PFMERGE, debug::PFSELFTEST];
