//! Rounding to binary floating point formats: nearest, ties to even, with gradual underflow.
//!
//! One routine serves the 64-bit and the 80-bit format, and both reading and adding, so that
//! there is a single place where a result can be wrong by one bit.

use super::literal::Digits;

/// The shape of a format. A finite value is `mantissa * 2^exponent`, where the mantissa is an
/// integer of at most `precision` bits.
pub(super) struct Format {
    pub(super) precision: u32,
    /// Exponent of the lowest bit of the smallest subnormal value.
    pub(super) min_exponent: i64,
    /// Exponent of the lowest bit of the largest value.
    pub(super) max_exponent: i64,
}

/// IEEE 754 binary64.
pub(super) const DOUBLE: Format = Format { precision: 53, min_exponent: -1074, max_exponent: 971 };

/// The x87 80-bit format, C's `long double` on x86-64 Linux.
pub(super) const EXTENDED: Format =
    Format { precision: 64, min_exponent: -16_445, max_exponent: 16_320 };

/// An exact value of which the lowest bits may be summed up in one: the value is
/// `mantissa * 2^exponent`, or, if `sticky` is set, lies strictly between that and
/// `(mantissa + 1) * 2^exponent`.
///
/// Invariant: with `sticky` set, the mantissa has more bits than the format it is rounded to
/// by at least two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unrounded {
    pub(super) mantissa: u128,
    pub(super) exponent: i64,
    pub(super) sticky: bool,
}

/// A value that fits its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounded {
    /// `mantissa * 2^exponent`. A zero mantissa is zero, whether exactly or by underflow.
    Finite { mantissa: u64, exponent: i32 },
    /// Larger than the largest value of the format.
    Overflow,
}

impl Unrounded {
    pub(super) fn is_zero(&self) -> bool {
        self.mantissa == 0 && !self.sticky
    }

    /// The value of hexadecimal digits.
    pub(super) fn from_hexadecimal(digits: &Digits<'_>) -> Unrounded {
        let mut value = Unrounded { mantissa: 0, exponent: digits.exponent, sticky: false };
        for byte in digits.iter() {
            let digit = char::from(byte).to_digit(16).expect("the grammar admits hex digits only");
            if value.mantissa >> 124 == 0 {
                value.mantissa = value.mantissa << 4 | u128::from(digit);
            } else {
                value.exponent += 4;
                value.sticky |= digit != 0;
            }
        }
        value.exponent -= 4 * digits.fraction.len() as i64;
        value
    }

    /// The nearest value of `format`, the one with an even mantissa if two are equally near.
    pub(super) fn round(self, format: &Format) -> Rounded {
        if self.mantissa == 0 {
            return Rounded::Finite { mantissa: 0, exponent: 0 };
        }
        let bits = i64::from(u128::BITS - self.mantissa.leading_zeros());
        // Subnormal values keep fewer bits: the exponent cannot fall below the minimum.
        let dropped = (bits - i64::from(format.precision)).max(format.min_exponent - self.exponent);
        let mut exponent = self.exponent + dropped;
        let mut mantissa = match u64::try_from(dropped) {
            Ok(dropped) => shift_right_to_even(self.mantissa, dropped, self.sticky),
            Err(_) => self.mantissa << -dropped,
        };
        if mantissa >> format.precision != 0 {
            // Rounded up to the next power of two.
            mantissa >>= 1;
            exponent += 1;
        }
        if exponent > format.max_exponent {
            return Rounded::Overflow;
        }
        Rounded::Finite {
            mantissa: u64::try_from(mantissa).expect("no format has more than 64 bits"),
            exponent: i32::try_from(exponent).expect("every format's exponents fit"),
        }
    }
}

/// `value / 2^shift`, rounded to the nearest integer, to the even one of two equally near.
/// `sticky` tells that the exact value is a little larger than `value`.
pub(super) fn shift_right_to_even(value: u128, shift: u64, sticky: bool) -> u128 {
    let Ok(shift @ 0..=128) = u32::try_from(shift) else {
        // Less than half.
        return 0;
    };
    let Some(half_bit) = shift.checked_sub(1) else { return value };
    let kept = value.checked_shr(shift).unwrap_or(0);
    let at_least_half = value >> half_bit & 1 == 1;
    let more = sticky || value & ((1 << half_bit) - 1) != 0;
    kept + u128::from(at_least_half && (more || kept & 1 == 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(mantissa: u128, exponent: i64) -> Unrounded {
        Unrounded { mantissa, exponent, sticky: false }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        assert_eq!(shift_right_to_even(0b101, 1, false), 0b10);
        assert_eq!(shift_right_to_even(0b111, 1, false), 0b100);
        assert_eq!(shift_right_to_even(0b101, 1, true), 0b11);
        assert_eq!(shift_right_to_even(5, 0, false), 5);
        assert_eq!(shift_right_to_even(1 << 127, 128, false), 0);
        assert_eq!(shift_right_to_even((1 << 127) + 1, 128, false), 1);
        assert_eq!(shift_right_to_even(u128::MAX, 129, true), 0);
        assert_eq!(shift_right_to_even(u128::MAX, u64::MAX, true), 0);
    }

    #[test]
    fn the_edges_of_the_extended_format_hold() {
        let largest = Rounded::Finite { mantissa: u64::MAX, exponent: 16_320 };
        assert_eq!(exact(u128::from(u64::MAX), 16_320).round(&EXTENDED), largest);
        assert_eq!(exact((1 << 66) - 3, 16_318).round(&EXTENDED), largest);
        assert_eq!(exact((1 << 66) - 2, 16_318).round(&EXTENDED), Rounded::Overflow);
        assert_eq!(exact(1, 1 << 60).round(&EXTENDED), Rounded::Overflow);

        let smallest = Rounded::Finite { mantissa: 1, exponent: -16_445 };
        assert_eq!(exact(1, -16_445).round(&EXTENDED), smallest);
        assert_eq!(exact(3, -16_447).round(&EXTENDED), smallest);
        for underflow in [exact(1, -16_446), exact(1, -(1 << 60))] {
            assert!(matches!(underflow.round(&EXTENDED), Rounded::Finite { mantissa: 0, .. }));
        }
    }

    proptest! {
        /// The processor converts integers to `f64` by the same rule.
        #[test]
        fn integers_round_as_the_processor_rounds_them(value: u128, shift in 0..128) {
            let value = value >> shift;
            let Rounded::Finite { mantissa, exponent } = exact(value, 0).round(&DOUBLE) else {
                panic!("a u128 is within the range of a double");
            };
            prop_assert_eq!(mantissa as f64 * 2f64.powi(exponent), value as f64);
        }
    }
}
