//! Listening and accepting.

mod acceptor;
mod listener;
mod stream;

pub use acceptor::{Acceptor, AcceptorHandle};
pub use listener::{Bound, bind_all, bind_unix};
pub use stream::Stream;
