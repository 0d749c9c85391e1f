//! Decimal integers: strict parsing and formatting without allocation.

/// Digits of `u64::MAX`.
const MAX_DIGITS_U64: usize = 20;
/// Digits of `i64::MAX`; that many digits can never overflow a `u64`.
const MAX_DIGITS_I64: usize = 19;

const _: () = assert!(u64::MAX.ilog10() as usize + 1 == MAX_DIGITS_U64);
const _: () = assert!(i64::MAX.ilog10() as usize + 1 == MAX_DIGITS_I64);
const _: () = assert!(10u128.pow(MAX_DIGITS_I64 as u32) - 1 <= u64::MAX as u128);

/// Reads a signed integer in its one canonical form: an optional `-`, then digits without a
/// leading zero, or the single digit `0`.
///
/// Spaces, `+`, `-0`, leading zeros and values outside `i64` give `None`. Whatever it accepts,
/// [`IntBuf::format_i64`] writes back identically; the integer representation of string values
/// depends on that.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, text),
    };
    match digits.first()? {
        b'1'..=b'9' if digits.len() <= MAX_DIGITS_I64 => {}
        b'0' if text.len() == 1 => return Some(0),
        _ => return None,
    }
    let magnitude = parse_digits(digits)?;
    // The negative range reaches one further than the positive one.
    if magnitude > i64::MAX as u64 + u64::from(negative) {
        return None;
    }
    let value = magnitude as i64;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// Reads an unsigned integer in canonical form: digits without sign or leading zero, at most
/// `u64::MAX`.
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    match text.first()? {
        b'1'..=b'9' => {}
        b'0' if text.len() == 1 => return Some(0),
        _ => return None,
    }
    if text.len() < MAX_DIGITS_U64 {
        return parse_digits(text);
    }
    if text.len() > MAX_DIGITS_U64 {
        return None;
    }
    let (leading, last) = text.split_at(MAX_DIGITS_U64 - 1);
    parse_digits(leading)?.checked_mul(10)?.checked_add(parse_digits(last)?)
}

/// Reads an unsigned integer with the licence of C's `strtoull`: an optional sign (a minus
/// wraps around) and any number of leading zeros. Leading spaces are not accepted.
///
/// SCAN cursors are read this way.
pub fn parse_u64_lenient(text: &[u8]) -> Option<u64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        _ => (false, text),
    };
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    let magnitude = match &digits[zeros..] {
        [] if zeros > 0 => 0,
        significant => parse_u64(significant)?,
    };
    Some(if negative { magnitude.wrapping_neg() } else { magnitude })
}

