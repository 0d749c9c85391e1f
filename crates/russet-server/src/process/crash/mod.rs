//! The end that nobody wanted: a panic or a fatal signal leaves a report in the log and ends the
//! process, whichever thread it happens in. There is never a server of which a part has died.
//!
//! - [`in_flight`] knows which command a thread is executing;
//! - [`panic`] reports a panic in full: message, command, stack trace, INFO;
//! - [`signal`] reports a fatal signal in what can be said inside its handler: the command, and where the
//!   stack trace leads through.
//!
//! Headings are those of Redis' reports where the same follows, for programs that look for them.

pub mod in_flight;
pub mod panic;
pub mod signal;

/// Marks the beginning of a report, for people who look for it.
const START: &str = "=== RUSSET BUG REPORT START ===";
/// What functions were being called.
const STACK_TRACE: &str = "------ STACK TRACE ------";
/// Marks its end.
const END: &str = "=== RUSSET BUG REPORT END ===";
