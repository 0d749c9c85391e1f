//! How much memory is used, and by what.
//!
//! The allocator counts for each thread what the thread has allocated and freed. Every thread that
//! allocates more than a little publishes the difference of the two whenever it has done a piece of
//! work ([`publish`]): two loads and a store. The sum over all threads is what the process uses, exact
//! but for the work that threads are at just now, and costs no more than adding up a few numbers;
//! whoever asks publishes first. A thread may have freed more than it has allocated: what one worker
//! has stored another may delete.

mod allocator;
mod human;
pub mod setup;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};

pub use allocator::{Allocator, purge, return_in_background, statistics};
pub use human::Human;

use crate::exec::View;
use crate::server::Server;

/// What one thread has published. Alone on its cache lines, because it is written all the time.
#[derive(Default)]
#[repr(align(128))]
struct Account(AtomicI64);

/// The accounts of all threads there ever were: what a thread has not freed stays when it ends.
static ACCOUNTS: Mutex<Vec<Arc<Account>>> = Mutex::new(Vec::new());

/// The counters of this thread, and its account.
struct Counters {
    allocated: ThreadLocal<u64>,
    freed: ThreadLocal<u64>,
    account: Arc<Account>,
}

thread_local! {
    /// `None` without the allocator that counts.
    static COUNTERS: Option<Counters> = Counters::open();
}

impl Counters {
    fn open() -> Option<Self> {
        let (allocated, freed) = (allocatedp::read().ok()?, deallocatedp::read().ok()?);
        let account = Arc::<Account>::default();
        ACCOUNTS.lock().push(account.clone());
        Some(Counters { allocated, freed, account })
    }
}

/// Makes known what this thread has allocated and freed so far.
#[inline]
pub fn publish() {
    COUNTERS.with(|counters| {
        if let Some(Counters { allocated, freed, account }) = counters {
            let in_use = allocated.get().wrapping_sub(freed.get()) as i64;
            account.0.store(in_use, Ordering::Relaxed);
        }
    });
}

/// Bytes that the process has allocated and not freed.
pub fn used_bytes() -> u64 {
    publish();
    let accounts = ACCOUNTS.lock();
    let sum: i64 = accounts.iter().map(|account| account.0.load(Ordering::Relaxed)).sum();
    sum.max(0) as u64
}

/// Counts what this thread has allocated so far as what a server takes without doing anything. To be
/// called once by each thread that takes part in the start.
pub fn note_startup(server: &Server) {
    publish();
    COUNTERS.with(|counters| {
        let in_use = counters.iter().map(|own| own.account.0.load(Ordering::Relaxed)).sum::<i64>();
        server.stats.startup_memory.fetch_add(in_use.max(0) as u64, Ordering::Relaxed);
    });
}

/// Remembers the highest use of memory so far.
pub fn note_peak(server: &Server) {
    server.stats.peak_memory.fetch_max(used_bytes(), Ordering::Relaxed);
}

/// What the keys of one logical database take beside keys and values, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct DbTables {
    /// The database.
    pub db: u32,
    /// Its tables of entries.
    pub entries: u64,
    /// Its indices of expiries.
    pub expiries: u64,
}

/// The tables of every database that has keys. Shards are visited one at a time; those that are busy
/// count like the average of the others.
pub fn tables(view: &mut View<'_>) -> Vec<DbTables> {
    let keyspace = view.keyspace();
    let used =
        (0..keyspace.databases()).filter(|db| keyspace.key_count(keyspace.physical_db(*db)) > 0);
    let mut all: Vec<DbTables> = used.map(|db| DbTables { db, entries: 0, expiries: 0 }).collect();
    if all.is_empty() {
        return all;
    }
    let mut visited = 0;
    for shard in 0..keyspace.shard_count() {
        let seen = view.visit(shard, |guard| {
            for sum in &mut all {
                if let Some(db) = guard.shard().db(keyspace.physical_db(sum.db)) {
                    sum.entries += db.table().allocated_bytes() as u64;
                    sum.expiries += db.expiry().allocated_bytes() as u64;
                }
            }
        });
        visited += u64::from(seen.is_some());
    }
    let shards = keyspace.shard_count() as u64;
    for sum in all.iter_mut().filter(|_| visited > 0) {
        sum.entries = sum.entries * shards / visited;
        sum.expiries = sum.expiries * shards / visited;
    }
    all
}

/// Where the memory is, in bytes unless a name says otherwise.
pub struct Figures {
    /// Allocated and not freed.
    pub used: u64,
    /// The most that ever was.
    pub peak: u64,
    /// Used when the server had started.
    pub startup: u64,
    /// Buffers and states of clients.
    pub clients: u64,
    /// See [`DbTables`].
    pub tables: Vec<DbTables>,
    /// Everything but keys and values.
    pub overhead: u64,
    /// Keys and values.
    pub dataset: u64,
    /// Number of keys in all databases.
    pub keys: u64,
    /// What the allocator and the system say.
    pub allocator: Allocator,
}

impl Figures {
    /// The figures at this moment.
    pub fn take(server: &Server, tables: Vec<DbTables>) -> Self {
        note_peak(server);
        let used = used_bytes();
        let peak = server.stats.peak_memory.load(Ordering::Relaxed).max(used);
        let startup = server.stats.startup_memory.load(Ordering::Relaxed);
        let clients = server.clients.all();
        let clients = clients.iter().map(|info| info.total_bytes()).sum();
        let in_tables: u64 = tables.iter().map(|db| db.entries + db.expiries).sum();
        let overhead = startup + clients + in_tables;
        let keyspace = &server.keyspace;
        let keys = (0..keyspace.databases()).map(|db| keyspace.key_count(db) as u64).sum();
        Figures {
            used,
            peak,
            startup,
            clients,
            tables,
            overhead,
            dataset: used.saturating_sub(overhead),
            keys,
            allocator: Allocator::ask(),
        }
    }

    /// Used since the start; at least 1, to divide by.
    pub fn net(&self) -> u64 {
        self.used.saturating_sub(self.startup).max(1)
    }

    /// The dataset's part of what was used since the start.
    pub fn dataset_percent(&self) -> f64 {
        self.dataset as f64 * 100.0 / self.net() as f64
    }

    /// The part of the peak that is used.
    pub fn peak_percent(&self) -> f64 {
        self.used as f64 * 100.0 / self.peak.max(1) as f64
    }

    /// Bytes used per key, with everything that came since the start.
    pub fn bytes_per_key(&self) -> u64 {
        self.net().checked_div(self.keys).unwrap_or(0)
    }

    /// Resident memory beyond what is used: as a factor and in bytes.
    pub fn fragmentation(&self) -> Ratio {
        Ratio::of(self.allocator.process_resident, self.used)
    }
}

/// One amount of memory compared with another.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// The factor between them.
    pub factor: f64,
    /// The bytes between them; negative if the first is the smaller one.
    pub bytes: i64,
}

impl Ratio {
    /// Compares.
    pub fn of(bytes: u64, with: u64) -> Self {
        let factor = if with == 0 { 0.0 } else { bytes as f64 / with as f64 };
        Ratio { factor, bytes: bytes.wrapping_sub(with) as i64 }
    }
}
