//! RDB files: a whole keyspace as one stream of bytes.
//!
//! The format is Redis'. A file is a header, then a sequence of items that each begin with a byte, and
//! an end:
//!
//! ```text
//! REDIS0011                                   magic and version
//! fa  name value                              AUX: something about the file
//! fe  number                                  SELECTDB: the keys that follow are in this database
//! fb  keys expires                            RESIZEDB: how many to expect
//! fc  time, 8 bytes  |  fd time, 4 bytes      the next key expires then (ms, s)
//! f8  seconds        |  f9 counter, 1 byte    the next key was not used for so long (LRU, LFU)
//! type key value                              a key
//! ...
//! ff  checksum, 8 bytes                       EOF; no checksum before version 5
//! ```
//!
//! Lengths take 1, 2, 5 or 9 bytes; strings are a length and bytes, or an integer, or LZF (`input.rs` and
//! `output.rs`). Of each type of value there are several kinds of bytes, one for each structure that
//! some version of Redis has stored it in, see [`Kind`].
//!
//! **Reading** is of slices. [`Items`] finds out where items begin and end without looking into
//! values, [`decode()`] makes the value of one. So one thread can cut a file into pieces
//! ([`Splitter`]) and others make values of them. Whatever the bytes are, nothing panics, and
//! nothing is allocated that the bytes do not make up for: a count is believed only as far as there are
//! bytes left for its elements (LZF stands for at most 88 times its bytes).
//!
//! **Writing** is of one value at a time into a buffer ([`Encoder`]), a large one in parts, so that
//! whoever holds its lock can let go between two.

mod decode;
mod encode;
mod error;
mod format;
mod input;
mod items;
mod output;
mod split;
#[cfg(test)]
mod tests;
mod ziplist;

pub use decode::{Limits, Value, decode, entry};
pub use encode::{Access, Checksum, Encoder, Level};
pub use error::{Error, Problem};
pub use format::Kind;
pub use items::{Item, Items, KeyItem};
pub use output::Options;
pub use split::{Piece, Splitter, Verdict};
