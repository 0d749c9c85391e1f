//! What a directive is, and the macro that turns the declarations into [`Config`] and the table.
//!
//! [`Config`]: super::Config

use super::Config;
use super::format::{Line, Reason};
use std::fmt;

/// One directive of the configuration: everything but its value, which is a field of [`Config`].
pub struct Directive {
    /// The name, as in `russet.conf`.
    pub name: &'static str,
    /// An older name that is still understood.
    pub alias: Option<&'static str>,
    /// The part of the configuration it belongs to.
    pub theme: Theme,
    /// What it is for, in a sentence or two.
    pub summary: &'static str,
    /// Rules for reading and changing it.
    pub flags: Flags,
    /// Whether it has an effect.
    pub status: Status,
    pub(super) assign: fn(&mut Config, &[Vec<u8>]) -> Result<(), Reason>,
    pub(super) assign_again: fn(&mut Config, &[Vec<u8>]) -> Result<(), Reason>,
    pub(super) show: fn(&Config) -> Vec<u8>,
    pub(super) lines: fn(&Config, &Config) -> Vec<Line>,
    pub(super) same: fn(&Config, &Config) -> bool,
    pub(super) describe: fn() -> String,
}

bitflags::bitflags! {
    /// Rules for reading and changing a directive.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// Only a restart changes it.
        const IMMUTABLE = 1 << 0;
        /// CONFIG SET needs the permission of `enable-protected-configs`.
        const PROTECTED = 1 << 1;
        /// The value is a secret that must not get into logs.
        const SENSITIVE = 1 << 2;
        /// CONFIG GET shows it only when asked for by its full name.
        const HIDDEN = 1 << 3;
        /// Cannot be changed while data is being loaded.
        const NOT_WHILE_LOADING = 1 << 4;
        /// Takes any number of arguments.
        const SEVERAL = 1 << 5;
        /// Setting it again to the same value is a change: a file has to be read anew.
        const VOLATILE = 1 << 6;
        /// Only a restart changes it, but setting it to the value it has is no error: tools that know
        /// what is immutable in Redis set everything else to what it is. For directives that Redis
        /// does not have.
        const FIXED = 1 << 7;
    }
}

/// Whether a directive has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does what it says.
    Works,
    /// It is checked, kept and shown; what it is for is not built yet.
    Later,
    /// It is checked, kept and shown; Russet has nothing for it to act on.
    NoEffect,
}

/// The parts of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Listening, and the state of connections.
    Network,
    /// Transport layer security.
    Tls,
    /// The process, its log and its threads.
    General,
    /// Users, passwords and what is forbidden.
    Security,
    /// Limits on clients and on what they send.
    Clients,
    /// Limits on data, eviction and freeing.
    Memory,
    /// Snapshots.
    Snapshots,
    /// The append-only file.
    AppendOnly,
    /// Primaries and replicas.
    Replication,
    /// Cluster.
    Cluster,
    /// Slow log, latency, events.
    Observation,
    /// When collections change their representation.
    Encodings,
}

impl fmt::Debug for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Directive").field(&self.name).finish()
    }
}

impl Directive {
    /// The directive with this name or alias; case does not matter.
    pub fn find(name: &[u8]) -> Option<&'static Self> {
        Entry::find(name).map(|entry| entry.directive)
    }

    /// Whether the value is a secret that must not get into logs.
    pub fn is_sensitive(&self) -> bool {
        self.flags.contains(Flags::SENSITIVE)
    }

    /// The value, as CONFIG GET shows it.
    pub fn show(&self, config: &Config) -> Vec<u8> {
        (self.show)(config)
    }

    /// The values it takes, in a few words.
    pub fn values(&self) -> String {
        (self.describe)()
    }
}

/// A name that clients can use, and the directive it means.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub name: &'static str,
    pub directive: &'static Directive,
}

impl Entry {
    /// All names, each alias right after the name proper.
    pub fn all() -> impl Iterator<Item = Self> {
        super::DIRECTIVES.iter().flat_map(|directive| {
            let names = [Some(directive.name), directive.alias];
            names.into_iter().flatten().map(move |name| Self { name, directive })
        })
    }

    /// The entry with this name; case does not matter. A few hundred short comparisons, for
    /// commands that people type: nothing to build an index for.
    pub fn find(name: &[u8]) -> Option<Self> {
        Self::all().find(|entry| entry.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// The alias of a row that may have one.
pub(super) const fn first(names: &[&'static str]) -> Option<&'static str> {
    match names {
        [] => None,
        [name, ..] => Some(name),
    }
}

/// Makes [`Config`], its default and the table of directives from the declarations, which come
/// as `Theme { rows }`. A row reads
///
/// ```text
/// /// What it is for.
/// "name" | "alias" => field: type = default, format, status + FLAGS;
/// ```
///
/// [`Config`]: super::Config
macro_rules! define_config {
    ([] { $( $theme:ident { $(
        $(#[doc = $doc:literal])+
        $name:literal $(| $alias:literal)? => $field:ident: $type:ty = $default:expr,
            $format:expr, $status:ident $(+ $flag:ident)*;
    )* } )* }) => {
        /// The value of every directive.
        ///
        /// A configuration never changes: CONFIG SET makes a new one. Each field is named after
        /// its directive, with underscores.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config { $( $( $(#[doc = $doc])+ pub $field: $type, )* )* }

        impl Default for Config {
            /// The configuration of a server that is told nothing.
            fn default() -> Self {
                Self { $( $( $field: $default, )* )* }
            }
        }

        /// All directives, by theme.
        pub static DIRECTIVES: &[Directive] = &[ $( $( Directive {
            name: $name,
            alias: first(&[$($alias)?]),
            theme: Theme::$theme,
            summary: concat!($($doc),+).trim_ascii_start(),
            flags: Flags::empty() $(.union(Flags::$flag))*,
            status: Status::$status,
            assign: |config, arguments| {
                config.$field = Format::<$type>::parse(&$format, arguments, &config.$field)?;
                Ok(())
            },
            assign_again: |config, arguments| {
                config.$field = Format::<$type>::parse_again(&$format, arguments, &config.$field)?;
                Ok(())
            },
            show: |config| Format::<$type>::show(&$format, &config.$field),
            lines: |config, default| {
                Format::<$type>::lines(&$format, &config.$field, &default.$field)
            },
            same: |one, other| one.$field == other.$field,
            describe: || Format::<$type>::describe(&$format),
        }, )* )* ];
    };
}
pub(super) use define_config;
