//! Files that are being written: beside the ones they replace, until they are whole and on the disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::mem;
use std::ops::Range;
use std::path::{Path, PathBuf};

use russet_persist::aof::{Rewriter, write_time};
use russet_persist::rdb::{Checksum, Encoder, Limits};

use super::writeback;
use crate::config::Config;
use crate::server::Server;
use crate::worker::clock::unix_ms;

/// After so many bytes the system is to bring them to the disk, so that the end does not wait for all of
/// them. What it does for that on a worker's processor, now and when the disk is done, comes in pieces of
/// this size.
const WRITEBACK_BYTES: u64 = 1 << 20;
/// After so many bytes workers that wait for the processor get it.
const YIELD_BYTES: usize = 4 << 10;

/// A file of whatever format. What was written is removed unless it is put in place.
struct NewFile {
    file: File,
    path: Option<PathBuf>,
    /// Whether the system is to bring it to the disk meanwhile.
    writes_back: bool,
    bytes: u64,
    /// Where the bytes begin that the system was asked for last, and where they end.
    written_back: Range<u64>,
}

impl NewFile {
    fn create(path: &Path, writes_back: bool) -> io::Result<Self> {
        let (file, path) = (File::create(path)?, Some(path.to_owned()));
        Ok(NewFile { file, path, writes_back, bytes: 0, written_back: 0..0 })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for bytes in bytes.chunks(YIELD_BYTES) {
            self.file.write_all(bytes)?;
            std::thread::yield_now();
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn is_writeback_due(&self) -> bool {
        self.writes_back && self.bytes - self.written_back.end >= WRITEBACK_BYTES
    }

    /// Has what was written since the last time on its way, and what was then on the disk.
    fn write_back(&mut self) -> io::Result<()> {
        let next = self.written_back.end..self.bytes;
        writeback::begin(&self.file, next.clone())?;
        writeback::wait(&self.file, mem::replace(&mut self.written_back, next))
    }

    fn put_in_place(mut self, place: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        let path = self.path.as_ref().expect("it is taken only here");
        fs::rename(path, place)?;
        self.path = None;
        sync_directory(place)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // It may be gone, or its directory.
            let _ = fs::remove_file(path);
        }
    }
}

/// What a file says about itself, and how it is written.
#[derive(Clone, Debug)]
pub struct FileOptions {
    encoder: Encoder,
    checks: bool,
    writes_back: bool,
    redis_version: &'static str,
    used_memory: u64,
    is_base: bool,
    /// It consists of commands, and collections up to these limits are small.
    commands: Option<Limits>,
    notes_time: bool,
}

impl FileOptions {
    /// By the configuration; whether it is the base of an append-only log.
    pub fn new(server: &Server, config: &Config, is_base: bool) -> Self {
        let is_rdb = !is_base || config.aof_use_rdb_preamble;
        FileOptions {
            is_base,
            commands: (!is_rdb).then(|| super::limits(server, config)),
            notes_time: config.aof_timestamp_enabled,
            encoder: super::encoder(config),
            checks: config.rdbchecksum,
            writes_back: match is_base {
                true => config.aof_rewrite_incremental_fsync,
                false => config.rdb_save_incremental_fsync,
            },
            redis_version: config.compatibility.redis_version(),
            used_memory: crate::memory::used_bytes(),
        }
    }

    /// Whether it is an RDB file.
    pub fn is_rdb(&self) -> bool {
        self.commands.is_none()
    }
}

/// A file of keys, in either format.
pub enum KeyFile {
    /// An RDB file.
    Rdb(RdbFile),
    /// Commands.
    Commands(CommandFile),
}

impl KeyFile {
    /// Begins a file at a path, with how many keys each logical database has and how many of them
    /// expire.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn create(
        path: &Path,
        options: FileOptions,
        sizes: &[(u32, u64, u64)],
    ) -> io::Result<Self> {
        Ok(match options.commands {
            None => KeyFile::Rdb(RdbFile::create(path, options, sizes)?),
            Some(limits) => KeyFile::Commands(CommandFile::create(path, &options, limits)?),
        })
    }

