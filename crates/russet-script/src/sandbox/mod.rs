//! What scripts find around them: the globals, and what they cannot do with them.
//!
//! # Protected tables
//!
//! Scripts share their globals, so they must not change them. Redis has patched Lua for that; here a
//! script never gets the tables themselves, but empty ones that stand for them: reading goes through
//! to the table behind by a metatable, writing meets an error. The few functions of Lua that look past
//! metatables (`next`, `rawget`, `rawset`, `table.insert` and so on) know such tables by a mark in the
//! metatable that no script can make.

mod base;
mod protect;
pub(crate) mod random;
mod redis;

use crate::libraries;
use crate::lua::{Kind, Library, Raised, Reference, Stack};

pub use redis::{push_error, sha1_hex};

/// What the sandbox is made for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `redis.REDIS_VERSION`, such as `7.2.4`.
    pub version: String,
}

impl Identity {
    /// The version as Redis writes it in one number: two hexadecimal digits for each part.
    fn version_number(&self) -> u32 {
        let parts = self.version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
        parts.fold(0, |number, part| number << 8 | part)
    }
}

/// What scripts need at hand that is no global to them.
pub(crate) struct Surroundings {
    /// The table behind the globals.
    pub globals: Reference,
    /// What turns errors into tables.
    pub handler: Reference,
}

/// Makes the globals of a new state.
pub(crate) fn build(stack: &mut Stack<'_>, identity: &Identity) -> Surroundings {
    for library in [Library::Base, Library::Table, Library::String, Library::Math] {
        stack.open(library);
    }
    stack.push_globals();
    let globals = stack.top();
    base::install(stack, globals);
    libraries::install(stack, globals);
    redis::install(stack, globals, identity);
    stack.push_function(error_handler);
    stack.push_copy(-1);
    stack.raw_set_field(globals, "__redis__err__handler");
    let handler = stack.keep();
    protect::protect_all(stack, globals);
    let globals = stack.keep();
    Surroundings { globals, handler }
}

/// An argument that must be a number, cut to 32 bits as C does.
pub(crate) fn integer(stack: &mut Stack<'_>, argument: i32) -> Result<i32, Raised> {
    // C converts to 64 bits first.
    number(stack, argument).map(|number| number as i64 as i32)
}

/// An argument that must be a number, or a string that is one.
pub(crate) fn number(stack: &mut Stack<'_>, argument: i32) -> Result<f64, Raised> {
    match stack.number(argument) {
        Some(number) => Ok(number),
        None => Err(stack.type_error(argument, "number")),
    }
}

/// Checks that an argument is a string, or a number, which becomes one.
pub(crate) fn expect_text(stack: &mut Stack<'_>, argument: i32) -> Result<(), Raised> {
    match stack.text(argument) {
        Some(_) => Ok(()),
        None => Err(stack.type_error(argument, "string")),
    }
}

/// Called with every error that a script does not catch: makes it a table, if it is none, and adds
/// where it was raised.
fn error_handler(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    stack.set_top(1);
    // Level 0 is this function, 1 has raised the error. If that is not Lua, its caller says more.
    let frame = match stack.frame(1) {
        Some(frame) if frame.is_native => stack.frame(2),
        frame => frame,
    };
    if stack.kind(1) != Kind::Table {
        let text = [b"ERR ", &base::shown(stack, 1)[..]].concat();
        stack.push_table(0, 3);
        stack.push_bytes(&text);
        stack.raw_set_field(-2, "err");
    } else if stack.is_protected(1) {
        return Ok(1);
    }
    if let Some(frame) = frame {
        stack.push_bytes(&frame.source);
        stack.raw_set_field(-2, "source");
        stack.push_number(frame.line.into());
        stack.raw_set_field(-2, "line");
    }
    Ok(1)
}
