//! A client as command handlers see it, and what other workers may know of it.

mod kind;
mod line;
mod registry;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use russet_resp::Protocol;

pub use kind::ClientKind;
pub use line::OutputUse;
pub use registry::{ClientFlags, ClientInfo, Identity, Registry, Transport};
pub use transaction::{Transaction, WatchedKey, Watches};

use crate::blocking::Wait;
use crate::config::Config;
use crate::pubsub::Subscriptions;

/// The name of the only user there is.
pub const DEFAULT_USER: &[u8] = b"default";

/// What happens to a connection after the present command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Close {
    /// It stays.
    #[default]
    No,
    /// It is closed once the replies so far are sent.
    AfterReply,
    /// It is closed at once.
    Now,
}

/// CLIENT REPLY.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReplyMode {
    /// Replies are sent.
    #[default]
    On,
    /// No replies are sent.
    Off,
    /// The reply to the command after the present one is not sent.
    SkipNext,
    /// The reply to the present command is not sent.
    Skip,
}

/// The state of a client that only its worker touches.
pub struct Client {
    /// What others may see.
    pub info: Arc<ClientInfo>,
    /// The selected logical database.
    pub db: u32,
    /// RESP2 until HELLO says otherwise.
    pub protocol: Protocol,
    /// Whether AUTH succeeded or was not needed.
    pub authenticated: bool,
    /// See [`Close`].
    pub close: Close,
    /// See [`ReplyMode`].
    pub reply_mode: ReplyMode,
    /// CLIENT NO-TOUCH.
    pub no_touch: bool,
    /// It stands for the append-only file that is being loaded.
    pub is_replay: bool,
    /// Between MULTI and EXEC.
    pub transaction: Option<Box<Transaction>>,
    /// Keys under WATCH.
    pub watches: Watches,
    /// What it waits for in a blocking command.
    pub wait: Option<Arc<Wait>>,
    /// Up to where its writes reach in the append-only log.
    pub log_offset: u64,
    /// What it is subscribed to, if to anything.
    pub subscriptions: Option<Box<Subscriptions>>,
    /// Messages among the replies to the present command, which CLIENT REPLY does not leave out.
    pub messages: Vec<u8>,
}

impl Client {
    /// A client that has just connected.
    pub fn new(info: Arc<ClientInfo>, authenticated: bool) -> Self {
        let watches = Watches::new(info.watch_dirty.clone());
        Client {
            info,
            db: 0,
            protocol: Protocol::Resp2,
            authenticated,
            close: Close::No,
            reply_mode: ReplyMode::On,
            no_touch: false,
            is_replay: false,
            transaction: None,
            watches,
            wait: None,
            log_offset: 0,
            subscriptions: None,
            messages: Vec::new(),
        }
    }

    /// Whether the client has to prove first who it is.
    #[inline]
    pub fn must_authenticate(&self, config: &Config) -> bool {
        !self.authenticated && config.requirepass.is_some()
    }

    /// Asks for the connection to be closed; the stronger wish wins.
    pub fn close(&mut self, close: Close) {
        self.close = self.close.max(close);
        let flag = match self.close {
            Close::No => ClientFlags::empty(),
            Close::AfterReply => ClientFlags::CLOSE_AFTER_REPLY,
            Close::Now => ClientFlags::CLOSE_NOW,
        };
        self.info.set_flags(flag, true);
    }

    /// Whether nothing more is to be executed for the client.
    #[inline]
    pub fn is_leaving(&self) -> bool {
        self.close != Close::No || self.info.killed.load(Ordering::Relaxed)
    }

    /// The selected database, also for other workers to see.
    pub fn select(&mut self, db: u32) {
        self.db = db;
        self.info.db.store(db, Ordering::Relaxed);
    }

    /// Switches the protocol, also for other workers to see.
    pub fn speak(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.info.resp3.store(protocol == Protocol::Resp3, Ordering::Relaxed);
    }

    /// The flag that writers to watched keys raise.
    pub fn watch_flag(&self) -> &Arc<AtomicBool> {
        &self.watches.dirty
    }
}
