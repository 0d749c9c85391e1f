//! Putting the log together: at the start, at run time, and apart again.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use russet_keyspace::keyspace::Exclusive;
use russet_persist::aof::{Damage, FileInfo, Reader};

use super::files::truncate;
use super::log::Feed;
use super::{AppendLog, LogFiles, Replay};
use crate::config::Config;
use crate::persistence::file::{FileOptions, RdbFile};
use crate::persistence::load;
use crate::server::Server;

/// Loads the configured log while workers run.
///
/// # Errors
///
/// What is wrong with it.
pub fn load(server: &Server) -> Result<Option<LogFiles>, String> {
    let config = server.config.load_full();
    let Some(files) = LogFiles::find(&config)? else { return Ok(None) };
    let replay = Arc::<Replay>::default();
    server.persistence.replay.store(Some(replay.clone()));
    server.workers.iter().for_each(|worker| worker.mailbox.ring());
    let all: Vec<&FileInfo> =
        files.manifest.base.iter().chain(&files.manifest.increments).collect();
    let mut result = Ok(());
    for (at, info) in all.iter().enumerate() {
        let is_last = at + 1 == all.len();
        result = load_file(server, &config, &replay, &files.path(&info.name), is_last);
        if result.is_err() {
            break;
        }
    }
    replay.wait();
    server.persistence.replay.store(None);
    result?;
    tracing::info!("DB loaded from append only file");
    Ok(Some(files))
}

fn load_file(
    server: &Server,
    config: &Config,
    replay: &Replay,
    path: &Path,
    is_last: bool,
) -> Result<(), String> {
    let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut file = BufReader::new(File::open(path).map_err(|error| describe(&error))?);
    let start = file.fill_buf().map_err(|error| describe(&error))?;
    let is_rdb = start.starts_with(b"REDIS") || start.starts_with(b"VALKEY");
    let mut source: Box<dyn BufRead> = Box::new(file);
    let mut offset = 0;
    if is_rdb {
        let (rest, file, read) = load::load_rdb(server, path, source, false)?;
        (source, offset) = (Box::new(BufReader::new(std::io::Cursor::new(rest).chain(file))), read);
    }
    match feed(replay, Reader::new(source, offset)) {
        Ok(()) => Ok(()),
        Err((whole, damage)) if is_last && is_truncation(&damage) && config.aof_load_truncated => {
            tracing::warn!("!!! Warning: short read while loading {} !!!", path.display());
            tracing::warn!("{damage}. Truncating the AOF at offset {whole}");
            truncate(path, whole).map_err(|error| describe(&error))
        }
        Err((_, damage)) => Err(format!(
            "{}. Make a backup, then use russet-check aof --fix <file>, or set the \
             'aof-load-truncated' option to yes.",
            describe(&damage)
        )),
    }
}

fn is_truncation(damage: &Damage) -> bool {
    matches!(damage, Damage::Truncated(_))
}

/// Gives all commands of a file to the worker that executes them; those of a transaction only if it
/// is whole. With the damage comes the offset up to where all is well.
fn feed(replay: &Replay, mut reader: Reader<impl BufRead>) -> Result<(), (u64, Damage)> {
    let mut whole = reader.offset();
    let mut transaction: Vec<Vec<Vec<u8>>> = Vec::new();
    loop {
        let argv = match reader.next_command() {
            Ok(Some(argv)) => argv,
            Ok(None) if transaction.is_empty() => return Ok(()),
            Ok(None) => return Err((whole, Damage::Truncated(reader.offset()))),
            Err(damage) => return Err((whole, damage)),
        };
        let is = |name: &[u8]| argv[0].eq_ignore_ascii_case(name);
        if is(b"MULTI") || (!transaction.is_empty() && !is(b"EXEC")) {
            transaction.push(argv);
            continue;
        }
        transaction.drain(..).for_each(|argv| replay.give(argv));
        replay.give(argv);
        whole = reader.offset();
    }
}

/// Opens the log that was loaded, or begins one, and has it fed from now on. No command is executed
/// that changes anything.
///
/// # Errors
///
/// The system's.
pub fn open(server: &Server, files: Option<LogFiles>) -> Result<(), String> {
    let config = server.config.load_full();
    let describe = |error: std::io::Error| format!("Can't open the append-only file: {error}");
    let mut files = match files {
        Some(files) => files,
        None => {
            let mut files = LogFiles::new(&config);
            files.make_directory().map_err(describe)?;
            let (base, place) = files.next_base();
            let options = FileOptions::new(&config, true);
            let file = RdbFile::create(&place.with_extension("temp"), options, &[]);
            file.and_then(|file| file.put_in_place(&place)).map_err(describe)?;
            files.adopt_base(base, 0).map_err(describe)?;
            files
        }
    };
    files.remove_history();
    let (file, bytes) = files.open_last().map_err(describe)?;
    start(server, &config, files, file, bytes).map_err(describe)?;
    Ok(())
}

fn start(
    server: &Server,
    config: &Config,
    files: LogFiles,
    file: File,
    bytes: u64,
) -> std::io::Result<Arc<AppendLog>> {
    let manifest = &files.manifest;
    let size = manifest.base.iter().chain(&manifest.increments).map(|info| files.bytes_of(info));
    let size = size.sum();
    let mailboxes: Vec<_> = server.workers.iter().map(|worker| worker.mailbox.clone()).collect();
    let wake = Box::new(move || mailboxes.iter().for_each(|mailbox| mailbox.ring()));
    let log = AppendLog::start(files, file, bytes, size, config.appendfsync, wake)?;
    server.persistence.log.store(Some(log.clone()));
    server.journal.add(Box::new(Feed(log.clone())));
    Ok(log)
}

/// Begins a log at run time, whose base is to be made by a rewrite that begins at this instant. Until
/// then what was there before, if anything, remains what would be loaded.
///
/// # Errors
///
/// The system's.
pub fn start_anew(
    server: &Server,
    _: &mut Exclusive<'_>,
    config: &Config,
) -> Result<Arc<AppendLog>, String> {
    let mut files = LogFiles::find(config)?.unwrap_or_else(|| LogFiles::new(config));
    let result = files.make_directory().and_then(|()| files.begin_unlisted_increment());
    let file = result.map_err(|error| error.to_string())?;
    start(server, config, files, file, 0).map_err(|error| error.to_string())
}

/// Ends the log; what is in it is on the disk then.
pub fn stop(server: &Server, _: &mut Exclusive<'_>) {
    server.journal.remove_all();
    if let Some(log) = server.persistence.log.swap(None) {
        log.stop();
    }
}
