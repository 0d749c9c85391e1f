//! `russet-check`: whether files of keys can be loaded, where they break, and what is in them.
//!
//! ```text
//! russet-check rdb FILE
//! russet-check aof [--fix | --truncate-to-timestamp TIME] FILE|MANIFEST
//! ```
//!
//! Under the names `redis-check-rdb` and `redis-check-aof` it takes what those take. Like them it says
//! everything on the standard output, and ends with 0 if all is well and with 1 if not.

mod aof;
mod progress;
mod rdb;
mod summary;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aof::Mode;

const USAGE: &str = "Usage: russet-check rdb FILE\n       russet-check aof [--fix | \
                     --truncate-to-timestamp TIME] FILE|MANIFEST";

/// What to do.
enum Task {
    Rdb(PathBuf),
    Aof(PathBuf, Mode),
}

/// What the words of a command line ask for; the first is the program's name.
fn task(words: Vec<OsString>) -> Option<Task> {
    let mut words = words.into_iter();
    let program = words.next()?;
    let name = Path::new(&program).file_name()?.to_string_lossy().into_owned();
    let format = match name.as_str() {
        "redis-check-rdb" => "rdb".into(),
        "redis-check-aof" => "aof".into(),
        _ => words.next()?,
    };
    let mut words: Vec<OsString> = words.collect();
    let mode = match words.first()?.to_str() {
        Some("--fix") => Mode::Fix,
        Some("--truncate-to-timestamp") => {
            Mode::TruncateTo(words.get(1)?.to_str()?.parse().ok().filter(|time| *time > 0)?)
        }
        _ => Mode::Check,
    };
    words.drain(
        ..match mode {
            Mode::Check => 0,
            Mode::Fix => 1,
            Mode::TruncateTo(_) => 2,
        },
    );
    let [path] = <[OsString; 1]>::try_from(words).ok()?;
    match format.to_str()? {
        "rdb" if mode == Mode::Check => Some(Task::Rdb(path.into())),
        "aof" => Some(Task::Aof(path.into(), mode)),
        _ => None,
    }
}

fn main() -> ExitCode {
    let result = match task(std::env::args_os().collect()) {
        Some(Task::Rdb(path)) => rdb::check(&path),
        Some(Task::Aof(path, mode)) => aof::check(&path, mode),
        None => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}
