//! 64-bit floats: read as C's `strtod` reads them, written in the two notations of Redis.

use std::fmt;
use std::io::{Cursor, Write};

use super::binary::{DOUBLE, Rounded, Unrounded};
use super::integer::{IntBuf, parse_i64};
use super::literal::{Literal, Magnitude};

/// Reads a float as Redis reads scores and other floating point arguments.
///
/// Decimal and hexadecimal notation, `inf` and `infinity` with or without sign and in any case.
/// `None` for everything else, for `nan`, for surrounding spaces, and for a number whose
/// magnitude is too large for a float or so small that it would become zero.
///
/// ```
/// use russet_data::number::parse_f64;
///
/// assert_eq!(parse_f64(b"0x1p-1"), Some(0.5));
/// assert_eq!(parse_f64(b"-INF"), Some(f64::NEG_INFINITY));
/// assert_eq!(parse_f64(b"1e999"), None);
/// ```
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    // The standard library rounds correctly and knows all of the grammar but hexadecimals.
    match str::from_utf8(text).ok()?.parse::<f64>() {
        Ok(value) if value.is_nan() => None,
        // "inf" ends in a letter, a number that overflows ends in a digit or a point.
        Ok(value) if value.is_infinite() && !text.last()?.is_ascii_alphabetic() => None,
        Ok(value) if value == 0.0 && !spells_zero(text) => None,
        Ok(value) => Some(value),
        Err(_) => parse_hexadecimal(text),
    }
}

/// Whether a decimal number is zero as written, and not only after rounding.
fn spells_zero(text: &[u8]) -> bool {
    text.iter()
        .take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'))
        .all(|byte| !matches!(byte, b'1'..=b'9'))
}

