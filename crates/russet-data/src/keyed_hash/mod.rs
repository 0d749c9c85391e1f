//! The hash of keys, and of the elements of hashes, sets and sorted sets.
//!
//! Everything about a key's place comes from one 64-bit hash: its shard from the top bits, its
//! bucket from the low ones. An attacker who could choose keys that collide would turn constant
//! time into linear time, and the order of SCAN and KEYS shows which keys share a bucket, so a
//! merely randomised multiplicative hash could be learned from outside. So the hash is a
//! pseudo-random function under a random 128-bit key per process: AES where the processor has
//! instructions for it (see `aes.rs`), and otherwise SipHash-1-3 (Aumasson and Bernstein, 2012), as
//! in Redis, which finalises with one round less.

use siphasher::sip::SipHasher13;

use crate::table::KeyHasher;

#[cfg(target_arch = "x86_64")]
mod aes;

/// A hash under a secret key.
#[derive(Clone, Debug)]
pub struct KeyedHash(Function);

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // there are few
enum Function {
    #[cfg(target_arch = "x86_64")]
    Aes(aes::AesHash),
    Sip(SipHasher13),
}

impl KeyedHash {
    /// A hash under the given key.
    pub fn with_key(key: [u8; 16]) -> Self {
        let sip = SipHasher13::new_with_key(&key);
        #[cfg(target_arch = "x86_64")]
        if let Some(aes) = aes::AesHash::derived_from(&sip) {
            return KeyedHash(Function::Aes(aes));
        }
        KeyedHash(Function::Sip(sip))
    }
}

impl KeyHasher for KeyedHash {
    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        match &self.0 {
            #[cfg(target_arch = "x86_64")]
            Function::Aes(aes) => aes.hash(key),
            Function::Sip(sip) => sip.hash(key),
        }
    }
}
