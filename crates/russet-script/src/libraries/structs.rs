//! `struct`: values in the layouts of C.
//!
//! A format is read letter by letter: `>` and `<` choose the order of bytes, `!n` the largest
//! alignment, the rest are elements. Before an element comes as much padding as its size, at most the
//! alignment, asks for.

use super::{integer_or, reserve};
use crate::lua::{Raised, Stack};
use crate::reply::as_integer;
use crate::sandbox::{expect_text, number};

/// The largest integer, in bytes.
const INTEGER_MAX: u64 = 32;
/// What `!` without a number stands for.
const ALIGNMENT_MAX: u64 = 8;

/// Pushes the library.
pub fn install(stack: &mut Stack<'_>) {
    stack.push_table(0, 3);
    super::add(stack, "pack", pack);
    super::add(stack, "unpack", unpack);
    super::add(stack, "size", size);
}

/// A format, as far as it has been read.
struct Format {
    letters: Vec<u8>,
    next: usize,
    is_big: bool,
    alignment: u64,
}

impl Format {
    /// The first argument as a format, which ends at its first zero byte.
    fn of_argument(stack: &mut Stack<'_>) -> Result<Self, Raised> {
        expect_text(stack, 1)?;
        let text = stack.bytes(1).expect("it is a string now");
        let letters = text.split(|&byte| byte == 0).next().unwrap_or_default().to_vec();
        Ok(Format { letters, next: 0, is_big: false, alignment: 1 })
    }

    fn letter(&mut self) -> Option<u8> {
        let letter = self.letters.get(self.next).copied()?;
        self.next += 1;
        Some(letter)
    }

    /// The number that comes next, or a default.
    fn number(&mut self, stack: &mut Stack<'_>, default: u64) -> Result<u64, Raised> {
        let mut number: Option<i32> = None;
        while let Some(digit) = self.letters.get(self.next).filter(|it| it.is_ascii_digit()) {
            let digit = i32::from(digit - b'0');
            let sum = number.unwrap_or(0).checked_mul(10).and_then(|it| it.checked_add(digit));
            match sum {
                Some(sum) => number = Some(sum),
                None => return Err(stack.error(b"integral size overflow")),
            }
            self.next += 1;
        }
        Ok(number.map_or(default, |number| number as u64))
    }

    /// The size of the element that a letter stands for; 0 for what is none.
    fn size(&mut self, stack: &mut Stack<'_>, letter: u8) -> Result<u64, Raised> {
        Ok(match letter {
            b'B' | b'b' | b'x' => 1,
            b'H' | b'h' => 2,
            b'f' => 4,
            b'L' | b'l' | b'T' | b'd' => 8,
            b'c' => self.number(stack, 1)?,
            b'i' | b'I' => {
                let size = self.number(stack, 4)?;
                if size > INTEGER_MAX {
                    let text =
                        format!("integral size {size} is larger than limit of {INTEGER_MAX}");
                    return Err(stack.error(text.as_bytes()));
                }
                size
            }
            _ => 0,
        })
    }

    /// The padding before an element of a size at a position.
    fn padding(&self, at: u64, letter: u8, size: u64) -> u64 {
        if size == 0 || letter == b'c' {
            return 0;
        }
        let size = size.min(self.alignment);
        size.wrapping_sub(at & (size - 1)) & (size - 1)
    }

    /// Does what a letter says that stands for no element.
    fn control(&mut self, stack: &mut Stack<'_>, letter: u8) -> Result<(), Raised> {
        match letter {
            b' ' => {}
            b'>' => self.is_big = true,
            b'<' => self.is_big = false,
            b'!' => {
                let alignment = self.number(stack, ALIGNMENT_MAX)?;
                if !alignment.is_power_of_two() {
                    let text = format!("alignment {alignment} is not a power of 2");
                    return Err(stack.error(text.as_bytes()));
                }
                self.alignment = alignment;
            }
            letter => {
                let letter = char::from(letter);
                let text = format!("invalid format option '{letter}'");
                return Err(stack.argument_error(1, &text));
            }
        }
        Ok(())
    }
}

/// A number as 64 bits, as C converts it.
fn to_bits(number: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if number < HALF {
        as_integer(number) as u64
    } else {
        (as_integer(number - HALF) as u64) ^ (1 << 63)
    }
}

