//! RESP2 and RESP3, the Redis serialisation protocol: bytes in, bytes out.
//!
//! - [`request`] finds commands and their arguments in what a client sent.
//! - [`quoting`] splits lines with quoted words and quotes bytes for people.
//! - [`reply`] writes replies in the protocol version a client asked for.
//! - [`decode`] reads replies back, for tools and tests.
//!
//! Nothing here does I/O or knows a command.

#![forbid(unsafe_code)]

pub mod decode;
mod error;
mod number;
pub mod quoting;
pub mod reply;
pub mod request;
mod span;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use error::ProtocolError;
pub use reply::{Protocol, ReplyWriter};
pub use request::{Limits, Progress, RequestParser};
pub use span::ArgSpan;
