//! The 80-bit floats of INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis computes these two commands in C's `long double`, which on x86-64 Linux is the x87
//! format: a 64-bit mantissa and 15 bits of exponent, up to about `1.19e4932`. Eleven bits more
//! than a `f64` are what makes `0.1 + 0.2` answer `0.3`. Other processors have no such
//! registers, and on some Redis answers differently there. Here the format is computed in
//! integers, so the answers are the same everywhere, and Redis' on x86-64:
//!
//! * reading rounds the exact decimal to the nearest of the format, ties to even;
//! * adding rounds the exact sum likewise;
//! * writing rounds the exact value to 17 digits behind the point, ties to even.

use std::ops::RangeInclusive;

use num_bigint::BigUint;

use super::binary::{DOUBLE, EXTENDED, Rounded, Unrounded, shift_right_to_even};
use super::literal::{Digits, Literal, Magnitude as LiteralMagnitude};

/// A number in the x87 80-bit format; never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extended {
    negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Magnitude {
    Finite(Parts),
    Infinite,
}

/// `mantissa * 2^exponent`, normalised unless zero or subnormal.
///
/// The order of the fields makes the derived order that of the values, zero aside.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Parts {
    exponent: i32,
    mantissa: u64,
}

/// Texts from this length on are not read: Redis copies the text into a buffer of 5 KiB, the
/// terminating zero included.
const MAX_TEXT: usize = 5 * 1024 - 1;

/// Digits behind the point in the text of a number.
const FRACTION_DIGITS: u32 = 17;

/// Addition moves mantissas up by this many bits, so that aligning the smaller one loses bits
/// only where they cannot matter more than a sticky bit. The sum still fits into 128 bits.
const GUARD_BITS: u32 = 62;

/// Powers of ten that the first digit of a number may count: the largest value is about
/// 1.2e4932, and what is below half of the smallest, about 1.8e-4951, becomes zero. Numbers
/// outside are out of range whatever their digits, so the integers made of those inside stay
/// small.
const DECIMAL_EXPONENTS: RangeInclusive<i64> = -4_951..=4_932;

impl Extended {
    /// Zero, the value of a key or field that does not exist.
    pub const ZERO: Extended = Extended {
        negative: false,
        magnitude: Magnitude::Finite(Parts { exponent: 0, mantissa: 0 }),
    };

