//! The end of the process, asked for by SHUTDOWN or a signal.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::config::ShutdownOptions;
use crate::server::Server;

/// Whether the server is to end. The main thread waits here; workers look once per round.
#[derive(Default)]
pub struct Shutdown {
    is_final: AtomicBool,
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Shutdown {
    /// Makes the end certain. The main thread wakes everybody else.
    fn decide(&self) {
        self.is_final.store(true, Ordering::Release);
        *self.asked.lock() = true;
        self.changed.notify_all();
    }

    /// Whether the end was asked for.
    #[inline]
    pub fn is_final(&self) -> bool {
        self.is_final.load(Ordering::Acquire)
    }

    /// Sleeps until the end is asked for.
    pub fn wait(&self) {
        let mut asked = self.asked.lock();
        while !*asked {
            self.changed.wait(&mut asked);
        }
    }
}

/// Why the server goes on although it was asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// A snapshot was demanded, and there is nobody who writes snapshots yet.
    CannotSave,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::CannotSave => f.write_str("the final snapshot cannot be saved"),
        }
    }
}

/// Ends the server in order, unless what the options demand first is impossible.
///
/// # Errors
///
/// See [`Refused`]; the log has the details.
pub fn begin(server: &Server, options: ShutdownOptions) -> Result<(), Refused> {
    tracing::warn!("User requested shutdown...");
    let saves_by_default = !server.config.load().save.is_empty();
    if options.contains(ShutdownOptions::SAVE) {
        if !options.contains(ShutdownOptions::FORCE) {
            tracing::warn!("Snapshots are not available in this version, can't exit.");
            return Err(Refused::CannotSave);
        }
        tracing::warn!("Snapshots are not available in this version. Exit anyway.");
    } else if saves_by_default && !options.contains(ShutdownOptions::NO_SAVE) {
        tracing::warn!("Snapshots are not available in this version: the keys are not saved.");
    }
    server.shutdown.decide();
    Ok(())
}
