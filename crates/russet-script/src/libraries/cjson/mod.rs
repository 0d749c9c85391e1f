//! `cjson`: values as JSON.
//!
//! | JSON | Lua |
//! | --- | --- |
//! | null | `cjson.null`, so that tables can hold it |
//! | true, false, number, string | the same |
//! | array | table whose keys are integers from 1 on; with holes only if they are not too many |
//! | object | any other table; the empty one too |
//!
//! Settings hold for all scripts of an interpreter, as they do in Redis.

mod decode;
mod encode;
mod number;
mod settings;

use super::add;
use crate::lua::{Raised, Stack};

pub use settings::Settings;

/// Tables inside one another, whatever the settings say: the thread's stack holds no more.
const DEPTH_MAX: u32 = 2000;

/// Pushes the library.
pub fn install(stack: &mut Stack<'_>) {
    stack.push_table(0, 16);
    add(stack, "encode", encode::encode);
    add(stack, "decode", decode::decode);
    add(stack, "new", new);
    settings::install(stack);
    stack.push_null();
    stack.raw_set_field(-2, "null");
    stack.push_bytes(b"cjson");
    stack.raw_set_field(-2, "_NAME");
    stack.push_bytes(b"2.1.0");
    stack.raw_set_field(-2, "_VERSION");
}

/// `cjson.new()`: another table of these functions; they share their settings.
fn new(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    install(stack);
    Ok(1)
}
