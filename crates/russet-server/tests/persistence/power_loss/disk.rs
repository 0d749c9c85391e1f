//! A disk whose power may go: what was synced is there, of everything else any part may be.
//!
//! What may be left is what a file system may leave that promises no more than POSIX does:
//!
//! - of what was written to a file since it was last synced, any number of bytes from the first on;
//! - of what changed in a directory since it was last synced (files made, renamed, removed), any number
//!   of changes from the first on; to sync a file is not to sync its name;
//! - files and directories know nothing of each other. Only that a directory was made is not lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::recording::{Event, Operation};

type File = usize;

enum Change {
    Append(Vec<u8>),
    Truncate(usize),
}

/// The bytes of a file, whatever its name is.
#[derive(Default)]
struct Content {
    durable: Vec<u8>,
    /// With the time of each.
    pending: Vec<(u64, Change)>,
}

impl Content {
    fn sync(&mut self, until_us: u64) {
        let is_before = |(at_us, _): &(u64, Change)| *at_us < until_us;
        let count = self.pending.iter().take_while(|change| is_before(change)).count();
        for (_, change) in self.pending.drain(..count) {
            apply(&mut self.durable, &change, usize::MAX);
        }
    }

    fn pending_bytes(&self) -> usize {
        let bytes = self.pending.iter().map(|(_, change)| match change {
            Change::Append(bytes) => bytes.len(),
            Change::Truncate(_) => 1,
        });
        bytes.sum()
    }

    /// What is left if so many bytes of what is pending have reached the disk.
    fn torn(&self, mut bytes: usize) -> Vec<u8> {
        let mut content = self.durable.clone();
        for (_, change) in &self.pending {
            if bytes == 0 {
                break;
            }
            bytes -= apply(&mut content, change, bytes);
        }
        content
    }
}

/// Makes a change as far as so many bytes go, and returns how many it took.
fn apply(content: &mut Vec<u8>, change: &Change, most: usize) -> usize {
    match change {
        Change::Append(bytes) => {
            let bytes = &bytes[..bytes.len().min(most)];
            content.extend_from_slice(bytes);
            bytes.len()
        }
        Change::Truncate(len) => {
            content.truncate(*len);
            1
        }
    }
}

enum Entry {
    Set(PathBuf, File),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

/// The names in a directory.
#[derive(Default)]
struct Directory {
    durable: BTreeMap<PathBuf, File>,
    now: BTreeMap<PathBuf, File>,
    pending: Vec<(u64, Entry)>,
}

impl Directory {
    fn change(&mut self, at_us: u64, entry: Entry) {
        change(&mut self.now, &entry);
        self.pending.push((at_us, entry));
    }

    fn sync(&mut self, until_us: u64) {
        let is_before = |(at_us, _): &(u64, Entry)| *at_us < until_us;
        let count = self.pending.iter().take_while(|entry| is_before(entry)).count();
        self.pending.drain(..count).for_each(|(_, entry)| change(&mut self.durable, &entry));
    }
}

fn change(names: &mut BTreeMap<PathBuf, File>, entry: &Entry) {
    match entry {
        Entry::Set(path, file) => _ = names.insert(path.clone(), *file),
        Entry::Remove(path) => _ = names.remove(path),
        Entry::Rename(from, to) => {
            let file = names.remove(from).expect("the changes of a directory are in order");
            names.insert(to.clone(), file);
        }
    }
}

/// See the module's documentation.
pub struct Disk {
    files: Vec<Content>,
    directories: BTreeMap<PathBuf, Directory>,
}

impl Disk {
    /// A disk with one directory, which is empty.
    pub fn new(directory: &Path) -> Self {
        let directories = BTreeMap::from([(directory.to_owned(), Directory::default())]);
        Disk { files: Vec::new(), directories }
    }

    /// What comes next.
    pub fn apply(&mut self, event: &Event) {
        let at_us = event.at_us;
        match &event.operation {
            Operation::Create(path) => match self.file(path) {
                Some(file) => self.files[file].pending.push((at_us, Change::Truncate(0))),
                None => self.make(path, at_us),
            },
            Operation::Open(path) => {
                if self.file(path).is_none() {
                    self.make(path, at_us);
                }
            }
            Operation::Append(path, bytes) => {
                let file = self.opened(path);
                self.files[file].pending.push((at_us, Change::Append(bytes.clone())));
            }
            Operation::Truncate(path, len) => {
                let file = self.opened(path);
                self.files[file].pending.push((at_us, Change::Truncate(*len)));
            }
            Operation::MakeDirectory(path) => {
                self.directories.entry(path.clone()).or_default();
            }
            Operation::Rename(from, to) => {
                assert_eq!(from.parent(), to.parent(), "files are moved within a directory");
                self.parent(from).change(at_us, Entry::Rename(from.clone(), to.clone()));
            }
            Operation::Remove(path) => {
                self.parent(path).change(at_us, Entry::Remove(path.clone()));
            }
            Operation::Sync(path, until_us) => match self.directories.get_mut(path) {
                Some(directory) => directory.sync(*until_us),
                None => {
                    let file = self.opened(path);
                    self.files[file].sync(*until_us);
                }
            },
        }
    }

    fn parent(&mut self, path: &Path) -> &mut Directory {
        let parent = path.parent().expect("all paths are absolute");
        self.directories.get_mut(parent).expect("it was made")
    }

    fn file(&mut self, path: &Path) -> Option<File> {
        self.parent(path).now.get(path).copied()
    }

    fn opened(&mut self, path: &Path) -> File {
        self.file(path).unwrap_or_else(|| panic!("{} was opened", path.display()))
    }

    fn make(&mut self, path: &Path, at_us: u64) {
        self.files.push(Content::default());
        let file = self.files.len() - 1;
        self.parent(path).change(at_us, Entry::Set(path.to_owned(), file));
    }

    /// Writes what may be left, if the power goes now, into another directory.
    pub fn lose_power(&self, directory: &Path, place: &Path, random: &mut fastrand::Rng) {
        for (path, names) in &self.directories {
            let inside = place.join(path.strip_prefix(directory).expect("all are inside"));
            fs::create_dir_all(&inside).expect("it can be made");
            let mut left = names.durable.clone();
            let kept = some_of(names.pending.len(), random);
            names.pending[..kept].iter().for_each(|(_, entry)| change(&mut left, entry));
            for (name, file) in left {
                let content = &self.files[file];
                let bytes = content.torn(some_of(content.pending_bytes(), random));
                let name = name.file_name().expect("a file has a name");
                fs::write(inside.join(name), bytes).expect("it can be written");
            }
        }
    }
}

/// None, all, or some.
fn some_of(count: usize, random: &mut fastrand::Rng) -> usize {
    match random.u8(..4) {
        0 => 0,
        1 => count,
        _ => random.usize(..=count),
    }
}
