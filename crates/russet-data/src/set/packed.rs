//! Members as keys of a table: integers in binary.
//!
//! Ids of ten digits are common members. As text they take an allocation of 16 bytes in a table, in
//! binary one of 8:
//!
//! ```text
//! fe  bytes of the integer, low ones first, without those that only repeat the sign
//! fd  a string that begins with fd or fe
//!     any other string, as it is
//! ```
//!
//! No text in UTF-8 begins with these bytes, so that nearly every string is used without copying it.

use smallvec::SmallVec;

use crate::listpack::Element;

const INTEGER: u8 = 0xfe;
const ESCAPED: u8 = 0xfd;

/// Where a key is put together if it is not the member itself.
pub(super) type Scratch = SmallVec<[u8; 16]>;

/// The key of a member.
#[inline]
pub(super) fn pack<'k>(member: Element<'k>, scratch: &'k mut Scratch) -> &'k [u8] {
    scratch.clear();
    match member {
        Element::Int(value) => {
            // Sign and leading zeros or ones; at least one byte is left.
            let significant_bits = i64::BITS + 1 - (value ^ value >> 63).leading_zeros();
            let bytes = significant_bits.div_ceil(u8::BITS) as usize;
            scratch.push(INTEGER);
            scratch.extend_from_slice(&value.to_le_bytes()[..bytes]);
        }
        Element::Bytes(text @ [ESCAPED | INTEGER, ..]) => {
            scratch.push(ESCAPED);
            scratch.extend_from_slice(text);
        }
        Element::Bytes(text) => return text,
    }
    scratch
}

/// The member of a key.
#[inline]
pub(crate) fn unpack(key: &[u8]) -> Element<'_> {
    match key {
        [INTEGER, bytes @ ..] => {
            let sign = bytes.last().map_or(0, |last| (*last as i8 >> 7) as u8);
            let mut value = [sign; size_of::<i64>()];
            value[..bytes.len()].copy_from_slice(bytes);
            Element::Int(i64::from_le_bytes(value))
        }
        [ESCAPED, text @ ..] => Element::Bytes(text),
        text => Element::Bytes(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(member: Element<'_>) -> usize {
        let mut scratch = Scratch::new();
        let key = pack(member, &mut scratch);
        assert_eq!(unpack(key), member);
        key.len()
    }

    #[test]
    fn integers_take_no_more_bytes_than_they_need() {
        for (value, len) in [
            (0, 2),
            (-1, 2),
            (127, 2),
            (128, 3),
            (-128, 2),
            (-129, 3),
            ((1 << 47) - 1, 7),
            (-1 << 47, 7),
            (1 << 47, 8),
            (i64::MAX, 9),
            (i64::MIN, 9),
        ] {
            assert_eq!(round_trip(Element::Int(value)), len, "{value}");
        }
    }

    proptest! {
        #[test]
        fn members_come_back(value: i64, shift in 0..64_u32, mut text: Vec<u8>, first in 0xf0_u8..) {
            round_trip(Element::Int(value >> shift));
            round_trip(Element::Bytes(&text));
            text.insert(0, first);
            prop_assert!(round_trip(Element::Bytes(&text)) <= text.len() + 1);
        }
    }
}
