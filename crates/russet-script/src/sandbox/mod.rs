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
mod errors;
mod protect;
pub(crate) mod random;
mod redis;

use crate::libraries;
use crate::lua::{Library, Raised, Reference, Stack};

pub use errors::{ErrorStyle, push_error};
pub use redis::sha1_hex;

/// What the sandbox is made for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `redis.REDIS_VERSION`, such as `7.2.4`.
    pub version: String,
    /// How errors are told.
    pub errors: ErrorStyle,
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
    stack.shared().style.set(identity.errors);
    for library in [Library::Base, Library::Table, Library::String, Library::Math] {
        stack.open(library);
    }
    stack.push_globals();
    let globals = stack.top();
    base::install(stack, globals);
    libraries::install(stack, globals);
    redis::install(stack, globals, identity);
    stack.push_function(errors::handle);
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
