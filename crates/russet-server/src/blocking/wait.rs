//! One client's wait.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use russet_keyspace::waiters::Waiter;
use russet_resp::{Protocol, ReplyWriter};

use super::Blocking;
use crate::client::ClientInfo;
use crate::command::CommandEntry;
use crate::exec::Ctx;
use crate::observe::SlowEntry;
use crate::persistence::aof::AwaitedLog;
use crate::server::Server;

/// A key that is waited for, with its hash.
pub type AwaitedKey = (u64, Box<[u8]>);

/// What a client waits for.
pub enum Awaited {
    /// One of some keys, in the order of its command; and what is done when one is there.
    Keys(Vec<AwaitedKey>, Box<dyn Blocking>),
    /// That the append-only log has got on. Such waits are in no queue, but on a list of the worker's.
    Log(AwaitedLog),
}

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
    /// See [`Awaited`].
    pub awaited: Awaited,
    /// What goes into the slow log when it is answered.
    pub slow: Mutex<Option<SlowEntry>>,
    is_over: AtomicBool,
}

impl Waiter for Wait {}

impl Wait {
    /// The wait of the client of `ctx`.
    pub fn new(ctx: &Ctx<'_>, deadline_ms: Option<i64>, awaited: Awaited) -> Self {
        Wait {
            client: ctx.client.info.clone(),
            protocol: ctx.client.protocol,
            entry: ctx.command,
            db: ctx.db.selected(),
            deadline_ms,
            awaited,
            slow: Mutex::new(None),
            is_over: AtomicBool::new(false),
        }
    }

    /// The wait that stands in the queue of a shard: there are no others.
    pub fn of(waiter: &Arc<dyn Waiter>) -> Arc<Wait> {
        let any: Arc<dyn Any + Send + Sync> = waiter.clone();
        any.downcast().expect("only waits are put into queues")
    }

    /// The keys that are waited for.
    pub fn keys(&self) -> &[AwaitedKey] {
        match &self.awaited {
            Awaited::Keys(keys, _) => keys,
            Awaited::Log(_) => &[],
        }
    }

    /// What is done when one of the keys is there. The wait is from a queue.
    pub fn command(&self) -> &dyn Blocking {
        match &self.awaited {
            Awaited::Keys(_, command) => &**command,
            Awaited::Log(_) => unreachable!("it is in no queue"),
        }
    }

    /// What the client is told if it waits no longer.
    pub fn reply_in_vain(&self, server: &Server) -> Vec<u8> {
        let mut reply = Vec::new();
        match &self.awaited {
            Awaited::Keys(..) => ReplyWriter::new(&mut reply, self.protocol).null_array(),
            Awaited::Log(awaited) => {
                let log = server.persistence.log.load();
                awaited.reply(log.as_deref(), &mut ReplyWriter::new(&mut reply, self.protocol));
            }
        }
        reply
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
