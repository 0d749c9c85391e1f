//! The size class function against the allocator whose classes it states.

use russet_data::size_class::size_class;
use tikv_jemallocator::{Jemalloc, usable_size};

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn allocated(bytes: usize) -> usize {
    let block = Vec::<u8>::with_capacity(bytes);
    // SAFETY: `block` is a live allocation of the global allocator, jemalloc.
    unsafe { usable_size(block.as_ptr()) }
}

#[test]
fn agrees_with_the_allocator() {
    let small = 1..=20_000;
    let large = (14..=26).flat_map(|exponent| {
        let power = 1_usize << exponent;
        [power - 1, power, power + 1, power + power / 4, power + power / 4 + 1, power + power / 2]
    });
    for bytes in small.chain(large) {
        assert_eq!(size_class(bytes), allocated(bytes), "request of {bytes} bytes");
    }
}
