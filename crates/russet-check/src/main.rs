//! `russet-check`: whether files of keys can be loaded, where they break, and what is in them.
//!
//! ```text
//! russet-check rdb FILE
//! russet-check aof [--fix] FILE|MANIFEST
//! ```
//!
//! Under the names `redis-check-rdb` and `redis-check-aof` it takes what those take. It ends with 0 if
//! all is well and with 1 if not.

mod aof;
mod rdb;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "Usage: russet-check rdb FILE\n       russet-check aof [--fix] FILE|MANIFEST";

/// What to do.
enum Task {
    Rdb(PathBuf),
    Aof { path: PathBuf, fix: bool },
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
    let fix = words.first().is_some_and(|word| word == "--fix");
    if fix {
        words.remove(0);
    }
    let [path] = <[OsString; 1]>::try_from(words).ok()?;
    match format.to_str()? {
        "rdb" if !fix => Some(Task::Rdb(path.into())),
        "aof" => Some(Task::Aof { path: path.into(), fix }),
        _ => None,
    }
}

fn main() -> ExitCode {
    let result = match task(std::env::args_os().collect()) {
        Some(Task::Rdb(path)) => rdb::check(&path),
        Some(Task::Aof { path, fix }) => aof::check(&path, fix),
        None => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
