//! The append-only log: every change, on the disk before or soon after its reply.
//!
//! ```text
//!  workers ── effects, in order, under their locks ──► log.rs: buffer ──► writer.rs: write, fsync
//!                                                          │                 │
//!  replies under `always` ◄── when their effects are ──────┴── durable up to ┘
//! ```
//!
//! A worker never waits: it leaves effects in the buffer, and under `appendfsync always` keeps the
//! replies of the round back until the thread says that the log is durable up to there (I4). One fsync
//! covers all that was written before it, whoever wrote it.
//!
//! `files.rs` knows which files the log consists of, `load.rs` reads them and `replay.rs` makes keys of
//! them again, `start.rs` puts it all together, `wait.rs` is what WAITAOF waits for, and rewriting uses the same pictures as BGSAVE (`snapshot.rs`).

mod files;
mod load;
mod log;
mod replay;
mod start;
mod wait;
mod writer;

pub use files::LogFiles;
pub use load::{Destination, Rest, Source, load_files};
pub use log::AppendLog;
pub use replay::{Replay, Replayer};
pub use start::{exists, load, open, start_anew, stop};
pub use wait::{AwaitedLog, DISABLED};
