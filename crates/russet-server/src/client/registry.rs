//! Every connected client, as far as other workers may know it.
//!
//! CLIENT LIST, CLIENT KILL and INFO concern clients of all workers. A worker keeps what they show in
//! a [`ClientInfo`], written by it alone and read by anybody, so that none of them has to ask.
//!
//! Under `maxmemory-clients` the registry also has the sum of what all clients take: each client is
//! charged for what it takes whenever that has changed, until it is struck off.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::blocking::Wait;
use crate::command::CommandEntry;
use crate::config::ClientClass;
use crate::worker::Connection;

bitflags::bitflags! {
    /// States that CLIENT LIST shows as letters.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ClientFlags: u32 {
        /// `O`: receives MONITOR's lines.
        const MONITOR = 1;
        /// `x`: between MULTI and EXEC.
        const MULTI = 1 << 1;
        /// `b`: waits for something.
        const BLOCKED = 1 << 2;
        /// `d`: a watched key was touched. Kept in [`ClientInfo::watch_dirty`].
        const DIRTY = 1 << 3;
        /// `c`: closed once the reply is sent.
        const CLOSE_AFTER_REPLY = 1 << 4;
        /// `U`: came through the unix socket.
        const UNIX = 1 << 5;
        /// `e`: not to be evicted.
        const NO_EVICT = 1 << 6;
        /// `T`: does not change what it reads was last used.
        const NO_TOUCH = 1 << 7;
        /// `P`: subscriber.
        const PUBSUB = 1 << 8;
        /// `A`: closed as soon as possible.
        const CLOSE_NOW = 1 << 9;
    }
}

/// How a client came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Over TCP: its address and ours.
    Tcp {
        /// The client's address.
        peer: SocketAddr,
        /// The address it connected to.
        local: SocketAddr,
    },
    /// Through the unix socket of this path.
    Unix(PathBuf),
}

impl Transport {
    /// Whether the client runs on this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Transport::Tcp { peer, .. } => peer.ip().to_canonical().is_loopback(),
            Transport::Unix(_) => true,
        }
    }

    /// `addr` of CLIENT LIST.
    pub fn peer_text(&self) -> String {
        match self {
            Transport::Tcp { peer, .. } => peer.to_string(),
            Transport::Unix(path) => format!("{}:0", path.display()),
        }
    }

    /// `laddr` of CLIENT LIST.
    pub fn local_text(&self) -> String {
        match self {
            Transport::Tcp { local, .. } => local.to_string(),
            Transport::Unix(path) => format!("{}:0", path.display()),
        }
    }
}

/// What a client says of itself.
#[derive(Clone, Default, Debug)]
pub struct Identity {
    /// CLIENT SETNAME.
    pub name: Vec<u8>,
    /// CLIENT SETINFO LIB-NAME.
    pub lib_name: Vec<u8>,
    /// CLIENT SETINFO LIB-VER.
    pub lib_version: Vec<u8>,
}

/// What a client is charged for that was struck off.
const GONE: u64 = u64::MAX;
/// Bytes around the name of a channel or key that a client is subscribed to or watches: its places in
/// the client's set and in the one of all clients.
const KEPT_NAME_BYTES: u64 = 64;

/// In place of the number of a command.
const NO_COMMAND: u16 = u16::MAX;

/// See the module's documentation. Sizes are bytes, times Unix milliseconds.
#[allow(missing_docs)] // the fields are CLIENT LIST's
pub struct ClientInfo {
    pub id: u64,
    /// The worker that serves it.
    pub worker: usize,
    pub fd: i32,
    pub transport: Transport,
    pub created_ms: i64,
    pub last_interaction_ms: AtomicI64,
    pub db: AtomicU32,
    pub resp3: AtomicBool,
    pub flags: AtomicU32,
    /// Number of the last command, or `u16::MAX` for none yet.
    pub last_command: AtomicU16,
    /// Queued commands, or -1 outside MULTI.
    pub multi: AtomicI64,
    pub watched: AtomicU32,
    /// Channels, patterns and shard channels it is subscribed to.
    pub channels: AtomicU32,
    pub patterns: AtomicU32,
    pub shard_channels: AtomicU32,
    pub multi_bytes: AtomicU64,
    /// Names of its watched keys and subscriptions.
    pub kept_bytes: AtomicU64,
    pub query_bytes: AtomicU64,
    pub query_free_bytes: AtomicU64,
    pub argv_bytes: AtomicU64,
    /// Replies not yet sent.
    pub output_bytes: AtomicU64,
    /// Room for replies that the connection holds.
    pub reply_buffer_bytes: AtomicU64,
    /// The most that was last sent at once.
    pub reply_peak_bytes: AtomicU64,
    /// What the registry's sum has of this client.
    charged_bytes: AtomicU64,
    /// Raised by whoever touches a watched key.
    pub watch_dirty: Arc<AtomicBool>,
    /// Somebody wants the connection closed.
    pub killed: AtomicBool,
    pub identity: Mutex<Identity>,
    /// What it waits for in a blocking command.
    pub wait: Mutex<Option<Arc<Wait>>>,
}

