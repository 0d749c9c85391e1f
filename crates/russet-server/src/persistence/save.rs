//! When keys are saved: at once, in the background, by save points.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use russet_keyspace::access::AccessPolicy;
use russet_keyspace::keyspace::Exclusive;

use super::aof::{AppendLog, LogFiles};
use super::file::{FileOptions, KeyFile};
use super::snapshot::Snapshot;
use super::{Persistence, Scribe};
use crate::config::Config;
use crate::processors;
use crate::server::Server;
use crate::worker::clock::unix_ms;

/// Keys are written in pieces of about so many bytes.
const WRITE_BYTES: usize = 1 << 20;
/// How long after a save that failed the next one is tried.
const RETRY_MS: i64 = 5000;
/// Rewriting the log is tried again at once this often.
const FAILURES_AT_ONCE: u64 = 3;
const MINUTE_MS: i64 = 60_000;
/// How often somebody who sleeps for a test looks whether that is still wanted.
const NAP: Duration = Duration::from_millis(5);

/// The keys of each logical database that has some, and how many of them expire.
fn sizes(server: &Server) -> Vec<(u32, u64, u64)> {
    let keyspace = &server.keyspace;
    (0..keyspace.databases())
        .map(|db| {
            let physical = keyspace.physical_db(db);
            (db, keyspace.key_count(physical) as u64, keyspace.expiring_count(physical) as u64)
        })
        .filter(|(_, keys, _)| *keys > 0)
        .collect()
}

fn changes(server: &Server) -> u64 {
    server.sum(|stats| stats.changes.value())
}

fn temporary(kind: &str) -> PathBuf {
    format!("temp-{kind}{}.rdb", std::process::id()).into()
}

/// Saves all keys to the configured file before it returns.
///
/// # Errors
///
/// The system's.
pub fn save(
    server: &Server,
    exclusive: &mut Exclusive<'_>,
    config: &Config,
    policy: AccessPolicy,
) -> io::Result<()> {
    let result = write_all(server, exclusive, config, policy);
    match &result {
        Ok(()) => {
            tracing::info!("DB saved on disk");
            server.persistence.note_saved(changes(server), unix_ms() / 1000);
        }
        Err(error) => tracing::warn!("Saving the keys failed: {error}"),
    }
    result
}

fn write_all(
    server: &Server,
    exclusive: &mut Exclusive<'_>,
    config: &Config,
    policy: AccessPolicy,
) -> io::Result<()> {
    let sizes = sizes(server);
    let options = FileOptions::new(server, config, false);
    let mut file = KeyFile::create(&temporary(""), options, &sizes)?;
    let scribe = Scribe::new(config, policy, unix_ms());
    let mut out = Vec::with_capacity(WRITE_BYTES);
    for (db, ..) in sizes {
        let physical = server.keyspace.physical_db(db);
        for shard in 0..exclusive.shard_count() {
            let table = exclusive.shard(shard).shard().db(physical).map(|db| db.table());
            for entry in table.into_iter().flat_map(|table| table.iter()) {
                scribe.entry(&mut out, &entry);
                if out.len() >= WRITE_BYTES {
                    file.keys(db, &out, false)?;
                    out.clear();
                    if file.is_writeback_due() {
                        file.write_back()?;
                    }
                }
            }
        }
        file.keys(db, &out, false)?;
        out.clear();
    }
    file.put_in_place(&config.dbfilename)
}

/// What a picture becomes.
enum Target {
    /// The configured file.
    File(PathBuf),
    /// The base of the append-only log.
    Base(Base),
}

/// A base that is to replace all of the log but what follows this instant.
struct Base {
    /// The log that is being written, and when the increment that follows has begun.
    log: Option<(Arc<AppendLog>, Option<u64>)>,
    /// The files, if no log is being written.
    files: LogFiles,
}

/// Everything about a save in the background but the keys.
struct Job {
    target: Target,
    temporary: PathBuf,
    options: FileOptions,
    sizes: Vec<(u32, u64, u64)>,
    delay: Duration,
    changes: u64,
}

/// Begins to save the keys as they are at this instant, in the background. Nothing else of the kind
/// may be going on.
///
/// # Errors
///
/// The system's.
pub fn begin(
    server: &Server,
    exclusive: &mut Exclusive<'_>,
    config: &Config,
    policy: AccessPolicy,
) -> io::Result<()> {
    server.persistence.is_scheduled.store(false, Ordering::Relaxed);
    server.persistence.last_attempt_ms.store(unix_ms(), Ordering::Relaxed);
    let target = Target::File(config.dbfilename.clone());
    start(server, exclusive, config, policy, target, temporary("bg-"))?;
    tracing::info!("Background saving started");
    Ok(())
}

