//! How the values of directives are read, shown and written back.
//!
//! A format is a constant that stands in the declaration of a directive, such as
//! `integer(0, 65535)`. It knows the text forms of one type of value, the range allowed, and the
//! words Redis uses to refuse anything else.

mod integer;
mod lists;
mod memory;
mod special;
mod text;

pub use integer::{clamped, cores, integer, octal};
pub use lists::{BIND, CLIENT_LIMITS, OOM_SCORES, PERCENTILES, SAVE_POINTS};
pub use memory::{MEMORY_OR_PERCENT, memory, parse_bytes};
pub use special::{
    Choices, DIRECTORY, FlagSet, NOTIFY_CLASSES, REPLICA_OF, YES_NO, flag_set, one_of,
};
pub use text::{checked_text, text};

use std::borrow::Cow;

/// Why a value was refused, in Redis' words.
pub type Reason = Cow<'static, str>;

/// What Redis says where the number of arguments alone is wrong.
pub const WRONG_NUMBER_OF_ARGUMENTS: &str = "wrong number of arguments";

/// The text forms of the values of type `T`.
pub trait Format<T: PartialEq> {
    /// Reads the arguments of a directive. `current` is the value so far, for the directives
    /// that change only a part of theirs.
    fn parse(&self, arguments: &[Vec<u8>], current: &T) -> Result<T, Reason>;

    /// Reads a line of a directive that stood in the same configuration before. Normally the
    /// last line counts; some directives add up.
    fn parse_again(&self, arguments: &[Vec<u8>], current: &T) -> Result<T, Reason> {
        self.parse(arguments, current)
    }

    /// The value as CONFIG GET shows it. [`Format::parse`] reads it back, once it is split at
    /// its spaces if the directive takes several arguments.
    fn show(&self, value: &T) -> Vec<u8>;

    /// The lines that stand for the value in a configuration file.
    fn lines(&self, value: &T, default: &T) -> Vec<Line> {
        vec![Line { arguments: self.show(value), needed: value != default }]
    }

    /// The values allowed, in a few words for the documentation.
    fn describe(&self) -> String;
}

/// One line of a directive in a rewritten configuration file. A directive without lines leaves
/// the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What follows the directive's name, quoted where necessary.
    pub arguments: Vec<u8>,
    /// Whether the line is written even if the file had none for this directive.
    pub needed: bool,
}

impl Line {
    /// A line that is always written.
    fn needed(arguments: Vec<u8>) -> Self {
        Self { arguments, needed: true }
    }
}

/// The only argument of a directive that takes one.
fn single(arguments: &[Vec<u8>]) -> Result<&[u8], Reason> {
    match arguments {
        [argument] => Ok(argument),
        _ => Err(WRONG_NUMBER_OF_ARGUMENTS.into()),
    }
}

/// `bytes` in the double quotes of configuration files.
fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    russet_resp::quoting::quote(bytes, &mut out);
    out
}

/// `bytes` as one word of a line: in quotes only if it would not be read back without.
fn word(bytes: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'');
    if !bytes.is_empty() && bytes.iter().all(plain) { bytes.to_vec() } else { quoted(bytes) }
}

/// The words of `items`, with one space between them.
fn joined(items: impl IntoIterator<Item = String>) -> Vec<u8> {
    items.into_iter().collect::<Vec<_>>().join(" ").into_bytes()
}
