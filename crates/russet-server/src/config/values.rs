//! The types of the values that are more than a number, a text or yes and no.

use super::format::{Choices, FlagSet};

/// Declares enumerations whose values have names in the configuration.
macro_rules! choices {
    ($(
        $(#[$outer:meta])*
        $type:ident { $( $(#[$inner:meta])* $variant:ident = $($name:literal)|+, )* }
    )*) => { $(
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $( $(#[$inner])* $variant, )* }

        impl Choices for $type {
            const NAMES: &'static [(&'static str, Self)] =
                &[$( $( ($name, Self::$variant), )+ )*];
        }
    )* };
}

choices! {
    /// Whose behaviour the server has where versions of Redis differ.
    Compatibility {
        /// Redis 4.0.6.
        V4_0 = "4.0",
        /// Redis 7.2.
        V7_2 = "7.2",
    }

    /// From which level on messages are logged.
    LogLevel {
        /// Everything.
        Debug = "debug",
        /// Much that is rarely useful, without being a mess.
        Verbose = "verbose",
        /// What an operator wants to know.
        Notice = "notice",
        /// Only what is critical.
        Warning = "warning",
    }

    /// The name under which the system's log files messages away.
    SyslogFacility {
        /// `LOG_USER`.
        User = "user",
        /// `LOG_LOCAL0`.
        Local0 = "local0",
        /// `LOG_LOCAL1`.
        Local1 = "local1",
        /// `LOG_LOCAL2`.
        Local2 = "local2",
        /// `LOG_LOCAL3`.
        Local3 = "local3",
        /// `LOG_LOCAL4`.
        Local4 = "local4",
        /// `LOG_LOCAL5`.
        Local5 = "local5",
        /// `LOG_LOCAL6`.
        Local6 = "local6",
        /// `LOG_LOCAL7`.
        Local7 = "local7",
    }

    /// Who started the server and wants to know when it is ready.
    Supervised {
        /// Upstart.
        Upstart = "upstart",
        /// systemd.
        Systemd = "systemd",
        /// Whichever of the two has left a sign in the environment.
        Auto = "auto",
        /// Nobody.
        No = "no",
    }

    /// What to remove when memory is full.
    EvictionPolicy {
        /// The least recently used among the keys with an expiry.
        VolatileLru = "volatile-lru",
        /// The least frequently used among the keys with an expiry.
        VolatileLfu = "volatile-lfu",
        /// Any key with an expiry.
        VolatileRandom = "volatile-random",
        /// The key that expires first.
        VolatileTtl = "volatile-ttl",
        /// The least recently used key.
        AllKeysLru = "allkeys-lru",
        /// The least frequently used key.
        AllKeysLfu = "allkeys-lfu",
        /// Any key.
        AllKeysRandom = "allkeys-random",
        /// Nothing; commands that need memory fail.
        NoEviction = "noeviction",
    }

    /// When the append-only file is flushed to the disk.
    AppendFsync {
        /// Every second.
        EverySecond = "everysec",
        /// Before each reply.
        Always = "always",
        /// When the system likes to.
        No = "no",
    }

    /// Whether a replica loads a snapshot straight from the network.
    DisklessLoad {
        /// Never.
        Disabled = "disabled",
        /// If it has nothing to lose.
        OnEmptyDatabase = "on-empty-db",
        /// Always, keeping the old data until the new is complete.
        SwapDatabase = "swapdb",
    }

    /// Whether the kernel's out-of-memory killer is told what to spare.
    OomScoreAdjust {
        /// No.
        No = "no",
        /// Relative to the score the server was started with.
        Relative = "yes" | "relative",
        /// Without regard to it.
        Absolute = "absolute",
    }

    /// The channels that new users may use.
    ChannelsOfNewUsers {
        /// All.
        All = "allchannels",
        /// None.
        None = "resetchannels",
    }

    /// Whose serialized values are examined to the bottom before they are taken.
    SanitizePayload {
        /// Nobody's.
        No = "no",
        /// Everybody's.
        Yes = "yes",
        /// Those of clients, not those of files and of the primary.
        Clients = "clients",
    }

    /// Who may do something dangerous.
    Permission {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Clients on the same machine.
        Local = "local",
    }

    /// How nodes of a cluster name each other to clients.
    EndpointType {
        /// By address.
        Ip = "ip",
        /// By host name.
        Hostname = "hostname",
        /// Not at all: the client stays with the address it has.
        Unknown = "unknown-endpoint",
    }

    /// What to do with a replicated command that fails.
    PropagationError {
        /// Go on.
        Ignore = "ignore",
        /// End the process.
        Panic = "panic",
        /// End the process if it is a replica.
        PanicOnReplicas = "panic-on-replicas",
    }

    /// Whether clients have to show a certificate.
    TlsClients {
        /// No.
        No = "no",
        /// Yes.
        Yes = "yes",
        /// They may.
        Optional = "optional",
    }
}

impl EvictionPolicy {
    /// Whether it goes by when, or how often, keys were used.
    pub fn tracks_access(self) -> bool {
        use EvictionPolicy::{AllKeysLfu, AllKeysLru, VolatileLfu, VolatileLru};
        matches!(self, AllKeysLfu | AllKeysLru | VolatileLfu | VolatileLru)
    }
}

impl EvictionPolicy {
    /// Whether keys carry how often, rather than when, they were used.
    pub fn counts_frequency(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllKeysLfu)
    }
}

bitflags::bitflags! {
    /// What a signal adds to an orderly shutdown.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ShutdownOptions: u8 {
        /// Save even if no save points are configured.
        const SAVE = 1;
        /// Do not save even if there are some.
        const NO_SAVE = 2;
        /// Do not wait for replicas that lag behind.
        const NOW = 4;
        /// Go down even if saving fails.
        const FORCE = 8;
    }

    /// Classes of keyspace events, and the channels to publish them in.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct NotifyClasses: u16 {
        /// Channels named after the key.
        const KEYSPACE = 1 << 0;
        /// Channels named after the event.
        const KEYEVENT = 1 << 1;
        /// Commands without a type, such as DEL and EXPIRE.
        const GENERIC = 1 << 2;
        /// String commands.
        const STRING = 1 << 3;
        /// List commands.
        const LIST = 1 << 4;
        /// Set commands.
        const SET = 1 << 5;
        /// Hash commands.
        const HASH = 1 << 6;
        /// Sorted set commands.
        const SORTED_SET = 1 << 7;
        /// A key has expired.
        const EXPIRED = 1 << 8;
        /// A key was removed for lack of memory.
        const EVICTED = 1 << 9;
        /// Stream commands.
        const STREAM = 1 << 10;
        /// Commands of modules.
        const MODULE = 1 << 11;
        /// A key came into being.
        const NEW = 1 << 12;
        /// A key was asked for that does not exist.
        const KEY_MISS = 1 << 13;
    }
}

impl FlagSet for ShutdownOptions {
    const FLAGS: &'static [(&'static str, Self)] = &[
        ("save", Self::SAVE),
        ("nosave", Self::NO_SAVE),
        ("now", Self::NOW),
        ("force", Self::FORCE),
    ];

    fn conflict(self) -> Option<&'static str> {
        self.contains(Self::SAVE | Self::NO_SAVE)
            .then_some("shutdown options SAVE and NOSAVE can't be used simultaneously")
    }
}

