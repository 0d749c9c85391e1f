//! Tests of the table, and the items and hashes that they use.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;

use super::*;

mod model;
mod promises;

thread_local! {
    /// Items of this thread that have been made and not been dropped.
    static ALIVE: Cell<isize> = const { Cell::new(0) };
}

/// `[key length u32][generation u32][key]`, on the heap.
struct TestItem(NonNull<u8>);

const HEADER_BYTES: usize = 8;

impl TestItem {
    fn layout(key_len: usize) -> Layout {
        Layout::from_size_align(HEADER_BYTES + key_len, ITEM_ALIGN).expect("a short key")
    }

    fn new(key: &[u8], generation: u32) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        // SAFETY: the layout has the header at least, and room for the key.
        unsafe {
            let raw = NonNull::new(alloc(Self::layout(key.len()))).expect("enough memory");
            raw.cast::<u32>().write(key.len() as u32);
            raw.cast::<u32>().add(1).write(generation);
            raw.add(HEADER_BYTES).copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
            TestItem(raw)
        }
    }

    fn generation(&self) -> u32 {
        // SAFETY: every item has a header.
        unsafe { self.0.cast::<u32>().add(1).read() }
    }
}

impl Drop for TestItem {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
        // SAFETY: allocated with this layout in `new`.
        unsafe { dealloc(self.0.as_ptr(), Self::layout(self.key().len())) }
    }
}

// SAFETY: the key lies in the block, whose address the allocator aligns; a `NonNull` claims nothing.
unsafe impl Item for TestItem {
    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        TestItem(raw)
    }

    fn key(&self) -> &[u8] {
        // SAFETY: the header tells how long the key behind it is.
        unsafe {
            let len = self.0.cast::<u32>().read() as usize;
            std::slice::from_raw_parts(self.0.add(HEADER_BYTES).as_ptr(), len)
        }
    }
}

/// A good hash, of which only the bits in `mask` are left, to make hashes and tags collide.
#[derive(Clone, Copy, Debug)]
struct MaskedHasher {
    mask: u64,
}

const ALL_BITS: MaskedHasher = MaskedHasher { mask: u64::MAX };

impl KeyHasher for MaskedHasher {
    fn hash(&self, key: &[u8]) -> u64 {
        let mixed = key.iter().fold(0x243f_6a88_85a3_08d3, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        });
        splitmix(mixed) & self.mask
    }
}

fn splitmix(seed: u64) -> u64 {
    let mixed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// A sequence of uniform numbers.
fn numbers(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        splitmix(seed)
    }
}

fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn number(key: &[u8]) -> u64 {
    u64::from_be_bytes(key.try_into().expect("test keys have eight bytes"))
}

fn insert(table: &mut Table<TestItem>, hasher: &MaskedHasher, number: u64, generation: u32) {
    let key = key(number);
    table.insert_unique(hasher.hash(&key), TestItem::new(&key, generation), hasher);
}

fn remove(table: &mut Table<TestItem>, hasher: &MaskedHasher, number: u64) -> Option<TestItem> {
    let key = key(number);
    table.remove(hasher.hash(&key), &key)
}

fn table_of(numbers: std::ops::Range<u64>, hasher: &MaskedHasher) -> Table<TestItem> {
    let mut table = Table::new();
    numbers.for_each(|number| insert(&mut table, hasher, number, 0));
    table
}

fn contents(table: &Table<TestItem>) -> Vec<u64> {
    let mut numbers: Vec<u64> = table.iter().map(|item| number(item.key())).collect();
    numbers.sort_unstable();
    numbers
}
