//! CLIENT PAUSE: commands wait until a point in time.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::client::Transaction;
use crate::command::{CommandEntry, Flags};

/// Which commands wait. A later one includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PauseMode {
    /// Commands that may write.
    Write,
    /// Every command.
    All,
}

/// The pause in force: its end in Unix milliseconds, doubled, plus one for [`PauseMode::All`]; or 0.
#[derive(Default)]
pub struct Pause(AtomicI64);

fn pack(mode: PauseMode, until_ms: i64) -> i64 {
    until_ms.min(i64::MAX / 2) << 1 | i64::from(mode == PauseMode::All)
}

fn unpack(packed: i64) -> (i64, PauseMode) {
    (packed >> 1, if packed & 1 == 1 { PauseMode::All } else { PauseMode::Write })
}

impl Pause {
    /// Begins a pause, or makes the one in force as long and as strict as both together.
    pub fn begin(&self, mode: PauseMode, until_ms: i64, now_ms: i64) {
        let combine = |packed| {
            let (other_until_ms, other_mode) = unpack(packed);
            Some(if other_until_ms > now_ms {
                pack(mode.max(other_mode), until_ms.max(other_until_ms))
            } else {
                pack(mode, until_ms)
            })
        };
        // The closure never refuses.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, combine);
    }

    /// Ends the pause.
    pub fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// When the pause in force ends, in Unix milliseconds, with its mode; `None` if there is none.
    pub fn until_ms(&self, now_ms: i64) -> Option<(i64, PauseMode)> {
        let (until_ms, mode) = unpack(self.0.load(Ordering::Relaxed));
        (until_ms > now_ms).then_some((until_ms, mode))
    }

    /// Whether a command has to wait; EXEC does for the commands of its transaction.
    #[inline]
    pub fn holds(
        &self,
        entry: &CommandEntry,
        transaction: Option<&Transaction>,
        now_ms: i64,
    ) -> bool {
        self.0.load(Ordering::Relaxed) != 0 && self.holds_now(entry, transaction, now_ms)
    }

    #[cold]
    fn holds_now(
        &self,
        entry: &CommandEntry,
        transaction: Option<&Transaction>,
        now_ms: i64,
    ) -> bool {
        let may_write =
            |entry: &CommandEntry| entry.flags().intersects(Flags::WRITE | Flags::MAY_REPLICATE);
        match self.until_ms(now_ms) {
            None => false,
            Some(_) if entry.flags().contains(Flags::NOT_PAUSED) => false,
            Some((_, PauseMode::All)) => true,
            Some((_, PauseMode::Write)) => {
                let runs_queue = entry.flags().contains(Flags::RUNS_QUEUE);
                let queue =
                    transaction.filter(|_| runs_queue).map(|transaction| &transaction.queue);
                may_write(entry) || queue.into_iter().flatten().any(|(entry, _)| may_write(entry))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Names;
    use crate::exec::OwnedCommand;

    #[test]
    fn a_write_pause_lets_reads_through() {
        let names = Names::new([]).expect("no renames");
        let get = names.find(b"get").expect("GET exists");
        let set = names.find(b"set").expect("SET exists");
        let pause = Pause::default();
        assert!(!pause.holds(set, None, 0));
        pause.begin(PauseMode::Write, 100, 0);
        assert!(pause.holds(set, None, 99) && !pause.holds(get, None, 99));
        assert!(!pause.holds(set, None, 100));
        // The longer end and the stricter mode win.
        pause.begin(PauseMode::All, 50, 0);
        assert_eq!(pause.until_ms(0), Some((100, PauseMode::All)));
        assert!(pause.holds(get, None, 99) && pause.holds(set, None, 99));
        // A pause that is over has no say.
        pause.begin(PauseMode::Write, 300, 200);
        assert_eq!(pause.until_ms(200), Some((300, PauseMode::Write)));
        pause.end();
        assert!(!pause.holds(set, None, 200));
        pause.begin(PauseMode::All, i64::MAX, 0);
        assert!(pause.holds(get, None, i64::MAX / 4));
    }

    #[test]
    fn exec_waits_for_the_writes_in_its_queue() {
        let names = Names::new([]).expect("no renames");
        let find = |name: &str| names.find(name.as_bytes()).expect("it exists");
        let pause = Pause::default();
        pause.begin(PauseMode::Write, 100, 0);
        let mut transaction = Transaction::default();
        transaction.push(find("get"), OwnedCommand::new(vec![]));
        assert!(!pause.holds(find("exec"), Some(&transaction), 0));
        transaction.push(find("set"), OwnedCommand::new(vec![]));
        assert!(pause.holds(find("exec"), Some(&transaction), 0));
        assert!(!pause.holds(find("discard"), Some(&transaction), 0));
    }
}