    /// Reads a number as Redis' `string2ld` does: the texts of
    /// [`parse_f64`](super::parse_f64), but of fewer than 5,120 bytes, and with the range of
    /// this format.
    pub fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let Literal { negative, magnitude } = Literal::parse(text)?;
        let exact = match magnitude {
            LiteralMagnitude::Infinity => {
                return Some(Extended { negative, magnitude: Magnitude::Infinite });
            }
            LiteralMagnitude::Hexadecimal(digits) => Unrounded::from_hexadecimal(&digits),
            LiteralMagnitude::Decimal(digits) => from_decimal(&digits)?,
        };
        let rounded = Extended::round(negative, exact)?;
        // Zero is only zero if it was written as such, not by underflow.
        (!rounded.is_zero() || exact.is_zero()).then_some(rounded)
    }

    /// The sum, or `None` if it is infinite or not a number ("increment would produce NaN or
    /// Infinity").
    pub fn checked_add(self, other: Extended) -> Option<Extended> {
        let (a, b) = (self.finite_parts()?, other.finite_parts()?);
        // Exponents of normalised mantissas order magnitudes; that of zero says nothing.
        if b.mantissa == 0 {
            return Some(self);
        }
        if a.mantissa == 0 {
            return Some(other);
        }
        let (larger, smaller, negative) =
            if a >= b { (a, b, self.negative) } else { (b, a, other.negative) };
        let aligned = u128::from(larger.mantissa) << GUARD_BITS;
        let distance = larger.exponent.abs_diff(smaller.exponent);
        let addend = u128::from(smaller.mantissa) << GUARD_BITS;
        let shifted = addend.checked_shr(distance).unwrap_or(0);
        let sticky = addend.trailing_zeros() < distance;
        let mantissa = if self.negative == other.negative {
            aligned + shifted
        } else {
            // A lost fraction makes the difference smaller, and leaves a fraction above it.
            aligned - shifted - u128::from(sticky)
        };
        let exponent = i64::from(larger.exponent) - i64::from(GUARD_BITS);
        Extended::round(negative, Unrounded { mantissa, exponent, sticky })
    }

    /// Whether this is not an infinity; HINCRBYFLOAT takes no infinite increments.
    pub fn is_finite(self) -> bool {
        self.finite_parts().is_some()
    }

    /// The text that Redis stores and answers: without exponent, at most 17 digits behind the
    /// point, no trailing zeros; `inf` or `-inf` for an infinity.
    ///
    /// The longest text has 4,933 digits before the point.
    pub fn format_human(self) -> Vec<u8> {
        let Some(Parts { exponent, mantissa }) = self.finite_parts() else {
            return if self.negative { b"-inf".to_vec() } else { b"inf".to_vec() };
        };
        let mut text = if exponent > 0 {
            (BigUint::from(mantissa) << exponent.unsigned_abs()).to_string()
        } else {
            format_fraction(mantissa, exponent.unsigned_abs())
        };
        if self.negative && text != "0" {
            text.insert(0, '-');
        }
        text.into_bytes()
    }

    /// The number, exactly, or `None` for NaN.
    pub fn from_f64(value: f64) -> Option<Extended> {
        const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
        let negative = value.is_sign_negative();
        if value.is_infinite() {
            return Some(Extended { negative, magnitude: Magnitude::Infinite });
        }
        let bits = value.abs().to_bits();
        let fraction = bits & ((1 << FRACTION_BITS) - 1);
        // A normal value has a bit above its fraction; a subnormal one has none and the
        // exponent of the lowest normal ones.
        let (leading, steps) = match bits >> FRACTION_BITS {
            0 => (0, 0),
            field => (1 << FRACTION_BITS, field as i64 - 1),
        };
        let exact = Unrounded {
            mantissa: u128::from(leading | fraction),
            exponent: DOUBLE.min_exponent + steps,
            sticky: false,
        };
        if value.is_nan() { None } else { Extended::round(negative, exact) }
    }

    fn finite_parts(self) -> Option<Parts> {
        match self.magnitude {
            Magnitude::Finite(parts) => Some(parts),
            Magnitude::Infinite => None,
        }
    }

    fn is_zero(self) -> bool {
        self.finite_parts().is_some_and(|parts| parts.mantissa == 0)
    }

    fn round(negative: bool, exact: Unrounded) -> Option<Extended> {
        match exact.round(&EXTENDED) {
            Rounded::Finite { mantissa, exponent } => {
                let magnitude = Magnitude::Finite(Parts { exponent, mantissa });
                Some(Extended { negative, magnitude })
            }
            Rounded::Overflow => None,
        }
    }
}

impl From<i64> for Extended {
    /// Exact: the mantissa has 64 bits.
    fn from(value: i64) -> Extended {
        let exact =
            Unrounded { mantissa: u128::from(value.unsigned_abs()), exponent: 0, sticky: false };
        Extended::round(value < 0, exact).expect("every i64 is in range")
    }
}

/// The exact value of decimal digits, `None` if it is certainly out of range.
fn from_decimal(digits: &Digits<'_>) -> Option<Unrounded> {
    let all: Vec<u8> = digits.iter().collect();
    let Some(first) = all.iter().position(|&byte| byte != b'0') else {
        return Some(Unrounded { mantissa: 0, exponent: 0, sticky: false });
    };
    let first_exponent = digits.exponent + digits.integer.len() as i64 - first as i64 - 1;
    if !DECIMAL_EXPONENTS.contains(&first_exponent) {
        return None;
    }
    let last = all.iter().rposition(|&byte| byte != b'0').expect("the first digit is one");
    let significant = &all[first..=last];
    let integer = BigUint::parse_bytes(significant, 10).expect("the grammar admits digits only");
    let last_exponent = first_exponent - (significant.len() as i64 - 1);

    // 10^n is 5^n * 2^n, and the power of two goes into the exponent.
    let fives = BigUint::from(5u8).pow(last_exponent.unsigned_abs() as u32);
    Some(if last_exponent >= 0 {
        truncate(&(integer * fives), last_exponent, false)
    } else {
        // Enough bits for the quotient to have more than truncation keeps.
        let shift = (fives.bits() + 130).saturating_sub(integer.bits());
        let dividend = integer << shift;
        let quotient = &dividend / &fives;
        let inexact = &quotient * &fives != dividend;
        truncate(&quotient, last_exponent - shift as i64, inexact)
    })
}

