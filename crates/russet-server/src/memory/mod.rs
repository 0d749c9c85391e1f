//! How much memory is used, and by what.
//!
//! The allocator counts for each thread what the thread has allocated and freed. Every thread that
//! allocates more than a little publishes the difference of the two whenever it has done a piece of
//! work ([`publish`]): it adds what has changed to the one sum of all threads. The sum is what the
//! process uses, exact but for the work that threads are at just now; whoever asks publishes first. A
//! thread may have freed more than it has allocated: what one worker has stored another may delete.
//!
//! Under `maxmemory` workers ask before every command ([`roughly_used_bytes`]): then they publish in
//! steps, so that they seldom write to the sum, which all of them read.

mod allocator;
pub mod control;
pub mod huge_pages;
mod human;
mod pages;
mod pieces;
pub mod setup;

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};

pub use allocator::{
    Allocator, Elsewhere, Utilization, flush_thread_cache, keep_freed_pages, purge,
    purge_few_pages, return_in_background, statistics,
};
pub use human::Human;
pub use pages::load_code;
pub use pieces::return_in_small_pieces;

use crate::exec::View;
use crate::server::Server;

/// How much a thread that asks [`roughly_used_bytes`] may have allocated, or freed, without having
/// published it.
pub const ACCOUNT_STEP_BYTES: i64 = 16 << 10;

/// Alone on its cache lines, because it is written all the time.
#[repr(align(128))]
struct Used(AtomicI64);

/// What all threads there ever were have published: what a thread has not freed stays when it ends.
static USED: Used = Used(AtomicI64::new(0));

/// The counters of this thread, and what it has published of their difference.
struct Counters {
    allocated: ThreadLocal<u64>,
    freed: ThreadLocal<u64>,
    published: Cell<i64>,
}

thread_local! {
    /// `None` without the allocator that counts.
    static COUNTERS: Option<Counters> = Counters::open();
}

impl Counters {
    fn open() -> Option<Self> {
        let (allocated, freed) = (allocatedp::read().ok()?, deallocatedp::read().ok()?);
        Some(Counters { allocated, freed, published: Cell::new(0) })
    }

    /// What this thread has allocated and not freed, and how much of that is not published.
    #[inline]
    fn read(&self) -> (i64, i64) {
        let in_use = self.allocated.get().wrapping_sub(self.freed.get()) as i64;
        (in_use, in_use - self.published.get())
    }

    #[inline]
    fn publish(&self) {
        let (in_use, difference) = self.read();
        if difference != 0 {
            USED.0.fetch_add(difference, Ordering::Relaxed);
            self.published.set(in_use);
        }
    }
}

/// A thread that ends leaves nothing unknown.
impl Drop for Counters {
    fn drop(&mut self) {
        self.publish();
    }
}

/// Makes known what this thread has allocated and freed so far.
#[inline]
pub fn publish() {
    COUNTERS.with(|counters| {
        if let Some(counters) = counters {
            counters.publish();
        }
    });
}

/// Bytes that the process has allocated and not freed.
pub fn used_bytes() -> u64 {
    publish();
    USED.0.load(Ordering::Relaxed).max(0) as u64
}

/// As [`used_bytes`], for those who ask all the time: what each other thread has not published is
/// unknown, at most [`ACCOUNT_STEP_BYTES`] and what its command at hand has allocated.
#[inline]
pub fn roughly_used_bytes() -> u64 {
    let unpublished = COUNTERS.with(|counters| {
        let Some(counters) = counters else { return 0 };
        let (_, difference) = counters.read();
        if difference.abs() < ACCOUNT_STEP_BYTES {
            return difference;
        }
        counters.publish();
        0
    });
    (USED.0.load(Ordering::Relaxed) + unpublished).max(0) as u64
}

/// Counts what this thread has allocated so far as what a server takes without doing anything. To be
/// called once by each thread that takes part in the start.
pub fn note_startup(server: &Server) {
    publish();
    COUNTERS.with(|counters| {
        let in_use = counters.iter().map(|own| own.published.get()).sum::<i64>();
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
    /// What of the append-only log is not written yet.
    pub log: u64,
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
        let log = server.persistence.log.load().as_ref().map_or(0, |log| log.held_bytes());
        let in_tables: u64 = tables.iter().map(|db| db.entries + db.expiries).sum();
        let overhead = startup + clients + log + in_tables;
        let keyspace = &server.keyspace;
        let keys = (0..keyspace.databases()).map(|db| keyspace.key_count(db) as u64).sum();
        Figures {
            used,
            peak,
            startup,
            clients,
            log,
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
