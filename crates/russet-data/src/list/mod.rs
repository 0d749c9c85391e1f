//! Lists: sequences of strings that are used from their ends, and sometimes in their middle.
//!
//! A short list is one listpack. A long one is a chain of them, so that a change moves no more
//! than a few kilobytes:
//!
//! ```text
//!          ┌──────────┬──────────┬──────────┬──────────┬──────────┐
//!  nodes   │first = -7│first = -3│first = 2 │first = 6 │first = 11│   a ring
//!          └────┬─────┴────┬─────┴────┬─────┴────┬─────┴────┬─────┘
//!               ▼          ▼          ▼          ▼          ▼
//!          ┌────────┐ ┌─────────┐ ┌ ─ ─ ─ ┐ ┌────────┐ ┌────────┐
//!          │listpack│ │listpack │    LZF    │ one    │ │listpack│
//!          └────────┘ └─────────┘ └ ─ ─ ─ ┘ │ element│ └────────┘
//!                                           └────────┘
//! ```
//!
//! **Index.** Each node knows the number of its first element, counted from some element that once was
//! the first, so that pushing to the front of the list numbers downwards and renumbers nothing. The
//! element with an index is found by binary search over the nodes, and then by walking through at
//! most half a listpack. What is inserted or removed within the list renumbers the nodes on the
//! shorter side of it; the commands that do so have walked there, mostly. Redis' chain is
//! doubly linked, and an index counts its way along it.
//!
//! **Size.** [`Limits`] say how much a listpack may hold. A node that is full when something is to be
//! inserted into it is split; what removals leave of neighbours is merged when it fills half a node
//! or less, so that inserting and removing in turn does not split and merge the same ones.
//! An element longer than a listpack may be is kept alone, without one.
//!
//! **Compression.** If asked for, nodes further than so many from both ends are kept as LZF. A reader
//! decompresses a copy, a change decompresses the node and compresses it afterwards.
//!
//! **Short or long.** A list becomes a chain before more is added to it than a listpack may hold
//! ([`List::prepare`]), and one listpack again when removals have left at most half of that
//! ([`List::settle`]). Both are as in Redis 7.2, where the two have names of their own in OBJECT
//! ENCODING.
//!
//! Cost: 24 bytes, a listpack, and for a chain 48 bytes per node besides it.
//!
//! The invariants are those of `chain.rs`.

mod chain;
mod edit;
mod limits;
mod node;
mod outside;
mod picture;
mod step;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::ControlFlow;

use crate::digest::Digest;
use crate::listpack::{Element, Listpack};
use crate::number::IntBuf;
use crate::object::{Encoding, Value, ValueType, block_free_cost};
use crate::picture::Divisible;
use crate::relocation::Relocation;
use crate::serialized_len;
use crate::size_class::size_class;
use chain::Chain;
pub use limits::Limits;
pub use node::Readable as Node;

/// One of the two ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where index 0 is.
    Left,
    /// Where index -1 is.
    Right,
}

/// The order in which elements are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    Forward,
    /// From right to left.
    Backward,
}

/// See the module's documentation.
#[derive(Clone)]
pub struct List(Representation);

#[derive(Clone)]
enum Representation {
    Short(Listpack),
    Long(Box<Chain>),
}

use Representation::{Long, Short};

impl List {
    /// A list without elements.
    #[must_use]
    pub fn new() -> Self {
        List(Short(Listpack::new()))
    }

    /// A list that is one listpack; see [`List::prepare`] if it may be too large for that.
    #[must_use]
    pub fn from_listpack(listpack: Listpack) -> Self {
        List(Short(listpack))
    }

