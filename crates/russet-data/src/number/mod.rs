//! Numbers as clients write and read them.
//!
//! Redis stores numbers as text and turns them into machine numbers only to compute. Three
//! kinds exist, and each has its own rules about which texts count and how results are written:
//!
//! | kind | read by | written by | used by |
//! | --- | --- | --- | --- |
//! | 64-bit integer | [`parse_i64`] | [`IntBuf`] | INCR and nearly every numeric argument |
//! | 64-bit float | [`parse_f64`] | [`FloatBuf`] | sorted set scores, geo arguments, timeouts |
//! | 80-bit float | [`Extended::parse`] | [`Extended::format_human`] | INCRBYFLOAT, HINCRBYFLOAT |
//!
//! Reading an integer is strict: exactly one text stands for each integer, so that a value can
//! be kept in binary and given back byte for byte. Reading a float follows C's `strtod`, which
//! Redis calls.

mod binary;
mod extended;
mod float;
mod integer;
mod literal;

pub use extended::Extended;
pub use float::{FloatBuf, parse_f64};
pub use integer::{IntBuf, i64_text_length, parse_i64, parse_u64, parse_u64_lenient};
