//! A safe face on the C interface of Lua 5.1.
//!
//! # Errors that jump
//!
//! Lua raises errors with `longjmp`, which runs no destructors. So no function of this face raises:
//! those of C's that may are either left out or given only arguments with which they do not. What
//! remains is the lack of memory, and while Rust code of ours runs, the allocator never refuses (see
//! [`state`]). A function that scripts can call returns a [`Raised`] instead, and the error is raised
//! at the very end, when nothing of it is left on the stack (see [`function`]).
//!
//! # Values
//!
//! C refers to values by their place on Lua's stack. [`Stack`] does too, and checks each place, since
//! C does not. Bytes of a string are borrowed from the [`Stack`], so nothing can be pushed or popped,
//! and nothing collected, while they are in use.

mod calls;
pub mod function;
pub mod stack;
pub mod state;

pub use calls::Library;
pub use function::{Function, Raised};
pub use stack::{Frame, Kind, Reference, Stack};
pub use state::State;

/// The error of whoever writes to a protected table.
pub const READONLY: &str = "Attempt to modify a readonly table";
