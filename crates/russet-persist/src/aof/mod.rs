//! Append-only files: every change as the command that makes it again.
//!
//! The format is Redis'. Each change is a request as clients send it; changes that belong together are
//! between MULTI and EXEC, and SELECT comes before what is in another database. Lines that begin with
//! `#` are notes (`#TS:` and a Unix time).
//!
//! A log is several files in a directory of their own, which a manifest names in order (`manifest.rs`): a
//! *base*, which is an RDB file or such a list of commands, and *increments* since. Rewriting makes a new
//! base and a new increment; what they replace stays as *history* until nobody needs it. Before Redis 7
//! there was one file, which may begin with an RDB file and go on with commands.

mod commands;
mod manifest;
mod rewrite;

pub use commands::{Damage, Reader, Step, write_command, write_time};
pub use manifest::{FileInfo, FileKind, Malformed, Manifest};
pub use rewrite::Rewriter;
