//! When keys are saved: at once, in the background, by save points.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use russet_keyspace::access::AccessPolicy;
use russet_keyspace::keyspace::Exclusive;

use super::file::{FileOptions, RdbFile};
use super::snapshot::Snapshot;
use super::{Persistence, Scribe};
use crate::config::Config;
use crate::server::Server;
use crate::worker::clock::unix_ms;

/// Keys are written in pieces of about so many bytes.
const WRITE_BYTES: usize = 1 << 20;
/// How long after a save that failed the next one is tried.
const RETRY_MS: i64 = 5000;
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
    let mut file = RdbFile::create(&temporary(""), FileOptions::new(config, false), &sizes)?;
    let scribe = Scribe::new(config, policy, unix_ms());
    let mut out = Vec::with_capacity(WRITE_BYTES);
    for (db, ..) in sizes {
        let physical = server.keyspace.physical_db(db);
        for shard in 0..exclusive.shard_count() {
            let table = exclusive.shard(shard).shard().db(physical).map(|db| db.table());
            for entry in table.into_iter().flat_map(|table| table.iter()) {
                scribe.entry(&mut out, &entry);
                if out.len() >= WRITE_BYTES {
                    file.keys(db, &out)?;
                    out.clear();
                }
            }
        }
        file.keys(db, &out)?;
        out.clear();
    }
    file.put_in_place(&config.dbfilename)
}

/// Begins to save the keys as they are at this instant, in the background. Nothing else of the kind
/// may be going on.
pub fn begin(
    server: &Server,
    exclusive: &mut Exclusive<'_>,
    config: &Config,
    policy: AccessPolicy,
) -> io::Result<()> {
    let persistence = server.persistence.clone();
    let options = FileOptions::new(config, false);
    let delay = Duration::from_micros(config.rdb_key_save_delay.max(0) as u64);
    let place = config.dbfilename.clone();
    let sizes = sizes(server);
    let changes = changes(server);
    let scribe = Scribe::new(config, policy, unix_ms());
    let snapshot = Snapshot::begin(exclusive, &server.keyspace, scribe);
    persistence.is_scheduled.store(false, Ordering::Relaxed);
    persistence.last_attempt_ms.store(unix_ms(), Ordering::Relaxed);
    *persistence.began.lock() = Some(Instant::now());
    persistence.snapshot.store(Some(snapshot.clone()));
    server.workers.iter().for_each(|worker| worker.mailbox.ring());
    let thread = std::thread::Builder::new().name("snapshot".into());
    let writer = snapshot.clone();
    let to_finish = persistence.clone();
    let spawned = thread.spawn(move || {
        let path = temporary("bg-");
        let result = write(&writer, &path, options, &sizes, &place, delay);
        finish(&to_finish, &writer, result, changes);
    });
    if let Err(error) = spawned {
        // Workers pass over what nobody is going to write; the picture ends with the last of them.
        snapshot.abandon();
        persistence.set_failed(true);
        return Err(error);
    }
    tracing::info!("Background saving started");
    Ok(())
}

/// Writes what workers put into the spool.
fn write(
    snapshot: &Snapshot,
    path: &Path,
    options: FileOptions,
    sizes: &[(u32, u64, u64)],
    place: &Path,
    delay: Duration,
) -> io::Result<()> {
    let mut file = RdbFile::create(path, options, sizes)?;
    while let Some(chunk) = snapshot.spool.next() {
        file.keys(chunk.db, &chunk.bytes)?;
        snapshot.written_keys.fetch_add(chunk.keys, Ordering::Relaxed);
        sleep(snapshot, delay.saturating_mul(chunk.keys as u32));
        if snapshot.is_abandoned() {
            return Err(io::Error::other("it was given up"));
        }
    }
    file.put_in_place(place)
}

/// Lets a save take longer, for tests.
fn sleep(snapshot: &Snapshot, duration: Duration) {
    let until = Instant::now() + duration;
    while !duration.is_zero() && Instant::now() < until && !snapshot.is_abandoned() {
        std::thread::sleep(NAP.min(duration));
    }
}

fn finish(
    persistence: &Persistence,
    snapshot: &Arc<Snapshot>,
    result: io::Result<()>,
    changes: u64,
) {
    if result.is_err() {
        snapshot.abandon();
        while snapshot.spool.next().is_some() {}
    }
    match result {
        Ok(()) => {
            tracing::info!("DB saved on disk");
            tracing::info!("Background saving terminated with success");
            persistence.note_saved(changes, unix_ms() / 1000);
        }
        Err(error) => {
            tracing::warn!("Background saving error: {error}");
            persistence.set_failed(true);
        }
    }
    let began = persistence.began.lock().take();
    let seconds = began.map_or(0, |began| began.elapsed().as_secs());
    persistence.last_duration_s.store(seconds as i64, Ordering::Relaxed);
    persistence.snapshot.store(None);
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
