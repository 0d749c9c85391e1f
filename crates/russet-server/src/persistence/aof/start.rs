//! Putting the log together: at the start, at run time, and apart again.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use russet_keyspace::keyspace::Exclusive;

use super::load::{Destination, Rest, Source, load_files};
use super::log::{Feed, Hooks};
use super::{AppendLog, LogFiles, Replay};
use crate::config::Config;
use crate::persistence::Persistence;
use crate::persistence::file::{FileOptions, KeyFile};
use crate::persistence::load;
use crate::server::Server;

/// Workers, who make keys of RDB files together, and one of whom executes commands.
struct Workers<'a> {
    server: &'a Server,
    replay: &'a Replay,
}

impl Destination for Workers<'_> {
    fn rdb(&mut self, path: &Path, source: Source) -> Result<Rest, String> {
        load::load_rdb(self.server, path, source, false)
    }

    fn knows(&self, argv: &[Vec<u8>]) -> bool {
        self.server.names.resolve(&argv[0], argv.get(1).map(|sub| &sub[..])).is_ok()
    }

    fn command(&mut self, argv: Vec<Vec<u8>>) {
        self.replay.give(argv);
    }
}

/// Loads the configured log while workers run.
///
/// # Errors
///
/// What is wrong with it.
pub fn load(server: &Server) -> Result<Option<LogFiles>, String> {
    let config = server.config.load_full();
    let replay = Arc::<Replay>::default();
    server.persistence.replay.store(Some(replay.clone()));
    server.workers.iter().for_each(|worker| worker.mailbox.ring());
    let result = load_files(&config, &mut Workers { server, replay: &replay });
    replay.wait();
    server.persistence.replay.store(None);
    result
}

/// Whether there is a log to load.
pub fn exists(config: &Config) -> bool {
    LogFiles::exist(config)
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
            let (base, place) = files.next_base(config.aof_use_rdb_preamble);
            let options = FileOptions::new(server, &config, true);
            let nothing = KeyFile::create(&place.with_extension("temp"), options, &[]);
            nothing.and_then(|file| file.put_in_place(&place)).map_err(describe)?;
            files.adopt_base(base, 0).map_err(describe)?;
            files
        }
    };
    files.remove_history();
    let file = files.open_last().map_err(describe)?;
    start(server, &config, files, file, false).map_err(describe)?;
    Ok(())
}

fn start(
    server: &Server,
    config: &Config,
    files: LogFiles,
    file: File,
    is_baseless: bool,
) -> std::io::Result<()> {
    let mailboxes: Vec<_> = server.workers.iter().map(|worker| worker.mailbox.clone()).collect();
    let of = |tell: fn(&Persistence, bool)| -> Box<dyn Fn(bool) + Send + Sync> {
        let persistence = Arc::downgrade(&server.persistence);
        Box::new(move |is_so| {
            if let Some(persistence) = persistence.upgrade() {
                tell(&persistence, is_so);
            }
        })
    };
    let hooks = Hooks {
        wake: Box::new(move |worker| mailboxes[worker].ring()),
        set_failed: of(Persistence::set_log_failed),
        set_flooded: of(Persistence::set_log_flooded),
    };
    let log = AppendLog::start(files, file, is_baseless, config, hooks)?;
    server.persistence.log.store(Some(log.clone()));
    server.journal.add(Box::new(Feed(log)));
    Ok(())
}

/// Begins a log at run time, whose base is to be made by a rewrite that begins at this instant. Until
/// then what was there before, if anything, remains what would be loaded.
///
/// # Errors
///
/// The system's.
pub fn start_anew(server: &Server, _: &mut Exclusive<'_>, config: &Config) -> Result<(), String> {
    let mut files = LogFiles::find(config)?.unwrap_or_else(|| LogFiles::new(config));
    let result = files.make_directory().and_then(|()| files.begin_unlisted_increment());
    let file = result.map_err(|error| error.to_string())?;
    start(server, config, files, file, true).map_err(|error| error.to_string())
}

/// Ends the log; what is in it is on the disk then.
pub fn stop(server: &Server, _: &mut Exclusive<'_>) {
    server.journal.remove_all();
    if let Some(snapshot) = &*server.persistence.snapshot.load()
        && snapshot.is_base
    {
        tracing::info!("Killing running AOF rewrite child");
        snapshot.abandon();
    }
    if let Some(log) = server.persistence.log.swap(None) {
        log.stop();
        server.persistence.set_log_failed(false);
        server.persistence.set_log_flooded(false);
        // Whoever waits for it waits in vain.
        server.workers.iter().for_each(|worker| worker.mailbox.ring());
    }
}
