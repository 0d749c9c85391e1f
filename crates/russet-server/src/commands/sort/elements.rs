//! Elements to be sorted, side by side, and their order.

use std::cmp::Ordering;
use std::ops::Range;

use russet_data::listpack::Element;
use russet_data::number::{IntBuf, parse_f64, parse_i64};

use super::request::Request;
use crate::error::Error;
use crate::exec::View;

/// Copies of elements in one piece of memory.
#[derive(Default)]
pub(super) struct Elements {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Elements {
    pub(super) fn push(&mut self, element: Element<'_>) {
        self.bytes.extend_from_slice(element.as_bytes(&mut IntBuf::new()));
        self.ends.push(self.bytes.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[place]]
    }

    /// The places of the elements in the order of the request, as far as they are in a range of it.
    ///
    /// # Errors
    /// If a weight that is to be compared as a number is none.
    pub(super) fn sorted(
        &self,
        db: &mut View<'_>,
        request: &Request<'_>,
        range: Range<usize>,
    ) -> Result<Vec<usize>, Error> {
        let by_text = |one: usize, other: usize| self.get(one).cmp(self.get(other));
        let directed = |order: Ordering| if request.descending { order.reverse() } else { order };
        Ok(match (request.alpha, request.by) {
            (true, None) => {
                let weighed = (0..self.len()).map(|place| ((), place)).collect();
                in_order(weighed, range, |one, other| directed(by_text(one.1, other.1)))
            }
            (true, Some(by)) => {
                let weight =
                    |place| by.look_up(db, self.get(place), |text| text.map(<[u8]>::to_vec));
                let weighed = (0..self.len()).map(weight).zip(0..).collect();
                // What has no weight comes first.
                in_order(weighed, range, |one, other| directed(one.0.cmp(&other.0)))
            }
            (false, by) => {
                let mut weight = |place| match by {
                    None => number(self.get(place)),
                    Some(by) => {
                        by.look_up(db, self.get(place), |text| text.map_or(Some(0.0), number))
                    }
                };
                let ranked = |place| weight(place).map(|weight| rank(weight, request.descending));
                let weights: Option<Vec<u64>> = (0..self.len()).map(ranked).collect();
                let weights = weights.ok_or_else(|| {
                    Error::new("ERR One or more scores can't be converted into double")
                })?;
                let weighed = weights.into_iter().zip(0..).collect();
                in_order(weighed, range, |one: &(u64, usize), other| {
                    one.0.cmp(&other.0).then_with(|| directed(by_text(one.1, other.1)))
                })
            }
        })
    }
}

/// The places of what has been weighed, in order, as far as they are in a range of it. What is equal
/// stays in the order it was in.
fn in_order<W>(
    mut weighed: Vec<(W, usize)>,
    range: Range<usize>,
    compare: impl Fn(&(W, usize), &(W, usize)) -> Ordering,
) -> Vec<usize> {
    let compare = |one: &(W, usize), other: &(W, usize)| {
        compare(one, other).then_with(|| one.1.cmp(&other.1))
    };
    // What is left out need not be in order.
    let mut wanted = &mut weighed[..];
    if range.end < wanted.len() {
        wanted.select_nth_unstable_by(range.end, compare);
        wanted = &mut wanted[..range.end];
    }
    if (1..wanted.len()).contains(&range.start) {
        wanted.select_nth_unstable_by(range.start, compare);
    }
    wanted = &mut wanted[range.start..];
    wanted.sort_unstable_by(compare);
    wanted.iter().map(|(_, place)| *place).collect()
}

/// An integer that is ordered as numbers are, or the other way round: comparing integers takes no
/// branches. No weight is NaN, and both zeros are the same.
fn rank(weight: f64, descending: bool) -> u64 {
    let bits = (weight + 0.0).to_bits();
    let negative = (bits as i64 >> 63) as u64;
    let ascending = bits ^ (negative | 1 << 63);
    if descending { !ascending } else { ascending }
}

/// A weight as a number, read as C's `strtod` does: leading spaces do not matter, what follows a zero
/// byte is not seen, and nothing at all is zero.
fn number(text: &[u8]) -> Option<f64> {
    if let Some(number) = parse_i64(text) {
        return Some(number as f64);
    }
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let spaces = text.iter().take_while(|byte| is_space(byte)).count();
    parse_f64(&text[spaces..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weights_are_read_as_c_reads_them() {
        for (text, number_read) in [
            (&b"12"[..], 12.0),
            (b"", 0.0),
            (b" \t\n12.5", 12.5),
            (b"0x10", 16.0),
            (b"-inf", f64::NEG_INFINITY),
            (b"7\0abc", 7.0),
            (b"\0", 0.0),
        ] {
            assert_eq!(number(text), Some(number_read), "{}", text.escape_ascii());
        }
        for text in [&b" "[..], b"12 ", b"abc", b"nan", b"1e999", b"1e-999"] {
            assert_eq!(number(text), None, "{}", text.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn ranks_are_ordered_as_weights_are(one: f64, other: f64) {
            prop_assume!(!one.is_nan() && !other.is_nan());
            for (one, other) in [(one, other), (one, one), (0.0, -0.0)] {
                let order = one.partial_cmp(&other).expect("neither is NaN");
                prop_assert_eq!(rank(one, false).cmp(&rank(other, false)), order);
                prop_assert_eq!(rank(one, true).cmp(&rank(other, true)), order.reverse());
            }
        }

        /// Sorting a part gives the same as a part of what is sorted.
        #[test]
        fn a_part_is_in_order(weights in prop::collection::vec(0u8..10, 0..50), start: u8, count: u8) {
            let weighed: Vec<(u8, usize)> = weights.into_iter().zip(0..).collect();
            let start = usize::from(start).min(weighed.len());
            let range = start..(start + usize::from(count)).min(weighed.len());
            let mut expected = weighed.clone();
            expected.sort();
            let expected: Vec<usize> = expected[range.clone()].iter().map(|(_, at)| *at).collect();
            let found = in_order(weighed, range, |one, other| one.0.cmp(&other.0));
            prop_assert_eq!(found, expected);
        }
    }
}
