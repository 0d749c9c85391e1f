//! What a server asks of the file system, recorded from outside by strace.

use std::fs;
use std::path::{Path, PathBuf};

/// The system calls by which files change, or become durable.
pub const CALLS: &str = "openat,write,fsync,fdatasync,rename,unlink,mkdir,ftruncate";

/// A change, or that it is to be durable.
#[derive(Clone, Debug)]
pub enum Operation {
    /// An empty file, whatever was there.
    Create(PathBuf),
    /// The file, which is made if it is not there.
    Open(PathBuf),
    /// Bytes at the end of a file.
    Append(PathBuf, Vec<u8>),
    Truncate(PathBuf, usize),
    MakeDirectory(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    /// A file or directory is on the disk as it was at this time, in microseconds.
    Sync(PathBuf, u64),
}

/// An operation with the Unix time in microseconds from which on it may have, or has, an effect: of a
/// change, when it was asked for; of a sync, when it was answered.
#[derive(Clone, Debug)]
pub struct Event {
    pub at_us: u64,
    pub operation: Operation,
}

/// Reads what threads have asked for below a directory, of which strace has written a file for each, in
/// the order in which it took effect.
pub fn read(traces: &Path, directory: &Path) -> Vec<Event> {
    let files = fs::read_dir(traces).expect("strace has written something");
    let mut events = Vec::new();
    for file in files {
        let text = fs::read_to_string(file.expect("a file").path()).expect("strace writes ASCII");
        events.extend(text.lines().filter_map(|line| event(line, directory)));
    }
    events.sort_by_key(|event| event.at_us);
    events
}

/// `1700000000.123456 write(3<\x2f\x61>, "\x61", 1) = 1 <0.000042>`
fn event(line: &str, directory: &Path) -> Option<Event> {
    let (at, call) = line.split_once(' ')?;
    let (name, rest) = call.split_once('(')?;
    let (rest, result) = rest.rsplit_once(" = ")?;
    if !CALLS.split(',').any(|known| known == name) || result.starts_with('-') {
        return None;
    }
    let asked_us = micros(at);
    let lasted = result.rsplit_once('<')?.1.trim_end_matches('>');
    let strings: Vec<Vec<u8>> = rest.split('"').skip(1).step_by(2).map(unescaped).collect();
    let path = |text: Vec<u8>| PathBuf::from(String::from_utf8(text).expect("UTF-8"));
    let string = |at: usize| directory.join(path(strings[at].clone()));
    // What a descriptor stands for is beside it.
    let opened = || {
        let (_, path_on) = rest.split_once('<').expect("strace -y names it");
        path(unescaped(path_on.split('>').next().expect("there is a first")))
    };
    let after_comma =
        || rest.trim_end_matches([')', ' ']).rsplit_once(", ").expect("two arguments").1;
    let operation = match name {
        "openat" if rest.contains("O_TRUNC") => Operation::Create(string(0)),
        "openat" if rest.contains("O_CREAT") => Operation::Open(string(0)),
        "write" => Operation::Append(opened(), strings.first()?.clone()),
        "ftruncate" => Operation::Truncate(opened(), after_comma().parse().expect("a number")),
        "fsync" | "fdatasync" => Operation::Sync(opened(), asked_us),
        "rename" => Operation::Rename(string(0), string(1)),
        "unlink" => Operation::Remove(string(0)),
        "mkdir" => Operation::MakeDirectory(string(0)),
        _ => return None,
    };
    let (Operation::Create(path)
    | Operation::Open(path)
    | Operation::Append(path, _)
    | Operation::Truncate(path, _)
    | Operation::MakeDirectory(path)
    | Operation::Rename(path, _)
    | Operation::Remove(path)
    | Operation::Sync(path, _)) = &operation;
    let is_sync = matches!(operation, Operation::Sync(..));
    let at_us = if is_sync { asked_us + micros(lasted) } else { asked_us };
    path.starts_with(directory).then_some(Event { at_us, operation })
}

/// Seconds with six digits behind the point.
fn micros(text: &str) -> u64 {
    text.replace('.', "").parse().expect("a time")
}

/// Bytes that strace has written as `\x61\x62`.
fn unescaped(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits.map(|digits| u8::from_str_radix(digits, 16).expect("strace -xx")).collect()
}
