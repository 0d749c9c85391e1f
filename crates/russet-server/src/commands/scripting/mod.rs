//! Scripts: EVAL and its kin, SCRIPT.

mod eval;
mod script;
#[cfg(test)]
mod tests;

use crate::command::Command;

/// The commands of this family.
pub const COMMANDS: &[Command] =
    &[eval::EVAL, eval::EVALSHA, eval::EVAL_RO, eval::EVALSHA_RO, script::SCRIPT];