impl ClientInfo {
    /// A client that has just connected.
    pub fn new(id: u64, worker: usize, fd: i32, transport: Transport, now_ms: i64) -> Self {
        let flags = match transport {
            Transport::Unix(_) => ClientFlags::UNIX,
            Transport::Tcp { .. } => ClientFlags::empty(),
        };
        ClientInfo {
            id,
            worker,
            fd,
            transport,
            created_ms: now_ms,
            last_interaction_ms: AtomicI64::new(now_ms),
            db: AtomicU32::new(0),
            resp3: AtomicBool::new(false),
            flags: AtomicU32::new(flags.bits()),
            last_command: AtomicU16::new(NO_COMMAND),
            multi: AtomicI64::new(-1),
            watched: AtomicU32::new(0),
            channels: AtomicU32::new(0),
            patterns: AtomicU32::new(0),
            shard_channels: AtomicU32::new(0),
            multi_bytes: AtomicU64::new(0),
            kept_bytes: AtomicU64::new(0),
            query_bytes: AtomicU64::new(0),
            query_free_bytes: AtomicU64::new(0),
            argv_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            reply_buffer_bytes: AtomicU64::new(0),
            reply_peak_bytes: AtomicU64::new(0),
            charged_bytes: AtomicU64::new(0),
            watch_dirty: Arc::default(),
            killed: AtomicBool::new(false),
            identity: Mutex::new(Identity::default()),
            wait: Mutex::new(None),
        }
    }

    /// What stands in the place of a client: it is registered nowhere.
    pub fn nobody(worker: usize) -> Self {
        ClientInfo::new(0, worker, 0, Transport::Unix(PathBuf::new()), 0)
    }

    /// Puts down the command executed last, or that there is none of the name asked for.
    #[inline]
    pub fn set_last_command(&self, entry: Option<&'static CommandEntry>) {
        self.last_command.store(entry.map_or(NO_COMMAND, |entry| entry.id), Ordering::Relaxed);
    }

    /// The flags set at present.
    pub fn flags(&self) -> ClientFlags {
        ClientFlags::from_bits_retain(self.flags.load(Ordering::Relaxed))
    }

    /// Sets or clears flags.
    pub fn set_flags(&self, flags: ClientFlags, on: bool) {
        if on {
            self.flags.fetch_or(flags.bits(), Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!flags.bits(), Ordering::Relaxed);
        }
    }

    /// Memory that the client takes: its state and its buffers.
    pub fn total_bytes(&self) -> u64 {
        let buffers = [
            &self.kept_bytes,
            &self.query_bytes,
            &self.query_free_bytes,
            &self.argv_bytes,
            &self.multi_bytes,
            &self.reply_buffer_bytes,
        ];
        let buffers: u64 = buffers.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum();
        buffers + (size_of::<Connection>() + size_of::<Self>()) as u64
    }

    /// Counts a name that the client's state keeps from now on.
    pub fn keep_name(&self, name: &[u8]) {
        self.kept_bytes.fetch_add(KEPT_NAME_BYTES + name.len() as u64, Ordering::Relaxed);
    }

    /// Counts no more what [`ClientInfo::keep_name`] counted.
    pub fn forget_name(&self, name: &[u8]) {
        self.kept_bytes.fetch_sub(KEPT_NAME_BYTES + name.len() as u64, Ordering::Relaxed);
    }

    /// The class of the client, for limits and CLIENT KILL TYPE.
    pub fn class(&self) -> ClientClass {
        let flags = self.flags();
        if flags.contains(ClientFlags::PUBSUB) { ClientClass::PubSub } else { ClientClass::Normal }
    }
}

/// All connected clients by number.
#[derive(Default)]
pub struct Registry {
    clients: Mutex<BTreeMap<u64, Arc<ClientInfo>>>,
    last_id: AtomicU64,
    /// The sum of what clients were charged for.
    charged_bytes: AtomicI64,
}

impl Registry {
    /// A number never given before.
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Puts a client down.
    pub fn add(&self, info: Arc<ClientInfo>) {
        self.clients.lock().insert(info.id, info);
    }

    /// Strikes a client off.
    pub fn remove(&self, id: u64) {
        if let Some(info) = self.clients.lock().remove(&id) {
            let charged = info.charged_bytes.swap(GONE, Ordering::Relaxed);
            if charged != GONE {
                self.charged_bytes.fetch_sub(charged as i64, Ordering::Relaxed);
            }
        }
    }

    /// Charges a client for what it takes at present.
    pub fn charge(&self, info: &ClientInfo) {
        let (before, now) = (info.charged_bytes.load(Ordering::Relaxed), info.total_bytes());
        if before == now || before == GONE {
            return;
        }
        let charged = &info.charged_bytes;
        // If somebody else comes between, that is as recent.
        if charged.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let more = now as i64 - before as i64;
            self.charged_bytes.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// What clients were charged for in all.
    pub fn charged_bytes(&self) -> u64 {
        self.charged_bytes.load(Ordering::Relaxed).max(0) as u64
    }

    /// The clients that may be closed because all together take too much, in the order in which they
    /// should be: those that take most first. As in Redis, sizes within a power of two count as
    /// equal, and then the oldest comes first.
    pub fn by_size(&self) -> Vec<Arc<ClientInfo>> {
        let mut clients = self.all();
        clients.retain(|info| !info.flags().contains(ClientFlags::NO_EVICT));
        clients.sort_by_cached_key(|info| {
            std::cmp::Reverse(info.charged_bytes.load(Ordering::Relaxed).max(1).ilog2())
        });
        clients
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.clients.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Arc<ClientInfo>> {
        self.clients.lock().values().cloned().collect()
    }

    /// One of them.
    pub fn find(&self, id: u64) -> Option<Arc<ClientInfo>> {
        self.clients.lock().get(&id).cloned()
    }
}