/// `(integer + a fraction if sticky) * 2^exponent`, of which the first 128 bits are kept.
fn truncate(integer: &BigUint, exponent: i64, sticky: bool) -> Unrounded {
    let dropped = integer.bits().saturating_sub(u64::from(u128::BITS));
    let lost = integer.trailing_zeros().is_some_and(|zeros| zeros < dropped);
    Unrounded {
        mantissa: u128::try_from(integer >> dropped).expect("128 bits are left"),
        exponent: exponent + dropped as i64,
        sticky: sticky || lost,
    }
}

/// The text of `mantissa / 2^shift`.
fn format_fraction(mantissa: u64, shift: u32) -> String {
    const UNIT: u128 = 10u128.pow(FRACTION_DIGITS);
    let rounded = shift_right_to_even(u128::from(mantissa) * UNIT, u64::from(shift), false);
    let (integer, fraction) = (rounded / UNIT, rounded % UNIT);
    if fraction == 0 {
        return integer.to_string();
    }
    let mut text = format!("{integer}.{fraction:0width$}", width = FRACTION_DIGITS as usize);
    text.truncate(text.trim_end_matches('0').len());
    text
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;

    fn add(one: &str, other: &str) -> Option<String> {
        let one = Extended::parse(one.as_bytes()).expect("a number");
        let other = Extended::parse(other.as_bytes()).expect("a number");
        Some(text(one.checked_add(other)?))
    }

    fn text(number: Extended) -> String {
        String::from_utf8(number.format_human()).expect("ASCII")
    }

    /// What Redis answers to `INCRBYFLOAT` of the first by the second.
    #[test]
    fn sums_are_those_of_redis() {
        for (one, other, sum) in [
            ("0", "10.5", "10.5"),
            ("10.50", "0.1", "10.6"),
            ("0.1", "0.2", "0.3"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "-3", "0"),
            ("-1", "1e-30", "-1"),
            ("0", "-1e-30", "0"),
            ("0", "1.23456789012345678", "1.23456789012345678"),
            ("1", "0x1p-3", "1.125"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("1e20", "1", "100000000000000000000"),
            ("0.00000000000000001", "0", "0.00000000000000001"),
        ] {
            assert_eq!(add(one, other).as_deref(), Some(sum), "{one} + {other}");
        }
        assert_eq!(add("1e4932", "1e4932"), None);
        assert_eq!(add("inf", "-inf"), None);
        assert_eq!(add("inf", "1"), None);
    }

    #[test]
    fn the_range_is_that_of_the_format() {
        let number = |text: &str| Extended::parse(text.as_bytes());
        assert!(number("1.18e4932").is_some());
        assert!(number("1.19e4932").is_none());
        assert!(number("1e4933").is_none());
        assert!(number("3.7e-4951").is_some());
        assert!(number("1.83e-4951").is_some());
        assert!(number("1.82e-4951").is_none());
        assert!(number("1e-99999999999999999999999").is_none());
        assert_eq!(number("0e99999999999999999999999"), Some(Extended::ZERO));
        assert!(number("0x1p16383").is_some());
        assert!(number("0x1p16384").is_none());
        assert!(number("0x1p-16445").is_some());
        assert!(number("0x1p-16446").is_none());
        assert!(number(" 1").is_none());
        assert!(number("nan").is_none());
        assert!(!number("-inf").expect("an infinity").is_finite());
        assert_eq!(text(number("-inf").expect("an infinity")), "-inf");
        assert_eq!(text(number("1e4932").expect("in range")).len(), 4_933);
        assert!(number(&"1".repeat(4_932)).is_some());
        assert!(number(&format!("0.{}", "0".repeat(5_117))).is_some());
        assert!(number(&format!("0.{}", "0".repeat(5_118))).is_none());
    }

    #[test]
    fn doubles_convert_exactly() {
        let convert = |value| text(Extended::from_f64(value).expect("not NaN"));
        assert_eq!(convert(0.1), "0.10000000000000001");
        assert_eq!(convert(-2.5), "-2.5");
        assert_eq!(convert(5e-324), "0");
        assert_eq!(convert(f64::INFINITY), "inf");
        assert_eq!(convert(f64::MAX), format!("{:.0}", f64::MAX));
        assert_eq!(Extended::from_f64(f64::NAN), None);
    }

    /// The exact sum of two numbers given as integers times a power of two, rounded by
    /// division in unbounded integers.
    fn naive_sum(one: (i64, u32), other: (i64, u32)) -> Extended {
        let exact = |(mantissa, shift): (i64, u32)| BigInt::from(mantissa) << shift;
        let sum = exact(one) + exact(other);
        let magnitude = sum.magnitude();
        let shift = magnitude.bits().saturating_sub(64);
        let mut rounded = magnitude >> shift;
        let rest: BigUint = (magnitude - (&rounded << shift)) * 2u8;
        let unit = BigUint::from(1u8) << shift;
        if rest > unit || (rest == unit && rounded.bit(0)) {
            rounded += 1u8;
        }
        let rounded = u128::try_from(rounded).expect("at most 65 bits");
        let exponent = shift as i64;
        let exact = Unrounded { mantissa: rounded, exponent, sticky: false };
        Extended::round(sum < BigInt::ZERO, exact).expect("in range")
    }

    fn scaled((mantissa, shift): (i64, u32)) -> Extended {
        let negative = mantissa < 0;
        let mantissa = u128::from(mantissa.unsigned_abs());
        let exact = Unrounded { mantissa, exponent: i64::from(shift), sticky: false };
        Extended::round(negative, exact).expect("in range")
    }

    proptest! {
        #[test]
        fn sums_agree_with_unbounded_integers(
            one in (any::<i64>(), 0u32..200),
            other in (any::<i64>(), 0u32..200),
        ) {
            let sum = scaled(one).checked_add(scaled(other)).expect("in range");
            prop_assert_eq!(text(sum), text(naive_sum(one, other)));
        }

        /// Near cancellation, where every bit of the smaller number shows.
        #[test]
        fn differences_of_near_numbers_agree_too(
            mantissa in any::<i64>(), delta in -3i64..=3, shift in 0u32..4,
        ) {
            let one = (mantissa, shift);
            let other = (mantissa.wrapping_add(delta).wrapping_neg(), 1);
            let sum = scaled(one).checked_add(scaled(other)).expect("in range");
            prop_assert_eq!(text(sum), text(naive_sum(one, other)));
        }

        #[test]
        fn integers_are_exact(value: i64) {
            prop_assert_eq!(text(Extended::from(value)), value.to_string());
            prop_assert_eq!(
                Extended::parse(value.to_string().as_bytes()),
                Some(Extended::from(value))
            );
        }

        /// Below 64, a mantissa tells decimals of 17 digits behind the point apart.
        #[test]
        fn decimals_read_back(integer in 0u32..60, fraction in "[0-9]{0,15}[1-9]") {
            let written = format!("{integer}.{fraction}");
            let number = Extended::parse(written.as_bytes()).expect("a number");
            prop_assert_eq!(text(number), written);
        }

        #[test]
        fn both_bases_read_the_same(mantissa: u64, exponent in 0u32..60) {
            let hexadecimal = format!("0x{mantissa:x}p{exponent}");
            let decimal = (u128::from(mantissa) << exponent).to_string();
            prop_assert_eq!(
                Extended::parse(hexadecimal.as_bytes()),
                Extended::parse(decimal.as_bytes())
            );
        }
    }
}
