//! One client's wait.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use russet_keyspace::waiters::Waiter;
use russet_resp::Protocol;

use super::Blocking;
use crate::client::ClientInfo;
use crate::command::CommandEntry;
use crate::exec::Ctx;
use crate::observe::SlowEntry;

/// A key that is waited for, with its hash.
pub type AwaitedKey = (u64, Box<[u8]>);

/// See the module's documentation.
pub struct Wait {
    /// Who waits.
    pub client: Arc<ClientInfo>,
    /// The protocol it is answered in.
    pub protocol: Protocol,
    /// Its command.
    pub entry: &'static CommandEntry,
    /// The logical database of the keys.
    pub db: u32,
    /// When it gives up, in Unix milliseconds.
    pub deadline_ms: Option<i64>,
    /// What it waits for, in the order of its command.
    pub keys: Vec<AwaitedKey>,
    /// What is done when one of them is there.
    pub command: Box<dyn Blocking>,
    /// What goes into the slow log when it is answered.
    pub slow: Mutex<Option<SlowEntry>>,
    is_over: AtomicBool,
}

impl Waiter for Wait {}

impl Wait {
    /// The wait of the client of `ctx`.
    pub fn new(
        ctx: &Ctx<'_>,
        deadline_ms: Option<i64>,
        keys: Vec<AwaitedKey>,
        command: Box<dyn Blocking>,
    ) -> Self {
        Wait {
            client: ctx.client.info.clone(),
            protocol: ctx.client.protocol,
            entry: ctx.command,
            db: ctx.db.selected(),
            deadline_ms,
            keys,
            command,
            slow: Mutex::new(None),
            is_over: AtomicBool::new(false),
        }
    }

    /// The wait that stands in the queue of a shard: there are no others.
    pub fn of(waiter: &Arc<dyn Waiter>) -> Arc<Wait> {
        let any: Arc<dyn Any + Send + Sync> = waiter.clone();
        any.downcast().expect("only waits are put into queues")
    }

    /// Whether it was claimed already.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Ends it. Returns whether this was the first to do so: then the caller answers the client.
    /// Nobody ends the wait of a client that was killed, other than by closing it.
    pub fn claim(&self) -> bool {
        !self.client.killed.load(Ordering::Relaxed) && self.claim_to_close()
    }

    /// As [`Wait::claim`], for a client that is going away.
    pub fn claim_to_close(&self) -> bool {
        !self.is_over.swap(true, Ordering::AcqRel)
    }
}
