//! Lua's own libraries, less what scripts must not have, with some functions replaced.

use std::ffi::CString;

use super::{integer, random};
use crate::lua::{Kind, READONLY, Raised, Stack};

/// Globals that scripts do not get: they reach files, or other scripts' environments.
const REMOVED: [&str; 6] = ["dofile", "loadfile", "print", "newproxy", "setfenv", "getfenv"];
/// Functions of `table` that write to their first argument.
const TABLE_WRITERS: [&str; 2] = ["insert", "setn"];
/// Most values that `unpack` returns, which is what fits on Lua's stack.
const UNPACKED_MAX: i64 = 8000;

/// Changes the globals at a place, just after Lua's libraries have been opened.
pub fn install(stack: &mut Stack<'_>, globals: i32) {
    for name in REMOVED.into_iter().chain(["module", "require"]) {
        stack.push_nil();
        stack.raw_set_field(globals, name);
    }
    stack.push_step();
    stack.raw_set_field(globals, "next");
    stack.push_step();
    stack.push_function_with(pairs);
    stack.raw_set_field(globals, "pairs");
    stack.push_protected_call();
    stack.raw_set_field(globals, "pcall");
    stack.push_function(load);
    stack.raw_set_field(globals, "load");
    stack.push_function(loadstring);
    stack.raw_set_field(globals, "loadstring");
    stack.push_function(unpack);
    stack.raw_set_field(globals, "unpack");
    stack.push_function(rawget);
    stack.raw_set_field(globals, "rawget");
    stack.push_function(rawset);
    stack.raw_set_field(globals, "rawset");
    stack.push_function(setmetatable);
    stack.raw_set_field(globals, "setmetatable");
    // A coroutine begins with the script's hook, so that it can be stopped as well.
    stack.raw_field(globals, b"table");
    for name in TABLE_WRITERS {
        stack.raw_field(-1, name.as_bytes());
        stack.guard_function();
        stack.raw_set_field(-2, name);
    }
    stack.pop(1);
    stack.raw_field(globals, b"math");
    stack.push_function(random::random);
    stack.raw_set_field(-2, "random");
    stack.push_function(random::seed);
    stack.raw_set_field(-2, "randomseed");
    stack.pop(1);
}

fn expect_table(stack: &mut Stack<'_>, argument: i32) -> Result<(), Raised> {
    match stack.kind(argument) {
        Kind::Table => Ok(()),
        _ => Err(stack.type_error(argument, "table")),
    }
}

fn expect_any(stack: &mut Stack<'_>, argument: i32) -> Result<(), Raised> {
    match stack.kind(argument) {
        Kind::None => Err(stack.argument_error(argument, "value expected")),
        _ => Ok(()),
    }
}

/// `pairs(t)`; its upvalue is `next`.
fn pairs(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    expect_table(stack, 1)?;
    stack.push_upvalue();
    stack.push_copy(1);
    stack.push_nil();
    Ok(3)
}

/// `unpack(list [, i [, j]])`. Lua's own overflows when asked for very many.
fn unpack(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    expect_table(stack, 1)?;
    let is_given = |stack: &Stack<'_>, at| !matches!(stack.kind(at), Kind::None | Kind::Nil);
    let first = if is_given(stack, 2) { integer(stack, 2)? } else { 1 };
    let last = if is_given(stack, 3) { integer(stack, 3)? } else { stack.raw_len(1) as i32 };
    if first > last {
        return Ok(0);
    }
    let values = i64::from(last) - i64::from(first) + 1;
    if values >= UNPACKED_MAX || !stack.reserve(values as i32) {
        return Err(stack.error(b"too many results to unpack"));
    }
    (first..=last).for_each(|index| stack.raw_element(1, index));
    Ok(values as usize)
}

/// `rawget(t, key)`
fn rawget(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    expect_table(stack, 1)?;
    expect_any(stack, 2)?;
    stack.set_top(2);
    stack.resolve(1);
    stack.raw_get(1);
    Ok(1)
}

