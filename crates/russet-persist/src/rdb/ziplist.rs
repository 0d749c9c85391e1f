//! Ziplists and zipmaps, which versions of Redis before 7.0 stored small collections as.
//!
//! They are only ever read, and become listpacks:
//!
//! ```text
//! ziplist:  bytes u32 | last u32 | count u16 | entry ... | ff
//! entry:    length of the entry before: 1 byte, or fe and 4 bytes
//!           00pppppp | 01pppppp qqqqqqqq | 10000000 and 4 bytes   length, then bytes
//!           c0, d0, e0, f0, fe     integer of 16, 32, 64, 24, 8 bits
//!           f1 to fd               integer from 0 to 12
//!
//! zipmap:   count u8 | length field | length, free u8, value, free bytes | ... | ff
//!           length: 1 byte below 254, or fe and 4 bytes
//! ```
//!
//! Numbers have their low byte first, except the lengths of four bytes and of fourteen bits in a
//! ziplist. What an entry says about the one before it, and the header about the last, serves walking
//! backwards. Nobody does that here; it is compared all the same, because what is wrong about it is
//! damage.

use russet_data::listpack::{Element, Listpack};

use super::input::Input;

/// Why bytes are neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl From<super::Error> for Malformed {
    fn from(_: super::Error) -> Self {
        Malformed
    }
}

const ZIPLIST_HEADER_BYTES: usize = 10;
const END: u8 = 0xff;
/// Instead of a length of one byte: four bytes follow.
const LONG: u8 = 0xfe;
/// A count that is not known.
const UNCOUNTED: u16 = u16::MAX;

/// The elements of a ziplist.
pub(super) fn from_ziplist(bytes: &[u8]) -> Result<Listpack, Malformed> {
    let mut input = Input::new(bytes);
    let total = u32::from_le_bytes(input.array()?);
    let last = u32::from_le_bytes(input.array()?);
    let count = u16::from_le_bytes(input.array()?);
    if total as usize != bytes.len() {
        return Err(Malformed);
    }
    let mut listpack = Listpack::with_capacity(bytes.len());
    debug_assert_eq!(input.offset(), ZIPLIST_HEADER_BYTES);
    let mut before = input.offset()..input.offset();
    loop {
        let start = input.offset();
        let length_before = match input.byte()? {
            END => break,
            LONG => u32::from_le_bytes(input.array()?) as usize,
            length => length.into(),
        };
        if length_before != before.len() {
            return Err(Malformed);
        }
        listpack.push_back(ziplist_entry(&mut input)?);
        before = start..input.offset();
    }
    let is_last = last as usize == before.start;
    let counted = count == UNCOUNTED || usize::from(count) == listpack.len();
    if input.left() == 0 && counted && is_last { Ok(listpack) } else { Err(Malformed) }
}

fn ziplist_entry<'a>(input: &mut Input<'a>) -> Result<Element<'a>, Malformed> {
    let form = input.byte()?;
    let length = match form >> 6 {
        0 => usize::from(form & 0x3f),
        1 => usize::from(form & 0x3f) << 8 | usize::from(input.byte()?),
        2 if form == 0x80 => u32::from_be_bytes(input.array()?) as usize,
        _ => return ziplist_integer(form, input).map(Element::Int),
    };
    // What is an integer's text becomes one.
    Ok(Element::from(input.take(length)?))
}

fn ziplist_integer(form: u8, input: &mut Input<'_>) -> Result<i64, Malformed> {
    Ok(match form {
        0xc0 => i16::from_le_bytes(input.array()?).into(),
        0xd0 => i32::from_le_bytes(input.array()?).into(),
        0xe0 => i64::from_le_bytes(input.array()?),
        0xf0 => {
            let [low, middle, high] = input.array()?;
            i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8)
        }
        0xfe => i8::from_le_bytes(input.array()?).into(),
        0xf1..=0xfd => i64::from(form & 0x0f) - 1,
        _ => return Err(Malformed),
    })
}

/// The fields and values of a zipmap, in turn.
pub(super) fn from_zipmap(bytes: &[u8]) -> Result<Listpack, Malformed> {
    let mut input = Input::new(bytes);
    let count = input.byte()?;
    let mut listpack = Listpack::with_capacity(bytes.len());
    while let Some(length) = zipmap_length(&mut input)? {
        listpack.push_back(input.take(length)?);
        let length = zipmap_length(&mut input)?.ok_or(Malformed)?;
        let free = input.byte()?;
        listpack.push_back(input.take(length)?);
        input.take(free.into())?;
    }
    let counted = count >= LONG || 2 * usize::from(count) == listpack.len();
    let is_whole = input.left() == 0 && counted && !listpack.is_empty();
    if is_whole { Ok(listpack) } else { Err(Malformed) }
}

