//! What a table holds, and how it is lent out.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use super::slot::Slot;

/// The alignment that the address of an item has at least.
pub const ITEM_ALIGN: usize = 8;

/// An owning pointer to a block of memory that begins with or contains a key.
///
/// # Safety
///
/// - [`Item::into_raw`] gives an address below 2^48 that is a multiple of [`ITEM_ALIGN`], and
///   [`Item::from_raw`] of it gives the same item.
/// - The bytes that [`Item::key`] returns lie in the block of memory, not in `Self`.
/// - `Self` claims no exclusive access to the block merely by existing (it is built on `NonNull`,
///   not on `Box`): a table makes shadows of an item with `from_raw`, lends them as `&Self`, and
///   forgets them.
pub unsafe trait Item: Sized {
    /// Gives up the item for its address.
    fn into_raw(self) -> NonNull<u8>;

    /// The item of an address.
    ///
    /// # Safety
    ///
    /// The address comes from [`Item::into_raw`] of this type. Of all the items made from it, only
    /// one may be dropped or changed, and while it is changed no other may be in use.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self;

    /// The key under which a table finds the item.
    fn key(&self) -> &[u8];
}

/// The hash function of a table's keys, asked again where a split needs more bits than tags hold.
///
/// It must always give the same hash for a key. If it panics, items may be leaked or no longer be
/// found, but memory stays safe.
pub trait KeyHasher {
    /// The hash of a key, all 64 bits of which are used.
    fn hash(&self, key: &[u8]) -> u64;
}

/// An item that a table lends.
pub struct ItemRef<'a, T: Item> {
    item: ManuallyDrop<T>,
    table: PhantomData<&'a T>,
}

impl<'a, T: Item> ItemRef<'a, T> {
    /// # Safety
    ///
    /// The address is of an item that a table owns and that neither changes nor goes during `'a`.
    #[inline]
    pub(super) unsafe fn new(raw: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise; this shadow is neither changed nor dropped.
        ItemRef { item: ManuallyDrop::new(unsafe { T::from_raw(raw) }), table: PhantomData }
    }

    /// The item's key, for as long as the table is borrowed.
    #[inline]
    pub fn key(&self) -> &'a [u8] {
        let key: *const [u8] = self.item.key();
        // SAFETY: the key lies in the item's memory (contract of `Item`), unchanged during `'a`.
        unsafe { &*key }
    }
}

impl<T: Item> Deref for ItemRef<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.item
    }
}

/// An item in its place in a table, to change.
pub struct SlotMut<'a, T: Item> {
    slot: &'a mut Slot,
    /// A shadow of the item in the slot.
    item: ManuallyDrop<T>,
}

impl<'a, T: Item> SlotMut<'a, T> {
    /// # Safety
    ///
    /// The slot holds the item of this address, and its table owns the item.
    #[inline]
    pub(super) unsafe fn new(slot: &'a mut Slot, raw: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise; the table is borrowed through `slot`, so nobody else uses
        // the item.
        SlotMut { slot, item: ManuallyDrop::new(unsafe { T::from_raw(raw) }) }
    }

    /// The item.
    #[inline]
    pub fn item(&self) -> &T {
        &self.item
    }

    /// The item, for as long as the table is borrowed.
    #[inline]
    pub fn into_ref(self) -> ItemRef<'a, T> {
        ItemRef { item: self.item, table: PhantomData }
    }

    /// Changes the item, which may move but must keep its key.
    #[inline]
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        /// Tells the slot where the item is, also if `change` panics.
        struct Relocate<'s, 'a, T: Item>(&'s mut SlotMut<'a, T>);

        impl<T: Item> Drop for Relocate<'_, '_, T> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: the shadow is replaced before anyone can use it again.
                let item = unsafe { ManuallyDrop::take(&mut self.0.item) };
                self.0.put(item);
            }
        }

        let relocate = Relocate(self);
        change(&mut relocate.0.item)
    }

    /// Puts another item of the same key in the place of this one, which is returned.
    #[inline]
    pub fn replace(&mut self, item: T) -> T {
        debug_assert_eq!(self.item.key(), item.key(), "an item keeps its key");
        // SAFETY: the shadow is replaced in the next line.
        let replaced = unsafe { ManuallyDrop::take(&mut self.item) };
        self.put(item);
        replaced
    }

    #[inline]
    fn put(&mut self, item: T) {
        let raw = item.into_raw();
        self.slot.set(Slot::of_item(self.slot.tag(), raw));
        // SAFETY: the address is the item's, which the table owns now.
        self.item = ManuallyDrop::new(unsafe { T::from_raw(raw) });
    }
}
