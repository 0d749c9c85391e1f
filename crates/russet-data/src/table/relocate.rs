//! Moving what a table has allocated, so that the allocator can give up memory that is hardly used.
//!
//! Whoever asks for it has arranged for new allocations to be in better places than the old ones.

use super::slot::Slot;
use super::{Item, Table};
use crate::relocation::Relocation;

impl<T: Item> Table<T> {
    /// Lends every item of one bucket to `relocate`, which may move it but must leave its key, moves
    /// the blocks behind the bucket, and returns the cursor of the next bucket. Cursors are as for
    /// [`Table::scan`].
    pub fn relocate_bucket(&mut self, cursor: u64, relocate: &mut dyn FnMut(&mut T)) -> u64 {
        let Some(place) = self.place(cursor) else { return 0 };
        let number = place.bucket;
        let mut items = 0;
        for slot in self.directory.bucket_mut(number).drain(&mut self.overflow_slots) {
            let Some(raw) = slot.pointer() else { continue };
            // SAFETY: the item is in no slot now, so it is ours (C4), until it is pushed again.
            let mut item = unsafe { T::from_raw(raw) };
            relocate(&mut item);
            let slot = Slot::of_item(slot.tag(), item.into_raw());
            let bucket = self.directory.bucket_mut(number);
            items = bucket.push_to(items, slot, &mut self.overflow_slots);
        }
        self.cursor_after(cursor, number)
    }

    /// Moves the pages of buckets, as far as they are small.
    pub fn relocate_pages(&mut self, relocation: &mut Relocation<'_>) {
        self.directory.relocate(relocation);
    }
}
