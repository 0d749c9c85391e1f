//! CONFIG GET and CONFIG SET.

use super::directive::{Directive, Entry, Flags};
use super::{Config, Permission};
use russet_data::glob::{self, Case};
use std::borrow::Cow;
use std::fmt;

/// A configuration in which CONFIG SET has changed something.
#[derive(Debug)]
pub struct Update {
    /// The new configuration.
    pub config: Config,
    /// The directives whose value is another one now, or has to be looked at anew. What is to
    /// be done about them, if anything, follows from the fields of the old and new `Config`.
    pub changed: Vec<&'static Directive>,
}

/// Who asks for CONFIG SET.
#[derive(Clone, Copy, Debug)]
pub struct Setter {
    /// Whether the client is on the same machine.
    pub is_local: bool,
    /// Whether the server is still loading its data.
    pub is_loading: bool,
}

const CANNOT_CHANGE: &str = "can't set immutable config";

/// Why CONFIG SET has changed nothing. The text is the error reply, its code included; it may
/// repeat bytes of the client's that a reply cannot hold, such as line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// No directive has this name.
    Unknown(Vec<u8>),
    /// This cannot change while data is being loaded.
    Loading,
    /// A value was refused, or cannot be applied.
    Failed {
        /// The directive, by the name the client has used.
        name: String,
        /// Why.
        reason: Cow<'static, str>,
    },
}

impl SetError {
    /// For a change that is valid, but that the server could not carry out.
    pub fn failed(directive: &Directive, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Failed { name: directive.name.into(), reason: reason.into() }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                let name = String::from_utf8_lossy(name);
                write!(f, "ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
            }
            Self::Loading => write!(f, "LOADING Redis is loading the dataset in memory"),
            Self::Failed { name, reason } => {
                let related = format_args!("(possibly related to argument '{name}')");
                write!(f, "ERR CONFIG SET failed {related} - {reason}")
            }
        }
    }
}

impl std::error::Error for SetError {}

impl Config {
    /// The directives that any of `patterns` matches, with their values. A name without
    /// wildcards comes back as it was asked for; each directive comes at most once per name.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        let mut found: Vec<(String, Vec<u8>)> = Vec::new();
        let mut add = |name: &str, directive: &Directive| {
            if !found.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                found.push((name.to_owned(), directive.show(self)));
            }
        };
        for pattern in patterns {
            if pattern.iter().any(|byte| b"*?[".contains(byte)) {
                for entry in Entry::all() {
                    let hidden = entry.directive.flags.contains(Flags::HIDDEN);
                    if !hidden && glob::matches(pattern, entry.name.as_bytes(), Case::Insensitive) {
                        add(entry.name, entry.directive);
                    }
                }
            } else if let Some(entry) = Entry::find(pattern) {
                // Equal but for case to a name of ours, so it is ASCII.
                add(&String::from_utf8_lossy(pattern), entry.directive);
            }
        }
        found
    }

    /// The configuration with other values for some directives, given by name and value.
    /// Either all are taken or none.
    pub fn set(&self, pairs: &[(&[u8], &[u8])], setter: Setter) -> Result<Update, SetError> {
        let entries = self.settable(pairs, setter)?;
        let mut config = self.clone();
        for (entry, (_, value)) in entries.iter().zip(pairs) {
            let arguments = if !entry.directive.flags.contains(Flags::SEVERAL) {
                vec![value.to_vec()]
            } else if value.is_empty() {
                Vec::new()
            } else {
                value.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
            };
            (entry.directive.assign)(&mut config, &arguments)
                .map_err(|reason| SetError::Failed { name: entry.name.into(), reason })?;
        }
        let mut changed: Vec<&'static Directive> = Vec::new();
        for directive in entries.iter().map(|entry| entry.directive) {
            let differs = !(directive.same)(self, &config);
            if differs && directive.flags.contains(Flags::FIXED) {
                return Err(SetError::failed(directive, CANNOT_CHANGE));
            }
            // A directive may have been given twice, by its name and by its alias.
            let known = changed.iter().any(|known| known.name == directive.name);
            if (differs || directive.flags.contains(Flags::VOLATILE)) && !known {
                changed.push(directive);
            }
        }
        Ok(Update { config, changed })
    }

    /// What the names of `pairs` stand for, or what is wrong with the first one that cannot be
    /// set. Values are looked at only when all names are right.
    fn settable(&self, pairs: &[(&[u8], &[u8])], setter: Setter) -> Result<Vec<Entry>, SetError> {
        let mut entries: Vec<Entry> = Vec::new();
        for (name, _) in pairs {
            let Some(entry) = Entry::find(name) else {
                return Err(SetError::Unknown(name.to_vec()));
            };
            let flags = entry.directive.flags;
            let reason = if flags.contains(Flags::IMMUTABLE) {
                CANNOT_CHANGE
            } else if flags.contains(Flags::PROTECTED) && !self.may_set_protected(setter) {
                "can't set protected config"
            } else if flags.contains(Flags::NOT_WHILE_LOADING) && setter.is_loading {
                return Err(SetError::Loading);
            } else if entries.iter().any(|known| known.name == entry.name) {
                "duplicate parameter"
            } else {
                entries.push(entry);
                continue;
            };
            // Equal but for case to a name of ours, so it is ASCII.
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(SetError::Failed { name, reason: reason.into() });
        }
        Ok(entries)
    }

    fn may_set_protected(&self, setter: Setter) -> bool {
        match self.enable_protected_configs {
            Permission::Yes => true,
            Permission::Local => setter.is_local,
            Permission::No => false,
        }
    }
}
