//! Lengths and strings out of bytes.

use std::borrow::Cow;

use russet_data::lzf;

use super::error::{Error, Problem};
use super::format::{length, special};

/// Bytes that are read from front to back.
#[derive(Clone, Debug)]
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Either a length or one of the other forms of a string.
enum Length {
    Plain(u64),
    Special(u8),
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Input { bytes, at: 0 }
    }

    /// Bytes of which some were read before.
    pub(super) fn from(bytes: &'a [u8], at: usize) -> Self {
        Input { bytes, at: at.min(bytes.len()) }
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// Bytes between an earlier offset and here.
    pub(super) fn since(&self, offset: usize) -> &'a [u8] {
        &self.bytes[offset..self.at]
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// A problem with what comes next.
    pub(super) fn error(&self, problem: Problem) -> Error {
        Error { offset: self.at as u64, problem }
    }

    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.at..];
        match rest.get(..count) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => Err(Error { offset: self.bytes.len() as u64, problem: Problem::Truncated }),
        }
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let bytes = self.take(N)?;
        Ok(*bytes.first_chunk().expect("so many were taken"))
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    #[inline]
    fn length_or_special(&mut self) -> Result<Length, Error> {
        let first = self.byte()?;
        Ok(match (first, first >> 6) {
            (_, length::SIX_BITS) => Length::Plain(u64::from(first)),
            (_, length::FOURTEEN_BITS) => {
                let low = self.byte()?;
                Length::Plain(u64::from(first & 0x3f) << 8 | u64::from(low))
            }
            (_, length::SPECIAL) => Length::Special(first & 0x3f),
            (length::FOUR_BYTES, _) => Length::Plain(u32::from_be_bytes(self.array()?).into()),
            (length::EIGHT_BYTES, _) => Length::Plain(u64::from_be_bytes(self.array()?)),
            _ => {
                self.at -= 1;
                return Err(self.error(Problem::Length));
            }
        })
    }

    /// A length, or another number that is written as one.
    #[inline]
    pub(super) fn length(&mut self) -> Result<u64, Error> {
        let start = self.at;
        match self.length_or_special()? {
            Length::Plain(length) => Ok(length),
            Length::Special(_) => {
                self.at = start;
                Err(self.error(Problem::Length))
            }
        }
    }

    /// The number of elements that follow, each of which takes at least one byte.
    pub(super) fn count(&mut self) -> Result<usize, Error> {
        let start = self.at;
        let length = self.length()?;
        usize::try_from(length)
            .map_err(|_| Error { offset: start as u64, problem: Problem::Length })
    }

    fn bytes_of(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let length = usize::try_from(length).map_err(|_| self.error(Problem::Length))?;
        self.take(length)
    }

    /// A string.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'a, [u8]>, Error> {
        let start = self.at;
        let text = |number: i64| Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec());
        Ok(match self.length_or_special()? {
            Length::Plain(length) => Cow::Borrowed(self.bytes_of(length)?),
            Length::Special(special::INT_8) => text(i8::from_le_bytes(self.array()?).into()),
            Length::Special(special::INT_16) => text(i16::from_le_bytes(self.array()?).into()),
            Length::Special(special::INT_32) => text(i32::from_le_bytes(self.array()?).into()),
            Length::Special(special::LZF) => {
                let (compressed, original) = (self.length()?, self.length()?);
                let compressed = self.bytes_of(compressed)?;
                let problem = |problem| Error { offset: start as u64, problem };
                let original =
                    usize::try_from(original).map_err(|_| problem(Problem::Compression))?;
                let bytes = lzf::decompress(compressed, original);
                Cow::Owned(bytes.map_err(|_| problem(Problem::Compression))?)
            }
            Length::Special(_) => {
                self.at = start;
                return Err(self.error(Problem::Length));
            }
        })
    }

    /// Passes over a string.
    #[inline]
    pub(super) fn skip_string(&mut self) -> Result<(), Error> {
        let start = self.at;
        let length = match self.length_or_special()? {
            Length::Plain(length) => length,
            Length::Special(special::INT_8) => 1,
            Length::Special(special::INT_16) => 2,
            Length::Special(special::INT_32) => 4,
            Length::Special(special::LZF) => {
                let compressed = self.length()?;
                self.length()?;
                compressed
            }
            Length::Special(_) => {
                self.at = start;
                return Err(self.error(Problem::Length));
            }
        };
        self.bytes_of(length)?;
        Ok(())
    }
}
