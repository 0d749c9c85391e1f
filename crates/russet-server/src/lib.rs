//! The server: configuration, workers, connections, commands.

pub mod config;
