//! How large a listpack in a list may get, and which ones are compressed.

/// Bytes of a listpack by `list-max-listpack-size`, from -1 to -5.
const SIZE_CLASSES: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// The most bytes of a listpack of more than one element whose limit is a number of elements.
const SAFE_BYTES: usize = 8192;

/// `list-max-listpack-size`, `list-compress-depth`, and what tests set besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// If positive, how many elements a listpack may have; if negative, which of five sizes, from 4
    /// to 64 KB, it may have.
    pub max_listpack_size: i32,
    /// How many listpacks at either end of a long list are not compressed; 0 if none are anywhere.
    pub compress_depth: u32,
    /// An element of a long list that has at least so many bytes is kept alone in any case.
    pub alone_bytes: usize,
}

impl Limits {
    /// Whether a listpack of `bytes` and `count` elements is larger than it may get.
    #[inline]
    #[must_use]
    pub fn are_exceeded_by(self, bytes: usize, count: usize) -> bool {
        bytes > self.most_bytes() || count > self.most_elements()
    }

    /// Whether an element is so long that it is kept alone, and not in a listpack at all.
    #[inline]
    #[must_use]
    pub fn are_exceeded_alone_by(self, text_len: usize) -> bool {
        text_len > self.most_bytes() || text_len >= self.alone_bytes
    }

    /// The limits of what an operation leaves at most half full.
    #[must_use]
    pub(super) fn are_exceeded_twice_by(self, bytes: usize, count: usize) -> bool {
        bytes > self.most_bytes() / 2 || count > self.most_elements() / 2
    }

    #[inline]
    fn most_bytes(self) -> usize {
        match usize::try_from(self.max_listpack_size) {
            Ok(_) => SAFE_BYTES,
            Err(_) => {
                let class = self.max_listpack_size.unsigned_abs() as usize - 1;
                SIZE_CLASSES[class.min(SIZE_CLASSES.len() - 1)]
            }
        }
    }

    #[inline]
    fn most_elements(self) -> usize {
        // A listpack has at least one element, whatever the limit.
        usize::try_from(self.max_listpack_size).map_or(usize::MAX, |most| most.max(1))
    }
}

/// As Redis has them.
impl Default for Limits {
    fn default() -> Self {
        Limits { max_listpack_size: -2, compress_depth: 0, alone_bytes: usize::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_listpack_size: i32) -> Limits {
        Limits { max_listpack_size, ..Limits::default() }
    }

    #[test]
    fn negative_limits_are_sizes() {
        assert!(!limits(-1).are_exceeded_by(4096, 1_000_000));
        assert!(limits(-1).are_exceeded_by(4097, 1));
        assert!(!limits(-5).are_exceeded_by(65_536, 1));
        assert!(limits(i32::MIN).are_exceeded_by(65_537, 1));
    }

    #[test]
    fn positive_limits_are_counts_within_a_safe_size() {
        assert!(!limits(3).are_exceeded_by(8192, 3));
        assert!(limits(3).are_exceeded_by(100, 4));
        assert!(limits(3).are_exceeded_by(8193, 1));
        assert!(!limits(0).are_exceeded_by(100, 1));
        assert!(limits(0).are_exceeded_by(100, 2));
    }
}