/// Value of up to 19 decimal digits, `None` if any byte is not a digit.
#[inline]
fn parse_digits(digits: &[u8]) -> Option<u64> {
    debug_assert!(digits.len() <= MAX_DIGITS_I64);
    let mut value = 0u64;
    let mut rest = digits;
    // Invalid bytes are collected, not branched on: they are the rare case.
    let mut all_digits = true;
    while let Some((eight, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        all_digits &= is_eight_digits(word);
        value = value.wrapping_mul(100_000_000).wrapping_add(eight_digits_value(word));
        rest = tail;
    }
    for &byte in rest {
        let digit = byte.wrapping_sub(b'0');
        all_digits &= digit < 10;
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    all_digits.then_some(value)
}

/// Whether all eight bytes of `word` are ASCII digits.
///
/// A digit has the high nibble 3, and still has it after 6 was added to it. A carry into the
/// next byte needs a byte above 0xf9, whose own high nibble gives it away.
#[inline]
fn is_eight_digits(word: u64) -> bool {
    const HIGH_NIBBLES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const THREES: u64 = 0x3030_3030_3030_3030;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    (word & HIGH_NIBBLES) == THREES && (word.wrapping_add(SIXES) & HIGH_NIBBLES) == THREES
}

/// Value of eight ASCII digits, the first in the lowest byte: neighbours are joined into pairs,
/// pairs into fours, fours into eight.
#[inline]
fn eight_digits_value(word: u64) -> u64 {
    let digits = word & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (digits.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

/// Length in bytes of `value` in decimal, its minus sign included.
#[inline]
pub fn i64_text_length(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

/// Room on the stack for one integer in decimal.
///
/// ```
/// let mut buffer = russet_data::number::IntBuf::new();
/// assert_eq!(buffer.format_i64(-42), b"-42");
/// ```
#[derive(Clone, Copy)]
pub struct IntBuf(itoa::Buffer);

impl IntBuf {
    /// An empty buffer; nothing is initialised.
    #[inline]
    pub fn new() -> IntBuf {
        IntBuf(itoa::Buffer::new())
    }

    /// The decimal form of `value`.
    #[inline]
    pub fn format_i64(&mut self, value: i64) -> &[u8] {
        self.0.format(value).as_bytes()
    }

    /// The decimal form of `value`.
    #[inline]
    pub fn format_u64(&mut self, value: u64) -> &[u8] {
        self.0.format(value).as_bytes()
    }
}

impl Default for IntBuf {
    fn default() -> IntBuf {
        IntBuf::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn canonical_integers_are_read() {
        for value in [
            0,
            1,
            -1,
            9,
            10,
            12_345_678,
            123_456_789,
            -999_999_999_999_999_999,
            i64::MAX,
            i64::MAX - 1,
            i64::MIN,
            i64::MIN + 1,
        ] {
            assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"9999999999999999999"), Some(9_999_999_999_999_999_999));
    }

    #[test]
    fn everything_but_the_canonical_form_is_refused() {
        for text in [
            "",
            "-",
            "+1",
            "-0",
            "00",
            "01",
            "-01",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x10",
            "--1",
            "1\0",
            "12345678a",
            "a12345678",
            "1234567:",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "184467440737095516150",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
        for text in ["", "-1", "+1", "00", "18446744073709551616", "99999999999999999999", "1 "] {
            assert_eq!(parse_u64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn lenient_reading_follows_strtoull() {
        assert_eq!(parse_u64_lenient(b"0"), Some(0));
        assert_eq!(parse_u64_lenient(b"+007"), Some(7));
        assert_eq!(parse_u64_lenient(b"-1"), Some(u64::MAX));
        assert_eq!(parse_u64_lenient(b"000000000000000000000000"), Some(0));
        assert_eq!(parse_u64_lenient(b"18446744073709551616"), None);
        for text in ["", "+", "-", " 1", "1x", "+-1"] {
            assert_eq!(parse_u64_lenient(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_eight_digit_test_agrees_with_a_look_at_every_byte() {
        for position in 0..8 {
            for byte in 0..=u8::MAX {
                let mut bytes = *b"90909090";
                bytes[position] = byte;
                let expected = byte.is_ascii_digit();
                assert_eq!(is_eight_digits(u64::from_le_bytes(bytes)), expected, "{bytes:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn formatting_and_reading_are_inverse(value: i64, shift in 0..64) {
            let value = value >> shift;
            let mut buffer = IntBuf::new();
            let text = buffer.format_i64(value);
            prop_assert_eq!(text, value.to_string().into_bytes());
            prop_assert_eq!(text.len(), i64_text_length(value));
            prop_assert_eq!(parse_i64(text), Some(value));
        }

        #[test]
        fn unsigned_formatting_and_reading_are_inverse(value: u64, shift in 0..64) {
            let value = value >> shift;
            let mut buffer = IntBuf::new();
            prop_assert_eq!(parse_u64(buffer.format_u64(value)), Some(value));
            prop_assert_eq!(parse_u64_lenient(buffer.format_u64(value)), Some(value));
        }

        /// The standard library reads more forms; what it reads back identically is canonical.
        #[test]
        fn reading_agrees_with_the_standard_library(text in "[-+]?[0-9]{0,21}|[-0-9a/: ]{0,12}") {
            let canonical = text.parse::<i64>().ok().filter(|value| value.to_string() == text);
            prop_assert_eq!(parse_i64(text.as_bytes()), canonical);
            let canonical = text.parse::<u64>().ok().filter(|value| value.to_string() == text);
            prop_assert_eq!(parse_u64(text.as_bytes()), canonical);
        }
    }
}
