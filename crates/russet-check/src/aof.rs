//! Checking an append-only file, or all files that a manifest names.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use russet_persist::aof::{Manifest, Reader};

use crate::rdb;

/// How far a file is well.
struct Extent {
    /// Bytes of the file.
    size: u64,
    /// Up to here it consists of whole commands and transactions.
    whole: u64,
    /// What is wrong behind.
    damage: Option<String>,
}

/// Checks a file or all files of a manifest; what is wrong at the end of the last is cut off if `fix`.
///
/// # Errors
///
/// What is wrong.
pub fn check(path: &Path, fix: bool) -> Result<(), String> {
    let is_manifest = path.extension().is_some_and(|extension| extension == "manifest");
    if !is_manifest {
        return check_file(path, fix);
    }
    println!("Start checking Multi Part AOF");
    let text = fs::read_to_string(path).map_err(|error| describe(path, &error))?;
    let manifest = Manifest::parse(&text).map_err(|error| describe(path, &error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let files: Vec<_> = manifest.base.iter().chain(&manifest.increments).collect();
    for (at, file) in files.iter().enumerate() {
        let is_last = at + 1 == files.len();
        check_file(&folder.join(&file.name), fix && is_last)?;
    }
    println!("All AOF files and manifest are valid");
    Ok(())
}

fn describe(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

fn check_file(path: &Path, fix: bool) -> Result<(), String> {
    let extent = measure(path).map_err(|error| describe(path, &error))?;
    let Extent { size, whole, damage } = &extent;
    println!(
        "AOF analyzed: filename={}, size={size}, ok_up_to={whole}, diff={}",
        path.display(),
        size - whole
    );
    let Some(damage) = damage else {
        println!("AOF {} is valid", path.display());
        return Ok(());
    };
    println!("{damage}");
    if !fix {
        let advice = "AOF is not valid. Use the --fix option to try fixing it.";
        return Err(describe(path, &advice));
    }
    println!(
        "This will shrink the AOF {} from {size} bytes, with {} bytes, to {whole} bytes",
        path.display(),
        size - whole
    );
    println!("Continue? [y/N]: ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| error.to_string())?;
    if !answer.trim_start().starts_with(['y', 'Y']) {
        return Err("Aborting...".to_owned());
    }
    let file = OpenOptions::new().write(true).open(path);
    let cut = file.and_then(|file| file.set_len(*whole).and_then(|()| file.sync_all()));
    cut.map_err(|error| describe(path, &error))?;
    println!("Successfully truncated AOF {}", path.display());
    Ok(())
}

fn measure(path: &Path) -> Result<Extent, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let mut file = BufReader::new(file);
    let start = file.fill_buf().map_err(|error| error.to_string())?;
    if !start.starts_with(b"REDIS") && !start.starts_with(b"VALKEY") {
        return Ok(measure_commands(Reader::new(file, 0), size));
    }
    println!("The AOF appears to start with an RDB preamble.");
    match rdb::read(file) {
        // What is wrong there cannot be cut off.
        Err(error) => Err(format!("RDB preamble of AOF file is not sane: {error}")),
        Ok((_, rest, file, offset)) => {
            let source = BufReader::new(io::Cursor::new(rest).chain(file));
            Ok(measure_commands(Reader::new(source, offset), size))
        }
    }
}

fn measure_commands(mut reader: Reader<impl BufRead>, size: u64) -> Extent {
    let mut whole = reader.offset();
    let mut is_in_transaction = false;
    let damage = loop {
        match reader.next_command() {
            Ok(Some(argv)) => {
                if argv[0].eq_ignore_ascii_case(b"MULTI") {
                    is_in_transaction = true;
                } else if argv[0].eq_ignore_ascii_case(b"EXEC") {
                    is_in_transaction = false;
                }
                if !is_in_transaction {
                    whole = reader.offset();
                }
            }
            Ok(None) if is_in_transaction => {
                break Some("Reached EOF before reading EXEC for MULTI".to_owned());
            }
            Ok(None) => break None,
            Err(damage) => break Some(damage.to_string()),
        }
    };
    Extent { size, whole, damage }
}
