//! The process around the server: its log, its place in the system, its end.
//!
//! - [`log`] writes what `tracing` is told, in Redis' line format;
//! - [`banner`] says at the start who is starting;
//! - [`background`] leaves the terminal and writes the pid file;
//! - [`crash`] reports what ended it before its time;
//! - [`supervisor`] tells systemd or Upstart how far the start has come;
//! - [`signals`] turns SIGTERM and SIGINT into an orderly shutdown;
//! - [`warnings`] points out settings of the system that stand in the way.

pub mod background;
pub mod banner;
pub mod crash;
pub mod log;
pub mod signals;
pub mod supervisor;
pub mod warnings;
