//! Values that live in an allocation of their own.
//!
//! Short strings and integers are part of their keyspace entry. Everything
//! else is an [`Object`] behind a pointer in the entry: strings too long to
//! move about with their key, and the aggregate types.
//!
//! A type joins by implementing [`Value`], which says what commands about any
//! value want to know, and by one line in `objects!`, from which the variant of
//! [`Object`] and the typed access to it ([`Variant`]) follow. Nothing else names
//! all types: copying, freeing, accounting and reporting go through [`Value`].

use std::fmt;

use crate::digest::Digest;
use crate::hash::Hash;
use crate::list::List;
use crate::picture::Divisible;
use crate::relocation::Relocation;
use crate::serialized_len;
use crate::set::Set;
use crate::size_class::size_class;
use crate::table::{Ahead, Statistics};

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
    /// A small collection in one block.
    Listpack,
    /// A small set of integers in one sorted block.
    Intset,
    /// A hash or set as a hash table.
    Hashtable,
    /// A list as a chain of blocks.
    Quicklist,
    /// A sorted set as a search structure. It is a tree; clients know it by the
    /// name of what Redis has in its place.
    Skiplist,
}

impl Encoding {
    /// What `OBJECT ENCODING` answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Embstr => "embstr",
            Self::Raw => "raw",
            Self::Listpack => "listpack",
            Self::Intset => "intset",
            Self::Hashtable => "hashtable",
            Self::Quicklist => "quicklist",
            Self::Skiplist => "skiplist",
        }
    }

    /// What Redis 4 answers for a value of this type: it had ziplists in place
    /// of listpacks, and neither for sets nor for whole lists.
    #[must_use]
    pub const fn name_in_redis_4(self, value_type: ValueType) -> &'static str {
        match (self, value_type) {
            (Self::Listpack, ValueType::Set) => Self::Hashtable.name(),
            (Self::Listpack, ValueType::List) => Self::Quicklist.name(),
            (Self::Listpack, _) => "ziplist",
            _ => self.name(),
        }
    }
}

/// The steps towards the place of an element in the order of a sorted set. Each reads what the one before
/// it has begun to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceAhead {
    /// What leads to the blocks that hold the old place and the new one.
    Branch,
    /// These blocks.
    Leaf,
    /// The neighbour in the new place.
    Neighbour,
}

/// What commands about values of any type want to know.
pub trait Value: Clone + fmt::Debug {
    /// Which type it is.
    const TYPE: ValueType;

    /// How the value is stored.
    fn encoding(&self) -> Encoding;

    /// Whether it is a collection without elements, which no key may hold.
    fn is_empty(&self) -> bool;

    /// The bytes the allocator has set aside for what the value owns, without
    /// the value itself, in constant time.
    fn allocated_bytes(&self) -> usize;

    /// The work of dropping the value, in units of about one small allocation
    /// returned, in constant time.
    fn free_cost(&self) -> usize;

    /// Bytes that the value takes in an RDB file without compression, its type
    /// not counted.
    fn serialized_len(&self) -> usize;

    /// Takes the elements into a digest that is the same for the same value, however it is stored.
    fn digest(&self, digest: &mut Digest);

    /// Moves allocations among those of a part of the value, and returns the cursor of the next part; 0
    /// begins and ends. A part takes about as long as a bucket of a hash table. What stays in
    /// the value from the first call to the last is looked at, as far as the value keeps its
    /// structure; any cursor does no harm.
    fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64;

    /// How the elements are spread over the buckets, if there is a hash table.
    fn table_statistics(&self) -> Option<Statistics> {
        None
    }

    /// The collection, if its picture can be taken in parts.
    fn divisible(&self) -> Option<&dyn Divisible> {
        None
    }

    /// As [`Value::divisible`], to take it.
    fn divisible_mut(&mut self) -> Option<&mut dyn Divisible> {
        None
    }

    /// Begins to fetch what a look-up of the element with this [`element_hash`] will read. One step
    /// reads what the one before has asked for.
    ///
    /// [`element_hash`]: crate::element_hash::element_hash
    #[inline]
    fn prefetch_element(&self, _hash: u64, _ahead: Ahead) {}

    /// A step towards what will be read when the element with this hash, which was fetched, gets this
    /// score.
    #[inline]
    fn prefetch_place(&self, _hash: u64, _score: f64, _ahead: PlaceAhead) {}
}

/// A type that is a variant of [`Object`].
pub trait Variant: Value {
    /// The object of this value.
    fn into_object(self) -> Object;

    /// The value, if the object is of this type.
    fn of(object: &Object) -> Option<&Self>;

    /// The value, if the object is of this type, to change.
    fn of_mut(object: &mut Object) -> Option<&mut Self>;
}

