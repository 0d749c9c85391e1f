//! Where a hash belongs: linear hashing's arithmetic, and which hash bits a tag holds.
//!
//! A table of `2^level + split` buckets has split the first `split` buckets of its level. Those and
//! their new partners tell `level + 1` low bits of a hash apart, the others `level`: that number of
//! bits is a bucket's *depth*.
//!
//! A tag is 16 bits of the hash beginning at the *window* of the bucket's depth, the greatest of
//! 0, 4, 12, 20, 28 that is not above it. So at every depth
//!
//! - at least 9 bits of the tag say something that the bucket's number does not, and
//! - the tag begins at or below the bits that the bucket's number ends with, so number and tag
//!   together give all hash bits below the window's end, among them the one that the next split
//!   goes by.
//!
//! Only a split from one window to the next needs bits that no tag holds, and hashes the keys again.
//! The window changes at 4 and not at a rounder 8, to keep that split away from the sizes that the
//! shards of a keyspace of a million keys pass through.

/// Buckets a table can have. Beyond that, chains grow.
pub(super) const MAX_BUCKETS: u32 = 1 << 31;
const TAG_BITS: u32 = 16;
const MIN_TELLING_BITS: u32 = 9;

/// The first hash bit in the tags of buckets of a depth.
const fn window(depth: u32) -> u8 {
    (((depth + 4) & !7).saturating_sub(4)) as u8
}

const _: () = {
    let mut depth = 0;
    while depth <= MAX_BUCKETS.ilog2() {
        let first = window(depth) as u32;
        assert!(first <= depth && first + TAG_BITS >= depth + MIN_TELLING_BITS);
        depth += 1;
    }
};

/// What follows from a number of buckets, kept because every lookup needs it.
#[derive(Clone, Copy)]
pub(super) struct Geometry {
    /// The low `level` bits.
    low_mask: u32,
    unsplit_window: u8,
    split_window: u8,
}

/// Where a hash belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) bucket: u32,
    pub(super) tag: u16,
}

impl Geometry {
    /// The geometry of so many buckets; nothing can be placed if there are none.
    #[inline]
    pub(super) const fn of(buckets: u32) -> Self {
        let level = match buckets {
            0 => 0,
            _ => buckets.ilog2(),
        };
        Geometry {
            low_mask: (1 << level) - 1,
            unsplit_window: window(level),
            split_window: window(level + 1),
        }
    }

    #[inline]
    fn level(self) -> u32 {
        self.low_mask.count_ones()
    }

    /// The bucket that is to be split next, if there are `buckets`, and the partner it gets.
    #[inline]
    pub(super) fn next_split(self, buckets: u32) -> (u32, u32) {
        (buckets - 1 - self.low_mask, buckets)
    }

    #[inline]
    fn is_split(self, bucket: u32, buckets: u32) -> bool {
        bucket & self.low_mask < buckets - 1 - self.low_mask
    }

    /// Bits of the hash that are the same for all items of a bucket.
    #[inline]
    pub(super) fn depth(self, bucket: u32, buckets: u32) -> u32 {
        self.level() + u32::from(self.is_split(bucket, buckets))
    }

    /// Where a hash belongs among `buckets`, at least one.
    #[inline]
    pub(super) fn place(self, hash: u64, buckets: u32) -> Place {
        let (mask, window) = if self.is_split(hash as u32, buckets) {
            (self.low_mask << 1 | 1, self.split_window)
        } else {
            (self.low_mask, self.unsplit_window)
        };
        Place { bucket: hash as u32 & mask, tag: tag(hash, window) }
    }

    /// The first hash bit in the tags of a bucket.
    #[inline]
    fn window(self, bucket: u32, buckets: u32) -> u8 {
        if self.is_split(bucket, buckets) { self.split_window } else { self.unsplit_window }
    }

    /// All hash bits known of an item from its bucket and tag, the rest being zero.
    #[inline]
    pub(super) fn known_hash(self, place: Place, buckets: u32) -> u64 {
        let window = self.window(place.bucket, buckets);
        u64::from(place.bucket) | u64::from(place.tag) << window
    }

    /// How many low bits of a hash [`Geometry::known_hash`] gives for a bucket's items.
    #[inline]
    pub(super) fn known_bits(self, bucket: u32, buckets: u32) -> u32 {
        u32::from(self.window(bucket, buckets)) + TAG_BITS
    }

    /// Whether a split at this level needs hash bits that tags do not hold.
    #[inline]
    pub(super) fn split_moves_window(self) -> bool {
        self.unsplit_window != self.split_window
    }

    /// The bucket's tags after it was split, from hashes.
    #[inline]
    pub(super) fn split_tag(self, hash: u64) -> u16 {
        tag(hash, self.split_window)
    }

    /// The bucket's tags before it was split.
    #[inline]
    pub(super) fn unsplit_tag(self, known_hash: u64) -> u16 {
        tag(known_hash, self.unsplit_window)
    }

    /// Whether a hash belongs to the new partner once its bucket is split.
    #[inline]
    pub(super) fn moves_at_split(self, known_hash: u64) -> bool {
        known_hash & (u64::from(self.low_mask) + 1) != 0
    }
}

#[inline]
fn tag(hash: u64, window: u8) -> u16 {
    (hash >> window) as u16
}

/// The scan cursor after a bucket of `depth` that holds the hash `cursor`; 0 after the last one.
///
/// Buckets partition the space of hashes by low bits. Read backwards, lowest bit first, a bucket is
/// an interval of that space, whatever the others' depths; and a cursor is the point up to which
/// everything has been visited. The next one is the end of the interval that holds it. (The idea of
/// counting backwards is from Pieter Noordhuis' `dictScan` in Redis.)
pub(super) fn next_cursor(cursor: u64, depth: u32) -> u64 {
    let interval_end = cursor.reverse_bits() | u64::MAX >> depth;
    interval_end.wrapping_add(1).reverse_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_exists_and_known_bits_agree_with_the_hash() {
        for buckets in 1..=600 {
            let geometry = Geometry::of(buckets);
            for seed in 0..200_u64 {
                let hash = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let place = geometry.place(hash, buckets);
                assert!(place.bucket < buckets);
                let depth = geometry.depth(place.bucket, buckets);
                assert_eq!(u64::from(place.bucket), hash & ((1 << depth) - 1));
                let known = (1 << geometry.known_bits(place.bucket, buckets)) - 1;
                assert_eq!(geometry.known_hash(place, buckets), hash & known);
            }
        }
    }

    #[test]
    fn scanning_visits_every_bucket_of_a_table_at_rest_once() {
        for buckets in 1..=130 {
            let geometry = Geometry::of(buckets);
            let mut visited = vec![false; buckets as usize];
            let mut cursor = 0;
            loop {
                let bucket = geometry.place(cursor, buckets).bucket;
                assert!(!std::mem::replace(&mut visited[bucket as usize], true));
                cursor = next_cursor(cursor, geometry.depth(bucket, buckets));
                if cursor == 0 {
                    break;
                }
            }
            assert!(visited.iter().all(|visited| *visited));
        }
    }
}
