//! The libraries that Redis gives to scripts besides Lua's own.

mod bit;
mod cjson;
mod cmsgpack;
mod structs;

use crate::lua::{Function, Raised, Stack};

pub use cjson::Settings;

/// Puts all libraries into the globals at a place.
pub fn install(stack: &mut Stack<'_>, globals: i32) {
    bit::install(stack);
    stack.raw_set_field(globals, "bit");
    structs::install(stack);
    stack.raw_set_field(globals, "struct");
    cmsgpack::install(stack);
    stack.raw_set_field(globals, "cmsgpack");
    cjson::install(stack);
    stack.raw_set_field(globals, "cjson");
}

/// Adds a function to the table on top.
fn add<F: Function>(stack: &mut Stack<'_>, name: &str, function: F) {
    stack.push_function(function);
    stack.raw_set_field(-2, name);
}

/// Makes sure that so many more values fit, or says in Lua's words what they would be.
fn reserve(stack: &mut Stack<'_>, values: i32, what: &str) -> Result<(), Raised> {
    if stack.reserve(values) {
        return Ok(());
    }
    Err(stack.error(format!("stack overflow ({what})").as_bytes()))
}

/// An argument as an integer of 64 bits, or a default where there is none.
fn integer_or(stack: &mut Stack<'_>, argument: i32, default: i64) -> Result<i64, Raised> {
    match stack.kind(argument) {
        crate::lua::Kind::None | crate::lua::Kind::Nil => Ok(default),
        _ => crate::sandbox::number(stack, argument).map(crate::reply::as_integer),
    }
}