/// A length, or the end.
fn zipmap_length(input: &mut Input<'_>) -> Result<Option<usize>, Malformed> {
    Ok(match input.byte()? {
        END => None,
        LONG => {
            let length = u32::from_le_bytes(input.array()?) as usize;
            // A shorter one is never written like this.
            if length < LONG.into() {
                return Err(Malformed);
            }
            Some(length)
        }
        length => Some(length.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(listpack: &Listpack) -> Vec<String> {
        listpack.iter().map(|element| String::from_utf8_lossy(&element.to_vec()).into()).collect()
    }

    /// A ziplist that says it has `count` entries, of which `entries` are what follows the length of the
    /// one before.
    fn ziplist(count: u16, entries: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0; ZIPLIST_HEADER_BYTES];
        let mut before = bytes.len()..bytes.len();
        for entry in entries {
            let start = bytes.len();
            match u8::try_from(before.len()) {
                Ok(length) if length < LONG => bytes.push(length),
                _ => {
                    bytes.push(LONG);
                    bytes.extend((before.len() as u32).to_le_bytes());
                }
            }
            bytes.extend_from_slice(entry);
            before = start..bytes.len();
        }
        bytes.push(END);
        let total = bytes.len() as u32;
        bytes[..4].copy_from_slice(&total.to_le_bytes());
        bytes[4..8].copy_from_slice(&(before.start as u32).to_le_bytes());
        bytes[8..10].copy_from_slice(&count.to_le_bytes());
        bytes
    }

    #[test]
    fn ziplist_entries_of_every_form() {
        let long = [&[0x41, 0x2c][..], &[b'g'; 300]].concat();
        let entries: [&[u8]; 11] = [
            &[0x03, b'a', b'b', b'c'],
            &[0x40, 0x02, b'd', b'e'],
            &[0x80, 0, 0, 0, 1, b'f'],
            &long,
            &[0xc0, 0xff, 0x7f],
            &[0xd0, 0, 0, 0, 0x80],
            &[0xe0, 1, 0, 0, 0, 0, 0, 0, 0x40],
            &[0xf0, 0xff, 0xff, 0xff],
            &[0xfe, 0x80],
            &[0xf1],
            &[0xfd],
        ];
        let listpack = from_ziplist(&ziplist(11, &entries)).expect("well-formed");
        let long = "g".repeat(300);
        let expected = [
            "abc",
            "de",
            "f",
            &long,
            "32767",
            "-2147483648",
            "4611686018427387905",
            "-1",
            "-128",
            "0",
            "12",
        ];
        assert_eq!(texts(&listpack), expected);
        listpack.check_invariants();
    }

    #[test]
    fn damaged_ziplists_are_refused() {
        let good = ziplist(2, &[&[0x01, b'a'], &[0xf1]]);
        assert!(from_ziplist(&good).is_ok());
        for length in 0..good.len() {
            assert_eq!(from_ziplist(&good[..length]).err(), Some(Malformed));
        }
        // Where the last entry is, and how long the one before each is.
        for at in [4, ZIPLIST_HEADER_BYTES, ZIPLIST_HEADER_BYTES + 3] {
            let mut damaged = good.clone();
            damaged[at] += 1;
            assert_eq!(from_ziplist(&damaged).err(), Some(Malformed), "at {at}");
        }
        assert_eq!(from_ziplist(&ziplist(3, &[&[0x01, b'a'], &[0xf1]])).err(), Some(Malformed));
        assert_eq!(from_ziplist(&ziplist(1, &[&[0x05, b'a']])).err(), Some(Malformed));
        assert_eq!(from_ziplist(&ziplist(1, &[&[0xff]])).err(), Some(Malformed));
        assert_eq!(from_ziplist(&[&good[..], &[0]].concat()).err(), Some(Malformed));
    }

    #[test]
    fn zipmaps_may_have_free_bytes() {
        let long = [b'g'; 254];
        let bytes =
            [&[2, 1, b'f', 2, 3, b'v', b'w', 0, 0, 0, LONG, 254, 0, 0, 0][..], &long, &[0, 0, END]];
        let listpack = from_zipmap(&bytes.concat()).expect("well-formed");
        assert_eq!(texts(&listpack), ["f", "vw", &"g".repeat(254), ""]);
        assert_eq!(from_zipmap(&[1, 1, b'f', END]).err(), Some(Malformed));
        assert_eq!(from_zipmap(&[0]).err(), Some(Malformed));
        assert_eq!(from_zipmap(&[0, END]).err(), Some(Malformed), "it is empty");
        let short = [1, LONG, 1, 0, 0, 0, b'f', 0, 0, END];
        assert_eq!(from_zipmap(&short).err(), Some(Malformed), "it is not written like this");
    }
}
