//! One element: its value, and its bytes in a listpack.
//!
//! ```text
//! ┌──────────────────┬─────────┬─────────────────────────────────┐
//! │ form and integer │ string  │ length of the two before, 7 bits│
//! │ or length        │         │ per byte, read from its end     │
//! └──────────────────┴─────────┴─────────────────────────────────┘
//!
//! form                    bytes   holds
//! 0iiiiiii                1       0 to 127
//! 10llllll                1 + l   string of up to 63 bytes
//! 110iiiii i8             2       13-bit signed integer, high bits first
//! 1110llll l8             2 + l   string of up to 4095 bytes, high bits first
//! 11110000 l32            5 + l   string, length with low byte first
//! 11110001 i16            3       signed integers, low byte first
//! 11110010 i24            4
//! 11110011 i32            5
//! 11110100 i64            9
//! 11111111                1       the end of the listpack
//! ```
//!
//! A string that is the canonical decimal form of a 64-bit integer is always stored as that
//! integer, in the shortest form that holds it.
//!
//! The length at the end has its bytes in the order high to low; all but the first carry the bit
//! `0x80`, so that a reader coming from the right knows where to stop. Redis gives the lengths 16,383,
//! 2,097,151 and 268,435,455 one byte more than they need; so does this.

use crate::number::{IntBuf, i64_text_length, parse_i64};

/// The byte after the last element.
pub(super) const END: u8 = 0xff;

const INT_13: u8 = 0b1100_0000;
const STRING_12: u8 = 0b1110_0000;
const STRING_32: u8 = 0xf0;
const INT_16: u8 = 0xf1;
const INT_24: u8 = 0xf2;
const INT_32: u8 = 0xf3;
const INT_64: u8 = 0xf4;

/// The value of an element.
#[derive(Clone, Copy, Debug)]
pub enum Element<'a> {
    /// A string that is an integer in canonical decimal form.
    Int(i64),
    /// Any other string.
    Bytes(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The element as a string; `scratch` is where an integer is written as text.
    #[inline]
    #[must_use]
    pub fn as_bytes<'b>(&self, scratch: &'b mut IntBuf) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Element::Int(value) => scratch.format_i64(value),
            Element::Bytes(bytes) => bytes,
        }
    }

    /// The element as a string.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.as_bytes(&mut IntBuf::new()).to_vec()
    }

    /// The length of the element as a string.
    #[inline]
    #[must_use]
    pub fn text_len(&self) -> usize {
        match self {
            Element::Int(value) => i64_text_length(*value),
            Element::Bytes(bytes) => bytes.len(),
        }
    }

    /// The element as an integer, if it is one.
    #[inline]
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Element::Int(value) => Some(*value),
            Element::Bytes(bytes) => parse_i64(bytes),
        }
    }
}

/// Two elements are equal if they are the same string.
impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Element::Int(one), Element::Int(other)) => one == other,
            (Element::Bytes(one), Element::Bytes(other)) => one == other,
            (Element::Int(int), Element::Bytes(bytes))
            | (Element::Bytes(bytes), Element::Int(int)) => parse_i64(bytes) == Some(*int),
        }
    }
}

impl Eq for Element<'_> {}

/// The canonical form of a string: an integer if it is one.
impl<'a> From<&'a [u8]> for Element<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        parse_i64(bytes).map_or(Element::Bytes(bytes), Element::Int)
    }
}

impl From<i64> for Element<'_> {
    fn from(value: i64) -> Self {
        Element::Int(value)
    }
}

/// An element ready to be written.
pub(super) struct Encoded<'a> {
    prefix: [u8; 9],
    prefix_len: u8,
    text: &'a [u8],
}

impl<'a> Encoded<'a> {
    #[inline]
    pub(super) fn new(element: Element<'a>) -> Self {
        match element {
            Element::Int(value) => Self::of_int(value),
            Element::Bytes(text) => Self::of_text(text),
        }
    }

