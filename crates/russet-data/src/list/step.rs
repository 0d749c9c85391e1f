//! Walking through one listpack, and removing what is found there.

use std::ops::ControlFlow;

use super::Direction;
use crate::listpack::{Element, Listpack};

/// Shows the elements from one on to `visit`, in a direction, until it has seen enough.
#[inline]
pub(super) fn walk<B>(
    listpack: &Listpack,
    from: usize,
    direction: Direction,
    visit: &mut impl FnMut(Element<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let Some(start) = listpack.seek(from as i64) else { return ControlFlow::Continue(()) };
    match direction {
        Direction::Forward => listpack.iter_from(start).try_for_each(visit),
        Direction::Backward => {
            let end = listpack.next(start).unwrap_or_else(|| listpack.end());
            listpack.iter_to(end).rev().try_for_each(visit)
        }
    }
}

/// Removes at most `most` elements that are `wanted`, the first ones in a direction, and returns how
/// many that was.
pub(super) fn remove_matching(
    listpack: &mut Listpack,
    wanted: &[u8],
    most: usize,
    direction: Direction,
) -> usize {
    let mut removed = 0;
    match direction {
        Direction::Forward => {
            let mut from = listpack.first();
            while removed < most
                && let Some(position) = from.and_then(|from| listpack.find(wanted, from, 0))
            {
                from = listpack.remove(position);
                removed += 1;
            }
        }
        Direction::Backward => {
            let wanted = Element::from(wanted);
            let mut from = listpack.last();
            while removed < most
                && let Some(position) = from
            {
                from = listpack.previous(position);
                if listpack.get(position) == wanted {
                    listpack.remove(position);
                    removed += 1;
                }
            }
        }
    }
    removed
}
