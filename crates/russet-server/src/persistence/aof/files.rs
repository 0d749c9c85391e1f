//! The files of the log, and the manifest that names them.
//!
//! Whatever happens in between, the manifest names files that make up the log: it is replaced as a
//! whole, after what it names is on the disk, and before what it no longer names is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use russet_persist::aof::{FileInfo, FileKind, Manifest};

use crate::config::Config;
use crate::persistence::file::sync_directory;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct LogFiles {
    directory: PathBuf,
    name: String,
    /// What is not part of the log any more is not removed.
    keeps_history: bool,
    /// What the manifest says.
    pub manifest: Manifest,
}

impl LogFiles {
    /// The files of the configured log; `None` if there are none.
    ///
    /// # Errors
    ///
    /// What is wrong with the manifest.
    pub fn find(config: &Config) -> Result<Option<Self>, String> {
        let mut files = LogFiles::new(config);
        let path = files.manifest_path();
        match fs::read_to_string(&path) {
            Ok(text) => {
                files.manifest = Manifest::parse(&text)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                files.move_old(config)?;
                Ok(Some(files))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => files.adopt_old(config),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Whether there are files of the configured log, be they right or not.
    pub fn exist(config: &Config) -> bool {
        LogFiles::new(config).manifest_path().exists() || config.appendfilename.is_file()
    }

    /// A log without files yet.
    pub fn new(config: &Config) -> Self {
        LogFiles {
            directory: config.appenddirname.clone(),
            name: config.appendfilename.to_string_lossy().into_owned(),
            keeps_history: config.aof_disable_auto_gc,
            manifest: Manifest::default(),
        }
    }

    fn manifest_path(&self) -> PathBuf {
        self.path(&format!("{}.manifest", self.name))
    }

    /// Where a file of the log is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Before Redis 7 the log was one file beside the others: it becomes the base.
    fn adopt_old(mut self, config: &Config) -> Result<Option<Self>, String> {
        if !config.appendfilename.is_file() {
            return Ok(None);
        }
        let base = FileInfo { name: self.name.clone(), sequence: 1, kind: FileKind::Base };
        self.manifest.base = Some(base);
        let written = self.make_directory().and_then(|()| self.write_manifest());
        written.map_err(|error| format!("Can't adopt {}: {error}", self.name))?;
        self.move_old(config)?;
        Ok(Some(self))
    }

    /// Moves the one file of before Redis 7 to where the manifest says it is, unless it is there.
    fn move_old(&self, config: &Config) -> Result<(), String> {
        let old = &config.appendfilename;
        let place = self.path(&self.name);
        let is_base = self.manifest.base.as_ref().is_some_and(|base| base.name == self.name);
        if !is_base || place.exists() || !old.is_file() {
            return Ok(());
        }
        fs::rename(old, &place)
            .and_then(|()| sync_directory(&place))
            .and_then(|()| sync_directory(old))
            .map_err(|error| format!("Can't adopt {}: {error}", old.display()))?;
        tracing::info!("{} is part of the log in {} now.", old.display(), self.directory.display());
        Ok(())
    }

    /// Says whether files that are not part of the log any more are kept.
    pub fn keep_history(&mut self, keeps: bool) {
        self.keeps_history = keeps;
        self.remove_history();
    }

    /// Makes the directory, if it is not there.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn make_directory(&self) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        sync_directory(&self.directory)
    }

    /// Replaces the manifest. If this succeeds, it is there after a loss of power.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn write_manifest(&self) -> io::Result<()> {
        let temporary = self.path(&format!("temp-{}.manifest", self.name));
        let mut file = File::create(&temporary)?;
        file.write_all(self.manifest.to_text().as_bytes())?;
        file.sync_all()?;
        let path = self.manifest_path();
        fs::rename(&temporary, &path)?;
        sync_directory(&path)
    }

    /// Begins a new increment.
    ///
    /// # Errors
    ///
    /// The system's; then nothing has changed.
    pub fn begin_increment(&mut self) -> io::Result<File> {
        let before = self.manifest.clone();
        let file = self.begin_unlisted_increment()?;
        if let Err(error) = self.write_manifest() {
            self.manifest = before;
            return Err(error);
        }
        Ok(file)
    }

    /// Begins a new increment that the manifest does not name before the next base does.
    ///
    /// # Errors
    ///
    /// The system's; then nothing has changed.
    pub fn begin_unlisted_increment(&mut self) -> io::Result<File> {
        let mut manifest = self.manifest.clone();
        let path = self.path(&manifest.add_increment(&self.name).name);
        // What is there under this name is of an attempt that failed.
        let file = File::create(&path).and_then(|_| OpenOptions::new().append(true).open(&path))?;
        sync_directory(&path)?;
        self.manifest = manifest;
        Ok(file)
    }

    /// Opens the last increment to go on with it, or begins the first.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn open_last(&mut self) -> io::Result<File> {
        match self.manifest.increments.last() {
            None => self.begin_increment(),
            Some(last) => OpenOptions::new().append(true).create(true).open(self.path(&last.name)),
        }
    }

    /// The place of the base that a rewrite is about to make.
    pub fn next_base(&self, is_rdb: bool) -> (FileInfo, PathBuf) {
        let base = self.manifest.next_base(&self.name, is_rdb);
        let path = self.path(&base.name);
        (base, path)
    }

    /// Makes a base, which is in its place, part of the log instead of all but the last increment, and
    /// removes what is not needed any more.
    ///
    /// # Errors
    ///
    /// The system's; then nothing has changed.
    pub fn adopt_base(&mut self, base: FileInfo, kept: usize) -> io::Result<()> {
        let before = self.manifest.clone();
        self.manifest.replace_base(base, kept);
        if let Err(error) = self.write_manifest() {
            self.manifest = before;
            return Err(error);
        }
        self.remove_history();
        Ok(())
    }

    /// Removes files that are not part of the log any more, unless they are to be kept.
    pub fn remove_history(&mut self) {
        if self.keeps_history || self.manifest.history.is_empty() {
            return;
        }
        for file in std::mem::take(&mut self.manifest.history) {
            // It may be gone already; what stays is only in the way.
            let _ = fs::remove_file(self.path(&file.name));
        }
        if let Err(error) = self.write_manifest() {
            tracing::warn!("The manifest still names files that are gone: {error}");
        }
    }

    /// Bytes of all files of the log.
    pub fn total_bytes(&self) -> u64 {
        let files = self.manifest.base.iter().chain(&self.manifest.increments);
        let bytes = |file: &FileInfo| fs::metadata(self.path(&file.name));
        files.filter_map(|file| bytes(file).ok()).map(|metadata| metadata.len()).sum()
    }
}

/// Cuts a file off.
///
/// # Errors
///
/// The system's.
pub fn truncate(path: &Path, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(bytes)?;
    file.sync_all()
}