/// `rawset(t, key, value)`
fn rawset(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    expect_table(stack, 1)?;
    expect_any(stack, 2)?;
    expect_any(stack, 3)?;
    stack.set_top(3);
    refuse_protected(stack)?;
    let wrong = match stack.number(2).filter(|_| stack.kind(2) == Kind::Number) {
        Some(number) if number.is_nan() => Some("table index is NaN"),
        _ if stack.kind(2) == Kind::Nil => Some("table index is nil"),
        _ => None,
    };
    if let Some(wrong) = wrong {
        stack.push_bytes(wrong.as_bytes());
        return Err(stack.raise());
    }
    stack.raw_set(1);
    Ok(1)
}

/// `setmetatable(t, metatable)`
fn setmetatable(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    expect_table(stack, 1)?;
    if !matches!(stack.kind(2), Kind::Nil | Kind::Table) {
        return Err(stack.argument_error(2, "nil or table expected"));
    }
    stack.set_top(2);
    refuse_protected(stack)?;
    if stack.push_metatable(1) {
        stack.raw_field(-1, b"__metatable");
        if stack.kind(-1) != Kind::Nil {
            return Err(stack.error(b"cannot change a protected metatable"));
        }
        stack.pop(2);
    }
    match stack.kind(2) {
        Kind::Table => stack.set_metatable(1),
        _ => stack.clear_metatable(1),
    }
    stack.set_top(1);
    Ok(1)
}

/// Raises an error if the first argument is a protected table.
fn refuse_protected(stack: &mut Stack<'_>) -> Result<(), Raised> {
    if !stack.is_protected(1) {
        return Ok(());
    }
    stack.push_bytes(READONLY.as_bytes());
    Err(stack.raise())
}

/// `loadstring(string [, chunkname])`
fn loadstring(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    super::expect_text(stack, 1)?;
    let source = stack.bytes(1).expect("it is a string now").to_vec();
    let name = match stack.kind(2) {
        Kind::None | Kind::Nil => source.clone(),
        _ => {
            super::expect_text(stack, 2)?;
            stack.bytes(2).expect("it is a string now").to_vec()
        }
    };
    Ok(compile(stack, &source, name))
}

/// `load(func [, chunkname])`: the source is what the function returns piece by piece. All of it is
/// fetched before it is compiled, so that no script runs while Lua's parser does.
fn load(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if stack.kind(1) != Kind::Function {
        return Err(stack.type_error(1, "function"));
    }
    let name = match stack.kind(2) {
        Kind::None | Kind::Nil => b"=(load)".to_vec(),
        _ => {
            super::expect_text(stack, 2)?;
            stack.bytes(2).expect("it is a string now").to_vec()
        }
    };
    let mut source = Vec::new();
    loop {
        stack.set_top(1);
        stack.push_copy(1);
        if !stack.call_plain(0) {
            stack.push_nil();
            stack.insert(-2);
            return Ok(2);
        }
        stack.set_top(2);
        match stack.kind(2) {
            Kind::Nil => break,
            Kind::String | Kind::Number => {
                let piece = stack.text(2).expect("numbers become strings");
                if piece.is_empty() {
                    break;
                }
                source.extend_from_slice(piece);
            }
            _ => {
                stack.push_nil();
                stack.push_bytes(b"reader function must return a string");
                return Ok(2);
            }
        }
    }
    Ok(compile(stack, &source, name))
}

/// Pushes the compiled function, or nil and what is wrong.
fn compile(stack: &mut Stack<'_>, source: &[u8], mut name: Vec<u8>) -> usize {
    // In C a name ends at its first zero byte.
    name.truncate(name.iter().position(|&byte| byte == 0).unwrap_or(name.len()));
    let name = CString::new(name).expect("there is no zero byte in it");
    if stack.compile(source, &name) {
        return 1;
    }
    stack.push_nil();
    stack.insert(-2);
    2
}

/// A value as `tostring` shows it, metatables left alone.
pub fn shown(stack: &mut Stack<'_>, at: i32) -> Vec<u8> {
    match stack.kind(at) {
        Kind::String => stack.bytes(at).expect("it is a string").to_vec(),
        Kind::Number => {
            stack.push_copy(at);
            let text = stack.text(-1).expect("numbers become strings").to_vec();
            stack.pop(1);
            text
        }
        Kind::Boolean => if stack.is_true(at) { b"true" } else { &b"false"[..] }.to_vec(),
        Kind::Nil | Kind::None => b"nil".to_vec(),
        kind => format!("{}: {:p}", kind.name(), stack.address(at)).into_bytes(),
    }
}
