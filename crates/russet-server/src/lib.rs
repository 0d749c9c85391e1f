//! The server: configuration, workers, connections, commands.
//!
//! The way in is [`start::serve`]. Beneath it, [`worker`] receives and executes, [`exec`] takes a
//! request to its reply, and [`commands`] holds every command with its declaration.

pub mod blocking;
pub mod client;
pub mod command;
pub mod commands;
pub mod config;
pub mod error;
pub mod eviction;
pub mod exec;
pub mod files;
pub mod journal;
pub mod lazy_free;
pub mod memory;
pub mod net;
pub mod observe;
pub mod oom_score;
pub mod pause;
pub mod persistence;
pub mod process;
pub mod processors;
pub mod pubsub;
pub mod reconfigure;
pub mod scripting;
pub mod server;
pub mod shutdown;
pub mod start;
pub mod stats;
#[cfg(test)]
pub(crate) mod testing;
pub mod worker;