/// Begins to rewrite the append-only log as it is at this instant, in the background. Nothing else of
/// the kind may be going on. `is_new` is whether the log begins with this.
///
/// # Errors
///
/// What is wrong.
pub fn rewrite_log(
    server: &Server,
    exclusive: &mut Exclusive<'_>,
    config: &Config,
    policy: AccessPolicy,
    is_new: bool,
) -> Result<(), String> {
    server.persistence.is_rewrite_scheduled.store(false, Ordering::Relaxed);
    let log = server.persistence.log.load_full();
    let files = match &log {
        Some(log) => log.files.lock().clone(),
        None => LogFiles::find(config)?.unwrap_or_else(|| LogFiles::new(config)),
    };
    files.make_directory().map_err(|error| error.to_string())?;
    let temporary = files.path(&format!("temp-rewriteaof-bg-{}.aof", std::process::id()));
    let log = log.map(|log| {
        let rotation = (!is_new).then(|| log.rotate());
        (log, rotation)
    });
    let target = Target::Base(Base { log, files });
    start(server, exclusive, config, policy, target, temporary)
        .map_err(|error| error.to_string())?;
    tracing::info!("Background append only file rewriting started");
    Ok(())
}

fn start(
    server: &Server,
    exclusive: &mut Exclusive<'_>,
    config: &Config,
    policy: AccessPolicy,
    target: Target,
    temporary: PathBuf,
) -> io::Result<()> {
    let persistence = server.persistence.clone();
    let is_base = matches!(target, Target::Base(_));
    let job = Job {
        target,
        temporary,
        options: FileOptions::new(server, config, is_base),
        sizes: sizes(server),
        delay: Duration::from_micros(config.rdb_key_save_delay.max(0) as u64),
        changes: changes(server),
    };
    let scribe = Scribe::new(config, policy, unix_ms());
    let snapshot = Snapshot::begin(exclusive, &server.keyspace, scribe, is_base);
    *persistence.began.lock() = Some(Instant::now());
    if config.no_appendfsync_on_rewrite
        && let Some(log) = &*persistence.log.load()
    {
        log.pause_flushes(true);
    }
    persistence.snapshot.store(Some(snapshot.clone()));
    server.workers.iter().for_each(|worker| worker.mailbox.ring());
    let writer = snapshot.clone();
    let processors = match is_base {
        true => &config.aof_rewrite_cpulist,
        false => &config.bgsave_cpulist,
    };
    let spawned = processors::spawn("snapshot", processors, move || {
        processors::step_back();
        let result = write(&writer, &job);
        finish(&persistence, &writer, result, &job);
    });
    if let Err(error) = spawned {
        // Workers pass over what nobody is going to write.
        snapshot.abandon();
        server.persistence.resume_flushes();
        return Err(error);
    }
    Ok(())
}

/// Writes what workers put into the spool.
fn write(snapshot: &Snapshot, job: &Job) -> io::Result<()> {
    let mut file = KeyFile::create(&job.temporary, job.options.clone(), &job.sizes)?;
    while let Some(chunk) = snapshot.spool.next() {
        // The chunk before this one was allocated by a worker and freed here.
        crate::memory::publish();
        file.keys(chunk.db, &chunk.bytes, chunk.continues)?;
        if file.is_writeback_due() {
            snapshot.spool.wait_for_disk(|| file.write_back())?;
        }
        snapshot.spool.recycle(chunk.bytes);
        snapshot.written_keys.fetch_add(chunk.keys, Ordering::Relaxed);
        sleep(snapshot, job.delay.saturating_mul(chunk.keys as u32));
        if snapshot.is_abandoned() {
            break;
        }
    }
    // Then what there is of it is not all.
    if snapshot.is_abandoned() {
        return Err(io::Error::other("it was given up"));
    }
    match &job.target {
        Target::File(place) => file.put_in_place(place),
        Target::Base(base) => put_base_in_place(file, base, job.options.is_rdb()),
    }
}

/// Makes a file the base of the log.
fn put_base_in_place(file: KeyFile, base: &Base, is_rdb: bool) -> io::Result<()> {
    let Some((log, rotation)) = &base.log else {
        let mut files = base.files.clone();
        let (info, place) = files.next_base(is_rdb);
        file.put_in_place(&place)?;
        return files.adopt_base(info, 0);
    };
    if rotation.is_some_and(|rotation| !log.wait_rotated(rotation)) {
        return Err(io::Error::other("the increment that follows could not be begun"));
    }
    let mut files = log.files.lock();
    let (info, place) = files.next_base(is_rdb);
    file.put_in_place(&place)?;
    files.adopt_base(info, 1)?;
    drop(files);
    log.note_base(*rotation);
    Ok(())
}

/// Lets a save take longer, for tests.
fn sleep(snapshot: &Snapshot, duration: Duration) {
    let until = Instant::now() + duration;
    while !duration.is_zero() && Instant::now() < until && !snapshot.is_abandoned() {
        std::thread::sleep(NAP.min(duration));
    }
}

