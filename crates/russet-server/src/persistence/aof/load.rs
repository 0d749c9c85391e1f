//! From the files of the log to commands and keys, wherever those go.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use russet_persist::aof::{Damage, FileInfo, Reader};

use super::LogFiles;
use super::files::truncate;
use crate::config::Config;

/// The bytes of a file that is being read.
pub type Source = Box<dyn BufRead>;
/// What follows the RDB file that a file begins with: bytes that were read already, the rest, and the
/// offset where it begins.
pub type Rest = (Vec<u8>, Source, u64);

/// Where keys are made of what is in the files.
pub trait Destination {
    /// Makes the keys of the RDB file that a file begins with.
    fn rdb(&mut self, path: &Path, source: Source) -> Result<Rest, String>;

    /// Whether there is a command of this name.
    fn knows(&self, argv: &[Vec<u8>]) -> bool;

    /// Executes a command.
    fn command(&mut self, argv: Vec<Vec<u8>>);
}

/// Loads the configured log, if there is one.
///
/// # Errors
///
/// What is wrong with it.
pub fn load_files(
    config: &Config,
    destination: &mut impl Destination,
) -> Result<Option<LogFiles>, String> {
    let Some(files) = LogFiles::find(config)? else { return Ok(None) };
    let all: Vec<&FileInfo> =
        files.manifest.base.iter().chain(&files.manifest.increments).collect();
    for (at, info) in all.iter().enumerate() {
        let is_last = at + 1 == all.len();
        load_file(config, destination, &files.path(&info.name), is_last)?;
    }
    tracing::info!("DB loaded from append only file");
    Ok(Some(files))
}

fn load_file(
    config: &Config,
    destination: &mut impl Destination,
    path: &Path,
    is_last: bool,
) -> Result<(), String> {
    let name = path.display();
    let unreadable =
        |error| format!("The append log file {name} can't be opened for reading: {error}");
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let start = file.fill_buf().map_err(unreadable)?;
    let is_rdb = start.starts_with(b"REDIS") || start.starts_with(b"VALKEY");
    let mut source: Source = Box::new(file);
    let mut offset = 0;
    if is_rdb {
        tracing::info!("Reading RDB base file on AOF loading...");
        let (rest, file, read) = destination.rdb(path, source)?;
        (source, offset) = (Box::new(BufReader::new(Cursor::new(rest).chain(file))), read);
    }
    let (whole, damage) = match feed(destination, Reader::new(source, offset)) {
        Ok(()) => return Ok(()),
        Err(failure) => failure,
    };
    let reason = match damage {
        Failure::Unknown(command) => {
            return Err(format!(
                "Unknown command '{}' reading the append only file {name}, in the unit at offset {whole}",
                String::from_utf8_lossy(&command)
            ));
        }
        Failure::Damage(damage @ Damage::Truncated(_)) if is_last && config.aof_load_truncated => {
            tracing::warn!("!!! Warning: short read while loading the AOF file {name}!!!");
            tracing::warn!("{damage}. Truncating the AOF {name} at offset {whole}");
            return truncate(path, whole)
                .map_err(|error| format!("{name} can't be truncated: {error}"));
        }
        Failure::Damage(damage @ Damage::Truncated(_)) => {
            format!("Unexpected end of file reading the append only file {name}: {damage}")
        }
        Failure::Damage(damage) => {
            format!("Bad file format reading the append only file {name}: {damage}")
        }
    };
    Err(format!(
        "{reason}. Make a backup, then use russet-check aof --fix <manifest>; of a file that ends too \
         early, 'aof-load-truncated yes' loads what there is."
    ))
}

/// Why a file could not be loaded to its end.
enum Failure {
    Damage(Damage),
    /// There is no such command.
    Unknown(Vec<u8>),
}

/// Gives all commands of a file to where they are executed; those of a transaction only if it is whole.
/// With the failure comes the offset up to where all is well.
fn feed(
    destination: &mut impl Destination,
    mut reader: Reader<impl BufRead>,
) -> Result<(), (u64, Failure)> {
    let mut whole = reader.offset();
    let mut transaction: Vec<Vec<Vec<u8>>> = Vec::new();
    loop {
        let damaged = |damage| (whole, Failure::Damage(damage));
        let argv = match reader.next_command() {
            Ok(Some(argv)) => argv,
            Ok(None) if transaction.is_empty() => return Ok(()),
            Ok(None) => return Err(damaged(Damage::Truncated(reader.offset()))),
            Err(damage) => return Err(damaged(damage)),
        };
        if !destination.knows(&argv) {
            return Err((whole, Failure::Unknown(argv.into_iter().next().unwrap_or_default())));
        }
        let is = |name: &[u8]| argv[0].eq_ignore_ascii_case(name);
        if is(b"MULTI") || (!transaction.is_empty() && !is(b"EXEC")) {
            transaction.push(argv);
            continue;
        }
        transaction.drain(..).for_each(|argv| destination.command(argv));
        destination.command(argv);
        whole = reader.offset();
    }
}
