//! Redis' Lua: an interpreter, the sandbox that scripts run in, the libraries that they find there,
//! and what becomes of values between Lua and the protocol.
//!
//! It is Lua 5.1, as its authors publish it, with Redis' surroundings made here:
//!
//! - [`lua`] is a safe face on the interpreter's C interface, the only place with `unsafe`.
//! - [`sandbox`] makes the globals: what of Lua's own libraries scripts may use, tables that cannot
//!   be written to, the table `redis`.
//! - [`libraries`] are `bit`, `struct`, `cjson` and `cmsgpack`.
//! - [`reply`] turns replies of commands into Lua values, and what a script returns into a reply.
//! - [`source`] reads the first line of a script, which may say how it wants to be run.
//! - [`Interpreter`] puts them together: it compiles scripts and runs them.
//!
//! Nothing here knows a command or a key. A script that calls a command ends up in its [`Host`].

mod host;
mod interpreter;
pub mod libraries;
pub mod lua;
pub mod reply;
pub mod sandbox;
pub mod source;

pub use host::{Called, Host, LogLevel, Pace, Replication};
pub use interpreter::{Compiled, Ended, Failure, Interpreter};
