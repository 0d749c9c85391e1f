//! The buckets of a table: an array that grows and shrinks at its end without moving.
//!
//! ```text
//!  directory          pages
//! ┌──────┐      ┌────┬────┬────┬─ ─ ─┬────┐
//! │   ───┼─────►│ 0  │ 1  │ 2  │     │ 15 │   16 buckets, 1 KiB
//! ├──────┤      └────┴────┴────┴─ ─ ─┴────┘
//! │   ───┼─────► 16 ...
//! ├──────┤
//! │  ... │      from bucket 4,096 on: 256 buckets, 16 KiB
//! └──────┘
//! ```
//!
//! Only the last page is ever reallocated, if it is a small one: it grows by quarters (the very first
//! from one bucket), so that a small table is small and a shard's unused buckets are few. The larger
//! pages keep the directory of a huge table short, because that array is the one thing that is copied as
//! a whole. They are allocated as they are: growing would leave a trail of single pages behind, which
//! the allocator returns to the system one by one, out of the middle of huge pages.
//!
//! Invariants:
//!
//! - **D1** `pages` points to `directory_capacity(pages_for(buckets))` pointers, of which the first
//!   `pages_for(buckets)` each own a page; it dangles if there are no buckets.
//! - **D2** Page `n` has room for `page_capacity(n, buckets)` buckets, at least as many as lie in it.
//! - **D3** All buckets below `buckets` are initialised.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;

use super::bucket::Bucket;
use crate::relocation::Relocation;

/// Buckets in small pages, and how many those are.
const SMALL_PAGE_BUCKETS: u32 = 16;
const SMALL_PAGES: u32 = 256;
const SMALL_PAGES_BUCKETS: u32 = SMALL_PAGES * SMALL_PAGE_BUCKETS;
/// Buckets of every later page.
const LARGE_PAGE_BUCKETS: u32 = 256;

/// See the module's documentation. Dropping it frees the buckets, but nothing they link to.
pub(super) struct Directory {
    pages: NonNull<NonNull<Bucket>>,
    buckets: u32,
}

/// The page of a bucket and its place there.
#[inline]
fn locate(bucket: u32) -> (usize, usize) {
    if bucket < SMALL_PAGES_BUCKETS {
        ((bucket / SMALL_PAGE_BUCKETS) as usize, (bucket % SMALL_PAGE_BUCKETS) as usize)
    } else {
        let beyond = bucket - SMALL_PAGES_BUCKETS;
        let page = SMALL_PAGES + beyond / LARGE_PAGE_BUCKETS;
        (page as usize, (beyond % LARGE_PAGE_BUCKETS) as usize)
    }
}

fn pages_for(buckets: u32) -> usize {
    match buckets {
        0 => 0,
        _ => locate(buckets - 1).0 + 1,
    }
}

/// Buckets that the last of the pages for `buckets` has room for.
fn last_page_capacity(buckets: u32) -> usize {
    const QUARTER: usize = SMALL_PAGE_BUCKETS as usize / 4;
    let (page, last) = locate(buckets - 1);
    match last + 1 {
        _ if page >= SMALL_PAGES as usize => LARGE_PAGE_BUCKETS as usize,
        used if page == 0 && used < QUARTER => used.next_power_of_two(),
        used => used.next_multiple_of(QUARTER),
    }
}

/// Buckets that page `page` has room for.
fn page_capacity(page: usize, buckets: u32) -> usize {
    if page + 1 == pages_for(buckets) {
        last_page_capacity(buckets)
    } else if page < SMALL_PAGES as usize {
        SMALL_PAGE_BUCKETS as usize
    } else {
        LARGE_PAGE_BUCKETS as usize
    }
}

/// Pointers that a directory of so many pages has room for: four steps between powers of two.
fn directory_capacity(pages: usize) -> usize {
    match pages {
        0 | 1 => pages,
        _ => pages.next_multiple_of((pages.next_power_of_two() / 8).max(2)),
    }
}

fn page_layout(buckets: usize) -> Layout {
    Layout::array::<Bucket>(buckets).expect("a page is small")
}

