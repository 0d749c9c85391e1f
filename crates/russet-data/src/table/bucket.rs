//! A bucket and the overflow blocks behind it: a chain.
//!
//! ```text
//!  bucket, one cache line                             overflow block
//! ┌────┬────┬────┬────┬────┬────┬────┬──────┐        ┌────┬────┬─ ─┬────┐
//! │ 1  │ 2  │ 3  │ 4  │ 5  │ 6  │ 7  │ link─┼───────►│ 8  │ 9  │   │    │
//! └────┴────┴────┴────┴────┴────┴────┴──────┘        └────┴────┴─ ─┴────┘
//!   the eighth is an item until a ninth comes          2, 4, 6 or 8 slots
//! ```
//!
//! Invariants:
//!
//! - **C1** The items of a chain come first: no item follows an empty slot.
//! - **C2** A link stands only in the last slot of a bucket or of a block of eight, and owns the
//!   block it names, whose number of slots is the link's tag.
//! - **C3** A block is as small as its items allow: at least two of its slots are in use, and it has
//!   at most one empty slot.
//! - **C4** The items that slots name are owned by the table; nothing else frees them.

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::node::{BLOCK_STEP, LAST, Node, OverflowSlots, Tail};
use super::slot::{BUCKET_SLOTS, Slot};
use super::tag_match::slots_with_tag;

const _: () = assert!(size_of::<Bucket>() == 64 && align_of::<Bucket>() == 64);

/// The head of a chain. Dropping it frees nothing, see [`Bucket::drain`].
#[repr(C, align(64))]
pub(super) struct Bucket {
    slots: [Slot; BUCKET_SLOTS],
}

impl Bucket {
    pub(super) const EMPTY: Bucket = Bucket { slots: [Slot::EMPTY; BUCKET_SLOTS] };

    #[inline]
    fn head(&self) -> Node {
        Node { slots: NonNull::from(&self.slots).cast(), capacity: BUCKET_SLOTS }
    }

    #[inline]
    fn head_mut(&mut self) -> Node {
        Node { slots: NonNull::from(&mut self.slots).cast(), capacity: BUCKET_SLOTS }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.slots[0].is_empty()
    }

    #[inline]
    pub(super) fn epoch(&self) -> bool {
        self.slots[0].epoch()
    }

    pub(super) fn set_epoch(&mut self, epoch: bool) {
        self.slots[0].set_epoch(epoch);
    }

    /// The place of the item with this tag for which `is_match` holds.
    ///
    /// # Safety
    ///
    /// `head` is a bucket's, borrowed for as long as the result is used.
    #[inline(always)] // the way of every command to its key
    unsafe fn search(
        head: Node,
        tag: u16,
        is_match: impl Fn(NonNull<u8>) -> bool,
    ) -> Option<NonNull<Slot>> {
        // SAFETY: the head of a chain is a bucket.
        let slots = unsafe { head.slots.cast::<[Slot; BUCKET_SLOTS]>().as_ref() };
        for index in slots_with_tag(slots, tag) {
            let slot = slots[index];
            if slot.is_item() && slot.pointer().is_some_and(&is_match) {
                // SAFETY: the index is one of a slot of the bucket.
                return Some(unsafe { head.slots.add(index) });
            }
        }
        let overflow = Node::behind(slots[LAST])?;
        // SAFETY: the block belongs to the chain (C2).
        unsafe { Self::search_overflow(overflow, tag, is_match) }
    }

    /// # Safety
    ///
    /// As for [`Bucket::search`], of the chain that `overflow` is a block of.
    unsafe fn search_overflow(
        overflow: Node,
        tag: u16,
        is_match: impl Fn(NonNull<u8>) -> bool,
    ) -> Option<NonNull<Slot>> {
        let mut next = Some(overflow);
        while let Some(node) = next {
            for index in 0..node.capacity {
                // SAFETY: the chain is borrowed, and the index is below the capacity.
                let slot = unsafe { node.slot(index) };
                if slot.tag() == tag && slot.is_item() && slot.pointer().is_some_and(&is_match) {
                    // SAFETY: as above.
                    return Some(unsafe { node.slots.add(index) });
                }
            }
            // SAFETY: the chain is borrowed.
            next = unsafe { node.next() };
        }
        None
    }