fn parse_hexadecimal(text: &[u8]) -> Option<f64> {
    let Literal { negative, magnitude: Magnitude::Hexadecimal(digits) } = Literal::parse(text)?
    else {
        return None;
    };
    let exact = Unrounded::from_hexadecimal(&digits);
    let Rounded::Finite { mantissa, exponent } = exact.round(&DOUBLE) else { return None };
    if mantissa == 0 && !exact.is_zero() {
        return None;
    }
    let magnitude = if mantissa == 0 {
        0.0
    } else {
        // The leading bit of a normal value's mantissa adds one to the exponent field, which
        // is why a subnormal value needs no case of its own.
        f64::from_bits((((i64::from(exponent) - DOUBLE.min_exponent) as u64) << 52) + mantissa)
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Longest text of either notation: sign, 17 digits and 7 zeros of a plain integer.
const MAX_TEXT: usize = 25;

/// Significant digits that tell any two floats apart.
const MAX_DIGITS: usize = 17;

/// Room on the stack for one float as text.
///
/// ```
/// let mut buffer = russet_data::number::FloatBuf::new();
/// assert_eq!(buffer.format_shortest(1.1), b"1.1");
/// assert_eq!(buffer.format_17_digits(1.1), b"1.1000000000000001");
/// ```
#[derive(Clone, Copy)]
pub struct FloatBuf {
    bytes: [u8; MAX_TEXT],
    length: usize,
}

impl FloatBuf {
    /// An empty buffer.
    pub fn new() -> FloatBuf {
        FloatBuf { bytes: [0; MAX_TEXT], length: 0 }
    }

    /// `value` in C's notation `%.17g`: up to 17 significant digits, exponents below -4 and
    /// from 17 on written out. Redis up to 7.0 answers scores this way.
    pub fn format_17_digits(&mut self, value: f64) -> &[u8] {
        /// Integers below have at most 17 digits, all of which are written.
        const INTEGERS_END: f64 = 1e17;
        self.length = 0;
        if self.push_special(value) {
        } else if value.abs() < INTEGERS_END && value.trunc() == value {
            self.push(IntBuf::new().format_u64(value.abs() as u64));
        } else {
            let decimal = Decimal::rounded(value);
            if (-4..MAX_DIGITS as i32).contains(&decimal.exponent) {
                self.push_fixed(&decimal);
            } else {
                self.push_scientific(&decimal, 2);
            }
        }
        &self.bytes[..self.length]
    }

    /// `value` with the fewest digits that read back as the same float, in the notation of
    /// Redis 7.2: integers up to 2^62 in full, exponents otherwise when they save more than a
    /// few zeros.
    ///
    /// Redis 7.2 itself writes about one float in a thousand with a digit more than needed; its
    /// algorithm (Grisu2) is not exact. This one always finds the shortest text.
    pub fn format_shortest(&mut self, value: f64) -> &[u8] {
        const LARGEST_PLAIN_INTEGER: f64 = (1u64 << 62) as f64;
        self.length = 0;
        if self.push_special(value) {
        } else if value.abs() <= LARGEST_PLAIN_INTEGER && value.trunc() == value {
            self.push(IntBuf::new().format_u64(value.abs() as u64));
        } else {
            let decimal = Decimal::shortest(value);
            let last_exponent = decimal.exponent - (decimal.count as i32 - 1);
            let magnitude = decimal.exponent.abs();
            let plain = if last_exponent >= 0 {
                magnitude < decimal.count as i32 + 7
            } else {
                last_exponent > -7 || magnitude < 4
            };
            if plain {
                self.push_fixed(&decimal);
            } else {
                self.push_scientific(&decimal, 1);
            }
        }
        &self.bytes[..self.length]
    }

    /// Writes the sign, and the rest too if `value` has no digits or only a zero.
    fn push_special(&mut self, value: f64) -> bool {
        if value.is_nan() {
            self.push(b"nan");
            return true;
        }
        if value.is_sign_negative() {
            self.push(b"-");
        }
        if value.is_infinite() {
            self.push(b"inf");
        } else if value == 0.0 {
            self.push(b"0");
        }
        value.is_infinite() || value == 0.0
    }

    fn push_fixed(&mut self, decimal: &Decimal) {
        let digits = decimal.digits();
        match usize::try_from(decimal.exponent) {
            Ok(exponent) if exponent + 1 >= digits.len() => {
                self.push(digits);
                self.push_zeros(exponent + 1 - digits.len());
            }
            Ok(exponent) => {
                self.push(&digits[..exponent + 1]);
                self.push(b".");
                self.push(&digits[exponent + 1..]);
            }
            Err(_) => {
                self.push(b"0.");
                self.push_zeros(decimal.exponent.unsigned_abs() as usize - 1);
                self.push(digits);
            }
        }
    }

    fn push_scientific(&mut self, decimal: &Decimal, min_exponent_digits: usize) {
        let (first, others) = decimal.digits().split_at(1);
        self.push(first);
        if !others.is_empty() {
            self.push(b".");
            self.push(others);
        }
        self.push(if decimal.exponent < 0 { b"e-" } else { b"e+" });
        let mut buffer = IntBuf::new();
        let exponent = buffer.format_u64(u64::from(decimal.exponent.unsigned_abs()));
        self.push_zeros(min_exponent_digits.saturating_sub(exponent.len()));
        self.push(exponent);
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes[self.length..][..text.len()].copy_from_slice(text);
        self.length += text.len();
    }

    fn push_zeros(&mut self, count: usize) {
        self.bytes[self.length..][..count].fill(b'0');
        self.length += count;
    }
}

impl Default for FloatBuf {
    fn default() -> FloatBuf {
        FloatBuf::new()
    }
}

/// The magnitude of a finite float other than zero in decimal: its first digit counts
/// `10^exponent`, and the last one is not zero.
struct Decimal {
    digits: [u8; MAX_DIGITS],
    count: usize,
    exponent: i32,
}

impl Decimal {
    /// Rounded to 17 significant digits.
    fn rounded(value: f64) -> Decimal {
        Decimal::from_scientific(format_args!("{:.16e}", value.abs()))
    }

    /// The fewest digits that read back as `value`.
    fn shortest(value: f64) -> Decimal {
        Decimal::from_scientific(format_args!("{:e}", value.abs()))
    }

    /// Takes the standard library's `d.ddde-x` apart.
    fn from_scientific(notation: fmt::Arguments<'_>) -> Decimal {
        let mut text = [0; 32];
        let mut cursor = Cursor::new(&mut text[..]);
        cursor.write_fmt(notation).expect("17 digits and an exponent fit");
        let length = cursor.position() as usize;
        let (mantissa, exponent) = text[..length]
            .iter()
            .position(|&byte| byte == b'e')
            .map(|mark| (&text[..mark], &text[mark + 1..length]))
            .expect("the notation has an exponent");

        let mut digits = [0; MAX_DIGITS];
        let mut count = 0;
        for &digit in mantissa.iter().filter(|byte| byte.is_ascii_digit()) {
            digits[count] = digit;
            count += 1;
        }
        while count > 1 && digits[count - 1] == b'0' {
            count -= 1;
        }
        let exponent = parse_i64(exponent).expect("the exponent is an integer");
        Decimal { digits, count, exponent: exponent as i32 }
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_17_digits(value: f64) -> String {
        String::from_utf8(FloatBuf::new().format_17_digits(value).to_vec()).expect("ASCII")
    }

    fn shortest(value: f64) -> String {
        String::from_utf8(FloatBuf::new().format_shortest(value).to_vec()).expect("ASCII")
    }

    #[test]
    fn floats_are_read_as_strtod_reads_them() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("0e-99999", 0.0),
            ("3.0", 3.0),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("1E5", 1e5),
            ("1e+05", 1e5),
            ("inf", f64::INFINITY),
            ("+Infinity", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("-0X1.8p1", -3.0),
            ("0x0p99999999999", 0.0),
            ("0x.8", 0.5),
            ("0x1p-1074", 5e-324),
            ("0x1.8p-1075", 5e-324),
            ("4.9e-324", 5e-324),
            ("0x1.fffffffffffffp1023", f64::MAX),
            // A tie between two floats, and the same with a little more far behind.
            ("0x1.00000000000008p0", 1.0),
            ("0x1.000000000000080000000000000000000000000001p0", 1.0 + f64::EPSILON),
        ] {
            let read = parse_f64(text.as_bytes()).map(f64::to_bits);
            assert_eq!(read, Some(value.to_bits()), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " 1",
            "1 ",
            "nan",
            "-NaN",
            "1e",
            "1e999",
            "-1e999",
            "1e-999",
            "-1e-400",
            "0x1p1024",
            "0x1p-1075",
            "0x1.fffffffffffff8p1023",
            "0x",
            "1x",
            "--1",
            "1\0",
            "\u{ff}",
            "1,5",
        ] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_f64(b"\xff"), None);
    }

    #[test]
    fn seventeen_digits_follow_the_notation_of_c() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (0.1, "0.10000000000000001"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (1.5e-4, "0.00014999999999999999"),
            (1e-5, "1.0000000000000001e-05"),
            (-f64::MAX, "-1.7976931348623157e+308"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(in_17_digits(value), text);
        }
    }

    #[test]
    fn shortest_follows_the_notation_of_redis_7_2() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-1.1, "-1.1"),
            (1e17, "100000000000000000"),
            ((1u64 << 62) as f64, "4611686018427387904"),
            (5e18, "5e+18"),
            (12_345_678_901_234_567e7, "123456789012345670000000"),
            (1.5e-5, "0.000015"),
            (1e-7, "1e-7"),
            (0.001_234_567_89, "0.00123456789"),
            (123_456.789_012_3, "1.234567890123e+5"),
            (1e300, "1e+300"),
            (-2.5e-110, "-2.5e-110"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(shortest(value), text);
        }
    }

    proptest! {
        #[test]
        fn both_notations_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            let mut buffer = FloatBuf::new();
            prop_assert_eq!(parse_f64(buffer.format_17_digits(value)), Some(value));
            prop_assert_eq!(parse_f64(buffer.format_shortest(value)), Some(value));
        }

        #[test]
        fn hexadecimals_are_exact(mantissa in 0u64..1 << 53, exponent in -1074i32..900) {
            let value = mantissa as f64 * 2f64.powi(exponent.max(-500)) * 2f64.powi(exponent.min(-500) + 500);
            let text = format!("-0x{mantissa:x}p{exponent}");
            prop_assert_eq!(parse_f64(text.as_bytes()), Some(-value));
        }
    }
}
