//! Execution: from a parsed request to its reply.
//!
//! [`admission`] checks a request; [`dispatch`] decides how it runs: keyed, with the locks of its keys' shards,
//! or exclusively, behind the closed gate. Either way the handler sees a [`Ctx`]; all it does to
//! keys goes through the context's [`View`].

pub(crate) mod admission;
pub mod args;
mod context;
pub mod dispatch;
mod event;
pub mod fiber;
mod locks;
pub mod nested;
mod secrets;
pub mod transaction;
pub mod values;
mod view;

pub use crate::config::NotifyClasses as EventClass;
pub use args::{Args, OwnedCommand};
pub use context::{Ctx, Key};
pub use event::Event;
pub use locks::Locks;
pub use secrets::hides_argument;
pub use view::{Drawn, View};
