//! A keyed hash made of AES rounds, for processors that compute one in an instruction.
//!
//! # Construction
//!
//! A key of at most 16 bytes is one block, a longer one is cut into blocks, of which the last
//! overlaps the one before it. Together with the length, the blocks determine the key. They are
//! chained, beginning with a secret for each length:
//!
//! ```text
//!  secret of the length ──⊕── E4 ──⊕── E4 ── ... ──⊕── E10 ──► low 64 bits
//!                         │        │               │
//!                      block 0  block 1        last block
//! ```
//!
//! `E10` is ten rounds of AES under random round keys, all that AES-128 has, so that the hash of a
//! key of up to 16 bytes is a truncated encryption of it. `E4` is four rounds: two inputs that
//! differ come out with any given difference with a probability of about 2^-113 (Keliher and Sui,
//! 2007), which is what chaining needs (Minematsu and Tsunoo, 2006). Secrets that depend on the
//! length keep keys of different lengths apart whose blocks are equal.
//!
//! # Cost
//!
//! One instruction per round, and for up to 16 bytes hardly more than the ten of them.
//!
//! # Invariant
//!
//! - **A1** An [`AesHash`] exists only where the processor has the AES instructions.

use std::arch::x86_64::{
    __m128i, _mm_aesenc_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_xor_si128,
};

use siphasher::sip::SipHasher13;

const BLOCK_BYTES: usize = 16;
/// Rounds between two blocks, and after the last.
const CHAIN_ROUNDS: usize = 4;
const FINAL_ROUNDS: usize = 10;
/// The secret of all keys that are longer than a block; their length joins as a block of its own.
const LONG: usize = BLOCK_BYTES + 1;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct AesHash {
    final_keys: [__m128i; FINAL_ROUNDS],
    /// By length, and one for all that are longer than a block.
    secrets: [__m128i; LONG + 1],
    chain_keys: [__m128i; CHAIN_ROUNDS],
}

impl AesHash {
    /// A hash whose keys are drawn from a pseudo-random function; `None` where the processor lacks
    /// the instructions.
    pub fn derived_from(random: &SipHasher13) -> Option<Self> {
        if !std::arch::is_x86_feature_detected!("aes") {
            return None;
        }
        let mut drawn = 0_u64;
        let mut draw = || {
            drawn += 1;
            random.hash(&drawn.to_le_bytes())
        };
        let mut draw_block = || block(draw(), draw());
        // A1: checked above.
        Some(AesHash {
            final_keys: std::array::from_fn(|_| draw_block()),
            secrets: std::array::from_fn(|_| draw_block()),
            chain_keys: std::array::from_fn(|_| draw_block()),
        })
    }

    /// The hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        // SAFETY: the processor has the instructions (A1).
        unsafe { self.hash_with_aes(key) }
    }

    #[target_feature(enable = "aes")]
    fn hash_with_aes(&self, key: &[u8]) -> u64 {
        let state = match key.len() {
            len @ ..=BLOCK_BYTES => _mm_xor_si128(self.secrets[len], short_block(key)),
            _ => self.chained(key),
        };
        let hashed = self.final_keys.iter().fold(state, |state, key| _mm_aesenc_si128(state, *key));
        _mm_cvtsi128_si64(hashed) as u64
    }

    /// The state after all blocks of a long key, its last rounds excepted.
    #[target_feature(enable = "aes")]
    #[inline(never)]
    fn chained(&self, key: &[u8]) -> __m128i {
        let rounds = |state: __m128i| {
            self.chain_keys.iter().fold(state, |state, key| _mm_aesenc_si128(state, *key))
        };
        let len = block(key.len() as u64, 0);
        let mut state = rounds(_mm_xor_si128(self.secrets[LONG], len));
        let (whole, last) = key.split_at(key.len() - BLOCK_BYTES);
        for part in whole.chunks(BLOCK_BYTES) {
            // The last one may be short; then it and the block after it overlap.
            state = rounds(_mm_xor_si128(state, short_block(part)));
        }
        _mm_xor_si128(state, short_block(last))
    }
}

#[inline]
fn block(low: u64, high: u64) -> __m128i {
    // SAFETY: every processor of this architecture has SSE2.
    unsafe { _mm_set_epi64x(high as i64, low as i64) }
}

/// Up to 16 bytes as a block. Different bytes of the same length give different blocks.
#[inline]
fn short_block(bytes: &[u8]) -> __m128i {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return block(u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return block(u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    }
    let byte = |at: usize| u64::from(bytes.get(at).copied().unwrap_or_default());
    block(byte(0) | byte(1) << 8 | byte(2) << 16, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn hash_under(key: u8) -> Option<AesHash> {
        AesHash::derived_from(&SipHasher13::new_with_key(&[key; 16]))
    }

    #[test]
    fn every_byte_and_the_length_count() {
        let Some(hash) = hash_under(1) else { return };
        let mut seen = HashSet::new();
        for len in 0..100 {
            let mut key = vec![0_u8; len];
            assert!(seen.insert(hash.hash(&key)), "{len} zeros");
            for at in 0..len {
                for bit in 0..8 {
                    key[at] ^= 1 << bit;
                    assert!(seen.insert(hash.hash(&key)), "{key:?}");
                    key[at] = 0;
                }
            }
        }
    }

    #[test]
    fn hashes_depend_on_the_key() {
        let (Some(one), Some(other)) = (hash_under(1), hash_under(2)) else { return };
        assert_eq!(one.hash(b"key"), hash_under(1).expect("as before").hash(b"key"));
        for key in [&b""[..], b"key", b"a key of 16 byte", b"a key of more than 16 bytes"] {
            assert_ne!(one.hash(key), other.hash(key));
        }
    }

    #[test]
    fn bits_are_even() {
        let Some(hash) = hash_under(3) else { return };
        const KEYS: u32 = 100_000;
        let mut ones = [0_u32; 64];
        for number in 0..KEYS {
            let hash = hash.hash(format!("key:{number:012}").as_bytes());
            ones.iter_mut().enumerate().for_each(|(bit, ones)| *ones += (hash >> bit & 1) as u32);
        }
        // Ten standard deviations, which are half the root of the number.
        let allowed = (KEYS as f64).sqrt() * 5.0;
        for (bit, ones) in ones.into_iter().enumerate() {
            assert!((f64::from(ones) - f64::from(KEYS) / 2.0).abs() < allowed, "{bit}: {ones}");
        }
    }
}
