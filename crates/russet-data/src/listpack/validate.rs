//! Which bytes are a listpack.

use super::element::{END, back_length_bytes, body_len, read_back_length};
use super::{EMPTY_BYTES, HEADER_BYTES, UNCOUNTED};

/// What is wrong with bytes that should be a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The header says another number of bytes than there are, or there are too few for a header.
    #[error("a listpack whose header gives another length")]
    Length,
    /// The last byte is not the one that ends a listpack.
    #[error("a listpack without an end")]
    End,
    /// At an offset, there is no element that ends within the listpack.
    #[error("a listpack without an element at offset {0}")]
    Element(usize),
    /// The element at an offset has another length at its end than at its beginning.
    #[error("a listpack whose element at offset {0} has two lengths")]
    BackLength(usize),
    /// The header says another number of elements than there are.
    #[error("a listpack whose header gives another number of elements")]
    Count,
}

/// Checks P1, P2 and P3 of bytes from anywhere.
pub(super) fn validate(bytes: &[u8]) -> Result<(), Malformed> {
    let (&[a, b, c, d, low, high], [.., end]) =
        (bytes.first_chunk::<HEADER_BYTES>().ok_or(Malformed::Length)?, bytes)
    else {
        return Err(Malformed::Length);
    };
    if bytes.len() < EMPTY_BYTES || u32::from_le_bytes([a, b, c, d]) as usize != bytes.len() {
        return Err(Malformed::Length);
    }
    if *end != END {
        return Err(Malformed::End);
    }
    let elements = &bytes[..bytes.len() - 1];
    let (mut at, mut count) = (HEADER_BYTES, 0);
    while at < elements.len() {
        let body = body_len(&elements[at..]).ok_or(Malformed::Element(at))?;
        // No sum overflows: no length has more than 32 bits.
        let after = at + body + back_length_bytes(body);
        let entry = elements.get(at..after).ok_or(Malformed::Element(at))?;
        if read_back_length(&entry[body..]) != Some(body) {
            return Err(Malformed::BackLength(at));
        }
        at = after;
        count += 1;
    }
    match u16::from_le_bytes([low, high]) {
        UNCOUNTED => Ok(()),
        counted if usize::from(counted) == count => Ok(()),
        _ => Err(Malformed::Count),
    }
}
