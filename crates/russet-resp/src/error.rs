//! What a client can get wrong in the protocol itself.

use std::fmt;

/// A request that breaks the protocol. The server answers `-ERR`, a space and this error's
/// text, and closes the connection once that is sent.
///
/// The texts are Redis'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// An inline command longer than [`LINE_LEN_MAX`](crate::request::LINE_LEN_MAX).
    InlineTooLong,
    /// An inline command with an open quote, or with text right after a closing one.
    UnbalancedQuotes,
    /// A `*` line longer than [`LINE_LEN_MAX`](crate::request::LINE_LEN_MAX).
    ArgumentCountTooLong,
    /// A `*` line that holds no number, or one above the limit.
    ArgumentCountInvalid,
    /// More arguments than a client may send before it has authenticated.
    ArgumentCountUnauthenticated,
    /// A `$` line longer than [`LINE_LEN_MAX`](crate::request::LINE_LEN_MAX).
    BulkLengthTooLong,
    /// Another byte where the `$` of an argument belongs.
    BulkMarkerExpected {
        /// The byte found there.
        found: u8,
    },
    /// A `$` line that holds no number, a negative one, or one above the limit.
    BulkLengthInvalid,
    /// A longer argument than a client may send before it has authenticated.
    BulkLengthUnauthenticated,
}

impl ProtocolError {
    /// The text after `-ERR `. Not always UTF-8: it may quote a byte the client sent, and that
    /// byte may be a line end, which [`ReplyWriter::error`](crate::ReplyWriter::error) replaces.
    pub fn message(self) -> Vec<u8> {
        let mut message = format!("Protocol error: {}", self.detail()).into_bytes();
        if let Self::BulkMarkerExpected { found } = self {
            message.extend_from_slice(&[found, b'\'']);
        }
        message
    }

    /// The text, up to the byte that one of the errors quotes.
    fn detail(self) -> &'static str {
        match self {
            Self::InlineTooLong => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::ArgumentCountTooLong => "too big mbulk count string",
            Self::ArgumentCountInvalid => "invalid multibulk length",
            Self::ArgumentCountUnauthenticated => "unauthenticated multibulk length",
            Self::BulkLengthTooLong => "too big bulk count string",
            Self::BulkMarkerExpected { .. } => "expected '$', got '",
            Self::BulkLengthInvalid => "invalid bulk length",
            Self::BulkLengthUnauthenticated => "unauthenticated bulk length",
        }
    }
}

/// The message, with what is not UTF-8 replaced.
impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.message()))
    }
}

impl std::error::Error for ProtocolError {}
