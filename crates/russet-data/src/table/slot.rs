//! The eight-byte slot: a tag, an address and two flags.

use std::ptr::{self, NonNull};

/// Slots of a bucket, and of the largest overflow block.
pub(super) const BUCKET_SLOTS: usize = 8;
/// Bits that an address may have; the tag lies above them.
const ADDRESS_BITS: u32 = 48;
const ADDRESS_MASK: usize = ((1 << ADDRESS_BITS) - 1) & !FLAGS_MASK;
/// Low bits that [`super::ITEM_ALIGN`] keeps zero in an address.
const FLAGS_MASK: usize = super::ITEM_ALIGN - 1;
/// The slot names an overflow block, not an item.
const LINK: usize = 0b001;
/// The bucket's epoch; only ever set in the first slot of a bucket.
const EPOCH: usize = 0b010;

const _: () = assert!(size_of::<Slot>() == 8, "an address and its tag share eight bytes");
const _: () = assert!((LINK | EPOCH) & !FLAGS_MASK == 0, "the flags fit below an address");

/// An item, a link to an overflow block, or nothing. It owns nothing by itself.
///
/// ```text
///  63    48 47                                  3    2      1     0
/// ┌────────┬─────────────────────────────────────┬──────┬───────┬──────┐
/// │  tag   │ address of the item or block        │ free │ epoch │ link │
/// └────────┴─────────────────────────────────────┴──────┴───────┴──────┘
/// ```
///
/// The tag of a link is the number of slots of the block it names.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Slot(*mut u8);

impl Slot {
    pub(super) const EMPTY: Slot = Slot(ptr::null_mut());

    #[inline]
    fn pack(tag: u16, pointer: *mut u8, flags: usize) -> Self {
        Slot(pointer.map_addr(|address| address | (tag as usize) << ADDRESS_BITS | flags))
    }

    /// The slot of an item. The address must be one that [`super::Item::into_raw`] promises.
    #[inline]
    pub(super) fn of_item(tag: u16, item: NonNull<u8>) -> Self {
        debug_assert_eq!(item.addr().get() & !ADDRESS_MASK, 0, "an item's address has spare bits");
        Self::pack(tag, item.as_ptr(), 0)
    }

    /// The slot that links to an overflow block of `capacity` slots.
    #[inline]
    pub(super) fn of_block(capacity: usize, block: NonNull<Slot>) -> Self {
        // Not a debug assertion: here it is the allocator that must be trusted otherwise.
        assert_eq!(block.addr().get() & !ADDRESS_MASK, 0, "memory lies in the lower 48 bits");
        Self::pack(capacity as u16, block.as_ptr().cast(), LINK)
    }

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.address().is_null()
    }

    #[inline]
    pub(super) fn is_link(self) -> bool {
        self.0.addr() & LINK != 0
    }

    #[inline]
    pub(super) fn is_item(self) -> bool {
        !self.is_empty() && !self.is_link()
    }

    #[inline]
    pub(super) fn tag(self) -> u16 {
        (self.0.addr() >> ADDRESS_BITS) as u16
    }

    /// What the slot names; null if it is empty.
    #[inline]
    pub(super) fn address(self) -> *mut u8 {
        self.0.map_addr(|address| address & ADDRESS_MASK)
    }

    /// What the slot names; `None` if it is empty.
    #[inline]
    pub(super) fn pointer(self) -> Option<NonNull<u8>> {
        NonNull::new(self.address())
    }

    #[inline]
    pub(super) fn epoch(self) -> bool {
        self.0.addr() & EPOCH != 0
    }

    #[inline]
    pub(super) fn set_epoch(&mut self, epoch: bool) {
        self.0 = self.0.map_addr(|address| address & !EPOCH | if epoch { EPOCH } else { 0 });
    }

    /// Changes what the slot holds; its epoch belongs to the bucket and stays.
    #[inline]
    pub(super) fn set(&mut self, content: Slot) {
        let epoch = self.0.addr() & EPOCH;
        self.0 = content.0.map_addr(|address| address & !EPOCH | epoch);
    }

    /// What the slot holds, without the bucket's epoch.
    #[inline]
    pub(super) fn content(self) -> Self {
        Slot(self.0.map_addr(|address| address & !EPOCH))
    }

    /// The same item under another tag.
    #[inline]
    pub(super) fn with_tag(self, tag: u16) -> Self {
        debug_assert!(self.is_item());
        Self::pack(tag, self.address(), 0)
    }
}