    fn of_int(value: i64) -> Self {
        let bytes = value.to_le_bytes();
        match value {
            0..=127 => Self::prefixed(&[bytes[0]], &[]),
            -4096..=4095 => Self::prefixed(&[INT_13 | (bytes[1] & 0x1f), bytes[0]], &[]),
            -0x8000..=0x7fff => Self::tagged(INT_16, &bytes[..2], &[]),
            -0x80_0000..=0x7f_ffff => Self::tagged(INT_24, &bytes[..3], &[]),
            -0x8000_0000..=0x7fff_ffff => Self::tagged(INT_32, &bytes[..4], &[]),
            _ => Self::tagged(INT_64, &bytes, &[]),
        }
    }

    fn of_text(text: &'a [u8]) -> Self {
        let len = text.len();
        match len {
            0..=63 => Self::prefixed(&[0x80 | len as u8], text),
            64..=4095 => Self::prefixed(&[STRING_12 | (len >> 8) as u8, len as u8], text),
            _ => {
                let len = u32::try_from(len).expect("an element has less than 4 GB");
                Self::tagged(STRING_32, &len.to_le_bytes(), text)
            }
        }
    }

    fn tagged(form: u8, operand: &[u8], text: &'a [u8]) -> Self {
        let mut prefix = [0; 9];
        prefix[0] = form;
        prefix[1..=operand.len()].copy_from_slice(operand);
        Encoded { prefix, prefix_len: 1 + operand.len() as u8, text }
    }

    fn prefixed(bytes: &[u8], text: &'a [u8]) -> Self {
        let mut prefix = [0; 9];
        prefix[..bytes.len()].copy_from_slice(bytes);
        Encoded { prefix, prefix_len: bytes.len() as u8, text }
    }

    fn body_len(&self) -> usize {
        usize::from(self.prefix_len) + self.text.len()
    }

    /// How many bytes it takes in a listpack.
    #[inline]
    pub(super) fn len(&self) -> usize {
        let body = self.body_len();
        body + back_length_bytes(body)
    }

    /// Writes it to `space`, which is as long as it is.
    #[inline]
    pub(super) fn write(&self, space: &mut [u8]) {
        let (body, back) = space.split_at_mut(self.body_len());
        let (prefix, text) = body.split_at_mut(usize::from(self.prefix_len));
        prefix.copy_from_slice(&self.prefix[..prefix.len()]);
        text.copy_from_slice(self.text);
        write_back_length(back, self.body_len());
    }
}