fn directory_layout(capacity: usize) -> Layout {
    Layout::array::<NonNull<Bucket>>(capacity).expect("there are fewer pages than addresses")
}

/// A block of `new` elements with what `old` of them held, as far as it fits.
///
/// # Safety
///
/// `block` is a block of `old` elements from here, or `old` is 0.
unsafe fn resize<T>(block: NonNull<T>, old: Layout, new: Layout) -> NonNull<T> {
    if old.size() == new.size() {
        return block;
    }
    if new.size() == 0 {
        // SAFETY: the caller's promise; the sizes differ, so the old one is not 0.
        unsafe { dealloc(block.as_ptr().cast(), old) };
        return NonNull::dangling();
    }
    let resized = if old.size() == 0 {
        // SAFETY: the new size is not 0.
        unsafe { alloc(new) }
    } else {
        // SAFETY: the caller's promise; the new size is not 0 and a valid layout's.
        unsafe { realloc(block.as_ptr().cast(), old, new.size()) }
    };
    NonNull::new(resized.cast()).unwrap_or_else(|| handle_alloc_error(new))
}

/// The same block elsewhere.
///
/// # Safety
///
/// `block` was allocated with `layout`, whose size is not 0, and is used no more.
unsafe fn relocated<T>(block: NonNull<T>, layout: Layout) -> NonNull<T> {
    // SAFETY: the size is not 0. Both blocks have it, and the new one overlaps nothing; bytes that
    // are not initialised stay so.
    unsafe {
        let new = NonNull::new(alloc(layout)).unwrap_or_else(|| handle_alloc_error(layout));
        new.copy_from_nonoverlapping(block.cast(), layout.size());
        dealloc(block.as_ptr().cast(), layout);
        new.cast()
    }
}

impl Directory {
    pub(super) const fn new() -> Self {
        Directory { pages: NonNull::dangling(), buckets: 0 }
    }

    /// Number of buckets.
    #[inline]
    pub(super) fn buckets(&self) -> u32 {
        self.buckets
    }

    #[inline]
    fn address(&self, bucket: u32) -> NonNull<Bucket> {
        debug_assert!(bucket < self.buckets);
        let (page, place) = locate(bucket);
        // SAFETY: the bucket exists (all callers place hashes by `buckets()`), so by D1 and D2 its
        // page does and has room for it.
        unsafe { self.pages.add(page).read().add(place) }
    }

    /// The bucket of a number below [`Directory::buckets`].
    #[inline]
    pub(super) fn bucket(&self, bucket: u32) -> &Bucket {
        // SAFETY: initialised (D3), and borrowed as the directory is, which alone owns it.
        unsafe { self.address(bucket).as_ref() }
    }

    /// The bucket of a number below [`Directory::buckets`], to change.
    #[inline]
    pub(super) fn bucket_mut(&mut self, bucket: u32) -> &mut Bucket {
        // SAFETY: as in `bucket`, and the directory is borrowed mutably.
        unsafe { self.address(bucket).as_mut() }
    }

    /// Where a bucket lies, to prefetch it.
    #[inline]
    pub(super) fn prefetch_address(&self, bucket: u32) -> *const u8 {
        self.address(bucket).as_ptr().cast()
    }

    /// Adds an empty bucket.
    pub(super) fn push(&mut self) {
        let buckets = self.buckets + 1;
        let (old_pages, new_pages) = (pages_for(self.buckets), pages_for(buckets));
        let page = new_pages - 1;
        self.resize_directory(old_pages, new_pages);
        if old_pages < new_pages {
            // SAFETY: the directory now has room for this pointer (D1).
            unsafe { self.pages.add(page).write(NonNull::dangling()) };
            self.resize_page(page, 0, last_page_capacity(buckets));
        } else {
            self.resize_page(page, last_page_capacity(self.buckets), last_page_capacity(buckets));
        }
        self.buckets = buckets;
        // SAFETY: the page has room for the bucket (D2), which nothing refers to yet.
        unsafe { self.address(buckets - 1).write(Bucket::EMPTY) };
    }

