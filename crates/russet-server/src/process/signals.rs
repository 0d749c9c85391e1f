//! SIGTERM and SIGINT end the server in order; a second SIGINT ends it at once.

use std::io;
use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::server::Server;

/// Watches for signals from now on, on a thread of its own.
///
/// # Errors
///
/// The system's.
pub fn watch(server: Arc<Server>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut interrupted = false;
        for signal in signals.forever() {
            if signal == SIGINT && std::mem::replace(&mut interrupted, true) {
                tracing::warn!("You insist... exiting now.");
                std::process::exit(1);
            }
            end(&server, signal);
        }
    })?;
    Ok(())
}

fn end(server: &Server, signal: i32) {
    let config = server.config.load();
    let (name, options) = match signal {
        SIGINT => ("SIGINT", config.shutdown_on_sigint),
        _ => ("SIGTERM", config.shutdown_on_sigterm),
    };
    tracing::warn!("Received {name} scheduling shutdown...");
    server.shutdown.wish(options, name);
    server.workers[0].mailbox.ring();
}
