//! What the kernel's out-of-memory killer is told: `oom-score-adj`.

use std::fs;
use std::io;

use parking_lot::Mutex;

use crate::config::{Config, OomScoreAdjust};

/// Where the process says how much it minds being killed.
const FILE: &str = "/proc/self/oom_score_adj";

/// The score the process had before it was told another, as long as it is told one.
#[derive(Default)]
pub struct OomScore(Mutex<Option<i32>>);

impl OomScore {
    /// Tells the kernel what the configuration says, or what held before there was anything to say.
    ///
    /// # Errors
    ///
    /// If the kernel refuses: only the privileged may lower their score.
    pub fn apply(&self, config: &Config) -> io::Result<()> {
        let mut before = self.0.lock();
        let [as_primary, ..] = config.oom_score_adj_values;
        let (score, base) = match (config.oom_score_adj, *before) {
            (OomScoreAdjust::No, None) => return Ok(()),
            (OomScoreAdjust::No, Some(base)) => (base, None),
            (mode, known) => {
                let base = known.map_or_else(present_score, Ok)?;
                let relative = mode == OomScoreAdjust::Relative;
                (as_primary + if relative { base } else { 0 }, Some(base))
            }
        };
        fs::write(FILE, format!("{}\n", score.clamp(-1000, 1000)))?;
        *before = base;
        Ok(())
    }
}

fn present_score() -> io::Result<i32> {
    let text = fs::read_to_string(FILE)?;
    text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
}
