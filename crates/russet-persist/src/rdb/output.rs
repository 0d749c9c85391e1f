//! Lengths and strings into bytes.

use russet_data::lzf;
use russet_data::number::parse_i64;

use super::format::{length, special};

/// The longest text of an integer that has a form of its own.
const INTEGER_TEXT_MAX: usize = 11;
/// Shorter strings are not worth compressing; as in Redis.
const COMPRESSED_MIN: usize = 21;
/// What compression must save at least; as in Redis.
const SAVED_MIN: usize = 4;

/// What can be chosen about strings.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether they are compressed (`rdbcompression`).
    pub compression: bool,
}

/// Writes a length, or another number in its place.
#[inline]
pub(super) fn length(out: &mut Vec<u8>, length: u64) {
    match length {
        0..0x40 => out.push(length as u8 | length::SIX_BITS << 6),
        0x40..0x4000 => {
            out.extend([(length >> 8) as u8 | length::FOURTEEN_BITS << 6, length as u8]);
        }
        0x4000..=0xffff_ffff => {
            out.push(length::FOUR_BYTES);
            out.extend((length as u32).to_be_bytes());
        }
        _ => {
            out.push(length::EIGHT_BYTES);
            out.extend(length.to_be_bytes());
        }
    }
}

/// Writes a string.
#[inline]
pub(super) fn string(out: &mut Vec<u8>, bytes: &[u8], options: Options) {
    if bytes.len() <= INTEGER_TEXT_MAX
        && let Some(number) = parse_i64(bytes)
        && short_integer(out, number)
    {
        return;
    }
    if !options.compression || bytes.len() < COMPRESSED_MIN || !compressed(out, bytes) {
        plain(out, bytes);
    }
}

/// Writes a string that is the text of an integer.
pub(super) fn integer(out: &mut Vec<u8>, number: i64) {
    if !short_integer(out, number) {
        plain(out, itoa::Buffer::new().format(number).as_bytes());
    }
}

fn plain(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes an integer of up to 32 bits, or nothing. Returns which.
fn short_integer(out: &mut Vec<u8>, number: i64) -> bool {
    let form = |form: u8| length::SPECIAL << 6 | form;
    if let Ok(number) = i8::try_from(number) {
        out.push(form(special::INT_8));
        out.extend(number.to_le_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(form(special::INT_16));
        out.extend(number.to_le_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(form(special::INT_32));
        out.extend(number.to_le_bytes());
    } else {
        return false;
    }
    true
}

/// Writes a string compressed if that saves enough, or nothing. Returns which.
fn compressed(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let start = out.len();
    if !lzf::append_compressed(out, bytes, bytes.len() - SAVED_MIN) {
        return false;
    }
    // How long it has become is known now, and comes before it.
    let end = out.len();
    out.push(length::SPECIAL << 6 | special::LZF);
    length(out, (end - start) as u64);
    length(out, bytes.len() as u64);
    let header_len = out.len() - end;
    out[start..].rotate_right(header_len);
    true
}
