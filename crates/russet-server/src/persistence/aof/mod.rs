//! The append-only log: every change, on the disk before or soon after its reply.
//!
//! ```text
//!  workers ── effects, in order, under their locks ──► log.rs: buffer ──► thread: write, fsync
//!                                                          │                 │
//!  replies under `always` ◄── when their effects are ──────┴── durable up to ┘
//! ```
//!
//! A worker never waits: it leaves effects in the buffer, and under `appendfsync always` keeps the
//! replies of the round back until the thread says that the log is durable up to there (I4). One fsync
//! covers all that was written before it, whoever wrote it.
//!
//! `files.rs` knows which files the log consists of, `replay.rs` makes keys of them again, `start.rs`
//! puts it all together, and rewriting uses the same pictures as BGSAVE (`snapshot.rs`).

mod files;
mod log;
mod replay;
mod start;

pub use files::LogFiles;
pub use log::AppendLog;
pub use replay::{Replay, Replayer};
pub use start::{load, open, start_anew, stop};