/// Declares [`Object`] and what depends on the list of its variants.
macro_rules! objects {
    ($($(#[$doc:meta])* $variant:ident($type:ty),)*) => {
        /// A value in an allocation of its own.
        #[derive(Clone, Debug)]
        pub enum Object {
            $($(#[$doc])* $variant($type),)*
        }

        /// Evaluates an expression in which the object's value has a name and
        /// its type is `T`.
        macro_rules! with_value {
            ($object:expr, $value:ident => $result:expr) => {
                match $object {
                    $(Object::$variant($value) => $result,)*
                }
            };
        }

        impl Object {
            /// The type of the value.
            #[must_use]
            pub const fn value_type(&self) -> ValueType {
                match self {
                    $(Self::$variant(_) => <$type as Value>::TYPE,)*
                }
            }
        }

        $(impl Variant for $type {
            fn into_object(self) -> Object {
                Object::$variant(self)
            }

            #[inline]
            fn of(object: &Object) -> Option<&Self> {
                match object {
                    Object::$variant(value) => Some(value),
                    _ => None,
                }
            }

            #[inline]
            fn of_mut(object: &mut Object) -> Option<&mut Self> {
                match object {
                    Object::$variant(value) => Some(value),
                    _ => None,
                }
            }
        })*
    };
}

objects! {
    /// A long string.
    String(Vec<u8>),
    /// A sorted set.
    SortedSet(crate::sorted_set::SortedSet),
    /// A set.
    Set(Set),
    /// A hash.
    Hash(Hash),
    /// A list.
    List(List),
}

impl Object {
    /// How the value is stored.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        with_value!(self, value => Value::encoding(value))
    }

    /// See [`Value::is_empty`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        with_value!(self, value => Value::is_empty(value))
    }

    /// See [`Value::allocated_bytes`]; without the `Object` itself.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        with_value!(self, value => Value::allocated_bytes(value))
    }

    /// See [`Value::free_cost`].
    #[must_use]
    pub fn free_cost(&self) -> usize {
        with_value!(self, value => Value::free_cost(value))
    }

    /// See [`Value::serialized_len`].
    #[must_use]
    pub fn serialized_len(&self) -> usize {
        with_value!(self, value => Value::serialized_len(value))
    }

    /// See [`Value::digest`].
    pub fn digest(&self, digest: &mut Digest) {
        with_value!(self, value => Value::digest(value, digest));
    }

    /// See [`Value::relocate`].
    pub fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        with_value!(self, value => Value::relocate(value, cursor, relocation))
    }

    /// See [`Value::prefetch_element`].
    #[inline]
    pub fn prefetch_element(&self, hash: u64, ahead: Ahead) {
        with_value!(self, value => Value::prefetch_element(value, hash, ahead));
    }

    /// See [`Value::prefetch_place`].
    #[inline]
    pub fn prefetch_place(&self, hash: u64, score: f64, ahead: PlaceAhead) {
        with_value!(self, value => Value::prefetch_place(value, hash, score, ahead));
    }

    /// See [`Value::table_statistics`].
    #[must_use]
    pub fn table_statistics(&self) -> Option<Statistics> {
        with_value!(self, value => Value::table_statistics(value))
    }

    /// See [`Value::divisible`].
    #[must_use]
    pub fn divisible(&self) -> Option<&dyn Divisible> {
        with_value!(self, value => Value::divisible(value))
    }

    /// See [`Value::divisible_mut`].
    pub fn divisible_mut(&mut self) -> Option<&mut dyn Divisible> {
        with_value!(self, value => Value::divisible_mut(value))
    }
}

/// How many bytes of one large allocation are as much work to return as one
/// small allocation: its pages go back to the kernel one by one.
const BYTES_PER_FREE_COST_UNIT: usize = 64 * 1024;

/// The work of returning one allocation of so many bytes, in the units of
/// [`Value::free_cost`].
#[must_use]
pub const fn block_free_cost(bytes: usize) -> usize {
    1 + bytes / BYTES_PER_FREE_COST_UNIT
}

impl Value for Vec<u8> {
    const TYPE: ValueType = ValueType::String;

    fn encoding(&self) -> Encoding {
        Encoding::Raw
    }

    /// A string may be empty.
    fn is_empty(&self) -> bool {
        false
    }

    fn allocated_bytes(&self) -> usize {
        size_class(self.capacity())
    }

    fn free_cost(&self) -> usize {
        block_free_cost(self.capacity())
    }

    fn serialized_len(&self) -> usize {
        serialized_len::of_string(self)
    }

    fn digest(&self, digest: &mut Digest) {
        digest.mix(self);
    }

    fn relocate(&mut self, _cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        relocation.vec(self);
        0
    }
}

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
