//! Compares a tag with those of all slots of a bucket at once.

use super::slot::{BUCKET_SLOTS, Slot};

/// Numbers of the slots that matched, lowest first. Each slot has four bits, of which the last one
/// tells, because that is how the vector comparison leaves them.
#[derive(Clone, Copy)]
pub(super) struct Matches(u32);

const BITS_PER_SLOT: u32 = 4;
const TELLING_BITS: u32 = 0x8888_8888;

impl Matches {
    /// The first slot, or `otherwise` if there is none.
    #[inline]
    pub(super) fn first_or(self, otherwise: usize) -> usize {
        let slot = (self.0.trailing_zeros() / BITS_PER_SLOT) as usize;
        if self.0 == 0 { otherwise } else { slot }
    }
}

impl Iterator for Matches {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() / BITS_PER_SLOT;
        self.0 &= self.0 - 1;
        Some(slot as usize)
    }
}

/// The slots whose tag is `tag`. Empty slots and links have tags too: the caller tells them apart.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn slots_with_tag(slots: &[Slot; BUCKET_SLOTS], tag: u16) -> Matches {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi16, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16,
        _mm_set1_epi16,
    };
    // Every 16-bit lane is compared, the tag's being the fourth of each slot; packing halves the
    // lanes to bytes, of which `movemask` takes one bit each.
    //
    // SAFETY: SSE2 belongs to every x86-64, and the four loads cover the 64 bytes of `slots`.
    let bits = unsafe {
        let wanted = _mm_set1_epi16(tag as i16);
        let vector = |index| {
            let vectors = slots.as_ptr().cast::<__m128i>();
            _mm_cmpeq_epi16(_mm_loadu_si128(vectors.add(index)), wanted)
        };
        let low = _mm_movemask_epi8(_mm_packs_epi16(vector(0), vector(1)));
        let high = _mm_movemask_epi8(_mm_packs_epi16(vector(2), vector(3)));
        low as u32 | (high as u32) << 16
    };
    Matches(bits & TELLING_BITS)
}

/// The slots whose tag is `tag`. Empty slots and links have tags too: the caller tells them apart.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(super) fn slots_with_tag(slots: &[Slot; BUCKET_SLOTS], tag: u16) -> Matches {
    slots_with_tag_portable(slots, tag)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline]
fn slots_with_tag_portable(slots: &[Slot; BUCKET_SLOTS], tag: u16) -> Matches {
    let bits = slots.iter().enumerate().fold(0, |bits, (number, slot)| {
        bits | u32::from(slot.tag() == tag) << (number as u32 * BITS_PER_SLOT + BITS_PER_SLOT - 1)
    });
    Matches(bits & TELLING_BITS)
}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn vector_and_portable_code_agree(
            tags in prop::array::uniform8(0u16..4),
            addresses in prop::array::uniform8(1usize..1 << 45),
            tag in 0u16..4,
        ) {
            let slots: [Slot; BUCKET_SLOTS] = std::array::from_fn(|number| {
                let address = NonNull::without_provenance(
                    std::num::NonZero::new(addresses[number] * 8).expect("at least 1"),
                );
                Slot::of_item(tags[number], address)
            });
            let expected: Vec<usize> =
                (0..BUCKET_SLOTS).filter(|number| tags[*number] == tag).collect();
            prop_assert_eq!(slots_with_tag(&slots, tag).collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(slots_with_tag_portable(&slots, tag).collect::<Vec<_>>(), expected);
        }
    }
}
