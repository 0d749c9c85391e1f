//! What can be wrong with an RDB file, and where.

/// What is wrong with bytes that should be (part of) an RDB file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The bytes end before the item does.
    #[error("the data ends too early")]
    Truncated,
    /// The file does not begin as RDB files do.
    #[error("this is not an RDB file")]
    Magic,
    /// The file is of a version that is not known.
    #[error("RDB version {0} is not supported")]
    Version(u32),
    /// A byte that begins no item.
    #[error("unknown type {0}")]
    UnknownType(u8),
    /// A value of a type that is known but that Russet does not have.
    #[error("key '{key}' is a {type_name}, which this version of Russet cannot load")]
    UnsupportedType {
        /// What type it is.
        type_name: &'static str,
        /// The key, as text as far as it is.
        key: String,
    },
    /// A length that is none, or is too large.
    #[error("a length that cannot be")]
    Length,
    /// A compressed string that cannot be decompressed.
    #[error("a compressed string that is damaged")]
    Compression,
    /// A value whose bytes are not what they should be; the words are Redis'.
    #[error("{0} integrity check failed")]
    Structure(&'static str),
    /// A score that is not a number.
    #[error("a score that is not a number")]
    Score,
    /// A collection with an element twice.
    #[error("integrity check failed: {0} with dup elements")]
    Duplicate(&'static str),
    /// A collection without elements.
    #[error("an empty {0}")]
    Empty(&'static str),
    /// Bytes after the end of a value.
    #[error("there is more than the value")]
    TrailingBytes,
    /// The checksum is another one.
    #[error(
        "CRC error: the checksum is wrong, {expected:016x} is expected, {found:016x} was found"
    )]
    Checksum {
        /// Of the bytes that were read.
        expected: u64,
        /// What the file says.
        found: u64,
    },
    /// A logical database that the server does not have.
    #[error("database {0} is out of range")]
    Database(u64),
    /// The system failed to deliver the bytes.
    #[error("{0}")]
    Io(String),
}

/// A problem, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}, at offset {offset}")]
pub struct Error {
    /// How many bytes come before.
    pub offset: u64,
    /// What it is.
    pub problem: Problem,
}

impl Error {
    /// The same problem seen from a whole of which `bytes` come before this part.
    #[must_use]
    pub fn behind(mut self, bytes: u64) -> Self {
        self.offset += bytes;
        self
    }
}
