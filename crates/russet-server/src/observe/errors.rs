//! How often each error code was sent, for INFO errorstats.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Codes beyond this many are not told apart, so that scripts that make up codes cost no memory.
const CODES: usize = 128;

/// Counts by error code.
#[derive(Default)]
pub struct ErrorCounts(Mutex<BTreeMap<String, u64>>);

impl ErrorCounts {
    /// Counts an error.
    pub fn add(&self, code: &str) {
        let mut counts = self.0.lock();
        if let Some(count) = counts.get_mut(code) {
            *count += 1;
        } else if counts.len() < CODES {
            counts.insert(code.to_owned(), 1);
        }
    }

    /// All counts, by code.
    pub fn all(&self) -> Vec<(String, u64)> {
        self.0.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    /// Forgets everything.
    pub fn reset(&self) {
        self.0.lock().clear();
    }
}
