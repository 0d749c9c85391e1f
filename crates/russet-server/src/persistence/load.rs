//! From files back to keys.
//!
//! At the start one thread reads the file and cuts it into pieces, and all workers make keys of them,
//! in slices of time between which they answer clients that ask for something else than keys. Behind the
//! gate ([`load_alone`]) one worker does it all.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use russet_keyspace::access::{AccessPolicy, restored};
use russet_keyspace::entry::Entry;
use russet_keyspace::keyspace::{Exclusive, ShardGuard};
use russet_persist::rdb::{self, Error, Item, Items, KeyItem, Limits, Piece, Problem, Splitter};
use smallvec::SmallVec;

use crate::server::Server;
use crate::worker::WorkerContext;
use crate::worker::clock::unix_ms;

/// Pieces that wait to be loaded, at most.
const WAITING_MAX: usize = 16;
/// How long a worker loads before it looks at its clients.
const SLICE: Duration = Duration::from_millis(1);

/// What becomes of keys of a file.
struct Loader {
    limits: Limits,
    policy: AccessPolicy,
    now_ms: i64,
    drops_expired: bool,
}

impl Loader {
    fn new(server: &Server, context: &WorkerContext, drops_expired: bool) -> Self {
        let limits = super::limits(server, &context.config);
        Loader { limits, policy: context.access_policy, now_ms: unix_ms(), drops_expired }
    }

    /// The entry of a key; `None` if its time has come.
    fn entry(&self, item: &KeyItem<'_>) -> Result<Option<Entry>, Error> {
        let is_expired = item.expire_at_ms.is_some_and(|expire_at_ms| expire_at_ms < self.now_ms);
        if is_expired && self.drops_expired {
            return Ok(None);
        }
        let value = rdb::decode(item.kind, item.value, &self.limits)
            .map_err(|error| error.behind(item.value_offset as u64))?;
        let mut entry = rdb::entry(&item.key, value, item.expire_at_ms);
        let bits = restored(self.policy, self.now_ms, item.idle_s, item.frequency);
        entry.set_access_bits(bits);
        Ok(Some(entry))
    }
}

/// What was loaded.
#[derive(Default)]
struct Totals {
    loaded: AtomicU64,
    expired: AtomicU64,
    /// Collections without elements.
    empty: AtomicU64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Piece>,
    /// Pieces that workers have taken and are not through with.
    in_work: usize,
    failure: Option<Error>,
}

/// A load that is going on.
pub struct Loading {
    queue: Mutex<Queue>,
    changed: Condvar,
    totals: Totals,
    /// Whether keys whose time has come are left out.
    drops_expired: bool,
    /// Bytes of the file.
    pub total_bytes: u64,
    /// Bytes of it that are in pieces.
    pub read_bytes: AtomicU64,
    /// When it began, Unix time in seconds.
    pub began_s: i64,
}

impl Loading {
    fn take(&self) -> Option<Piece> {
        let mut queue = self.queue.lock();
        let piece = queue.waiting.pop_front()?;
        queue.in_work += 1;
        self.changed.notify_all();
        Some(piece)
    }

    fn done(&self, result: Result<(), Error>) {
        let mut queue = self.queue.lock();
        queue.in_work -= 1;
        if let Err(error) = result {
            queue.failure.get_or_insert(error);
        }
        self.changed.notify_all();
    }

    fn has_waiting(&self) -> bool {
        !self.queue.lock().waiting.is_empty()
    }

    /// Gives workers a piece, as soon as there is room.
    fn give(&self, piece: Piece) -> Result<(), Error> {
        let mut queue = self.queue.lock();
        while queue.waiting.len() >= WAITING_MAX && queue.failure.is_none() {
            self.changed.wait(&mut queue);
        }
        if let Some(error) = queue.failure.take() {
            return Err(error);
        }
        queue.waiting.push_back(piece);
        Ok(())
    }

    /// Waits until workers are through with all pieces.
    fn wait(&self) -> Result<(), Error> {
        let mut queue = self.queue.lock();
        while queue.in_work > 0 || !queue.waiting.is_empty() {
            self.changed.wait(&mut queue);
        }
        queue.failure.take().map_or(Ok(()), Err)
    }
}

/// A worker's share of loading.
#[derive(Default)]
pub struct Share {
    piece: Option<(Piece, usize)>,
    next: Option<Duration>,
}

impl Share {
    /// How long the worker may sleep before it goes on.
    pub fn until_next(&self) -> Option<Duration> {
        self.next
    }

