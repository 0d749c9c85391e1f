//! `bit`: operations on the bits of 32-bit integers.
//!
//! A number is taken modulo 2^32, rounded to the nearest integer, ties to even; results are signed.

use crate::lua::{Kind, Raised, Stack};

/// Pushes the library.
pub fn install(stack: &mut Stack<'_>) {
    stack.push_table(0, 12);
    super::add(stack, "tobit", |stack: &mut Stack<'_>| unary(stack, |bits| bits));
    super::add(stack, "bnot", |stack: &mut Stack<'_>| unary(stack, |bits| !bits));
    super::add(stack, "bswap", |stack: &mut Stack<'_>| unary(stack, u32::swap_bytes));
    super::add(stack, "band", |stack: &mut Stack<'_>| fold(stack, |one, other| one & other));
    super::add(stack, "bor", |stack: &mut Stack<'_>| fold(stack, |one, other| one | other));
    super::add(stack, "bxor", |stack: &mut Stack<'_>| fold(stack, |one, other| one ^ other));
    super::add(stack, "lshift", |stack: &mut Stack<'_>| shift(stack, |bits, by| bits << by));
    super::add(stack, "rshift", |stack: &mut Stack<'_>| shift(stack, |bits, by| bits >> by));
    super::add(stack, "arshift", |stack: &mut Stack<'_>| {
        shift(stack, |bits, by| (bits as i32 >> by) as u32)
    });
    super::add(stack, "rol", |stack: &mut Stack<'_>| shift(stack, u32::rotate_left));
    super::add(stack, "ror", |stack: &mut Stack<'_>| shift(stack, u32::rotate_right));
    super::add(stack, "tohex", tohex);
}

/// An argument as bits.
fn bits(stack: &mut Stack<'_>, argument: i32) -> Result<u32, Raised> {
    /// Added to a number, its sum has the integer in its lowest bits: 2^52 + 2^51.
    const SHIFTER: f64 = 6_755_399_441_055_744.0;
    match stack.number(argument) {
        Some(number) => Ok((number + SHIFTER).to_bits() as u32),
        None => Err(stack.type_error(argument, "number")),
    }
}

fn push(stack: &mut Stack<'_>, bits: u32) -> Result<usize, Raised> {
    stack.push_number(f64::from(bits as i32));
    Ok(1)
}

fn unary(stack: &mut Stack<'_>, operation: impl Fn(u32) -> u32) -> Result<usize, Raised> {
    let bits = bits(stack, 1)?;
    push(stack, operation(bits))
}

fn fold(stack: &mut Stack<'_>, operation: impl Fn(u32, u32) -> u32) -> Result<usize, Raised> {
    let mut result = bits(stack, 1)?;
    // From the last on: of several wrong arguments the last is complained about.
    for argument in (2..=stack.top()).rev() {
        result = operation(result, bits(stack, argument)?);
    }
    push(stack, result)
}

fn shift(stack: &mut Stack<'_>, operation: impl Fn(u32, u32) -> u32) -> Result<usize, Raised> {
    let (bits, by) = (bits(stack, 1)?, self::bits(stack, 2)? & 31);
    push(stack, operation(bits, by))
}

/// `bit.tohex(x [, n])`: the last `n` of eight digits, in capitals if `n` is negative.
fn tohex(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    let bits = bits(stack, 1)?;
    let digits = match stack.kind(2) {
        Kind::None => 8,
        _ => self::bits(stack, 2)? as i32,
    };
    let text = if digits < 0 { format!("{bits:08X}") } else { format!("{bits:08x}") };
    let shown = digits.unsigned_abs().min(8) as usize;
    stack.push_bytes(&text.as_bytes()[8 - shown..]);
    Ok(1)
}