    /// The slot of the item with this tag for which `is_match` holds.
    #[inline]
    pub(super) fn find(&self, tag: u16, is_match: impl Fn(NonNull<u8>) -> bool) -> Option<&Slot> {
        // SAFETY: the chain is borrowed as the bucket is, and so is the slot found.
        unsafe { Self::search(self.head(), tag, is_match).map(|slot| slot.as_ref()) }
    }

    /// The slot of the item with this tag for which `is_match` holds, to change.
    #[inline]
    pub(super) fn find_mut(
        &mut self,
        tag: u16,
        is_match: impl Fn(NonNull<u8>) -> bool,
    ) -> Option<&mut Slot> {
        // SAFETY: as in `find`, and the bucket is borrowed mutably.
        unsafe { Self::search(self.head_mut(), tag, is_match).map(|mut slot| slot.as_mut()) }
    }

    /// What a search for this tag will read next: the first item of the bucket with this tag, or
    /// else what the last slot holds; and whether that is an overflow block. For prefetching only,
    /// where a wrong guess costs little and a branch that depends on the data costs much.
    #[inline]
    pub(super) fn guess(&self, tag: u16) -> (*const u8, bool) {
        let index = slots_with_tag(&self.slots, tag).first_or(LAST);
        let slot = self.slots[index];
        (slot.address(), !slot.is_item() && !slot.is_empty())
    }

    /// The first item with this tag in the overflow block, if there is none in the bucket itself.
    #[inline]
    pub(super) fn guess_overflow(&self, tag: u16) -> Option<*const u8> {
        let overflow = Node::behind(self.slots[slots_with_tag(&self.slots, tag).first_or(LAST)])?;
        (0..overflow.capacity)
            // SAFETY: the chain is borrowed, and the index is below the capacity.
            .map(|index| unsafe { overflow.slot(index) })
            .find(|slot| slot.tag() == tag)
            .map(|slot| slot.address().cast_const())
    }

    /// The items of the chain in order.
    #[inline]
    pub(super) fn items(&self) -> Items<'_> {
        Items { node: Some(self.head()), index: 0, chain: PhantomData }
    }

    /// The item at a position of the chain.
    pub(super) fn item_at(&self, mut position: usize) -> Option<Slot> {
        let mut node = self.head();
        // SAFETY: the chain is borrowed, and the index is below the capacity.
        unsafe {
            while let Some(next) = node.next().filter(|_| position >= LAST) {
                position -= LAST;
                node = next;
            }
            (position < node.capacity)
                .then(|| node.slot(position))
                .filter(|slot| slot.is_item())
                .map(Slot::content)
        }
    }

    /// Gives every item of the chain the tag that `tag_of` derives from its slot.
    pub(super) fn retag(&mut self, tag_of: impl Fn(Slot) -> u16) {
        let mut next = Some(self.head_mut());
        while let Some(node) = next {
            for index in 0..node.capacity {
                // SAFETY: the chain is borrowed mutably, and the index is below the capacity.
                unsafe {
                    let slot = node.slot(index);
                    if slot.is_item() {
                        node.set(index, slot.with_tag(tag_of(slot)));
                    }
                }
            }
            // SAFETY: the chain is borrowed.
            next = unsafe { node.next() };
        }
    }

    /// Adds an item and returns how many the chain has now.
    pub(super) fn push(&mut self, item: Slot, overflow: &mut OverflowSlots) -> usize {
        // SAFETY: the chain is borrowed mutably.
        unsafe { Tail::of(self.head_mut()).push(item, overflow) }
    }

    /// Adds an item to a chain that is known to have `items`, and returns how many it has now.
    #[inline]
    pub(super) fn push_to(
        &mut self,
        items: usize,
        item: Slot,
        overflow: &mut OverflowSlots,
    ) -> usize {
        if items < BUCKET_SLOTS {
            self.slots[items].set(item);
            return items + 1;
        }
        self.push(item, overflow)
    }

    /// Takes the last item out of the chain.
    pub(super) fn pop(&mut self, overflow: &mut OverflowSlots) -> Option<Slot> {
        // SAFETY: the chain is borrowed mutably.
        unsafe { Tail::of(self.head_mut()).pop(overflow) }
    }

    /// Takes out the item with this tag for which `is_match` holds; the last one fills its place.
    #[inline]
    pub(super) fn remove(
        &mut self,
        tag: u16,
        is_match: impl Fn(NonNull<u8>) -> bool,
        overflow: &mut OverflowSlots,
    ) -> Option<Slot> {
        let head = self.head_mut();
        // SAFETY: the chain is borrowed mutably, and a chain in which an item was found has a last
        // one. The two change places before blocks do.
        unsafe {
            let mut found = Self::search(head, tag, is_match)?;
            let tail = Tail::of(head);
            let removed = found.read().content();
            found.as_mut().set(tail.node.slot(tail.items - 1));
            tail.node.set(tail.items - 1, removed);
            tail.pop(overflow)
        }
    }

    /// Empties the chain into an iterator, which frees the blocks as it goes but not the items.
    pub(super) fn drain(&mut self, overflow: &mut OverflowSlots) -> Drain {
        let mut block = Node::behind(self.slots[LAST]);
        while let Some(node) = block {
            *overflow -= node.capacity as OverflowSlots;
            // SAFETY: the chain is borrowed.
            block = unsafe { node.next() };
        }
        let drain = Drain { head: self.slots, block: None, index: 0 };
        for slot in &mut self.slots {
            slot.set(Slot::EMPTY);
        }
        drain
    }

    /// Asserts C1 to C3 and returns how many slots the overflow blocks have.
    pub(super) fn check_invariants(&self) -> OverflowSlots {
        let mut overflow = 0;
        let mut node = self.head();
        loop {
            // SAFETY: the chain is borrowed, and the indices are below the capacity.
            let slots: Vec<Slot> =
                (0..node.capacity).map(|index| unsafe { node.slot(index) }).collect();
            let used = slots.iter().take_while(|slot| !slot.is_empty()).count();
            assert!(slots[used..].iter().all(|slot| slot.is_empty()), "C1");
            let links = slots.iter().filter(|slot| slot.is_link()).count();
            // SAFETY: the chain is borrowed.
            let next = unsafe { node.next() };
            assert_eq!(links, usize::from(next.is_some()), "C2");
            let is_block = node.slots != self.head().slots;
            if is_block {
                assert!(used >= BLOCK_STEP && node.capacity - used <= 1, "C3");
                overflow += node.capacity as OverflowSlots;
            }
            let epochs = slots.iter().skip(usize::from(!is_block)).filter(|slot| slot.epoch());
            assert_eq!(epochs.count(), 0, "an epoch stands in the first slot of a bucket only");
            match next {
                Some(next) => node = next,
                None => return overflow,
            }
        }
    }
}

