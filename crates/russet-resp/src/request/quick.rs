//! Short commands that have arrived whole, which nearly all are.
//!
//! Arguments of up to four digits' length, and 99 of them, are below the limits of any client that
//! has authenticated. So nothing is checked but that the command has this form, eight bytes at a
//! time:
//!
//! ```text
//!  * 3 \r \n      $ 3 \r \n S E T \r \n      $ 1 2 \r \n ...
//!                 └ one word ───┘            └ one word ───┘
//! ```
//!
//! Everything else (an argument at whose end there are fewer bytes than a word included) is left to
//! the general parser, which gives the same result.

use super::ArgSpan;

const DIGITS_MAX: u32 = 4;
/// Longest argument in bytes, and most arguments, that are read here.
pub(super) const ARGUMENT_LEN_MAX: i64 = 10_i64.pow(DIGITS_MAX) - 1;
pub(super) const ARGUMENTS_MAX: u32 = 99;

/// The command at the start of `command`, if it is short and complete: its spans are pushed and its
/// length is returned. Otherwise nothing is done.
#[inline]
pub(super) fn parse(command: &[u8], spans: &mut Vec<ArgSpan>) -> Option<usize> {
    let (count, mut position) = match *command.first_chunk::<5>()? {
        [b'*', units @ b'1'..=b'9', b'\r', _, _] => (units - b'0', 4),
        [b'*', tens @ b'1'..=b'9', units @ b'0'..=b'9', b'\r', _] => {
            ((tens - b'0') * 10 + units - b'0', 5)
        }
        _ => return None,
    };
    let first = spans.len();
    for _ in 0..count {
        let Some((span, next)) = argument(command, position) else {
            spans.truncate(first);
            return None;
        };
        spans.push(span);
        position = next;
    }
    Some(position)
}

/// The argument whose length is announced at `position`, if it is short and complete, and where
/// what follows it begins.
#[inline(always)]
pub(super) fn argument(command: &[u8], position: usize) -> Option<(ArgSpan, usize)> {
    let word = u64::from_le_bytes(*command.get(position..)?.first_chunk()?);
    let (len, digits) = length(word)?;
    let start = position + digits as usize + 3;
    let next = start + len as usize + 2;
    (next <= command.len()).then(|| (ArgSpan::bytes(start as u32, len as u32), next))
}

/// The length that a word begins with, and its number of digits, if it has the form `$`, up to four
/// digits, `\r`. Those of one or two digits are told by their fixed places.
#[inline(always)]
fn length(word: u64) -> Option<(u64, u32)> {
    const ONE_DIGIT: u64 = b'$' as u64 | (b'\r' as u64) << 16;
    const TWO_DIGITS: u64 = b'$' as u64 | (b'\r' as u64) << 24;
    let digit = |at: u32| (word >> (8 * at) & 0xff).wrapping_sub(u64::from(b'0'));
    let (first, second) = (digit(1), digit(2));
    if word & 0xff_00ff == ONE_DIGIT {
        return (first <= 9).then_some((first, 1));
    }
    // No number of several digits begins with a zero.
    if word & 0xff00_00ff == TWO_DIGITS {
        let are_digits = first.wrapping_sub(1) <= 8 && second <= 9;
        return are_digits.then(|| (first * 10 + second, 2));
    }
    long_length(word)
}

#[inline(never)]
fn long_length(word: u64) -> Option<(u64, u32)> {
    let byte = |at: u32| word >> (8 * at) & 0xff;
    if byte(0) != u64::from(b'$') || byte(1) == u64::from(b'0') {
        return None;
    }
    let (mut len, mut digits) = (0, 0);
    while byte(digits + 1) != u64::from(b'\r') {
        let digit = byte(digits + 1).wrapping_sub(u64::from(b'0'));
        if digit > 9 || digits == DIGITS_MAX {
            return None;
        }
        len = len * 10 + digit;
        digits += 1;
    }
    (digits > 0).then_some((len, digits))
}
