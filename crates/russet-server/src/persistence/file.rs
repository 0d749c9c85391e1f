//! An RDB file that is being written: beside the one it replaces, until it is whole and on the disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use russet_persist::rdb::{Checksum, Encoder};

use crate::config::Config;
use crate::worker::clock::unix_ms;

/// After so many bytes they are flushed to the disk, so that the end does not wait for all of them.
const FLUSH_BYTES: usize = 2 << 20;

/// What a file says about itself, and how it is written.
#[derive(Clone, Debug)]
pub struct FileOptions {
    encoder: Encoder,
    checks: bool,
    flushes: bool,
    redis_version: &'static str,
    used_memory: u64,
    is_base: bool,
}

impl FileOptions {
    /// By the configuration; whether it is the base of an append-only log.
    pub fn new(config: &Config, is_base: bool) -> Self {
        FileOptions {
            is_base,
            encoder: super::encoder(config),
            checks: config.rdbchecksum,
            flushes: config.rdb_save_incremental_fsync,
            redis_version: config.compatibility.redis_version(),
            used_memory: crate::memory::used_bytes(),
        }
    }
}

/// See the module's documentation. What was written is removed unless it is put in place.
pub struct RdbFile {
    file: File,
    path: Option<PathBuf>,
    options: FileOptions,
    checksum: Checksum,
    db: Option<u32>,
    unflushed_bytes: usize,
}

impl RdbFile {
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
        let file = File::create(path)?;
        let mut rdb = RdbFile {
            file,
            path: Some(path.to_owned()),
            checksum: Checksum::new(options.checks),
            options,
            db: None,
            unflushed_bytes: 0,
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

    /// Writes keys of a logical database.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn keys(&mut self, db: u32, bytes: &[u8]) -> io::Result<()> {
        if self.db.replace(db) != Some(db) {
            let mut out = Vec::new();
            self.options.encoder.select_db(&mut out, db);
            self.write(&out)?;
        }
        self.write(bytes)
    }

    /// Whether so much was written that it should be on the disk before there is more.
    pub fn is_flush_due(&self) -> bool {
        self.options.flushes && self.unflushed_bytes >= FLUSH_BYTES
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.unflushed_bytes = 0;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.checksum.update(bytes);
        self.unflushed_bytes += bytes.len();
        Ok(())
    }

    /// Ends the file and puts it into the place of another. If this succeeds, the file is there after a
    /// loss of power.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn put_in_place(mut self, place: &Path) -> io::Result<()> {
        let mut end = Vec::new();
        self.options.encoder.end(&mut end);
        self.write(&end)?;
        self.file.write_all(&self.checksum.bytes())?;
        self.file.sync_all()?;
        let path = self.path.as_ref().expect("it is taken only here");
        fs::rename(path, place)?;
        self.path = None;
        sync_directory(place)
    }
}

impl Drop for RdbFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // It may be gone, or its directory.
            let _ = fs::remove_file(path);
        }
    }
}

/// Has the directory of a file survive a loss of power as it is.
pub(super) fn sync_directory(file: &Path) -> io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