    /// Gives back the last of the buckets, at least one, which must not link to anything.
    pub(super) fn pop(&mut self) {
        let buckets = self.buckets - 1;
        debug_assert!(self.bucket(buckets).is_empty());
        let (old_pages, new_pages) = (pages_for(self.buckets), pages_for(buckets));
        let page = old_pages - 1;
        let capacity = last_page_capacity(self.buckets);
        let remaining = if new_pages < old_pages { 0 } else { last_page_capacity(buckets) };
        self.resize_page(page, capacity, remaining);
        self.resize_directory(old_pages, new_pages);
        self.buckets = buckets;
    }

    fn resize_page(&mut self, page: usize, old: usize, new: usize) {
        // SAFETY: the caller names a page within the directory (D1) and the capacity it has (D2).
        unsafe {
            let place = self.pages.add(page);
            place.write(resize(place.read(), page_layout(old), page_layout(new)));
        }
    }

    fn resize_directory(&mut self, old_pages: usize, new_pages: usize) {
        let (old, new) = (directory_capacity(old_pages), directory_capacity(new_pages));
        // SAFETY: the directory has the capacity for its pages (D1).
        self.pages = unsafe { resize(self.pages, directory_layout(old), directory_layout(new)) };
    }

    /// Moves pages, and the array of their addresses. Large pages that are full stay: the allocator has
    /// no smaller things beside them, and there are too many to look at all of them at once.
    pub(super) fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        let pages = pages_for(self.buckets);
        let small = pages.min(SMALL_PAGES as usize);
        for page in (0..small).chain((small..pages).next_back()) {
            let layout = page_layout(page_capacity(page, self.buckets));
            // SAFETY: the directory has this page (D1), which has this capacity (D2).
            unsafe {
                let place = self.pages.add(page);
                let old = place.read();
                if relocation.concerns(old.as_ptr()) {
                    place.write(relocated(old, layout));
                }
            }
        }
        if pages > 0 && relocation.concerns(self.pages.as_ptr()) {
            // SAFETY: the directory has the capacity for its pages (D1).
            self.pages =
                unsafe { relocated(self.pages, directory_layout(directory_capacity(pages))) };
        }
    }

    /// Bytes of pages and directory, as asked from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        if self.buckets == 0 {
            return 0;
        }
        let (page, used) = locate(self.buckets - 1);
        let room = self.buckets as usize - (used + 1) + last_page_capacity(self.buckets);
        room * size_of::<Bucket>() + directory_layout(directory_capacity(page + 1)).size()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let pages = pages_for(self.buckets);
        for page in 0..pages {
            self.resize_page(page, page_capacity(page, self.buckets), 0);
        }
        self.resize_directory(pages, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_their_place_through_growth_and_shrinking() {
        let mut directory = Directory::new();
        let beyond_small_pages = SMALL_PAGES_BUCKETS + 2 * LARGE_PAGE_BUCKETS + 3;
        assert_eq!(directory.allocated_bytes(), 0);
        for bucket in 0..beyond_small_pages {
            directory.push();
            directory.bucket_mut(bucket).set_epoch(bucket % 3 == 0);
        }
        for buckets in (0..beyond_small_pages).rev() {
            assert_eq!(directory.bucket(buckets).epoch(), buckets % 3 == 0);
            directory.pop();
            assert_eq!(directory.buckets(), buckets);
        }
        assert_eq!(directory.allocated_bytes(), 0);
    }

    #[test]
    fn pages_and_directory_waste_little() {
        for buckets in 1..3 * SMALL_PAGES_BUCKETS {
            let used = buckets as usize * size_of::<Bucket>();
            let mut directory = Directory::new();
            directory.buckets = buckets;
            let allocated = directory.allocated_bytes();
            std::mem::forget(directory);
            let part_of_page = if buckets <= SMALL_PAGES_BUCKETS { 256 } else { 16_384 };
            assert!(allocated - used <= part_of_page + used / 64, "{buckets} buckets");
        }
    }
}
