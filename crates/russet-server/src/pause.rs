//! CLIENT PAUSE: commands wait until a point in time.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::command::{CommandEntry, Flags};

/// Which commands wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PauseMode {
    /// Commands that may write.
    Write,
    /// Every command.
    All,
}

/// Until when which commands wait, in Unix milliseconds; 0 for not at all.
#[derive(Default)]
pub struct Pause {
    all_until_ms: AtomicI64,
    write_until_ms: AtomicI64,
}

impl Pause {
    /// Begins a pause, or prolongs it; a pause is never shortened by another.
    pub fn begin(&self, mode: PauseMode, until_ms: i64) {
        let until = match mode {
            PauseMode::All => &self.all_until_ms,
            PauseMode::Write => &self.write_until_ms,
        };
        until.fetch_max(until_ms, Ordering::Relaxed);
    }

    /// Ends all pauses.
    pub fn end(&self) {
        self.all_until_ms.store(0, Ordering::Relaxed);
        self.write_until_ms.store(0, Ordering::Relaxed);
    }

    /// When the pause in force ends, in Unix milliseconds, with its mode; `None` if there is none.
    pub fn until_ms(&self, now_ms: i64) -> Option<(i64, PauseMode)> {
        let all = self.all_until_ms.load(Ordering::Relaxed);
        let write = self.write_until_ms.load(Ordering::Relaxed);
        if all > now_ms {
            Some((all.max(write), PauseMode::All))
        } else {
            (write > now_ms).then_some((write, PauseMode::Write))
        }
    }

    /// Whether a command has to wait.
    #[inline]
    pub fn holds(&self, entry: &CommandEntry, now_ms: i64) -> bool {
        let all = self.all_until_ms.load(Ordering::Relaxed);
        let write = self.write_until_ms.load(Ordering::Relaxed);
        (all | write) != 0 && self.holds_now(entry, now_ms)
    }

    #[cold]
    fn holds_now(&self, entry: &CommandEntry, now_ms: i64) -> bool {
        let writes = Flags::WRITE | Flags::MAY_REPLICATE | Flags::RUNS_QUEUE;
        match self.until_ms(now_ms) {
            None => false,
            Some(_) if entry.flags().contains(Flags::NOT_PAUSED) => false,
            Some((_, PauseMode::All)) => true,
            Some((_, PauseMode::Write)) => entry.flags().intersects(writes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Names;

    #[test]
    fn a_write_pause_lets_reads_through() {
        let names = Names::new([]).expect("no renames");
        let get = names.find(b"get").expect("GET exists");
        let set = names.find(b"set").expect("SET exists");
        let pause = Pause::default();
        assert!(!pause.holds(set, 0));
        pause.begin(PauseMode::Write, 100);
        assert!(pause.holds(set, 99) && !pause.holds(get, 99) && !pause.holds(set, 100));
        pause.begin(PauseMode::All, 50);
        assert!(pause.holds(get, 49) && !pause.holds(get, 50) && pause.holds(set, 50));
        pause.end();
        assert!(!pause.holds(set, 0));
    }
}
