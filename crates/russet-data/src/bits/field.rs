//! Integers of 1 to 64 bits anywhere in a string, for BITFIELD.
//!
//! A field starts at any bit and is stored with its highest bit first, so a field at a
//! multiple of 8 that is 16, 32 or 64 bits wide is a big-endian integer. Signed fields are in
//! two's complement.

use crate::number::parse_i64;

/// Width and sign of a field: `i1` to `i64`, or `u1` to `u63`.
///
/// There is no `u64`, as the protocol's integers could not answer its values; so every value of
/// every field is an `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldType {
    signed: bool,
    /// Invariant: from 1 to 64 if signed, to 63 if not.
    bits: u8,
}

/// What to do with a value that a field cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Keep the lowest bits: the default.
    Wrap,
    /// Take the nearest value that the field can hold.
    Saturate,
    /// Change nothing and answer null.
    Fail,
}

impl Overflow {
    /// Reads `WRAP`, `SAT` or `FAIL` in any case.
    pub fn parse(text: &[u8]) -> Option<Overflow> {
        [(&b"wrap"[..], Overflow::Wrap), (b"sat", Overflow::Saturate), (b"fail", Overflow::Fail)]
            .into_iter()
            .find_map(|(name, overflow)| text.eq_ignore_ascii_case(name).then_some(overflow))
    }
}

/// Bytes that the widest field can touch: 64 bits from the last bit of a byte on.
const WINDOW: usize = 9;

impl FieldType {
    /// Reads a type such as `i16` or `u5`.
    pub fn parse(text: &[u8]) -> Option<FieldType> {
        let (signed, max_bits, bits) = match text {
            [b'i', bits @ ..] => (true, 64, bits),
            [b'u', bits @ ..] => (false, 63, bits),
            _ => return None,
        };
        let bits = u8::try_from(parse_i64(bits)?).ok()?;
        (1..=max_bits).contains(&bits).then_some(FieldType { signed, bits })
    }

    /// Width in bits.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Bytes that a string needs to have all of a field at bit `offset` in it.
    pub fn length_at(self, offset: u64) -> usize {
        super::length_for_bit(offset + u64::from(self.bits) - 1)
    }

    /// The field's value at bit `offset`. What lies behind the string reads as zero bits.
    pub fn read(self, bytes: &[u8], offset: u64) -> i64 {
        let aligned = window_at(bytes, offset) << (offset % 8);
        let unused = u128::BITS - u32::from(self.bits);
        if self.signed { (aligned as i128 >> unused) as i64 } else { (aligned >> unused) as i64 }
    }

    /// Stores `value` at bit `offset`, of which the field's width counts.
    ///
    /// # Panics
    ///
    /// If `bytes` is shorter than [`length_at`](FieldType::length_at)`(offset)`.
    pub fn write(self, bytes: &mut [u8], offset: u64, value: i64) {
        assert!(bytes.len() >= self.length_at(offset), "the string was extended");
        let unused = u128::BITS - u32::from(self.bits);
        let within = offset % 8;
        let mask = u128::MAX << unused >> within;
        let placed = (value as u128) << unused >> within;
        let window = window_at(bytes, offset) & !mask | placed;

        let rest = &mut bytes[(offset / 8) as usize..];
        let length = rest.len().min(WINDOW);
        rest[..length].copy_from_slice(&window.to_be_bytes()[..length]);
    }

    /// What SET stores for `value`; `None` if it does not fit and [`Overflow::Fail`] is asked
    /// for.
    ///
    /// As in Redis, some values that are too small saturate to the maximum: to an unsigned
    /// field every negative value, and to a signed one those further below its maximum than an
    /// `i64` can count.
    pub fn fit(self, value: i64, overflow: Overflow) -> Option<i64> {
        let (_, max) = self.limits();
        let taken_for_large = value < 0 && (!self.signed || max.checked_sub(value).is_none());
        match overflow {
            Overflow::Saturate if taken_for_large && self.bits < 64 => Some(max),
            _ if self.signed => self.hold(i128::from(value), overflow),
            _ => self.hold(i128::from(value as u64), overflow),
        }
    }

    /// What INCRBY stores for `value + increment`; `None` if it does not fit and
    /// [`Overflow::Fail`] is asked for.
    pub fn add(self, value: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        self.hold(i128::from(value) + i128::from(increment), overflow)
    }

    fn hold(self, wanted: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = self.limits();
        if (i128::from(min)..=i128::from(max)).contains(&wanted) {
            return Some(wanted as i64);
        }
        match overflow {
            Overflow::Wrap => {
                let unused = 64 - u32::from(self.bits);
                let highest_first = (wanted as u64) << unused;
                Some(if self.signed {
                    highest_first as i64 >> unused
                } else {
                    (highest_first >> unused) as i64
                })
            }
            Overflow::Saturate => Some(if wanted < i128::from(min) { min } else { max }),
            Overflow::Fail => None,
        }
    }

    /// Smallest and largest value.
    fn limits(self) -> (i64, i64) {
        if self.signed {
            let unused = 64 - u32::from(self.bits);
            (i64::MIN >> unused, i64::MAX >> unused)
        } else {
            (0, i64::MAX >> (63 - u32::from(self.bits)))
        }
    }
}

