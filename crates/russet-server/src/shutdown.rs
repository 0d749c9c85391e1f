//! The end of the process, asked for by SHUTDOWN or a signal.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

/// Whether the server is to end. The main thread waits here; workers look once per round.
#[derive(Default)]
pub struct Shutdown {
    is_final: AtomicBool,
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Shutdown {
    /// Asks for the end. Workers have to be rung afterwards.
    pub fn begin(&self) {
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