/// `struct.pack(format, ...)`
fn pack(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    let mut format = Format::of_argument(stack)?;
    // As in Redis, the first argument that is missing is nil.
    stack.push_nil();
    let mut packed: Vec<u8> = Vec::new();
    let mut argument = 2;
    while let Some(letter) = format.letter() {
        let size = format.size(stack, letter)?;
        let padding = format.padding(packed.len() as u64, letter, size);
        packed.resize(packed.len() + padding as usize, 0);
        match letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let bits = to_bits(number(stack, argument)?);
                let mut bytes = [0; INTEGER_MAX as usize];
                bytes[..8].copy_from_slice(&bits.to_le_bytes());
                let bytes = &mut bytes[..size as usize];
                if format.is_big {
                    bytes.reverse();
                }
                packed.extend_from_slice(bytes);
                argument += 1;
            }
            b'x' => packed.push(0),
            b'f' => {
                let value = number(stack, argument)? as f32;
                let is_big = format.is_big;
                packed.extend(if is_big { value.to_be_bytes() } else { value.to_le_bytes() });
                argument += 1;
            }
            b'd' => {
                let value = number(stack, argument)?;
                let is_big = format.is_big;
                packed.extend(if is_big { value.to_be_bytes() } else { value.to_le_bytes() });
                argument += 1;
            }
            b'c' | b's' => {
                expect_text(stack, argument)?;
                argument += 1;
                let text = stack.bytes(argument - 1).expect("it is a string now");
                let size = if size == 0 { text.len() } else { size as usize };
                let Some(text) = text.get(..size) else {
                    return Err(stack.argument_error(argument, "string too short"));
                };
                packed.extend_from_slice(text);
                if letter == b's' {
                    packed.push(0);
                }
            }
            letter => format.control(stack, letter)?,
        }
    }
    stack.push_bytes(&packed);
    Ok(1)
}

/// An integer of some bytes.
fn integer(bytes: &[u8], is_big: bool, is_signed: bool) -> f64 {
    let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    let bits = if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) };
    if !is_signed {
        return bits as f64;
    }
    let mask = u64::MAX.wrapping_shl((bytes.len() as u32 * 8).wrapping_sub(1));
    (if bits & mask != 0 { bits | mask } else { bits }) as i64 as f64
}

/// `struct.unpack(format, data [, position])`: the values, and the position behind them.
fn unpack(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    let mut format = Format::of_argument(stack)?;
    expect_text(stack, 2)?;
    let data = stack.bytes(2).expect("it is a string now").to_vec();
    let position = integer_or(stack, 3, 1)? as u64;
    if position == 0 {
        return Err(stack.argument_error(3, "offset must be 1 or greater"));
    }
    let len = data.len() as u64;
    let mut at = position - 1;
    let mut results = 0;
    while let Some(letter) = format.letter() {
        let mut size = format.size(stack, letter)?;
        at = at.wrapping_add(format.padding(at, letter, size));
        let fits = |at: u64, size: u64| size <= len && at <= len - size;
        if !fits(at, size) {
            return Err(stack.argument_error(2, "data string too short"));
        }
        reserve(stack, 2, "too many results")?;
        let bytes = &data[at as usize..];
        match letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let bytes = &bytes[..size as usize];
                let value = integer(bytes, format.is_big, letter.is_ascii_lowercase());
                stack.push_number(value);
                results += 1;
            }
            b'x' => {}
            b'f' => {
                let bytes = *bytes.first_chunk().expect("it fits");
                let is_big = format.is_big;
                let value =
                    if is_big { f32::from_be_bytes(bytes) } else { f32::from_le_bytes(bytes) };
                stack.push_number(value.into());
                results += 1;
            }
            b'd' => {
                let bytes = *bytes.first_chunk().expect("it fits");
                let is_big = format.is_big;
                let value =
                    if is_big { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) };
                stack.push_number(value);
                results += 1;
            }
            b'c' => {
                if size == 0 {
                    let Some(length) = stack.number(-1).filter(|_| results > 0) else {
                        return Err(stack.error(b"format 'c0' needs a previous size"));
                    };
                    size = to_bits(length);
                    stack.pop(1);
                    results -= 1;
                    if !fits(at, size) {
                        return Err(stack.argument_error(2, "data string too short"));
                    }
                }
                stack.push_bytes(&bytes[..size as usize]);
                results += 1;
            }
            b's' => {
                let Some(end) = bytes.iter().position(|&byte| byte == 0) else {
                    return Err(stack.error(b"unfinished string in data"));
                };
                stack.push_bytes(&bytes[..end]);
                size = end as u64 + 1;
                results += 1;
            }
            letter => format.control(stack, letter)?,
        }
        at += size;
    }
    stack.push_number(at as f64 + 1.0);
    Ok(results + 1)
}

/// `struct.size(format)`
fn size(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    let mut format = Format::of_argument(stack)?;
    let mut at = 0u64;
    while let Some(letter) = format.letter() {
        let size = format.size(stack, letter)?;
        at += format.padding(at, letter, size);
        if letter == b's' {
            return Err(stack.argument_error(1, "option 's' has no fixed size"));
        }
        if letter == b'c' && size == 0 {
            return Err(stack.argument_error(1, "option 'c0' has no fixed size"));
        }
        if !letter.is_ascii_alphanumeric() {
            format.control(stack, letter)?;
        }
        at += size;
    }
    stack.push_number(at as f64);
    Ok(1)
}
