//! Which sizes the allocator really hands out.
//!
//! jemalloc rounds every request up to a size class: 8 bytes, the multiples of
//! 16 up to 128, and from there on four evenly spaced classes per doubling.
//!
//! ```text
//! 8 | 16 32 48 64 80 96 112 128 | 160 192 224 256 | 320 384 448 512 | ...
//!         one step: 16 bytes    |       32        |       64        |
//! ```
//!
//! Memory accounting uses this to say what a structure costs rather than what
//! it asked for, and structures that resize themselves use it to take a whole
//! class at once instead of leaving its tail unused. A test compares the
//! function with the allocator itself.

/// The bytes the allocator sets aside for a request of `bytes`. Zero stands
/// for "nothing allocated", as an empty `Vec` does, and stays zero.
#[inline]
#[must_use]
pub const fn size_class(bytes: usize) -> usize {
    if bytes > 128 {
        round_up(bytes, 1 << ((bytes - 1).ilog2() - 2))
    } else if bytes > 8 {
        round_up(bytes, 16)
    } else if bytes > 0 {
        8
    } else {
        0
    }
}

/// Rounds up to a multiple of a power of two. Branch-free, unlike
/// `next_multiple_of`, which has to allow for any divisor.
const fn round_up(bytes: usize, power_of_two: usize) -> usize {
    (bytes + power_of_two - 1) & !(power_of_two - 1)
}

const _: () = {
    assert!(size_class(0) == 0);
    assert!(size_class(1) == 8 && size_class(8) == 8);
    assert!(size_class(9) == 16 && size_class(17) == 32);
    assert!(size_class(128) == 128 && size_class(129) == 160);
    assert!(size_class(256) == 256 && size_class(257) == 320);
    assert!(size_class(4097) == 5120);
};
