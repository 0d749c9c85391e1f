//! Scripts: which ones the server knows, and how a worker runs them.
//!
//! A script is known to the whole server ([`cache`]) and compiled by each worker that runs it
//! ([`engine`]), in an interpreter of its own. While it runs, what it asks of the server goes through
//! its [`host::ScriptHost`]: commands are executed in the context of the EVAL, under its locks.
//!
//! # Time
//!
//! The script runs on a fiber ([`crate::exec::fiber`]). Every so many instructions, and after each
//! command, its host looks whether its slice of time is over; then it pauses, and its worker serves
//! others until the next round. After `busy-reply-threshold` it counts as slow ([`running`]): who needs
//! its keys is told so, and SCRIPT KILL ends it. Time stands still for it all the while, and its locks
//! stay, and the configuration stays the one that it began with. What is compiled may change during a
//! pause: another script of the same worker runs in another interpreter.
//!
//! # Keys
//!
//! A script runs under the locks of the keys that it declares. One that reaches for another key, or
//! calls a command that walks the keyspace, is remembered: from then on it runs alone, behind the
//! closed gate. The run that was met with it goes on if the further lock is free, which is asked
//! without waiting, so that the order of locks does not matter; otherwise it begins anew, alone, if it
//! has written nothing yet, and fails if it has.

pub mod cache;
pub mod engine;
pub mod host;
pub mod refusal;
pub mod running;

pub use cache::{Script, Scripts};
pub use engine::Engine;
pub use running::SlowScripts;
