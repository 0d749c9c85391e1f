//! The numbers of the format.

/// Version of the files that Redis 4.0 reads and writes.
pub(super) const VERSION_OF_REDIS_4_0: u32 = 8;
/// Version of the files that Redis 7.2 reads and writes.
pub(super) const VERSION_OF_REDIS_7_2: u32 = 11;
/// The last version that Redis and Valkey have in common, and that is known here.
pub(super) const NEWEST_VERSION: u32 = 12;
/// The version that Valkey counts on from under its own name.
pub(super) const VALKEY_VERSIONS: std::ops::RangeInclusive<u32> = 80..=80;

/// What a byte that is no type of a value means.
pub(super) mod opcode {
    pub const SLOT_IMPORT: u8 = 243;
    pub const SLOT_INFO: u8 = 244;
    pub const FUNCTION_2: u8 = 245;
    pub const FUNCTION_DRAFT: u8 = 246;
    pub const MODULE_AUX: u8 = 247;
    pub const IDLE: u8 = 248;
    pub const FREQUENCY: u8 = 249;
    pub const AUX: u8 = 250;
    pub const RESIZE_DB: u8 = 251;
    pub const EXPIRE_MS: u8 = 252;
    pub const EXPIRE_S: u8 = 253;
    pub const SELECT_DB: u8 = 254;
    pub const EOF: u8 = 255;
}

/// What comes next in the data of a module.
pub(super) mod module {
    pub const EOF: u64 = 0;
    pub const SINT: u64 = 1;
    pub const UINT: u64 = 2;
    pub const FLOAT: u64 = 3;
    pub const DOUBLE: u64 = 4;
    pub const STRING: u64 = 5;
}

/// The two high bits of a length's first byte.
pub(super) mod length {
    pub const SIX_BITS: u8 = 0;
    pub const FOURTEEN_BITS: u8 = 1;
    /// Whole bytes for four or eight bytes that follow, highest first.
    pub const FOUR_BYTES: u8 = 0x80;
    pub const EIGHT_BYTES: u8 = 0x81;
    /// Not a length: the low bits say which of the forms of a string it is.
    pub const SPECIAL: u8 = 3;
}

/// Strings that are not a length and bytes.
pub(super) mod special {
    pub const INT_8: u8 = 0;
    pub const INT_16: u8 = 1;
    pub const INT_32: u8 = 2;
    pub const LZF: u8 = 3;
}

/// How the nodes of a list are stored.
pub(super) mod container {
    pub const PLAIN: u64 = 1;
    pub const PACKED: u64 = 2;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The kinds of bytes that values are stored as, each for a structure of some version.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name = $number,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];
        }
    };
}

kinds! {
    /// A string.
    String = 0,
    /// Elements.
    List = 1,
    /// Elements.
    Set = 2,
    /// Members and scores as text.
    SortedSet = 3,
    /// Fields and values.
    Hash = 4,
    /// Members and scores as binary floats.
    SortedSet2 = 5,
    /// A value of a module, of a version before its data could be skipped.
    ModuleDraft = 6,
    /// A value of a module.
    Module = 7,
    /// A zipmap of fields and values.
    HashZipmap = 9,
    /// A ziplist.
    ListZiplist = 10,
    /// An intset.
    SetIntset = 11,
    /// A ziplist of members and scores.
    SortedSetZiplist = 12,
    /// A ziplist of fields and values.
    HashZiplist = 13,
    /// Ziplists.
    ListQuicklist = 14,
    /// A stream.
    Stream = 15,
    /// A listpack of fields and values.
    HashListpack = 16,
    /// A listpack of members and scores.
    SortedSetListpack = 17,
    /// Listpacks, and long elements alone.
    ListQuicklist2 = 18,
    /// A stream, since Redis 7.0.
    Stream2 = 19,
    /// A listpack.
    SetListpack = 20,
    /// A stream, since Redis 7.2.
    Stream3 = 21,
}

impl Kind {
    /// The kind of a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as u8 == number)
    }
}
