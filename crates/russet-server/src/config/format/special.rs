//! Words that stand for values, and directives that are like no other.

use super::{Format, Line, Reason, WRONG_NUMBER_OF_ARGUMENTS, quoted, single, word};
use crate::config::error::os_reason;
use crate::config::values::{NotifyClasses, ReplicaOf};
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// `yes` or `no`.
pub struct YesNo;

/// See [`YesNo`].
pub const YES_NO: YesNo = YesNo;

impl Format<bool> for YesNo {
    fn parse(&self, arguments: &[Vec<u8>], _current: &bool) -> Result<bool, Reason> {
        let argument = single(arguments)?;
        if argument.eq_ignore_ascii_case(b"yes") {
            Ok(true)
        } else if argument.eq_ignore_ascii_case(b"no") {
            Ok(false)
        } else {
            Err("argument must be 'yes' or 'no'".into())
        }
    }

    fn show(&self, value: &bool) -> Vec<u8> {
        if *value { b"yes".to_vec() } else { b"no".to_vec() }
    }

    fn describe(&self) -> String {
        "yes, no".into()
    }
}

/// A type whose values have names.
pub trait Choices: Copy + PartialEq + 'static {
    /// Every name and its value. A value with several names is shown by the first.
    const NAMES: &'static [(&'static str, Self)];

    /// The name that the value is shown by.
    fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(_, value)| *value == self);
        named.expect("every value is in the list of names").0
    }

    /// The value with this name; case does not matter.
    fn named(name: &[u8]) -> Option<Self> {
        let named =
            Self::NAMES.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        named.map(|(_, value)| *value)
    }

    /// All names, for error messages and documentation.
    fn names() -> String {
        Self::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// One of the names of `T`.
pub const fn one_of<T: Choices>() -> OneOf<T> {
    OneOf(PhantomData)
}

/// See [`one_of`].
pub struct OneOf<T>(PhantomData<T>);

impl<T: Choices> Format<T> for OneOf<T> {
    fn parse(&self, arguments: &[Vec<u8>], _current: &T) -> Result<T, Reason> {
        T::named(single(arguments)?).ok_or_else(|| refused(&T::names()))
    }

    fn show(&self, value: &T) -> Vec<u8> {
        value.name().into()
    }

    fn describe(&self) -> String {
        T::names()
    }
}

fn refused(names: &str) -> Reason {
    format!("argument(s) must be one of the following: {names}").into()
}

/// A set of flags, each with a name, and `default` for none.
pub trait FlagSet: Copy + PartialEq + Default + std::ops::BitOr<Output = Self> + 'static {
    /// Every flag and its name, in the order they are shown in.
    const FLAGS: &'static [(&'static str, Self)];

    /// Whether all of `flag` is in the set.
    fn has(self, flag: Self) -> bool {
        self | flag == self
    }

    /// What is wrong with flags that exclude each other.
    fn conflict(self) -> Option<&'static str>;
}

/// Some of the flags of `T`.
pub const fn flag_set<T: FlagSet>() -> SomeOf<T> {
    SomeOf(PhantomData)
}

/// See [`flag_set`].
pub struct SomeOf<T>(PhantomData<T>);

impl<T: FlagSet> SomeOf<T> {
    fn names() -> String {
        let mut names = vec!["default"];
        names.extend(T::FLAGS.iter().map(|(name, _)| *name));
        names.join(", ")
    }
}

impl<T: FlagSet> Format<T> for SomeOf<T> {
    fn parse(&self, arguments: &[Vec<u8>], _current: &T) -> Result<T, Reason> {
        let flag = |name: &Vec<u8>| {
            if name.eq_ignore_ascii_case(b"default") {
                return Some(T::default());
            }
            let known =
                T::FLAGS.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
            known.map(|(_, flag)| *flag)
        };
        if arguments.is_empty() {
            return Err(refused(&Self::names()));
        }
        let mut set = T::default();
        for name in arguments {
            set = set | flag(name).ok_or_else(|| refused(&Self::names()))?;
        }
        set.conflict().map_or(Ok(set), |reason| Err(reason.into()))
    }