/// How many bytes the length at the end of an element of `body` bytes takes.
#[inline]
pub(super) const fn back_length_bytes(body: usize) -> usize {
    match body {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

#[inline]
fn write_back_length(space: &mut [u8], body: usize) {
    let last = space.len() - 1;
    for (at, byte) in space.iter_mut().enumerate() {
        let more = if at > 0 { 0x80 } else { 0 };
        *byte = (body >> (7 * (last - at)) & 0x7f) as u8 | more;
    }
}

/// Reads the length that ends right before the end of `bytes`; `None` if it has no first byte.
#[inline]
pub(super) fn read_back_length(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for (at, &byte) in bytes.iter().rev().take(5).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

/// The length of an element that begins `bytes`, without the length at its end; `None` if that is
/// the end of the listpack or no element, or not even its length is there.
#[inline]
pub(super) fn body_len(bytes: &[u8]) -> Option<usize> {
    let form = *bytes.first()?;
    Some(match form {
        0..0x80 => 1,
        0x80..INT_13 => 1 + usize::from(form & 0x3f),
        INT_13..STRING_12 => 2,
        STRING_12..STRING_32 => 2 + (usize::from(form & 0xf) << 8 | usize::from(*bytes.get(1)?)),
        STRING_32 => 5 + u32::from_le_bytes(*bytes[1..].first_chunk()?) as usize,
        INT_16 => 3,
        INT_24 => 4,
        INT_32 => 5,
        INT_64 => 9,
        _ => return None,
    })
}

/// Reads the element at the beginning of `bytes`, and says how many bytes it takes.
///
/// # Panics
/// If there is none.
#[inline]
pub(super) fn read(bytes: &[u8]) -> (Element<'_>, usize) {
    let body = body_len(bytes).expect("a position is that of an element");
    let sign_extended = |width: usize| {
        let mut wide = [0; 8];
        wide[8 - width..].copy_from_slice(&bytes[1..=width]);
        i64::from_le_bytes(wide) >> (64 - 8 * width)
    };
    let form = bytes[0];
    let element = match form {
        0..0x80 => Element::Int(form.into()),
        0x80..INT_13 => Element::Bytes(&bytes[1..body]),
        INT_13..STRING_12 => {
            let high = i64::from(form & 0x1f) << 59 >> 51;
            Element::Int(high | i64::from(bytes[1]))
        }
        STRING_12..STRING_32 => Element::Bytes(&bytes[2..body]),
        STRING_32 => Element::Bytes(&bytes[5..body]),
        _ => Element::Int(sign_extended(body - 1)),
    };
    (element, body + back_length_bytes(body))
}

/// How many bytes the element at the beginning of `bytes` takes; `None` at the end.
#[inline]
pub(super) fn entry_len(bytes: &[u8]) -> Option<usize> {
    let body = body_len(bytes)?;
    Some(body + back_length_bytes(body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(element: Element<'_>) -> Vec<u8> {
        let encoded = Encoded::new(element);
        let mut space = vec![0; encoded.len()];
        encoded.write(&mut space);
        space
    }

    /// Taken from what Redis 7.0 writes.
    #[test]
    fn elements_have_redis_bytes() {
        for (value, bytes) in [
            (0, &[0, 1][..]),
            (127, &[127, 1]),
            (128, &[0xc0, 0x80, 2]),
            (-1, &[0xdf, 0xff, 2]),
            (4095, &[0xcf, 0xff, 2]),
            (-4096, &[0xd0, 0, 2]),
            (4096, &[0xf1, 0, 0x10, 3]),
            (-32768, &[0xf1, 0, 0x80, 3]),
            (32768, &[0xf2, 0, 0x80, 0, 4]),
            (8_388_608, &[0xf3, 0, 0, 0x80, 0, 5]),
            (2_147_483_648, &[0xf4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]),
        ] {
            assert_eq!(encode(Element::Int(value)), bytes, "{value}");
        }
        assert_eq!(encode(Element::Bytes(b"")), [0x80, 1]);
        assert_eq!(encode(Element::Bytes(b"hi")), [0x82, b'h', b'i', 3]);
        let long = encode(Element::Bytes(&[b'x'; 64]));
        assert_eq!((&long[..2], &long[66..]), (&[0xe0, 64][..], &[66][..]));
        let long = encode(Element::Bytes(&[b'x'; 4096]));
        assert_eq!((&long[..5], &long[4101..]), (&[0xf0, 0, 0x10, 0, 0][..], &[0x20, 0x85][..]));
    }

    #[test]
    fn every_boundary_is_read_back() {
        for bits in 0..63 {
            for value in [(1i64 << bits) - 1, 1 << bits, -(1 << bits), -(1 << bits) - 1] {
                let bytes = encode(Element::Int(value));
                assert_eq!(read(&bytes), (Element::Int(value), bytes.len()));
            }
        }
        for len in [0, 1, 63, 64, 125, 126, 127, 4095, 4096, 16_377, 16_378, 16_379, 2_097_146] {
            let text = vec![b'x'; len];
            let bytes = encode(Element::Bytes(&text));
            assert_eq!(read(&bytes), (Element::Bytes(&text), bytes.len()), "{len}");
            let body = body_len(&bytes).expect("an element");
            assert_eq!(read_back_length(&bytes), Some(body), "{len}");
        }
    }

    #[test]
    fn an_integer_equals_its_text() {
        assert_eq!(Element::Int(-12), Element::Bytes(b"-12"));
        assert_ne!(Element::Int(12), Element::Bytes(b"012"));
        assert!(matches!(Element::from(&b"77"[..]), Element::Int(77)));
        assert!(matches!(Element::from(&b"-0"[..]), Element::Bytes(b"-0")));
    }

    proptest! {
        #[test]
        fn integers_are_read_back(value: i64, shift in 0..64) {
            let value = value >> shift;
            let bytes = encode(Element::Int(value));
            prop_assert_eq!(read(&bytes), (Element::Int(value), bytes.len()));
            prop_assert_eq!(entry_len(&bytes), Some(bytes.len()));
            prop_assert_eq!(Element::Int(value).text_len(), value.to_string().len());
        }
    }
}
