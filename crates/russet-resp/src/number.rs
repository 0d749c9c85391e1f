//! Numbers as the protocol writes them.

use std::fmt::Write;

/// Reads a decimal integer in its one canonical form: no plus sign, no leading zeros, no `-0`,
/// within 64 bits. Redis reads all lengths of the protocol like this.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    // Summed up below zero, where there is room for one number more.
    let mut value = 0i64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// The text of a double, in place.
pub(crate) struct DoubleText {
    bytes: [u8; DoubleText::LEN_MAX],
    len: usize,
}

impl DoubleText {
    /// Sign, 17 digits and a point, with `0.000` before them or `e-308` after them.
    const LEN_MAX: usize = 24;

    /// Formats as C does with `%.17g`: 17 significant digits, which always read back as the
    /// same number, with trailing zeros dropped, and an exponent if it is below -4 or above 16.
    pub(crate) fn new(value: f64) -> Self {
        let mut text = Self { bytes: [0; Self::LEN_MAX], len: 0 };
        if value.is_nan() {
            text.push(b"nan");
        } else if value.is_infinite() {
            text.push(if value > 0.0 { b"inf" } else { b"-inf" });
        } else if value.abs() < 1e15
            && value == value.trunc()
            && !(value == 0.0 && value.is_sign_negative())
        {
            // Whole numbers are the usual case (scores, counters) and need no search for digits.
            text.push(itoa::Buffer::new().format(value as i64).as_bytes());
        } else {
            text.push_digits(value);
        }
        text
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..][..part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    /// Formats a finite number.
    fn push_digits(&mut self, value: f64) {
        // `-d.dddddddddddddddde-308`: the digits and the exponent wanted, in another layout.
        let mut scientific = Self { bytes: [0; Self::LEN_MAX], len: 0 };
        write!(scientific, "{:.16e}", value.abs()).expect("17 digits and an exponent fit");
        let scientific = scientific.as_bytes();
        let mut digits = [0; 17];
        digits[0] = scientific[0];
        digits[1..].copy_from_slice(&scientific[2..18]);
        let exponent = parse_integer(&scientific[19..]).expect("written by the standard library");
        let significant = 17 - digits.iter().rev().take_while(|&&digit| digit == b'0').count();
        let significant = significant.max(1);

        if value.is_sign_negative() {
            self.push(b"-");
        }
        if !(-4..17).contains(&exponent) {
            self.push_point(&digits[..significant], 1);
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(self, "e{sign}{:02}", exponent.unsigned_abs()).expect("three digits fit");
        } else if exponent < 0 {
            self.push(&b"0.000"[..(1 - exponent) as usize]);
            self.push(&digits[..significant]);
        } else {
            let whole = exponent as usize + 1;
            self.push_point(&digits[..significant.max(whole)], whole);
        }
    }

    /// Writes digits with a point after the first `whole` of them, if any follow.
    fn push_point(&mut self, digits: &[u8], whole: usize) {
        let (whole, fraction) = digits.split_at(whole);
        self.push(whole);
        if !fraction.is_empty() {
            self.push(b".");
            self.push(fraction);
        }
    }
}

impl Write for DoubleText {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        if part.len() > self.bytes.len() - self.len {
            return Err(std::fmt::Error);
        }
        self.push(part.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_have_one_form() {
        for value in [0, 1, -1, 9, 10, 512, i64::MAX, i64::MIN] {
            assert_eq!(parse_integer(value.to_string().as_bytes()), Some(value));
        }
        for text in [
            "",
            "-",
            "+1",
            "01",
            "00",
            "-0",
            "-01",
            " 1",
            "1 ",
            "1.0",
            "0x1",
            "a",
            "1a",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999999",
        ] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
    }

    /// Values with what C's `printf("%.17g")` makes of them.
    const DOUBLES: &[(f64, &str)] = &[
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (0.1, "0.10000000000000001"),
        (-2.5, "-2.5"),
        (1.0 / 3.0, "0.33333333333333331"),
        (3.0e0, "3"),
        (1e15, "1000000000000000"),
        (123456789012345680.0, "1.2345678901234568e+17"),
        (1e16, "10000000000000000"),
        (1e17, "1e+17"),
        (99999999999999984.0, "99999999999999984"),
        (1.5e300, "1.5000000000000001e+300"),
        (1e-4, "0.0001"),
        (0.00012345, "0.00012344999999999999"),
        (1e-5, "1.0000000000000001e-05"),
        (5e-324, "4.9406564584124654e-324"),
        (-2.2250738585072014e-308, "-2.2250738585072014e-308"),
        (f64::MAX, "1.7976931348623157e+308"),
        // Exact ties at the 17th digit go to the even one.
        (1125899906842625.0 + 0.25, "1125899906842625.2"),
        (1125899906842625.0 + 0.75, "1125899906842625.8"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
    ];

    #[test]
    fn doubles_as_c_prints_them() {
        for (value, expected) in DOUBLES {
            assert_eq!(DoubleText::new(*value).as_bytes(), expected.as_bytes(), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn integers_read_back(value: i64) {
            prop_assert_eq!(parse_integer(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn doubles_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            let text = DoubleText::new(value);
            let back: f64 = std::str::from_utf8(text.as_bytes()).unwrap().parse().unwrap();
            prop_assert!(back == value || value.is_nan() && back.is_nan());
        }
    }
}
