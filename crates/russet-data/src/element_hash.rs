//! The hash of the elements of hashes, sets and sorted sets.
//!
//! As with keys, whoever could choose elements that collide would make lookups linear, so the hash is
//! a [`KeyedHash`], under a key that the process draws once. All collections share it, so that a
//! command on several of them hashes an element once. It is not the keyspace's, whose order SCAN
//! shows to other clients.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use crate::keyed_hash::KeyedHash;
use crate::table::KeyHasher;

static HASHER: LazyLock<KeyedHash> = LazyLock::new(|| {
    if cfg!(test) {
        // Tests of chance must not fail by chance.
        return KeyedHash::with_key(1_u128.to_le_bytes());
    }
    // The standard library draws its keys from the system.
    let random = RandomState::new();
    let halves = [0, 1].map(|half| u128::from(random.hash_one(half)));
    KeyedHash::with_key((halves[0] << 64 | halves[1]).to_le_bytes())
});

/// See the module's documentation.
#[derive(Clone, Copy, Default, Debug)]
pub struct ElementHash;

impl KeyHasher for ElementHash {
    #[inline]
    fn hash(&self, element: &[u8]) -> u64 {
        HASHER.hash(element)
    }
}

/// The hash of an element.
#[inline]
#[must_use]
pub fn element_hash(element: &[u8]) -> u64 {
    ElementHash.hash(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_keeps_its_hash_and_others_have_others() {
        let hashes: std::collections::BTreeSet<u64> =
            (0..1000_u32).map(|number| element_hash(&number.to_le_bytes())).collect();
        assert_eq!(hashes.len(), 1000);
        assert_eq!(element_hash(b"member"), ElementHash.hash(b"member"));
    }
}
