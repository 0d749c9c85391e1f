//! Freeing off the workers (I7): large values and whole tables are dropped by a thread of their own, which
//! also returns pages to the system when workers have come to rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvError, Sender, TryRecvError};

use russet_data::object::Object;
use russet_data::table::Table;
use russet_keyspace::entry::{Entry, ValueRef};

use crate::memory;
use crate::processors;

/// A value with more parts than this, each an allocation of its own, is freed off the worker; so is
/// one large allocation of more than [`LARGE_BYTES`].
const PARTS: usize = 64;
/// Returning this much to the allocator may return it to the system, which takes a while.
const LARGE_BYTES: usize = 1 << 20;

/// Something to be dropped.
pub enum Garbage {
    /// One value with its key.
    Entry(Entry),
    /// One value.
    Object(Box<Object>),
    /// The content of databases.
    Tables(Vec<Table<Entry>>),
}

impl Garbage {
    fn objects(&self) -> u64 {
        match self {
            Garbage::Entry(_) | Garbage::Object(_) => 1,
            Garbage::Tables(tables) => tables.iter().map(|table| table.len() as u64).sum(),
        }
    }

    /// Bytes of values, which eviction waits for. Those of tables would take too long to add up.
    fn bytes(&self) -> u64 {
        match self {
            Garbage::Entry(entry) => entry.allocated_bytes() as u64,
            Garbage::Object(object) => object.allocated_bytes() as u64,
            Garbage::Tables(_) => 0,
        }
    }
}

/// What the thread is asked for.
enum Job {
    Drop(Garbage),
    ReturnPages,
}

#[derive(Default)]
struct Counts {
    pending: AtomicU64,
    pending_bytes: AtomicU64,
    freed: AtomicU64,
}

/// See the module's documentation. The thread ends when this is dropped.
pub struct LazyFree {
    queue: Sender<Job>,
    counts: Arc<Counts>,
}

impl LazyFree {
    /// Starts the thread, to run on some processors.
    ///
    /// # Errors
    ///
    /// If the system has no thread to give.
    pub fn start(processors: &processors::List) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel::<Job>();
        let counts = Arc::<Counts>::default();
        let of_thread = counts.clone();
        processors::spawn("lazy-free", processors, move || {
            let next = || match jobs.try_recv() {
                Ok(job) => Ok(job),
                Err(TryRecvError::Disconnected) => Err(RecvError),
                Err(TryRecvError::Empty) => {
                    memory::flush_thread_cache();
                    jobs.recv()
                }
            };
            while let Ok(job) = next() {
                let Job::Drop(item) = job else {
                    memory::purge_few_pages();
                    continue;
                };
                let (objects, bytes) = (item.objects(), item.bytes());
                drop(item);
                memory::publish();
                of_thread.pending_bytes.fetch_sub(bytes, Ordering::Relaxed);
                of_thread.pending.fetch_sub(objects, Ordering::Relaxed);
                of_thread.freed.fetch_add(objects, Ordering::Relaxed);
            }
        })?;
        Ok(LazyFree { queue, counts })
    }

    /// Drops something on the thread, whatever it costs.
    pub fn defer(&self, garbage: Garbage) {
        self.counts.pending.fetch_add(garbage.objects(), Ordering::Relaxed);
        self.counts.pending_bytes.fetch_add(garbage.bytes(), Ordering::Relaxed);
        // The thread outlives every sender; if it does not, dropping here is all that is left.
        let _ = self.queue.send(Job::Drop(garbage));
    }

    /// Returns freed pages to the system, see [`memory::purge_few_pages`].
    pub fn return_pages(&self) {
        // Without the thread the process is about to end.
        let _ = self.queue.send(Job::ReturnPages);
    }

    /// Drops what a command has left over: entries as [`LazyFree::free`] does, tables at once, because
    /// whoever does not want to wait for that defers them.
    pub fn settle(&self, garbage: Garbage) {
        match garbage {
            Garbage::Entry(entry) => self.free(entry),
            Garbage::Object(object) => self.free_object(Some(object)),
            Garbage::Tables(tables) => drop(tables),
        }
    }

    /// Drops an entry: at once if that is cheap, on the thread otherwise.
    #[inline]
    pub fn free(&self, entry: Entry) {
        if let ValueRef::Object(object) = entry.value()
            && is_costly(object.free_cost(), object.allocated_bytes())
        {
            self.defer(Garbage::Entry(entry));
        }
    }

    /// Drops a value that was displaced from its entry.
    #[inline]
    pub fn free_object(&self, object: Option<Box<Object>>) {
        if let Some(object) = object
            && is_costly(object.free_cost(), object.allocated_bytes())
        {
            self.defer(Garbage::Object(object));
        }
    }

    /// Objects that wait to be freed.
    pub fn pending(&self) -> u64 {
        self.counts.pending.load(Ordering::Relaxed)
    }

    /// Bytes of values that wait to be freed.
    pub fn pending_bytes(&self) -> u64 {
        self.counts.pending_bytes.load(Ordering::Relaxed)
    }

    /// Objects freed on the thread so far.
    pub fn freed(&self) -> u64 {
        self.counts.freed.load(Ordering::Relaxed)
    }

    /// Starts counting freed objects anew.
    pub fn reset_counts(&self) {
        self.counts.freed.store(0, Ordering::Relaxed);
    }
}

fn is_costly(parts: usize, bytes: usize) -> bool {
    parts > PARTS || bytes > LARGE_BYTES
}
