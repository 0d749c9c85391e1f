//! The hash of keys.
//!
//! Everything about a key's place comes from one 64-bit hash: its shard from the top bits, its
//! bucket from the low ones. An attacker who could choose keys that collide would turn constant
//! time into linear time, and the order of SCAN and KEYS shows which keys share a bucket, so a
//! merely randomised multiplicative hash could be learned from outside. SipHash-1-3 with a random
//! 128-bit key per process is a pseudo-random function for this purpose (Aumasson and Bernstein,
//! 2012); Redis makes the same choice with one compression round more than it finalises.

use russet_data::table::KeyHasher;
use siphasher::sip::SipHasher13;

/// The keyed hash of one process.
#[derive(Clone, Debug)]
pub struct KeyHash {
    hasher: SipHasher13,
}

impl KeyHash {
    /// A hash under the given key.
    pub fn with_key(key: [u8; 16]) -> Self {
        KeyHash { hasher: SipHasher13::new_with_key(&key) }
    }
}

impl KeyHasher for KeyHash {
    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }
}
