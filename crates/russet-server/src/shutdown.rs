//! The end of the process, asked for by SHUTDOWN or a signal.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use russet_keyspace::access::AccessPolicy;
use russet_keyspace::keyspace::Exclusive;

use crate::config::ShutdownOptions;
use crate::persistence::{aof, save};
use crate::server::Server;

/// Whether the server is to end. The main thread waits here; workers look once per round.
#[derive(Default)]
pub struct Shutdown {
    is_final: AtomicBool,
    asked: Mutex<bool>,
    changed: Condvar,
    /// What a signal has asked for, and its name; a worker carries it out.
    wish: Mutex<Option<(ShutdownOptions, &'static str)>>,
    has_wish: AtomicBool,
}

impl Shutdown {
    /// Makes the end certain. The main thread wakes everybody else.
    pub fn decide(&self) {
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

    /// Has a worker end the server, on behalf of a signal.
    pub fn wish(&self, options: ShutdownOptions, signal: &'static str) {
        *self.wish.lock() = Some((options, signal));
        self.has_wish.store(true, Ordering::Release);
    }

    /// What a signal has asked for.
    #[inline]
    pub fn wished(&self) -> Option<(ShutdownOptions, &'static str)> {
        if self.has_wish.load(Ordering::Acquire) { *self.wish.lock() } else { None }
    }

    /// The wish was carried out, or cannot be.
    pub fn forget_wish(&self) {
        *self.wish.lock() = None;
        self.has_wish.store(false, Ordering::Release);
    }
}

/// Why the server goes on although it was asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The keys were to be saved, and could not be.
    CannotSave,
    /// The append-only file is being written for the first time.
    NoLogYet,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::CannotSave => f.write_str("the final snapshot cannot be saved"),
            Refused::NoLogYet => f.write_str("the append-only file is being written first"),
        }
    }
}

/// Ends the server in order, unless what the options demand first is impossible.
///
/// # Errors
///
/// See [`Refused`]; the log has the details.
pub fn begin(
    server: &Server,
    exclusive: &mut Exclusive<'_>,
    options: ShutdownOptions,
    policy: AccessPolicy,
) -> Result<(), Refused> {
    tracing::warn!("User requested shutdown...");
    let config = server.config.load_full();
    if let Some(snapshot) = &*server.persistence.snapshot.load() {
        let log = server.persistence.log.load();
        if snapshot.is_base && log.as_ref().is_some_and(|log| log.is_baseless()) {
            if !options.contains(ShutdownOptions::FORCE) {
                tracing::warn!("Writing initial AOF, can't exit.");
                return Err(Refused::NoLogYet);
            }
            tracing::warn!("Writing initial AOF. Exit anyway.");
        }
        tracing::warn!("A background save is in progress. It is given up.");
        snapshot.abandon();
    }
    let saves_by_default = !config.save.is_empty() && !options.contains(ShutdownOptions::NO_SAVE);
    let saves = saves_by_default || options.contains(ShutdownOptions::SAVE);
    // What is not loaded yet would be missing.
    if saves && !server.persistence.is_loading() {
        tracing::info!("Saving the final RDB snapshot before exiting.");
        if save::save(server, exclusive, &config, policy).is_err() {
            if !options.contains(ShutdownOptions::FORCE) {
                tracing::warn!("Error trying to save the DB, can't exit.");
                return Err(Refused::CannotSave);
            }
            tracing::warn!("Error trying to save the DB. Exit anyway.");
        }
    }
    aof::stop(server, exclusive);
    server.shutdown.decide();
    Ok(())
}
