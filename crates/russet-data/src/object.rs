//! Values that live in an allocation of their own.
//!
//! Short strings and integers are part of their keyspace entry. Everything
//! else is an [`Object`] behind a pointer in the entry: strings too long to
//! move about with their key, and the aggregate types, each of which arrives
//! here as one more variant when its commands are built.
//!
//! An object knows what it costs: [`Object::allocated_bytes`] in memory, and
//! [`Object::free_cost`] in the time it takes to give that memory back, which
//! decides whether a worker may do so itself or leaves it to the background.

use crate::size_class::size_class;

/// The type of a value, numbered as in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// A byte string or an integer.
    String = 0,
    /// A list of byte strings.
    List = 1,
    /// A set of byte strings.
    Set = 2,
    /// A set ordered by score.
    SortedSet = 3,
    /// A map of fields to byte strings.
    Hash = 4,
    /// A value that a module defines.
    Module = 5,
    /// An append-only log of entries.
    Stream = 6,
}

impl ValueType {
    /// Every type, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::String,
        Self::List,
        Self::Set,
        Self::SortedSet,
        Self::Hash,
        Self::Module,
        Self::Stream,
    ];

    /// What `TYPE` answers and `SCAN ... TYPE` matches. Values of modules carry
    /// the name of their module's type instead of this one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "zset",
            Self::Hash => "hash",
            Self::Module => "module",
            Self::Stream => "stream",
        }
    }
}

/// How a value is stored, as `OBJECT ENCODING` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A string that is stored as a 64-bit integer.
    Int,
    /// A short string that was stored whole and not edited since.
    Embstr,
    /// Any other string.
    Raw,
}

impl Encoding {
    /// What `OBJECT ENCODING` answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Embstr => "embstr",
            Self::Raw => "raw",
        }
    }
}

/// A value in an allocation of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A long string.
    String(Vec<u8>),
}

impl Object {
    /// The type of the value.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::String(_) => ValueType::String,
        }
    }

    /// How the value is stored.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        match self {
            Self::String(_) => Encoding::Raw,
        }
    }

    /// The bytes the allocator has set aside for what the value owns, without
    /// the `Object` itself.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        match self {
            Self::String(bytes) => size_class(bytes.capacity()),
        }
    }

    /// The work of dropping the value, in units of about one small allocation
    /// returned. An allocation of many pages counts for more: its pages go
    /// back to the kernel one by one.
    #[must_use]
    pub fn free_cost(&self) -> usize {
        match self {
            Self::String(bytes) => 1 + bytes.capacity() / BYTES_PER_FREE_COST_UNIT,
        }
    }
}

/// How many bytes of one large allocation are as much work to return as one
/// small allocation.
const BYTES_PER_FREE_COST_UNIT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_numbered_in_order() {
        for (number, value_type) in ValueType::ALL.into_iter().enumerate() {
            assert_eq!(value_type as usize, number);
        }
    }

    #[test]
    fn a_string_counts_its_capacity() {
        let mut bytes = Vec::with_capacity(2000);
        bytes.extend_from_slice(b"short");
        let object = Object::String(bytes);
        assert_eq!(object.allocated_bytes(), 2048);
        assert_eq!(object.free_cost(), 1);
        assert_eq!(Object::String(Vec::new()).allocated_bytes(), 0);
    }

    #[test]
    fn a_large_string_costs_more_to_free_than_a_small_one() {
        let large = Object::String(Vec::with_capacity(100 << 20));
        assert!(large.free_cost() > 1000);
    }
}