    /// The number of elements.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Short(listpack) => listpack.len(),
            Long(chain) => chain.len(),
        }
    }

    /// Whether there are no elements.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Short(listpack) => listpack.is_empty(),
            Long(chain) => chain.len() == 0,
        }
    }

    /// Makes the list ready to have `count` elements of `text_bytes` in all added: it becomes a chain
    /// if they would make its listpack larger than it may get. To be called before every addition.
    #[inline]
    pub fn prepare(&mut self, limits: Limits, text_bytes: usize, count: usize) {
        if let Short(listpack) = &mut self.0
            && limits.are_exceeded_by(
                listpack.byte_len().saturating_add(text_bytes),
                listpack.len().saturating_add(count),
            )
        {
            let listpack = std::mem::take(listpack);
            self.0 = Long(Box::new(Chain::new(limits, listpack)));
        }
    }

    /// Makes the list one listpack again if that is at most half as large as it may get. To be called
    /// after removals.
    #[inline]
    pub fn settle(&mut self, limits: Limits) {
        if let Long(chain) = &mut self.0
            && let Some(listpack) = chain.take_listpack(limits)
        {
            self.0 = Short(listpack);
        }
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push<'e>(&mut self, end: End, element: impl Into<Element<'e>>) {
        match (&mut self.0, end) {
            (Short(listpack), End::Left) => listpack.push_front(element),
            (Short(listpack), End::Right) => listpack.push_back(element),
            (Long(chain), end) => chain.push(end, element.into()),
        }
    }

    /// The element at an end.
    #[inline]
    #[must_use]
    pub fn peek(&self, end: End) -> Option<Element<'_>> {
        match &self.0 {
            Short(listpack) => {
                let at = if end == End::Left { listpack.first() } else { listpack.last() };
                at.map(|at| listpack.get(at))
            }
            Long(chain) => chain.peek(end),
        }
    }

    /// Removes the element at an end, if there is one.
    #[inline]
    pub fn drop_one(&mut self, end: End) {
        match &mut self.0 {
            Short(listpack) => {
                let at = if end == End::Left { listpack.first() } else { listpack.last() };
                at.map(|at| listpack.remove(at));
            }
            Long(chain) => chain.drop_one(end),
        }
    }

    /// Reads the element at an index.
    #[inline]
    pub fn get<R>(&self, index: usize, read: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        let mut read = Some(read);
        let found = self.visit(index, Direction::Forward, |element| {
            ControlFlow::Break(read.take().map(|read| read(element)))
        });
        found.break_value().flatten()
    }

    /// Shows the elements from an index on to `visit`, in a direction, until it breaks off.
    #[inline]
    pub fn visit<B>(
        &self,
        from: usize,
        direction: Direction,
        mut visit: impl FnMut(Element<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match &self.0 {
            Short(listpack) => step::walk(listpack, from, direction, &mut visit),
            Long(chain) => chain.visit(from, direction, &mut visit),
        }
    }

    /// Shows up to `count` elements from an index on to `visit`, in a direction.
    #[inline]
    pub fn for_some(
        &self,
        from: usize,
        direction: Direction,
        count: usize,
        mut visit: impl FnMut(Element<'_>),
    ) {
        if count == 0 {
            return;
        }
        let mut left = count;
        let _: ControlFlow<()> = self.visit(from, direction, |element| {
            visit(element);
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }

    /// Shows all elements to `visit`, from left to right.
    pub fn for_each(&self, visit: impl FnMut(Element<'_>)) {
        self.for_some(0, Direction::Forward, usize::MAX, visit);
    }

    /// Puts an element in the place of the one at an index, which there must be.
    pub fn set(&mut self, index: usize, element: Element<'_>) {
        match &mut self.0 {
            Short(listpack) => {
                let position = listpack.seek(index as i64).expect("the index is of an element");
                listpack.replace(position, element);
            }
            Long(chain) => chain.set(index, element),
        }
    }

    /// Puts an element before the one at an index, or after the last.
    pub fn insert(&mut self, index: usize, element: Element<'_>) {
        match &mut self.0 {
            Short(listpack) => {
                let position = listpack.seek(index as i64).unwrap_or_else(|| listpack.end());
                listpack.insert(position, element);
            }
            Long(chain) => chain.insert(index, element),
        }
    }

    /// Removes `count` elements from an index on, or as many as there are.
    pub fn remove_range(&mut self, from: usize, count: usize) {
        match &mut self.0 {
            Short(listpack) => {
                if let Some(position) = listpack.seek(from as i64) {
                    listpack.remove_many(position, count);
                }
            }
            Long(chain) => chain.remove_range(from, count),
        }
    }

    /// Removes at most `most` elements that are the string `wanted`, the first ones in a direction,
    /// and returns how many that was.
    pub fn remove_matching(&mut self, wanted: &[u8], most: usize, direction: Direction) -> usize {
        match &mut self.0 {
            Short(listpack) => step::remove_matching(listpack, wanted, most, direction),
            Long(chain) => chain.remove_matching(wanted, most, direction),
        }
    }

    /// Checks the invariants.
    ///
    /// # Panics
    /// If one does not hold.
    pub fn check_invariants(&self) {
        match &self.0 {
            Short(listpack) => listpack.check_invariants(),
            Long(chain) => chain.check_invariants(),
        }
    }
}

impl Value for List {
    const TYPE: ValueType = ValueType::List;

    fn encoding(&self) -> Encoding {
        match &self.0 {
            Short(_) => Encoding::Listpack,
            Long(_) => Encoding::Quicklist,
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn allocated_bytes(&self) -> usize {
        match &self.0 {
            Short(listpack) => listpack.allocated_bytes(),
            Long(chain) => size_class(size_of::<Chain>()) + chain.allocated_bytes(),
        }
    }

    fn free_cost(&self) -> usize {
        match &self.0 {
            Short(listpack) => block_free_cost(listpack.allocated_bytes()),
            Long(chain) => chain.node_count() + block_free_cost(chain.allocated_bytes()),
        }
    }

    fn serialized_len(&self) -> usize {
        match &self.0 {
            // As a chain of one.
            Short(listpack) => 2 + serialized_len::of_bytes(listpack.byte_len()),
            Long(chain) => chain.serialized_len(),
        }
    }

    fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        match &mut self.0 {
            Short(listpack) => {
                listpack.relocate(relocation);
                0
            }
            Long(chain) => {
                if cursor == 0 {
                    relocation.boxed(chain, Chain::new(chain.limits, Listpack::new()));
                }
                chain.relocate(cursor, relocation)
            }
        }
    }

    fn divisible(&self) -> Option<&dyn Divisible> {
        match &self.0 {
            Short(_) => None,
            Long(chain) => Some(&**chain),
        }
    }

    fn divisible_mut(&mut self) -> Option<&mut dyn Divisible> {
        match &mut self.0 {
            Short(_) => None,
            Long(chain) => Some(&mut **chain),
        }
    }

    fn digest(&self, digest: &mut Digest) {
        let mut scratch = IntBuf::new();
        self.for_each(|element| digest.mix(element.as_bytes(&mut scratch)));
    }
}

impl Default for List {
    fn default() -> Self {
        List::new()
    }
}

impl fmt::Debug for List {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = formatter.debug_list();
        self.for_each(|element| {
            list.entry(&element);
        });
        list.finish()
    }
}

const _: () = {
    assert!(size_of::<List>() == 24);
    assert!(size_of::<node::Node>() == 48);
};
