//! The hash of keys.
//!
//! Everything about a key's place comes from one 64-bit hash: its shard from the top bits, its
//! bucket from the low ones. An attacker who could choose keys that collide would turn constant
//! time into linear time, and the order of SCAN and KEYS shows which keys share a bucket, so a
//! merely randomised multiplicative hash could be learned from outside. So the hash is a
//! pseudo-random function under a random 128-bit key per process: AES where the processor has
//! instructions for it (see `aes.rs`), and otherwise SipHash-1-3 (Aumasson and Bernstein, 2012), as
//! in Redis, which finalises with one round less.

use russet_data::table::KeyHasher;
use siphasher::sip::SipHasher13;

#[cfg(target_arch = "x86_64")]
mod aes;

/// The keyed hash of one process.
#[derive(Clone, Debug)]
pub struct KeyHash(Function);

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // there is one per process
enum Function {
    #[cfg(target_arch = "x86_64")]
    Aes(aes::AesHash),
    Sip(SipHasher13),
}

impl KeyHash {
    /// A hash under the given key.
    pub fn with_key(key: [u8; 16]) -> Self {
        let sip = SipHasher13::new_with_key(&key);
        #[cfg(target_arch = "x86_64")]
        if let Some(aes) = aes::AesHash::derived_from(&sip) {
            return KeyHash(Function::Aes(aes));
        }
        KeyHash(Function::Sip(sip))
    }
}

impl KeyHasher for KeyHash {
    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        match &self.0 {
            #[cfg(target_arch = "x86_64")]
            Function::Aes(aes) => aes.hash(key),
            Function::Sip(sip) => sip.hash(key),
        }
    }
}
