//! Places between the items of a tree.

/// A place between two items, or at an end. Items are ordered by their prefixes first.
#[derive(Clone, Copy)]
pub struct Place<F> {
    /// What is known of the prefixes: those of items before the place are not above it, and those of
    /// items behind it not below.
    prefix: Option<u32>,
    /// Whether an item comes before the place: holds for the first so many of the items with that prefix,
    /// or of all, and for none after them.
    is_before: F,
}

impl<F> Place<F> {
    /// A place among the items of a prefix, or where they would be.
    #[inline]
    pub fn among(prefix: u32, is_before: F) -> Self {
        Place { prefix: Some(prefix), is_before }
    }

    /// A place of which nothing is known but what comes before it.
    #[inline]
    pub fn anywhere(is_before: F) -> Self {
        Place { prefix: None, is_before }
    }

    /// How many items come before the place, of those with these prefixes. `compared` has the same
    /// prefixes, and may go on with higher ones than there are.
    #[inline]
    pub(super) fn search<T>(
        &self,
        prefixes: &[u32],
        compared: &[u32],
        item: impl Fn(usize) -> T,
    ) -> usize
    where
        F: Fn(T) -> bool,
    {
        let (mut from, mut until) = match self.prefix {
            None => (0, prefixes.len()),
            Some(prefix) => {
                let from = count_below(compared, prefix);
                if prefixes.get(from) != Some(&prefix) {
                    return from;
                }
                let shared = prefixes[from + 1..].partition_point(|other| *other == prefix);
                (from, from + 1 + shared)
            }
        };
        while from < until {
            let middle = usize::midpoint(from, until);
            if (self.is_before)(item(middle)) {
                from = middle + 1;
            } else {
                until = middle;
            }
        }
        from
    }
}

/// How many of the prefixes, which ascend, are below another. All are compared, which vectors do faster
/// than a search whose every step is a guess.
#[inline]
pub(super) fn count_below(prefixes: &[u32], prefix: u32) -> usize {
    prefixes.iter().map(|other| u32::from(*other < prefix)).sum::<u32>() as usize
}
