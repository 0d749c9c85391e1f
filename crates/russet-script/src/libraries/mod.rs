//! The libraries that Redis gives to scripts besides Lua's own.

mod bit;

use crate::lua::{Function, Stack};

/// Puts all libraries into the globals at a place.
pub fn install(stack: &mut Stack<'_>, globals: i32) {
    bit::install(stack);
    stack.raw_set_field(globals, "bit");
}

/// Adds a function to the table on top.
fn add<F: Function>(stack: &mut Stack<'_>, name: &str, function: F) {
    stack.push_function(function);
    stack.raw_set_field(-2, name);
}
