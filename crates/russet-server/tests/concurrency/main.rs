//! Several clients on several workers, commands that take many shards at once and commands that take
//! all of them.
//!
//! - `pipelines`: clients with databases of their own meet only in locks and at the gate, so each
//!   knows its replies exactly: none may be lost, doubled or out of order.
//! - `totals`: clients that share keys know what must hold over all of them: sums stay the same,
//!   pairs stay equal, no update is lost.

mod pipelines;
mod totals;
