//! Texts: file names, passwords, addresses.

use super::{Format, Line, Reason, quoted, single};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// A type that holds the bytes of a text.
pub trait Text: Clone + PartialEq {
    /// The text with these bytes.
    fn from_bytes(bytes: &[u8]) -> Self;
    /// The bytes of the text; `None` if there is no text, which is not the same as an empty one.
    fn bytes(&self) -> Option<&[u8]>;
}

impl Text for Vec<u8> {
    fn from_bytes(bytes: &[u8]) -> Self {
        bytes.to_vec()
    }

    fn bytes(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl Text for PathBuf {
    fn from_bytes(bytes: &[u8]) -> Self {
        OsString::from_vec(bytes.to_vec()).into()
    }

    fn bytes(&self) -> Option<&[u8]> {
        Some(self.as_os_str().as_bytes())
    }
}

/// Where there may be no text, an empty one means that.
impl<T: Text> Text for Option<T> {
    fn from_bytes(bytes: &[u8]) -> Self {
        (!bytes.is_empty()).then(|| T::from_bytes(bytes))
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.as_ref().and_then(T::bytes)
    }
}

/// Any text.
pub const fn text() -> AnyText {
    AnyText { check: |_| Ok(()), hint: "text" }
}

/// A text that `check` has nothing against; `hint` says what it should be.
pub const fn checked_text(
    hint: &'static str,
    check: fn(&[u8]) -> Result<(), &'static str>,
) -> AnyText {
    AnyText { check, hint }
}

/// See [`text`] and [`checked_text`].
pub struct AnyText {
    check: fn(&[u8]) -> Result<(), &'static str>,
    hint: &'static str,
}

impl<T: Text> Format<T> for AnyText {
    fn parse(&self, arguments: &[Vec<u8>], _current: &T) -> Result<T, Reason> {
        let argument = single(arguments)?;
        (self.check)(argument)?;
        Ok(T::from_bytes(argument))
    }

    fn show(&self, value: &T) -> Vec<u8> {
        value.bytes().unwrap_or_default().to_vec()
    }

    fn lines(&self, value: &T, default: &T) -> Vec<Line> {
        let line = |bytes| Line { arguments: quoted(bytes), needed: value != default };
        value.bytes().map(line).into_iter().collect()
    }

    fn describe(&self) -> String {
        self.hint.into()
    }
}
