//! The texts that C's `strtod` family reads as numbers, taken apart.
//!
//! ```text
//! [+-] inf | infinity                          in any case
//! [+-] digits [. digits] [e [+-] digits]       at least one digit before the e
//! [+-] 0x hexdigits [. hexdigits] [p [+-] digits]
//! ```
//!
//! `strtod` also reads `nan`; no command accepts it, so neither does this grammar.

/// A number as text: what it consists of, not yet what it is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Literal<'text> {
    pub(super) negative: bool,
    pub(super) magnitude: Magnitude<'text>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Magnitude<'text> {
    Infinity,
    /// The exponent counts powers of ten.
    Decimal(Digits<'text>),
    /// The exponent counts powers of two.
    Hexadecimal(Digits<'text>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Digits<'text> {
    pub(super) integer: &'text [u8],
    pub(super) fraction: &'text [u8],
    /// Held within [`EXPONENT_LIMIT`] either way.
    pub(super) exponent: i64,
}

/// Exponents are cut off here. It is beyond what any number of digits in memory can offset, and
/// small enough that the sums made of it cannot overflow.
const EXPONENT_LIMIT: i64 = 1 << 60;

impl<'text> Literal<'text> {
    /// Takes `text` apart, `None` if it is not a number from its first byte to its last.
    pub(super) fn parse(text: &'text [u8]) -> Option<Literal<'text>> {
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let magnitude = if let [b'0', b'x' | b'X', rest @ ..] = unsigned {
            Magnitude::Hexadecimal(Digits::parse(rest, u8::is_ascii_hexdigit, b'p')?)
        } else if is_infinity(unsigned) {
            Magnitude::Infinity
        } else {
            Magnitude::Decimal(Digits::parse(unsigned, u8::is_ascii_digit, b'e')?)
        };
        Some(Literal { negative, magnitude })
    }
}

/// Whether `text` spells infinity, a sign aside.
fn is_infinity(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity")
}

impl<'text> Digits<'text> {
    fn parse(
        text: &'text [u8],
        is_digit: fn(&u8) -> bool,
        exponent_mark: u8,
    ) -> Option<Digits<'text>> {
        let (integer, rest) = split_digits(text, is_digit);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => split_digits(rest, is_digit),
            _ => (&rest[..0], rest),
        };
        if integer.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest {
            [] => 0,
            [mark, exponent @ ..] if mark.to_ascii_lowercase() == exponent_mark => {
                parse_exponent(exponent)?
            }
            _ => return None,
        };
        Some(Digits { integer, fraction, exponent })
    }

    /// All digits in order, without the point.
    pub(super) fn iter(&self) -> impl Iterator<Item = u8> + 'text {
        self.integer.iter().chain(self.fraction).copied()
    }
}

fn split_digits(text: &[u8], is_digit: fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| is_digit(byte)).count())
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits.iter().fold(0, |value: i64, &byte| {
        value.saturating_mul(10).saturating_add(i64::from(byte - b'0')).min(EXPONENT_LIMIT)
    });
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> (&[u8], &[u8], i64) {
        match Literal::parse(text.as_bytes()).expect("a number").magnitude {
            Magnitude::Decimal(digits) | Magnitude::Hexadecimal(digits) => {
                (digits.integer, digits.fraction, digits.exponent)
            }
            Magnitude::Infinity => panic!("{text} is infinite"),
        }
    }

    #[test]
    fn numbers_come_apart() {
        assert_eq!(digits("12.5e-3"), (&b"12"[..], &b"5"[..], -3));
        assert_eq!(digits("+.5"), (&b""[..], &b"5"[..], 0));
        assert_eq!(digits("-5."), (&b"5"[..], &b""[..], 0));
        assert_eq!(digits("0x1.fP+4"), (&b"1"[..], &b"f"[..], 4));
        assert_eq!(digits("1e99999999999999999999"), (&b"1"[..], &b""[..], EXPONENT_LIMIT));
        assert_eq!(digits("1e-99999999999999999999"), (&b"1"[..], &b""[..], -EXPONENT_LIMIT));
        assert!(Literal::parse(b"-1").expect("a number").negative);
        let infinity = Literal { negative: true, magnitude: Magnitude::Infinity };
        assert_eq!(Literal::parse(b"-iNfiNIty"), Some(infinity));
    }

    #[test]
    fn what_is_not_wholly_a_number_is_refused() {
        for text in [
            "", "+", "-", ".", "e5", "1e", "1e+", "1e5.0", "1 ", " 1", "1_000", "0x", "0x.", "0xg",
            "0x1p", "1p3", "infinit", "nan", "nan(1)", "--1", "1.2.3", "1\0",
        ] {
            assert_eq!(Literal::parse(text.as_bytes()), None, "{text:?}");
        }
    }
}
