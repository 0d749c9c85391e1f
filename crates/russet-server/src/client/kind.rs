//! The kinds of clients that CLIENT LIST and CLIENT KILL tell apart by TYPE.

use super::ClientInfo;
use crate::config::ClientClass;

/// A class of clients, or the server that this one follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientKind {
    /// Clients of a class.
    Class(ClientClass),
    /// The server that this one is a replica of: none so far.
    Master,
}

impl ClientKind {
    /// The kind of this name; case does not matter.
    pub fn named(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"master") {
            return Some(Self::Master);
        }
        ClientClass::named(name).map(Self::Class)
    }

    /// Whether a client is of this kind.
    pub fn matches(self, client: &ClientInfo) -> bool {
        self == Self::Class(client.class())
    }
}