/// The bytes from the one that holds bit `offset`, the first in the highest place.
fn window_at(bytes: &[u8], offset: u64) -> u128 {
    let rest = usize::try_from(offset / 8).ok().and_then(|from| bytes.get(from..)).unwrap_or(&[]);
    let length = rest.len().min(WINDOW);
    let mut window = [0; size_of::<u128>()];
    window[..length].copy_from_slice(&rest[..length]);
    u128::from_be_bytes(window)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bits::{bit_at, set_bit};

    fn field(text: &str) -> FieldType {
        FieldType::parse(text.as_bytes()).expect("a type")
    }

    #[test]
    fn types_are_checked() {
        for text in ["i1", "i64", "u1", "u63"] {
            assert!(FieldType::parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "i", "u0", "i0", "u64", "i65", "I8", "i08", "i-1", "8", "u257", "i8 "] {
            assert!(FieldType::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert_eq!(Overflow::parse(b"Sat"), Some(Overflow::Saturate));
        assert_eq!(Overflow::parse(b"saturate"), None);
    }

    #[test]
    fn fields_lie_highest_bit_first() {
        let mut bytes = [0; 2];
        field("u5").write(&mut bytes, 7, 23);
        assert_eq!(bytes, [0b0000_0001, 0b0111_0000]);
        assert_eq!(field("u5").read(&bytes, 7), 23);
        assert_eq!(field("i5").read(&bytes, 7), -9);
        assert_eq!(field("u8").read(&bytes, 12), 0);
        assert_eq!(field("i64").read(b"\xff", 0), -1 << 56);
        assert_eq!(field("u63").read(b"", u64::MAX), 0);
        assert_eq!(field("i64").length_at(1), 9);
    }

    #[test]
    fn overflow_is_handled_as_asked() {
        use Overflow::{Fail, Saturate, Wrap};
        let (u8_, i8_, i64_) = (field("u8"), field("i8"), field("i64"));
        assert_eq!(u8_.add(250, 10, Wrap), Some(4));
        assert_eq!(u8_.add(250, 10, Saturate), Some(255));
        assert_eq!(u8_.add(250, 10, Fail), None);
        assert_eq!(u8_.add(250, 5, Fail), Some(255));
        assert_eq!(u8_.add(5, -6, Wrap), Some(255));
        assert_eq!(u8_.add(5, -6, Saturate), Some(0));
        assert_eq!(i8_.add(100, 100, Wrap), Some(-56));
        assert_eq!(i8_.add(-100, -100, Wrap), Some(56));
        assert_eq!(i8_.add(-100, -100, Saturate), Some(-128));
        assert_eq!(i64_.add(i64::MAX, 1, Wrap), Some(i64::MIN));
        assert_eq!(i64_.add(i64::MAX, 1, Saturate), Some(i64::MAX));
        assert_eq!(i64_.add(i64::MIN, i64::MIN, Saturate), Some(i64::MIN));
        assert_eq!(u8_.fit(-1, Wrap), Some(255));
        assert_eq!(u8_.fit(-1, Saturate), Some(255));
        assert_eq!(u8_.fit(-1, Fail), None);
        assert_eq!(i8_.fit(-129, Saturate), Some(-128));
        assert_eq!(i8_.fit(127 - i64::MAX, Saturate), Some(-128));
        assert_eq!(i8_.fit(126 - i64::MAX, Saturate), Some(127));
        assert_eq!(i64_.fit(i64::MIN, Saturate), Some(i64::MIN));
        assert_eq!(i8_.fit(128, Wrap), Some(-128));
    }

    fn any_field() -> impl Strategy<Value = FieldType> {
        prop_oneof![
            (1u8..=64).prop_map(|bits| FieldType { signed: true, bits }),
            (1u8..=63).prop_map(|bits| FieldType { signed: false, bits }),
        ]
    }

    proptest! {
        #[test]
        fn reading_and_writing_agree_with_single_bits(
            before in proptest::collection::vec(any::<u8>(), 24),
            field in any_field(),
            offset in 0u64..128,
            value: i64,
        ) {
            let mut bytes = before.clone();
            field.write(&mut bytes, offset, value);

            let mut naive = before;
            for bit in 0..field.bits {
                let at = offset + u64::from(field.bits - 1 - bit);
                set_bit(&mut naive, at, value >> bit & 1 == 1);
            }
            prop_assert_eq!(&bytes, &naive);

            let mut read = if field.signed && bit_at(&bytes, offset) { -1i64 } else { 0 };
            for at in offset..offset + u64::from(field.bits) {
                read = read << 1 | i64::from(bit_at(&bytes, at));
            }
            prop_assert_eq!(field.read(&bytes, offset), read);
            prop_assert_eq!(field.fit(value, Overflow::Wrap), Some(read));
        }

        #[test]
        fn sums_that_fit_are_exact_and_others_stay_within_the_limits(
            field in any_field(), value: i64, increment: i64,
        ) {
            let value = field.fit(value, Overflow::Wrap).expect("wrapping never fails");
            let exact = field.add(value, increment, Overflow::Fail);
            let (min, max) = field.limits();
            match value.checked_add(increment).filter(|sum| (min..=max).contains(sum)) {
                Some(sum) => prop_assert_eq!(exact, Some(sum)),
                None => {
                    prop_assert_eq!(exact, None);
                    let nearest = if increment < 0 { min } else { max };
                    prop_assert_eq!(field.add(value, increment, Overflow::Saturate), Some(nearest));
                    let wrapped = field.add(value, increment, Overflow::Wrap);
                    prop_assert_eq!(wrapped, field.fit(value.wrapping_add(increment), Overflow::Wrap));
                }
            }
        }
    }
}
