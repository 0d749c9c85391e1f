//! Watching the server at work: slow log, latency monitor, MONITOR, error counts.

mod errors;
mod latency;
mod monitors;
mod slowlog;

pub use errors::ErrorCounts;
pub use latency::{LatencyMonitor, Sample};
pub use monitors::Monitors;
pub use slowlog::{SlowEntry, SlowLog};
