//! Defaults that take more than a constant, and what texts of directives must look like.

use super::values::{ClientLimits, OutputLimit, SavePoint};
use std::path::PathBuf;

/// The limits of clients, replicas and subscribers.
pub(super) fn default_client_limits() -> ClientLimits {
    let limit = |hard_mib: u64, soft_mib: u64| OutputLimit {
        hard_bytes: hard_mib << 20,
        soft_bytes: soft_mib << 20,
        soft_seconds: 60,
    };
    [OutputLimit::default(), limit(256, 64), limit(32, 8)]
}

/// An hour with a change, five minutes with a hundred, one with ten thousand.
pub(super) fn default_save_points() -> Vec<SavePoint> {
    [(3600, 1), (300, 100), (60, 10000)]
        .map(|(seconds, changes)| SavePoint { seconds, changes })
        .into()
}

/// The directory that the process was started in.
pub(super) fn current_directory() -> PathBuf {
    // It may have been removed since; then there is nothing better to say than "here".
    std::env::current_dir().unwrap_or_else(|_| ".".into())
}

/// The snapshot's file lies in `dir`, always.
pub(super) fn snapshot_name(name: &[u8]) -> Result<(), &'static str> {
    if is_path(name) { Err("dbfilename can't be a path, just a filename") } else { Ok(()) }
}

/// The append-only files lie in their directory, always.
pub(super) fn append_only_name(name: &[u8]) -> Result<(), &'static str> {
    match name {
        b"" => Err("appendfilename can't be empty"),
        name if is_path(name) => Err("appendfilename can't be a path, just a filename"),
        _ => Ok(()),
    }
}

/// The directory of the append-only files lies in `dir`, always.
pub(super) fn append_only_directory(name: &[u8]) -> Result<(), &'static str> {
    match name {
        b"" => Err("appenddirname can't be empty"),
        name if is_path(name) => Err("appenddirname can't be a path, just a dirname"),
        _ => Ok(()),
    }
}

fn is_path(name: &[u8]) -> bool {
    name.contains(&b'/') || name.contains(&b'\\')
}

/// What other nodes are told ends up in lines of text, separated by spaces and commas.
pub(super) fn host_name(name: &[u8]) -> Result<(), &'static str> {
    if name.len() >= 256 {
        return Err("Hostnames must be less than 256 characters");
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if name.iter().all(allowed) {
        return Ok(());
    }
    Err("Hostnames may only contain alphanumeric characters, hyphens or dots")
}

/// See [`host_name`].
pub(super) fn node_name(name: &[u8]) -> Result<(), &'static str> {
    if name.len() >= 256 {
        return Err("Node names must be less than 256 characters");
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if name.iter().all(allowed) {
        return Ok(());
    }
    Err("Announced human node name contained invalid character")
}

/// A template consists of text and names in braces; `{{` is a brace. What it stands for must
/// not be empty, and only the names that are never empty make sure of that.
pub(super) fn process_title(template: &[u8]) -> Result<(), &'static str> {
    const INVALID: &str = "template format is invalid or contains unknown variables";
    const NEVER_EMPTY: [&[u8]; 4] = [b"listen-addr", b"config-file", b"port", b"tls-port"];
    const MAYBE_EMPTY: [&[u8]; 3] = [b"title", b"server-mode", b"unixsocket"];
    let mut rest = template;
    let mut says_something = false;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'{', [b'{', after @ ..]) => {
                says_something = true;
                after
            }
            (b'{', after) => {
                let end = after.iter().position(|byte| *byte == b'}').ok_or(INVALID)?;
                let name = &after[..end];
                if NEVER_EMPTY.contains(&name) {
                    says_something = true;
                } else if !MAYBE_EMPTY.contains(&name) {
                    return Err(INVALID);
                }
                &after[end + 1..]
            }
            (byte, after) => {
                says_something |= *byte != b' ';
                after
            }
        };
    }
    if says_something { Ok(()) } else { Err(INVALID) }
}
