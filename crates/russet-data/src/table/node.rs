//! One node of a chain, and the chain's last node, where it grows and shrinks.
//!
//! These are raw views without lifetimes; [`super::bucket`] gives them the borrow that their safety
//! rests on. C1 to C3 are its invariants.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;

use super::slot::{BUCKET_SLOTS, Slot};

/// The slot of a bucket or of a block of eight that can be a link.
pub(super) const LAST: usize = BUCKET_SLOTS - 1;
/// Overflow blocks grow and shrink by so many slots.
pub(super) const BLOCK_STEP: usize = 2;

const _: () = assert!(BUCKET_SLOTS.is_multiple_of(BLOCK_STEP));

/// Slots allocated in overflow blocks, counted over a table.
pub(super) type OverflowSlots = u32;

/// A bucket or an overflow block.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) slots: NonNull<Slot>,
    pub(super) capacity: usize,
}

impl Node {
    /// The block that a slot links to, if it is a link.
    #[inline]
    pub(super) fn behind(slot: Slot) -> Option<Node> {
        let block = slot.pointer().filter(|_| slot.is_link())?;
        Some(Node { slots: block.cast(), capacity: usize::from(slot.tag()) })
    }

    /// # Safety
    ///
    /// The node is part of a chain that is borrowed, and `index` is below its capacity.
    #[inline]
    pub(super) unsafe fn slot(self, index: usize) -> Slot {
        // SAFETY: the caller's promise.
        unsafe { self.slots.add(index).read() }
    }

    /// # Safety
    ///
    /// As for [`Node::slot`]; the chain is borrowed mutably.
    #[inline]
    pub(super) unsafe fn set(self, index: usize, content: Slot) {
        // SAFETY: the caller's promise.
        unsafe { self.slots.add(index).as_mut().set(content) }
    }

    /// The next node of the chain.
    ///
    /// # Safety
    ///
    /// The node is part of a chain that is borrowed.
    #[inline]
    pub(super) unsafe fn next(self) -> Option<Node> {
        if self.capacity < BUCKET_SLOTS {
            return None;
        }
        // SAFETY: the caller's promise; the last slot is below the capacity.
        Node::behind(unsafe { self.slot(LAST) })
    }

    /// Items in the node, which has no next one.
    ///
    /// # Safety
    ///
    /// The node is part of a chain that is borrowed.
    #[inline]
    unsafe fn items(self, is_block: bool) -> usize {
        // SAFETY: the caller's promise; all indices are below the capacity.
        let is_used = |index| usize::from(unsafe { !self.slot(index).is_empty() });
        if is_block {
            // C3: only the last slot may be empty.
            self.capacity - 1 + is_used(self.capacity - 1)
        } else {
            // By C1 the used slots come first, but counting all takes no branches.
            (0..BUCKET_SLOTS).map(is_used).sum()
        }
    }

    fn layout(capacity: usize) -> Layout {
        Layout::array::<Slot>(capacity).expect("a block has at most eight slots")
    }

    fn allocate(capacity: usize) -> Node {
        let layout = Self::layout(capacity);
        // SAFETY: no block is empty.
        let block = unsafe { alloc(layout) };
        let Some(slots) = NonNull::new(block.cast()) else { handle_alloc_error(layout) };
        Node { slots, capacity }
    }

    /// # Safety
    ///
    /// The node is an overflow block, and no slot links to it any more.
    pub(super) unsafe fn free(self) {
        // SAFETY: by the caller's promise it was allocated with this layout and nobody uses it.
        unsafe { dealloc(self.slots.as_ptr().cast(), Self::layout(self.capacity)) }
    }

    /// # Safety
    ///
    /// As for [`Node::free`]; the slots beyond the new capacity are given up.
    unsafe fn resize(self, capacity: usize) -> Node {
        let (old, new) = (Self::layout(self.capacity), Self::layout(capacity));
        // SAFETY: by the caller's promise it was allocated with this layout; no block is empty.
        let block = unsafe { realloc(self.slots.as_ptr().cast(), old, new.size()) };
        let Some(slots) = NonNull::new(block.cast()) else { handle_alloc_error(new) };
        Node { slots, capacity }
    }

    /// The slot that links to this block.
    fn link(self) -> Slot {
        Slot::of_block(self.capacity, self.slots)
    }
}

/// The last node of a chain, where it grows and shrinks.
pub(super) struct Tail {
    /// The node whose last slot links to `node`; `None` if that is the bucket itself.
    parent: Option<Node>,
    pub(super) node: Node,
    /// Items in `node`.
    pub(super) items: usize,
    /// Items in the nodes before.
    items_before: usize,
}

impl Tail {
    /// # Safety
    ///
    /// `head` is a bucket's, borrowed mutably for as long as the tail is used.
    #[inline]
    pub(super) unsafe fn of(head: Node) -> Tail {
        let (mut parent, mut node, mut items_before) = (None, head, 0);
        // SAFETY: the chain is borrowed.
        while let Some(next) = unsafe { node.next() } {
            items_before += node.capacity - 1;
            parent = Some(node);
            node = next;
        }
        // SAFETY: the chain is borrowed, and the node has no next one.
        let items = unsafe { node.items(parent.is_some()) };
        Tail { parent, node, items, items_before }
    }

    /// Adds an item to the chain and returns how many it has now.
    ///
    /// # Safety
    ///
    /// As for [`Tail::of`].
    #[inline]
    pub(super) unsafe fn push(self, item: Slot, overflow: &mut OverflowSlots) -> usize {
        let Tail { parent, node, items, items_before } = self;
        // SAFETY: the chain is borrowed mutably, all indices are below the capacities, and the link
        // to a block that is resized is overwritten at once.
        unsafe {
            if items < node.capacity {
                node.set(items, item);
            } else if let Some(parent) = parent.filter(|_| node.capacity < BUCKET_SLOTS) {
                let larger = node.resize(node.capacity + BLOCK_STEP);
                larger.slots.add(items).write(item);
                larger.slots.add(items + 1).write(Slot::EMPTY);
                parent.set(LAST, larger.link());
                *overflow += BLOCK_STEP as OverflowSlots;
            } else {
                let block = Node::allocate(BLOCK_STEP);
                block.slots.write(node.slot(LAST));
                block.slots.add(1).write(item);
                node.set(LAST, block.link());
                *overflow += BLOCK_STEP as OverflowSlots;
            }
        }
        items_before + items + 1
    }

    /// Takes out the chain's last item.
    ///
    /// # Safety
    ///
    /// As for [`Tail::of`].
    pub(super) unsafe fn pop(self, overflow: &mut OverflowSlots) -> Option<Slot> {
        let Tail { parent, node, items, .. } = self;
        let remaining = items.checked_sub(1)?;
        // SAFETY: the chain is borrowed mutably, all indices are below the capacities, and the link
        // to a block that is resized or freed is overwritten at once.
        unsafe {
            let item = node.slot(remaining).content();
            node.set(remaining, Slot::EMPTY);
            if let Some(parent) = parent {
                if remaining == 1 {
                    parent.set(LAST, node.slot(0));
                    node.free();
                    *overflow -= BLOCK_STEP as OverflowSlots;
                } else if remaining + BLOCK_STEP == node.capacity {
                    parent.set(LAST, node.resize(remaining).link());
                    *overflow -= BLOCK_STEP as OverflowSlots;
                }
            }
            Some(item)
        }
    }
}
