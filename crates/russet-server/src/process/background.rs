//! Leaving the terminal, and the file that tells others the process number.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Config;

/// Where the pid file of a background process goes if the configuration names none.
const DEFAULT_PID_FILE: &str = "/var/run/redis.pid";

/// Goes on in the background: in a session of its own, with nothing to read from or write to. To be
/// called before the first thread is started, because only the calling one survives.
///
/// # Errors
///
/// The system's.
pub fn detach() -> io::Result<()> {
    // The directory stays; standard input and outputs become /dev/null.
    nix::unistd::daemon(true, false).map_err(io::Error::from)
}

/// A file that holds the process number for as long as this lives.
pub struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file that the configuration asks for, if it does. Without it a server can still
    /// serve, so that failing is only worth a warning.
    pub fn write(config: &Config) -> Option<PidFile> {
        let default = config.daemonize.then(|| Path::new(DEFAULT_PID_FILE));
        let path = config.pidfile.as_deref().or(default)?;
        match fs::write(path, format!("{}\n", std::process::id())) {
            Ok(()) => Some(PidFile(std::path::absolute(path).unwrap_or_else(|_| path.into()))),
            Err(error) => {
                tracing::warn!("Failed to write PID file {}: {error}", path.display());
                None
            }
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        tracing::info!("Removing the pid file.");
        // Whoever removed it already has done the work.
        let _ = fs::remove_file(&self.0);
    }
}