    fn show(&self, value: &T) -> Vec<u8> {
        let names: Vec<_> =
            T::FLAGS.iter().filter(|(_, flag)| value.has(*flag)).map(|(name, _)| *name).collect();
        if names.is_empty() { b"default".to_vec() } else { names.join(" ").into_bytes() }
    }

    fn describe(&self) -> String {
        Self::names()
    }
}

/// Classes of keyspace events, a letter each.
pub struct NotifyLetters;

/// See [`NotifyLetters`].
pub const NOTIFY_CLASSES: NotifyLetters = NotifyLetters;

impl Format<NotifyClasses> for NotifyLetters {
    fn parse(
        &self,
        arguments: &[Vec<u8>],
        _current: &NotifyClasses,
    ) -> Result<NotifyClasses, Reason> {
        let letters = single(arguments)?;
        NotifyClasses::from_letters(letters)
            .ok_or_else(|| "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into())
    }

    fn show(&self, value: &NotifyClasses) -> Vec<u8> {
        value.letters().into_bytes()
    }

    fn lines(&self, value: &NotifyClasses, default: &NotifyClasses) -> Vec<Line> {
        vec![Line { arguments: quoted(&self.show(value)), needed: value != default }]
    }

    fn describe(&self) -> String {
        "letters of Ag$lshzxeKEtmdn, or \"\"".into()
    }
}

/// The server to follow.
pub struct Primary;

/// See [`Primary`].
pub const REPLICA_OF: Primary = Primary;

impl Format<Option<ReplicaOf>> for Primary {
    fn parse(
        &self,
        arguments: &[Vec<u8>],
        _current: &Option<ReplicaOf>,
    ) -> Result<Option<ReplicaOf>, Reason> {
        let [host, port] = arguments else {
            return Err(WRONG_NUMBER_OF_ARGUMENTS.into());
        };
        if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
            return Ok(None);
        }
        let parsed = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok());
        let port = parsed.ok_or("Invalid master port")?;
        Ok(Some(ReplicaOf { host: host.clone(), port }))
    }

    fn show(&self, value: &Option<ReplicaOf>) -> Vec<u8> {
        value.as_ref().map_or_else(Vec::new, |ReplicaOf { host, port }| {
            [host.as_slice(), format!(" {port}").as_bytes()].concat()
        })
    }

    fn lines(&self, value: &Option<ReplicaOf>, _default: &Option<ReplicaOf>) -> Vec<Line> {
        let line = |ReplicaOf { host, port }: &ReplicaOf| {
            Line::needed([word(host).as_slice(), format!(" {port}").as_bytes()].concat())
        };
        value.iter().map(line).collect()
    }

    fn describe(&self) -> String {
        "host and port, or no one".into()
    }
}

/// An existing directory. A relative path starts at the directory that was set before.
pub struct Directory;

/// See [`Directory`].
pub const DIRECTORY: Directory = Directory;

impl Format<PathBuf> for Directory {
    fn parse(&self, arguments: &[Vec<u8>], current: &PathBuf) -> Result<PathBuf, Reason> {
        let path = match single(arguments)? {
            // Joined to another path it would be that one, but the kernel knows no such name.
            b"" => return Err("No such file or directory".into()),
            path => current.join(OsStr::from_bytes(path)),
        };
        // The dot at the end makes the kernel refuse what cannot be entered.
        path.join(".").canonicalize().map_err(|error| os_reason(&error).into())
    }

    fn show(&self, value: &PathBuf) -> Vec<u8> {
        value.as_os_str().as_bytes().to_vec()
    }

    /// Always written: the next start may happen in another directory.
    fn lines(&self, value: &PathBuf, _default: &PathBuf) -> Vec<Line> {
        vec![Line::needed(quoted(&self.show(value)))]
    }

    fn describe(&self) -> String {
        "directory".into()
    }
}
