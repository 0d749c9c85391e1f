//! `cmsgpack`: values as MessagePack.
//!
//! | MessagePack | Lua |
//! | --- | --- |
//! | nil, true, false | the same |
//! | integers, floats | number |
//! | strings | string |
//! | array | table whose keys are 1 up to its length, the empty one among them |
//! | map | any other table |

mod decode;
mod encode;

use super::{add, integer_or, reserve};
use crate::lua::{Raised, Stack};
use crate::sandbox::{expect_text, number};
use decode::{Decoder, Wrong};

/// Pushes the library.
pub fn install(stack: &mut Stack<'_>) {
    stack.push_table(0, 8);
    add(stack, "pack", pack);
    add(stack, "unpack", unpack);
    add(stack, "unpack_one", unpack_one);
    add(stack, "unpack_limit", unpack_limit);
    let names = [
        ("_NAME", "cmsgpack"),
        ("_VERSION", "lua-cmsgpack 0.4.0"),
        ("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"),
        ("_DESCRIPTION", "MessagePack C implementation for Lua"),
    ];
    for (name, text) in names {
        stack.push_bytes(text.as_bytes());
        stack.raw_set_field(-2, name);
    }
}

/// `cmsgpack.pack(...)`: all arguments, one after the other.
fn pack(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    let arguments = stack.top();
    if arguments == 0 {
        return Err(stack.argument_error(0, "MessagePack pack needs input."));
    }
    let mut packed = Vec::new();
    for argument in 1..=arguments {
        reserve(stack, 1, "in function mp_check")?;
        stack.push_copy(argument);
        encode::encode(stack, &mut packed, 0)?;
    }
    stack.push_bytes(&packed);
    Ok(1)
}

/// `cmsgpack.unpack(data)`: all values.
fn unpack(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    unpack_some(stack, 0, 0)
}

/// `cmsgpack.unpack_one(data [, offset])`: where the next value begins, and one value.
fn unpack_one(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    let offset = integer_or(stack, 2, 0)?;
    unpack_some(stack, 1, offset)
}

/// `cmsgpack.unpack_limit(data, limit [, offset])`: the same with more values.
fn unpack_limit(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    number(stack, 2)?;
    let limit = integer_or(stack, 2, 0)?;
    let offset = integer_or(stack, 3, 0)?;
    unpack_some(stack, limit, offset)
}

/// Values from an offset on; all of them if both limit and offset are 0.
fn unpack_some(stack: &mut Stack<'_>, limit: i64, offset: i64) -> Result<usize, Raised> {
    expect_text(stack, 1)?;
    let data = stack.bytes(1).expect("it is a string now").to_vec();
    if offset < 0 || limit < 0 {
        let (offset, len) = (offset as i32, data.len() as i32);
        let text = format!("Invalid request to unpack with offset of {offset} and limit of {len}.");
        return Err(stack.error(text.as_bytes()));
    }
    let Some(rest) = data.get(offset as usize..) else {
        let (offset, len) = (offset as i32, data.len() as i32);
        let text = format!("Start offset {offset} greater than input length {len}.");
        return Err(stack.error(text.as_bytes()));
    };
    let all = limit == 0 && offset == 0;
    let limit = if all { i64::from(i32::MAX) } else { limit };
    stack.set_top(1);
    let mut decoder = Decoder::new(rest);
    let mut values = 0;
    while !decoder.is_done() && values < limit {
        match decoder.push_next(stack) {
            Ok(()) => values += 1,
            Err(Wrong::TooShort) => return Err(stack.error(b"Missing bytes in input.")),
            Err(Wrong::BadFormat) => return Err(stack.error(b"Bad data format in input.")),
            Err(Wrong::Raised(raised)) => return Err(raised),
        }
    }
    if !all {
        reserve(stack, 1, "in function mp_unpack_full")?;
        let next = if decoder.is_done() { -1 } else { (data.len() - decoder.left()) as i64 };
        stack.push_number(next as f64);
        stack.insert(2);
        values += 1;
    }
    Ok(values as usize)
}
