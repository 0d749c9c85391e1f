//! Several elements at random.

use std::collections::HashSet;

use super::{Records, strings_of};
use crate::random::{Random, random_below};

/// If a sample is to have at least this fraction of all elements, walking through them is cheaper
/// than drawing until there are enough different ones.
const FRACTION: usize = 3;

/// Hands `count` of `len` items, or all if there are not more, to `show` in the order they come in;
/// every choice of items is equally likely.
///
/// This is selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
pub fn choose<T>(
    items: impl Iterator<Item = T>,
    len: usize,
    count: usize,
    random: Random<'_>,
    mut show: impl FnMut(T),
) {
    let mut wanted = count.min(len);
    for (item, left) in items.zip((1..=len).rev()) {
        if random_below(random, left) < wanted {
            wanted -= 1;
            show(item);
        }
    }
}

impl<const STRINGS: usize> Records<STRINGS> {
    /// Hands the strings of `count` different records, or of all if there are not more, to `show`;
    /// every choice of records is equally likely.
    pub fn sample<'a>(
        &'a self,
        count: usize,
        random: Random<'_>,
        mut show: impl FnMut([&'a [u8]; STRINGS]),
    ) {
        if count >= self.len() / FRACTION {
            let all = self.iter().map(|record| strings_of(&record));
            return choose(all, self.len(), count, random, show);
        }
        let mut drawn = HashSet::with_capacity(count);
        while drawn.len() < count
            && let Some(record) = self.random(random)
        {
            if drawn.insert(record.key().as_ptr()) {
                show(strings_of(&record));
            }
        }
    }
}
