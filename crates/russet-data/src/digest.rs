//! A fingerprint of data, by which two servers are compared.
//!
//! `DEBUG DIGEST` and `DEBUG DIGEST-VALUE` answer with 20 bytes that are the same for the same data,
//! however it is stored, and as good as never for other data. The algorithm is Redis', so that its
//! answers can be compared with ours: SHA-1 of each part, put together in one of two ways, depending
//! on whether their order matters.

use sha1::{Digest as _, Sha1};

/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 20;

/// See the module's documentation. It begins with zeros, which is the digest of nothing.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Digest([u8; DIGEST_BYTES]);

impl Digest {
    /// The digest of nothing.
    #[must_use]
    pub fn new() -> Self {
        Digest::default()
    }

    /// Takes in one of several parts whose order does not matter.
    pub fn add(&mut self, part: &[u8]) {
        let hash = Sha1::digest(part);
        self.0.iter_mut().zip(hash).for_each(|(byte, other)| *byte ^= other);
    }

    /// Takes in the next of several parts whose order matters.
    pub fn mix(&mut self, part: &[u8]) {
        self.add(part);
        self.0 = Sha1::digest(self.0).into();
    }

    /// Takes in a part that consists of several itself, as [`Digest::add`] does.
    pub fn add_sequence(&mut self, parts: &[&[u8]]) {
        let mut sequence = Digest::new();
        parts.iter().for_each(|part| sequence.mix(part));
        self.add(&sequence.0);
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; DIGEST_BYTES] {
        &self.0
    }

    /// The bytes in hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&str], take: fn(&mut Digest, &[u8])) -> Digest {
        let mut digest = Digest::new();
        parts.iter().for_each(|part| take(&mut digest, part.as_bytes()));
        digest
    }

    #[test]
    fn order_matters_or_not() {
        assert_eq!(of(&["a", "b"], Digest::add), of(&["b", "a"], Digest::add));
        assert_ne!(of(&["a", "b"], Digest::mix), of(&["b", "a"], Digest::mix));
        assert_eq!(of(&["a", "a"], Digest::add), Digest::new());
        assert_eq!(Digest::new().to_hex(), "0".repeat(40));
        assert_eq!(of(&["abc"], Digest::add).to_hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
