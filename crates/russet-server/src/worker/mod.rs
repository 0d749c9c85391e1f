//! A worker: one thread, one poller, its connections, and the rounds it goes through.
//!
//! ```text
//!  poll ─► receive from every ready socket ─► parse ─► prefetch ─► execute ─► send ─► timers ─► poll
//!          (arena, or the connection's own    (batch)              (inside the gate)
//!           buffers)
//! ```
//!
//! A worker waits for nothing but its poller (I9). A command whose shard is busy, or that finds the
//! gate closed, is set aside with its connection; the worker goes on with the others and is woken
//! through its mailbox. If the gate closes in the middle of a batch, the rest of the batch waits for
//! it to reopen, and nothing more is read until then.

mod aside;
mod batch;
mod blocked;
pub mod clock;
mod connection;
mod context;
mod defrag;
mod event_loop;
mod execute;
mod limits;
mod log;
mod mailbox;
mod moderation;
mod paused;
mod persist;
mod receive;
mod rest;
mod timers;

pub use crate::exec::dispatch::Why;
pub use clock::Clock;
pub use connection::Connection;
pub use context::WorkerContext;
pub use defrag::Pass as DefragPass;
pub use event_loop::{WAKE, Worker};
pub use mailbox::{Mailbox, Message, mailbox};