    /// Loads for a slice of time. The worker is inside the gate.
    pub fn load(&mut self, server: &Server, context: &WorkerContext, loading: &Loading) {
        let until = Instant::now() + SLICE;
        let loader = Loader::new(server, context, loading.drops_expired);
        let delay_us = context.config.key_load_delay;
        while Instant::now() < until {
            let Some((piece, from)) = self.piece.take().or_else(|| Some((loading.take()?, 0)))
            else {
                break;
            };
            match load_some(server, context, &loader, loading, &piece, from) {
                Ok(Some((next, db))) => {
                    self.piece = Some((Piece { db, ..piece }, next));
                    if delay_us > 0 {
                        std::thread::sleep(Duration::from_micros(delay_us as u64));
                        break;
                    }
                }
                Ok(None) => loading.done(Ok(())),
                Err(error) => loading.done(Err(error.behind(piece.offset))),
            }
        }
        let has_more = self.piece.is_some() || loading.has_waiting();
        self.next = Some(if has_more { Duration::ZERO } else { SLICE });
    }

    /// Nothing is being loaded any more.
    pub fn end(&mut self) {
        *self = Share::default();
    }
}

/// So many of the keys that are left out because they are empty are named in the log.
const EMPTY_KEYS_NAMED: u64 = 10;
/// Keys loaded between two looks at the clock.
const KEYS_AT_ONCE: usize = 32;

/// Loads a few keys of a piece, and returns where it goes on and which database is selected there.
///
/// Their places in the keyspace are anywhere in memory. So the keys are made first, and all of their
/// places are asked for before the first is waited for.
fn load_some(
    server: &Server,
    context: &WorkerContext,
    loader: &Loader,
    loading: &Loading,
    piece: &Piece,
    from: usize,
) -> Result<Option<(usize, u64)>, Error> {
    let mut items = Items::resumed(&piece.bytes, piece.db, from);
    let at_once = if context.config.key_load_delay > 0 { 1 } else { KEYS_AT_ONCE };
    let mut batch: SmallVec<[Loaded; KEYS_AT_ONCE]> = SmallVec::new();
    let mut has_more = true;
    while has_more && batch.len() < at_once {
        match items.next_item()? {
            Some(item) => {
                if let Some(loaded) = read(server, loader, &loading.totals, item)? {
                    server.keyspace.prefetch_shard(server.keyspace.shard_of(loaded.hash));
                    batch.push(loaded);
                }
            }
            None => has_more = false,
        }
    }
    for Loaded { db, hash, .. } in &batch {
        locked(server, *hash).prefetch_bucket(*db, *hash);
    }
    for Loaded { db, hash, .. } in &batch {
        locked(server, *hash).prefetch_entry(*db, *hash);
    }
    for loaded in batch {
        let mut guard = locked(server, loaded.hash);
        loaded.store(&mut guard, &loading.totals)?;
    }
    Ok(has_more.then(|| (items.offset(), items.db())))
}

/// The shard of a hash, which others hold for a moment only.
fn locked(server: &Server, hash: u64) -> ShardGuard<'_> {
    loop {
        match server.keyspace.try_briefly(server.keyspace.shard_of(hash)) {
            Some(guard) => return guard,
            None => std::thread::yield_now(),
        }
    }
}

/// A key that was read, and where it belongs.
struct Loaded {
    entry: Entry,
    /// The physical database.
    db: u32,
    hash: u64,
    value_offset: usize,
}

