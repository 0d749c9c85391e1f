//! MessagePack as Lua values.
//!
//! Nesting is kept in a list, so that hostile data cannot overflow the thread's stack; Lua's own stack
//! limits it.

use crate::libraries::reserve;
use crate::lua::{Kind, Raised, Stack};

/// What is wrong with data.
pub enum Wrong {
    TooShort,
    BadFormat,
    /// The error is on the stack.
    Raised(Raised),
}

/// A table whose elements are being read; it is on the stack.
enum Open {
    Array { next: i32, left: usize },
    Map { left: usize, is_value_next: bool },
}

impl Open {
    fn is_complete(&self) -> bool {
        matches!(self, Open::Array { left: 0, .. } | Open::Map { left: 0, .. })
    }
}

/// See the module's documentation.
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Decoder { rest: data }
    }

    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes not read yet.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], Wrong> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Wrong::TooShort)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A big-endian number of up to eight bytes.
    fn uint(&mut self, len: usize) -> Result<u64, Wrong> {
        let bytes = self.bytes(len)?;
        Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// The same in two's complement.
    fn int(&mut self, len: usize) -> Result<i64, Wrong> {
        let unused = 64 - 8 * len as u32;
        Ok((self.uint(len)? << unused) as i64 >> unused)
    }

    /// Pushes the next value, with all that is in it.
    pub fn push_next(&mut self, stack: &mut Stack<'_>) -> Result<(), Wrong> {
        let mut opened: Vec<Open> = Vec::new();
        loop {
            if let Some(open) = self.push_head(stack)?
                && !open.is_complete()
            {
                opened.push(open);
                continue;
            }
            // The value on top is whole, and with it perhaps the tables that it is in.
            loop {
                let Some(open) = opened.last_mut() else { return Ok(()) };
                add(stack, open)?;
                if !open.is_complete() {
                    break;
                }
                opened.pop();
            }
        }
    }

    /// Pushes a value, or an empty table whose elements come next.
    fn push_head(&mut self, stack: &mut Stack<'_>) -> Result<Option<Open>, Wrong> {
        const TOO_MANY: &str =
            "too many return values at once; use unpack_one or unpack_limit instead.";
        reserve(stack, 4, TOO_MANY).map_err(Wrong::Raised)?;
        let kind = self.bytes(1)?[0];
        match kind {
            0x00..=0x7f => stack.push_number(kind.into()),
            0xe0..=0xff => stack.push_number((kind as i8).into()),
            0x80..=0x8f => return Ok(Some(open_map(stack, usize::from(kind & 0xf)))),
            0x90..=0x9f => return Ok(Some(open_array(stack, usize::from(kind & 0xf)))),
            0xa0..=0xbf => stack.push_bytes(self.bytes(usize::from(kind & 0x1f))?),
            0xc0 => stack.push_nil(),
            0xc2 => stack.push_boolean(false),
            0xc3 => stack.push_boolean(true),
            0xca => stack.push_number(f32::from_bits(self.uint(4)? as u32).into()),
            0xcb => stack.push_number(f64::from_bits(self.uint(8)?)),
            // Through signed integers, as in Redis: large ones become negative.
            0xcc..=0xcf => stack.push_number(self.uint(1 << (kind - 0xcc))? as i64 as f64),
            0xd0..=0xd3 => stack.push_number(self.int(1 << (kind - 0xd0))? as f64),
            0xd9..=0xdb => {
                let len = self.uint(1 << (kind - 0xd9))? as usize;
                stack.push_bytes(self.bytes(len)?);
            }
            0xdc..=0xdd => {
                let len = self.uint(2 << (kind - 0xdc))? as usize;
                return Ok(Some(open_array(stack, len)));
            }
            0xde..=0xdf => {
                let len = self.uint(2 << (kind - 0xde))? as usize;
                return Ok(Some(open_map(stack, len)));
            }
            0xc1 | 0xc4..=0xc9 | 0xd4..=0xd8 => return Err(Wrong::BadFormat),
        }
        Ok(None)
    }
}

fn open_array(stack: &mut Stack<'_>, len: usize) -> Open {
    stack.push_table(0, 0);
    Open::Array { next: 1, left: len }
}

fn open_map(stack: &mut Stack<'_>, len: usize) -> Open {
    stack.push_table(0, 0);
    Open::Map { left: len, is_value_next: false }
}

/// Puts the value on top, which it takes, into the table below it; the key of a pair stays.
fn add(stack: &mut Stack<'_>, open: &mut Open) -> Result<(), Wrong> {
    match open {
        Open::Array { next, left } => {
            stack.raw_set_element(-2, *next);
            *next += 1;
            *left -= 1;
        }
        Open::Map { left, is_value_next } if *is_value_next => {
            let is_nan =
                stack.kind(-2) == Kind::Number && stack.number(-2).is_some_and(f64::is_nan);
            if stack.kind(-2) == Kind::Nil || is_nan {
                stack.push_bytes(if is_nan {
                    b"table index is NaN"
                } else {
                    b"table index is nil"
                });
                return Err(Wrong::Raised(stack.raise()));
            }
            stack.raw_set(-3);
            *is_value_next = false;
            *left -= 1;
        }
        Open::Map { is_value_next, .. } => *is_value_next = true,
    }
    Ok(())
}