fn finish(persistence: &Persistence, snapshot: &Arc<Snapshot>, result: io::Result<()>, job: &Job) {
    let was_given_up = snapshot.is_abandoned();
    if result.is_err() {
        snapshot.abandon();
        while snapshot.spool.next().is_some() {}
    }
    let began = persistence.began.lock().take();
    let seconds = began.map_or(0, |began| began.elapsed().as_secs()) as i64;
    match (&job.target, result) {
        (Target::File(_), Ok(())) => {
            tracing::info!("DB saved on disk");
            tracing::info!("Background saving terminated with success");
            persistence.note_saved(job.changes, unix_ms() / 1000);
            persistence.last_duration_s.store(seconds, Ordering::Relaxed);
        }
        (Target::File(_), Err(error)) => {
            tracing::warn!("Background saving error: {error}");
            // What was given up says nothing about the disk.
            persistence.set_failed(persistence.has_failed() || !was_given_up);
            persistence.last_duration_s.store(seconds, Ordering::Relaxed);
        }
        (Target::Base(_), Ok(())) => {
            tracing::info!("Background AOF rewrite terminated with success");
            tracing::info!("Background AOF rewrite finished successfully");
            persistence.failed_rewrites.store(0, Ordering::Relaxed);
            persistence.rewrites.fetch_add(1, Ordering::Relaxed);
            persistence.last_rewrite_s.store(seconds, Ordering::Relaxed);
        }
        (Target::Base(_), Err(error)) => {
            tracing::warn!("Background AOF rewrite terminated with error: {error}");
            let failed = persistence.failed_rewrites.fetch_add(1, Ordering::Relaxed) + 1;
            persistence.last_rewrite_failed_ms.store(unix_ms(), Ordering::Relaxed);
            persistence.last_rewrite_s.store(seconds, Ordering::Relaxed);
            if let Some(minutes) = minutes_put_off(failed) {
                tracing::warn!(
                    "Background AOF rewrite has repeatedly failed and triggered the limit, will retry \
                     in {minutes} minutes"
                );
            }
        }
    }
    persistence.snapshot.store(None);
    persistence.resume_flushes();
}

/// Whether the log has grown so much, or somebody has asked, that it is to be rewritten.
pub fn is_rewrite_due(server: &Server, config: &Config, now_ms: i64) -> bool {
    let persistence = &server.persistence;
    if persistence.snapshot.load().is_some() || persistence.is_loading() {
        return false;
    }
    if persistence.is_rewrite_scheduled.load(Ordering::Relaxed) {
        return true;
    }
    let Some(log) = &*persistence.log.load() else { return false };
    let (size, base) = (log.size.load(Ordering::Relaxed), log.base_size.load(Ordering::Relaxed));
    let growth = size.saturating_sub(base) * 100 / base.max(1);
    let percentage = u64::from(config.auto_aof_rewrite_percentage);
    let has_grown =
        percentage > 0 && size > config.auto_aof_rewrite_min_size && growth >= percentage;
    (has_grown || log.is_baseless() || log.needs_base()) && !is_rewrite_put_off(persistence, now_ms)
}

/// For how long rewriting the log is not tried again after it has failed so often: after the third time
/// in a row it waits for a minute, then for two, four, up to an hour.
fn minutes_put_off(failed: u64) -> Option<i64> {
    let further = failed.checked_sub(FAILURES_AT_ONCE)?;
    Some((1 << further.min(6)).min(60))
}

/// Whether rewriting the log is not tried again yet, because it has failed.
fn is_rewrite_put_off(persistence: &Persistence, now_ms: i64) -> bool {
    let failed = persistence.failed_rewrites.load(Ordering::Relaxed);
    let Some(minutes) = minutes_put_off(failed) else { return false };
    now_ms < persistence.last_rewrite_failed_ms.load(Ordering::Relaxed) + minutes * MINUTE_MS
}

/// Whether it is time to save in the background, because of a save point or because it was asked for.
pub fn is_due(server: &Server, config: &Config, now_ms: i64) -> bool {
    let persistence = &server.persistence;
    if persistence.snapshot.load().is_some() || persistence.is_loading() {
        return false;
    }
    if persistence.is_scheduled.load(Ordering::Relaxed) {
        return true;
    }
    let since_attempt_ms = now_ms - persistence.last_attempt_ms.load(Ordering::Relaxed);
    if persistence.has_failed() && since_attempt_ms <= RETRY_MS {
        return false;
    }
    let saved = persistence.changes_at_last_save.load(Ordering::Relaxed);
    let changes = changes(server).saturating_sub(saved);
    let since_s = (now_ms / 1000 - persistence.last_save_s.load(Ordering::Relaxed)).max(0) as u64;
    let reached =
        config.save.iter().find(|point| changes >= point.changes && since_s > point.seconds);
    if let Some(point) = reached {
        tracing::info!("{} changes in {} seconds. Saving...", point.changes, point.seconds);
    }
    reached.is_some()
}