impl NotifyClasses {
    /// The classes that the letter `A` stands for, with their own letters.
    const ALL_CLASSES: [(char, Self); 10] = [
        ('g', Self::GENERIC),
        ('$', Self::STRING),
        ('l', Self::LIST),
        ('s', Self::SET),
        ('h', Self::HASH),
        ('z', Self::SORTED_SET),
        ('x', Self::EXPIRED),
        ('e', Self::EVICTED),
        ('t', Self::STREAM),
        ('d', Self::MODULE),
    ];

    /// The letters that `A` does not stand for. Redis 7.0 forgets to show `n` next to `A`.
    const OTHERS: [(char, Self); 4] =
        [('K', Self::KEYSPACE), ('E', Self::KEYEVENT), ('m', Self::KEY_MISS), ('n', Self::NEW)];

    /// Reads letters such as `KEA`. `None` if one of them means nothing.
    pub fn from_letters(letters: &[u8]) -> Option<Self> {
        let known = || Self::ALL_CLASSES.iter().chain(&Self::OTHERS);
        letters.iter().try_fold(Self::empty(), |classes, letter| match letter {
            b'A' => Some(classes | Self::every_class()),
            letter => known()
                .find(|(known, _)| *known == char::from(*letter))
                .map(|(_, class)| classes | *class),
        })
    }

    /// The classes as letters, in Redis' order.
    pub fn letters(self) -> String {
        let letters = |known: &[(char, Self)]| -> String {
            known
                .iter()
                .filter(|(_, class)| self.contains(*class))
                .map(|(letter, _)| letter)
                .collect()
        };
        let classes = if self.contains(Self::every_class()) {
            "A".to_owned()
        } else {
            letters(&Self::ALL_CLASSES)
        };
        classes + &letters(&Self::OTHERS)
    }

    fn every_class() -> Self {
        Self::ALL_CLASSES.iter().map(|(_, class)| *class).collect()
    }
}

impl Compatibility {
    /// The version of Redis that the server takes itself for: the last of its level.
    pub fn redis_version(self) -> &'static str {
        match self {
            Self::V4_0 => "4.0.6",
            Self::V7_2 => "7.2.4",
        }
    }
}

/// When a snapshot is due: this many changes, and this long since the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last snapshot, at least 1.
    pub seconds: u64,
    /// Changes since the last snapshot.
    pub changes: u64,
}

/// The classes of clients that have their own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientClass {
    /// Everybody else, MONITOR included.
    Normal = 0,
    /// Replicas.
    Replica = 1,
    /// Clients with at least one subscription.
    PubSub = 2,
}

impl ClientClass {
    /// All classes, in the order of [`ClientLimits`].
    pub const ALL: [Self; 3] = [Self::Normal, Self::Replica, Self::PubSub];

    /// The name in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Replica => "replica",
            Self::PubSub => "pubsub",
        }
    }

    /// The name that CONFIG GET has kept from before replicas were called that.
    pub fn old_name(self) -> &'static str {
        match self {
            Self::Replica => "slave",
            other => other.name(),
        }
    }

    /// The class with this name, old or new; case does not matter.
    pub fn named(name: &[u8]) -> Option<Self> {
        let is = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(|class| is(class.name()) || is(class.old_name()))
    }
}

/// How much may wait to be sent to one client before it is disconnected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which the client is disconnected at once; 0 for no limit.
    pub hard_bytes: u64,
    /// Bytes it may stay above for [`Self::soft_seconds`]; 0 for no limit.
    pub soft_bytes: u64,
    /// Seconds.
    pub soft_seconds: u32,
}

/// The limits of each class, indexed by [`ClientClass`].
pub type ClientLimits = [OutputLimit; 3];

/// A number of bytes, or a part of `maxmemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryShare {
    /// Bytes; 0 for no limit.
    Bytes(u64),
    /// Percent, from 1 to 100.
    Percent(u8),
}

/// The server to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaOf {
    /// Name or address.
    pub host: Vec<u8>,
    /// TCP port.
    pub port: u16,
}
