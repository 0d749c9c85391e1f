//! Why the server does not start.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a directive stands, so that errors can point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, if it was one rather than the standard input or the command line.
    pub file: Option<Arc<Path>>,
    /// The number of the line. The arguments of the command line count as lines below the file.
    pub line: usize,
    /// The line, without white space around it.
    pub text: Vec<u8>,
}

impl Place {
    /// The error that this line is wrong.
    pub fn error(&self, reason: impl Into<String>) -> StartError {
        StartError::Line { place: self.clone(), reason: reason.into() }
    }
}

/// Why the server does not start. The text is what Redis writes, for scripts that look for it.
#[derive(Debug)]
pub enum StartError {
    /// A line is wrong.
    Line {
        /// Which one.
        place: Place,
        /// What is wrong with it.
        reason: String,
    },
    /// All lines are right, but not together.
    Whole {
        /// What is wrong with them.
        reason: String,
    },
    /// A file cannot be read.
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION");
        match self {
            Self::Line { place, reason } => {
                writeln!(f, "\n*** FATAL CONFIG FILE ERROR (Russet {version}) ***")?;
                write!(f, "Reading the configuration file, at line {}", place.line)?;
                if let Some(file) = &place.file {
                    write!(f, " of {}", file.display())?;
                }
                write!(f, "\n>>> '{}'\n{reason}", String::from_utf8_lossy(&place.text))
            }
            Self::Whole { reason } => {
                write!(f, "\n*** FATAL CONFIG FILE ERROR (Russet {version}) ***\n{reason}")
            }
            Self::Unreadable { path, error } => {
                let reason = os_reason(error);
                write!(f, "Fatal error, can't open config file '{}': {reason}", path.display())
            }
        }
    }
}

impl std::error::Error for StartError {}

/// The system's words for an error, without what Rust and libraries add: its number, a path.
pub(super) fn os_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error ").unwrap_or(text.len());
    text[..end].to_owned()
}
