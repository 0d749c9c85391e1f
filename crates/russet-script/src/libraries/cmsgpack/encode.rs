//! Lua values as MessagePack, each in its shortest form.

use crate::libraries::reserve;
use crate::lua::{Kind, Raised, Stack};

/// Tables inside one another; what is deeper is written as nil, so that a table may contain itself.
const DEPTH_MAX: usize = 16;

/// Writes the value on top, which it takes.
pub fn encode(stack: &mut Stack<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Raised> {
    match stack.kind(-1) {
        Kind::String => encode_bytes(out, stack.bytes(-1).expect("it is a string")),
        Kind::Boolean => out.push(if stack.is_true(-1) { 0xc3 } else { 0xc2 }),
        Kind::Number => encode_number(out, stack.number(-1).expect("it is a number")),
        Kind::Table if depth < DEPTH_MAX => match array_len(stack)? {
            true => encode_array(stack, out, depth)?,
            false => encode_map(stack, out, depth)?,
        },
        _ => out.push(0xc0),
    }
    stack.pop(1);
    Ok(())
}

fn encode_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = bytes.len();
    match len {
        0..32 => out.push(0xa0 | len as u8),
        32..0x100 => out.extend([0xd9, len as u8]),
        0x100..0x1_0000 => extend(out, 0xda, &(len as u16).to_be_bytes()),
        _ => extend(out, 0xdb, &(len as u32).to_be_bytes()),
    }
    out.extend_from_slice(bytes);
}

fn extend(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind);
    out.extend_from_slice(bytes);
}

fn encode_number(out: &mut Vec<u8>, number: f64) {
    let integer = crate::reply::as_integer(number);
    if integer as f64 == number {
        encode_integer(out, integer);
    } else if f64::from(number as f32) == number {
        extend(out, 0xca, &(number as f32).to_be_bytes());
    } else {
        extend(out, 0xcb, &number.to_be_bytes());
    }
}

fn encode_integer(out: &mut Vec<u8>, integer: i64) {
    match integer {
        -32..=127 => out.push(integer as u8),
        128..=0xff => out.extend([0xcc, integer as u8]),
        0x100..=0xffff => extend(out, 0xcd, &(integer as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => extend(out, 0xce, &(integer as u32).to_be_bytes()),
        0x1_0000_0000.. => extend(out, 0xcf, &integer.to_be_bytes()),
        -128..=-33 => out.extend([0xd0, integer as u8]),
        -0x8000..=-129 => extend(out, 0xd1, &(integer as i16).to_be_bytes()),
        -0x8000_0000..=-0x8001 => extend(out, 0xd2, &(integer as i32).to_be_bytes()),
        _ => extend(out, 0xd3, &integer.to_be_bytes()),
    }
}

/// Whether the keys of the table on top are the integers from 1 up to how many there are.
fn array_len(stack: &mut Stack<'_>) -> Result<bool, Raised> {
    reserve(stack, 2, "in function table_is_an_array")?;
    let table = stack.top();
    let (mut count, mut largest) = (0i64, 0i64);
    let all = stack.for_each(table, |stack| {
        let index = stack.number(-2).filter(|_| stack.kind(-2) == Kind::Number).unwrap_or(0.0);
        if index <= 0.0 || f64::from(index as i32) != index {
            return Err(());
        }
        count += 1;
        largest = largest.max(index as i64);
        Ok(())
    });
    stack.set_top(table);
    Ok(all.is_ok() && largest == count)
}

fn encode_length(out: &mut Vec<u8>, len: usize, few: u8, kinds: [u8; 2]) {
    match len {
        0..16 => out.push(few | len as u8),
        16..0x1_0000 => extend(out, kinds[0], &(len as u16).to_be_bytes()),
        _ => extend(out, kinds[1], &(len as u32).to_be_bytes()),
    }
}

fn encode_array(stack: &mut Stack<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Raised> {
    reserve(stack, 1, "in function mp_encode_lua_table_as_array")?;
    let len = stack.raw_len(-1);
    encode_length(out, len, 0x90, [0xdc, 0xdd]);
    for index in 1..=len {
        stack.raw_element(-1, index as i32);
        encode(stack, out, depth + 1)?;
    }
    Ok(())
}

fn encode_map(stack: &mut Stack<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Raised> {
    reserve(stack, 3, "in function mp_encode_lua_table_as_map")?;
    let table = stack.top();
    let mut len = 0;
    let counted: Result<(), Raised> = stack.for_each(table, |_| {
        len += 1;
        Ok(())
    });
    counted?;
    encode_length(out, len, 0x80, [0xde, 0xdf]);
    stack.for_each(table, |stack| {
        stack.push_copy(-2);
        encode(stack, out, depth + 1)?;
        stack.push_copy(-1);
        encode(stack, out, depth + 1)
    })
}