/// The items of a chain, see [`Bucket::items`].
#[derive(Clone)]
pub(super) struct Items<'a> {
    node: Option<Node>,
    index: usize,
    chain: PhantomData<&'a Bucket>,
}

impl Iterator for Items<'_> {
    type Item = Slot;

    #[inline]
    fn next(&mut self) -> Option<Slot> {
        loop {
            let node = self.node.filter(|node| self.index < node.capacity)?;
            // SAFETY: the chain is borrowed for as long as the iterator lives, and the index is
            // below the capacity.
            let slot = unsafe { node.slot(self.index) };
            if slot.is_link() {
                self.node = Node::behind(slot);
                self.index = 0;
                continue;
            }
            self.index += 1;
            if slot.is_empty() {
                self.node = None;
                return None;
            }
            return Some(slot.content());
        }
    }
}

/// What was in a chain, see [`Bucket::drain`].
pub(super) struct Drain {
    head: [Slot; BUCKET_SLOTS],
    /// The block that is being read; `None` while that is `head`.
    block: Option<Node>,
    index: usize,
}

impl Drain {
    /// The slot to be read next.
    fn slot(&self) -> Slot {
        match self.block {
            None if self.index < BUCKET_SLOTS => self.head[self.index],
            // SAFETY: nobody but this iterator links to the block any more, which has not been
            // freed yet; the index is below the capacity.
            Some(node) if self.index < node.capacity => unsafe { node.slot(self.index) },
            _ => Slot::EMPTY,
        }
    }

    fn move_to(&mut self, block: Option<Node>) {
        if let Some(read) = std::mem::replace(&mut self.block, block) {
            // SAFETY: what linked to it was read from a bucket that has been emptied, or from a
            // block that has been freed.
            unsafe { read.free() };
        }
        self.index = 0;
    }
}

impl Iterator for Drain {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let mut slot = self.slot();
        if slot.is_link() {
            self.move_to(Node::behind(slot));
            slot = self.slot();
        }
        if slot.is_empty() {
            return None;
        }
        self.index += 1;
        Some(slot.content())
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.by_ref().for_each(drop);
        self.move_to(None);
    }
}
