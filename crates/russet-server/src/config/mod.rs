//! The configuration: what `russet.conf`, the command line and CONFIG say.
//!
//! A directive is declared once, in [`directives`], with its name, type, default, format, status
//! and rules. From the declarations come
//!
//! - [`Config`], a plain struct with a typed field for each directive, which the rest of the
//!   server reads;
//! - [`DIRECTIVES`], a table of the same, which reading files ([`file`]), CONFIG GET and SET
//!   ([`command`]), CONFIG REWRITE ([`mod@rewrite`]) and the tests of the documentation go through.
//!
//! A configuration never changes in place. CONFIG SET makes a new one or fails as a whole, and
//! whoever has side effects to carry out compares the fields of the old one and the new one.

mod checks;
pub mod command;
pub mod command_line;
mod directive;
mod directives;
pub mod error;
pub mod file;
mod format;
pub mod rewrite;
pub mod values;

#[cfg(test)]
mod tests;

pub use command::{SetError, Setter, Update};
pub use command_line::{Launch, from_command_line};
pub use directive::{Directive, Flags, Status, Theme};
pub use error::StartError;
pub use file::{ConfigSource, Renaming, Startup, Statement};
pub use format::{Choices, parse_bytes};
pub use rewrite::{Appended, RewriteError, rewrite};
pub use values::*;

use directive::{define_config, first};
use directives::*;
use format::*;
use std::path::PathBuf;

const INT_MIN: i64 = i32::MIN as i64;
const INT_MAX: i64 = i32::MAX as i64;
const UINT_MAX: i64 = u32::MAX as i64;
const LONG_MAX: u64 = i64::MAX as u64;

network! { [
    tls general security clients memory_limits snapshots append_only replication cluster
    observation encodings define_config
] {} }

/// The processors that this process may use.
fn cores_of_machine() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    u32::try_from(cores).unwrap_or(u32::MAX)
}