impl Loaded {
    /// Puts the key into its shard.
    fn store(self, guard: &mut ShardGuard<'_>, totals: &Totals) -> Result<(), Error> {
        let Loaded { entry, db, hash, value_offset } = self;
        if guard.find(db, hash, entry.key()).is_some() {
            let problem = Problem::Duplicate("keyspace");
            return Err(Error { offset: value_offset as u64, problem });
        }
        guard.insert(db, hash, entry);
        totals.loaded.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Makes the key of an item, if it is one that is to be in the keyspace.
fn read(
    server: &Server,
    loader: &Loader,
    totals: &Totals,
    item: Item<'_>,
) -> Result<Option<Loaded>, Error> {
    let item = match item {
        Item::Key(item) => item,
        Item::Function(_) => {
            tracing::warn!("The file has functions, which this version does not have.");
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let problem = |problem| Error { offset: item.value_offset as u64, problem };
    let db = u32::try_from(item.db).ok().filter(|db| *db < server.keyspace.databases());
    let db = db.ok_or_else(|| problem(Problem::Database(item.db)))?;
    let entry = match loader.entry(&item) {
        Ok(Some(entry)) => entry,
        Ok(None) => {
            totals.expired.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        }
        Err(Error { problem: Problem::Empty(_), .. }) => {
            if totals.empty.fetch_add(1, Ordering::Relaxed) < EMPTY_KEYS_NAMED {
                tracing::info!("Loading: skipping empty key: {}", item.key.escape_ascii());
            }
            return Ok(None);
        }
        Err(error) => {
            let key = item.key.escape_ascii();
            tracing::warn!("The value of '{key}' in database {db} is damaged: {}", error.problem);
            return Err(error);
        }
    };
    let hash = server.keyspace.hash(&item.key);
    let (db, value_offset) = (server.keyspace.physical_db(db), item.value_offset);
    Ok(Some(Loaded { entry, db, hash, value_offset }))
}

fn describe(path: &Path, error: &Error) -> String {
    format!("Loading {} failed: {error}", path.display())
}

/// Opens a file that may not be there.
///
/// # Errors
///
/// The system's.
pub fn open(path: &Path) -> Result<Option<File>, String> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("Can't open {}: {error}", path.display())),
    }
}

/// Loads the configured file, if it is there, while workers run.
///
/// # Errors
///
/// What is wrong with it.
pub fn load_at_start(server: &Server) -> Result<(), String> {
    let config = server.config.load_full();
    let Some(file) = open(&config.dbfilename)? else { return Ok(()) };
    let began = Instant::now();
    load_rdb(server, &config.dbfilename, file, true).map_err(|reason| {
        format!("{reason}. Terminating server after rdb file reading failure.")
    })?;
    tracing::info!("DB loaded from disk: {:.3} seconds", began.elapsed().as_secs_f64());
    Ok(())
}

/// Loads a file while workers run. Returns what follows its end: what was read of it, the rest, and at
/// which offset it begins.
///
/// # Errors
///
/// What is wrong with it.
pub fn load_rdb<R: Read>(
    server: &Server,
    path: &Path,
    source: R,
    drops_expired: bool,
) -> Result<(Vec<u8>, R, u64), String> {
    let total_bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let loading = Arc::new(Loading {
        queue: Mutex::default(),
        changed: Condvar::new(),
        totals: Totals::default(),
        drops_expired,
        total_bytes,
        read_bytes: AtomicU64::new(0),
        began_s: unix_ms() / 1000,
    });
    let persistence = &server.persistence;
    persistence.loading.store(Some(loading.clone()));
    server.workers.iter().for_each(|worker| worker.mailbox.ring());
    let result = feed(&loading, source, checks(server));
    // Whatever came of it, workers must be through.
    let waited = loading.wait();
    persistence.loading.store(None);
    let rest = result.and_then(|rest| waited.map(|()| rest));
    let rest = rest.map_err(|error| describe(path, &error))?;
    note_totals(server, &loading.totals);
    Ok(rest)
}

/// Whether the checksums of files are checked.
fn checks(server: &Server) -> bool {
    server.config.load().rdbchecksum && !server.skips_checksums.load(Ordering::Relaxed)
}

fn feed<R: Read>(loading: &Loading, source: R, checks: bool) -> Result<(Vec<u8>, R, u64), Error> {
    let mut splitter = Splitter::new(source, checks)?;
    while let Some(piece) = splitter.next_piece()? {
        loading.give(piece)?;
        loading.read_bytes.store(splitter.offset(), Ordering::Relaxed);
    }
    let offset = splitter.offset();
    let (rest, source) = splitter.into_rest();
    Ok((rest, source, offset))
}

fn note_totals(server: &Server, totals: &Totals) {
    let (loaded, expired) =
        (totals.loaded.load(Ordering::Relaxed), totals.expired.load(Ordering::Relaxed));
    server.persistence.loaded_keys.store(loaded, Ordering::Relaxed);
    server.persistence.expired_keys.store(expired, Ordering::Relaxed);
    let empty = match totals.empty.load(Ordering::Relaxed) {
        0 => String::new(),
        empty => format!(", empty keys skipped: {empty}"),
    };
    tracing::info!("Done loading RDB, keys loaded: {loaded}, keys expired: {expired}{empty}.");
}

/// Loads a file behind the gate. Keys that are there already are replaced if `merges`, otherwise they are
/// an error. Returns as [`load_rdb`] does.
///
/// # Errors
///
/// What is wrong with it.
pub fn load_alone<R: Read>(
    server: &Server,
    context: &WorkerContext,
    exclusive: &mut Exclusive<'_>,
    path: &Path,
    source: R,
    options: LoadOptions,
) -> Result<(Vec<u8>, R, u64), String> {
    let loader = Loader::new(server, context, options.drops_expired);
    let totals = Totals::default();
    let result = (|| {
        let mut splitter = Splitter::new(source, checks(server))?;
        while let Some(piece) = splitter.next_piece()? {
            let mut items = Items::new(&piece.bytes, piece.db);
            while let Some(item) = items.next_item()? {
                let behind = |error: Error| error.behind(piece.offset);
                let Some(loaded) = read(server, &loader, &totals, item).map_err(behind)? else {
                    continue;
                };
                let shard = exclusive.shard(server.keyspace.shard_of(loaded.hash));
                if options.merges {
                    shard.remove(loaded.db, loaded.hash, loaded.entry.key());
                }
                loaded.store(shard, &totals).map_err(behind)?;
            }
        }
        let offset = splitter.offset();
        let (rest, source) = splitter.into_rest();
        Ok((rest, source, offset))
    })();
    let rest = result.map_err(|error: Error| describe(path, &error))?;
    note_totals(server, &totals);
    Ok(rest)
}

/// What becomes of some keys of a file that is loaded behind the gate.
#[derive(Clone, Copy)]
pub struct LoadOptions {
    /// Those whose time has come are left out.
    pub drops_expired: bool,
    /// Those that are there already are replaced.
    pub merges: bool,
}