    /// Writes keys of a logical database, which come as in an RDB file; the last of them may continue in
    /// what comes next.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn keys(&mut self, db: u32, bytes: &[u8], continues: bool) -> io::Result<()> {
        match self {
            KeyFile::Rdb(file) => file.keys(db, bytes),
            KeyFile::Commands(file) => file.keys(db, bytes, continues),
        }
    }

    /// Whether so much was written that the system should bring it to the disk before there is more.
    pub fn is_writeback_due(&self) -> bool {
        match self {
            KeyFile::Rdb(file) => file.file.is_writeback_due(),
            KeyFile::Commands(file) => file.file.is_writeback_due(),
        }
    }

    /// Has the system begin to bring to the disk what was written, and waits for what it began with the
    /// last time.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn write_back(&mut self) -> io::Result<()> {
        match self {
            KeyFile::Rdb(file) => file.file.write_back(),
            KeyFile::Commands(file) => file.file.write_back(),
        }
    }

    /// Ends the file and puts it into the place of another. If this succeeds, the file is there after a
    /// loss of power.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn put_in_place(self, place: &Path) -> io::Result<()> {
        match self {
            KeyFile::Rdb(file) => file.put_in_place(place),
            KeyFile::Commands(file) => file.file.put_in_place(place),
        }
    }
}

/// An RDB file.
pub struct RdbFile {
    file: NewFile,
    options: FileOptions,
    checksum: Checksum,
    db: Option<u32>,
}

impl RdbFile {
    fn create(path: &Path, options: FileOptions, sizes: &[(u32, u64, u64)]) -> io::Result<Self> {
        let mut rdb = RdbFile {
            file: NewFile::create(path, options.writes_back)?,
            checksum: Checksum::new(options.checks),
            options,
            db: None,
        };
        let FileOptions { encoder, redis_version, used_memory, .. } = rdb.options;
        let mut out = encoder.header();
        encoder.aux(&mut out, "redis-ver", redis_version);
        encoder.aux(&mut out, "redis-bits", "64");
        encoder.aux(&mut out, "ctime", &(unix_ms() / 1000).to_string());
        encoder.aux(&mut out, "used-mem", &used_memory.to_string());
        encoder.aux(&mut out, "aof-base", if rdb.options.is_base { "1" } else { "0" });
        for (db, keys, expires) in sizes {
            encoder.select_db(&mut out, *db);
            encoder.size_of_db(&mut out, *keys, *expires);
        }
        rdb.db = sizes.last().map(|(db, ..)| *db);
        rdb.write(&out)?;
        Ok(rdb)
    }

    fn keys(&mut self, db: u32, bytes: &[u8]) -> io::Result<()> {
        if self.db.replace(db) != Some(db) {
            let mut out = Vec::new();
            self.options.encoder.select_db(&mut out, db);
            self.write(&out)?;
        }
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        self.file.write(bytes)
    }

    fn put_in_place(mut self, place: &Path) -> io::Result<()> {
        let mut end = Vec::new();
        self.options.encoder.end(&mut end);
        self.write(&end)?;
        self.file.write(&self.checksum.bytes())?;
        self.file.put_in_place(place)
    }
}

/// A file of commands.
pub struct CommandFile {
    file: NewFile,
    rewriter: Rewriter,
}

impl CommandFile {
    fn create(path: &Path, options: &FileOptions, limits: Limits) -> io::Result<Self> {
        let mut file = NewFile::create(path, options.writes_back)?;
        if options.notes_time {
            let mut start = Vec::new();
            write_time(&mut start, unix_ms() / 1000);
            file.write(&start)?;
        }
        Ok(CommandFile { file, rewriter: Rewriter::new(limits) })
    }

    fn keys(&mut self, db: u32, bytes: &[u8], continues: bool) -> io::Result<()> {
        let commands = self.rewriter.commands(db, bytes, continues);
        let commands = commands.map_err(|error| io::Error::other(error.to_string()))?;
        self.file.write(&commands)
    }
}

/// Has the directory of a file survive a loss of power as it is.
pub(super) fn sync_directory(file: &Path) -> io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
