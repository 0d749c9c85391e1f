//! How far a long file has been read.

/// How often that is told.
const STEP_BYTES: u64 = 256 << 20;

/// See the module's documentation.
pub struct Progress {
    size: u64,
    told: u64,
}

impl Progress {
    /// Of a file of so many bytes.
    pub fn of(size: u64) -> Self {
        Progress { size, told: 0 }
    }

    /// Tells that so much was read, if it is much more than at last.
    pub fn tell(&mut self, offset: u64) {
        if let Some(line) = self.line(offset) {
            eprintln!("{line}");
        }
    }

    fn line(&mut self, offset: u64) -> Option<String> {
        if offset < self.told + STEP_BYTES {
            return None;
        }
        self.told = offset;
        let percent = (offset as f64 * 100.0 / self.size.max(1) as f64).min(100.0);
        Some(format!("[offset {offset}] {percent:.0}% of {} bytes", self.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_per_step() {
        let mut progress = Progress::of(STEP_BYTES * 4);
        assert_eq!(progress.line(STEP_BYTES - 1), None);
        let line = progress.line(STEP_BYTES * 2).expect("it is time");
        assert_eq!(line, format!("[offset {}] 50% of {} bytes", STEP_BYTES * 2, STEP_BYTES * 4));
        assert_eq!(progress.line(STEP_BYTES * 3 - 1), None);
    }
}
