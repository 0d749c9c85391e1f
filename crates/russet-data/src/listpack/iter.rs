//! Walking through a listpack.

use super::element::{Element, back_length_bytes, read, read_back_length};

/// The elements of a listpack, or of a part of it, from either end.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    /// The elements still to come, and nothing else.
    bytes: &'a [u8],
}

impl<'a> Iter<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Iter { bytes }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        if self.bytes.is_empty() {
            return None;
        }
        let (element, taken) = read(self.bytes);
        self.bytes = &self.bytes[taken..];
        Some(element)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let body = read_back_length(self.bytes)?;
        let (rest, last) = self.bytes.split_at(self.bytes.len() - body - back_length_bytes(body));
        self.bytes = rest;
        Some(read(last).0)
    }
}
