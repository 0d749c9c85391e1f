//! Value types and encodings: bytes in, bytes out; no I/O, no clock.

pub mod bits;
pub mod digest;
pub mod element_hash;
pub mod geo;
pub mod glob;
pub mod hash;
pub mod hyperloglog;
pub mod intset;
pub mod keyed_hash;
pub mod lcs;
pub mod list;
pub mod listpack;
pub mod lzf;
pub mod number;
pub mod object;
pub mod picture;
pub mod random;
pub mod records;
pub mod relocation;
pub mod serialized_len;
pub mod set;
pub mod size_class;
pub mod sorted_set;
pub mod table;
#[cfg(test)]
mod testing;
