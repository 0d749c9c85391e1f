//! Checking an append-only file, or all files that a manifest names, and cutting off what is wrong at the
//! end, or what was done after a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use russet_persist::aof::{Damage, FileKind, Manifest, Reader, Step};

use crate::progress::Progress;
use crate::rdb;

/// What is to be done besides checking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Nothing.
    Check,
    /// What is wrong at the end of the last file is cut off.
    Fix,
    /// So is what was done after this time, in Unix seconds.
    TruncateTo(i64),
}

/// How far a file is well.
struct Extent {
    /// Bytes of the file.
    size: u64,
    /// Up to here it consists of whole commands and transactions, not counting those that came after the
    /// time up to which it is to be truncated.
    whole: u64,
    /// The line that begins there.
    line: u64,
    end: End,
}

/// What comes behind.
enum End {
    /// Nothing.
    Clean,
    /// Something that is no command.
    Damage(String),
    /// What was done too late.
    TooLate,
}

/// What became of a file.
enum Outcome {
    Valid,
    Empty,
    Truncated,
    TruncatedTo(i64),
}

impl Outcome {
    fn print(&self, what: &str) {
        let bare = what.rsplit("AOF ").next().unwrap_or_default();
        match self {
            Outcome::Valid => println!("{what} is valid"),
            Outcome::Empty => println!("{what} is empty"),
            Outcome::Truncated => println!("Successfully truncated AOF {bare}"),
            Outcome::TruncatedTo(time) => {
                println!("Successfully truncated AOF {bare} to timestamp {time}");
            }
        }
    }
}

/// Checks a file or all files of a manifest.
///
/// # Errors
///
/// What is wrong.
pub fn check(path: &Path, mode: Mode) -> Result<(), String> {
    let Some(manifest) = manifest(path)? else {
        println!("Start checking Old-Style AOF");
        check_file(path, mode, true)?.print(&format!("AOF {}", path.display()));
        return Ok(());
    };
    println!("Start checking Multi Part AOF");
    let folder = path.parent().unwrap_or(Path::new(""));
    let files: Vec<_> = manifest.base.iter().chain(&manifest.increments).collect();
    for (at, file) in files.iter().enumerate() {
        let path = folder.join(&file.name);
        let is_base = file.kind == FileKind::Base;
        if is_base {
            let format = if begins_with_rdb(&path)? { "RDB" } else { "RESP" };
            println!("Start to check BASE AOF ({format} format).");
        } else if at == 0 || files[at - 1].kind == FileKind::Base {
            println!("Start to check INCR files.");
        }
        let kind = if is_base { "BASE" } else { "INCR" };
        let outcome = check_file(&path, mode, at + 1 == files.len())?;
        outcome.print(&format!("{kind} AOF {}", file.name));
    }
    println!("All AOF files and manifest are valid");
    Ok(())
}

/// What a file says if it is a manifest.
fn manifest(path: &Path) -> Result<Option<Manifest>, String> {
    let file = File::open(path).map_err(|error| unopened(path, &error))?;
    let mut first = String::new();
    // Whatever is no text is no manifest.
    let read = BufReader::new(file).take(5).read_to_string(&mut first);
    let is_named_so = path.extension().is_some_and(|extension| extension == "manifest");
    if !is_named_so && (read.is_err() || first != "file ") {
        return Ok(None);
    }
    let text = fs::read_to_string(path).map_err(|error| unopened(path, &error))?;
    let manifest = Manifest::parse(&text);
    manifest.map(Some).map_err(|error| format!("{}: {error}", path.display()))
}

fn unopened(path: &Path, error: &io::Error) -> String {
    format!("Cannot open file {}: {error}, aborting...", path.display())
}

fn begins_with_rdb(path: &Path) -> Result<bool, String> {
    let file = File::open(path).map_err(|error| unopened(path, &error))?;
    let mut start = Vec::new();
    file.take(6).read_to_end(&mut start).map_err(|error| unopened(path, &error))?;
    Ok(start.starts_with(b"REDIS") || start == b"VALKEY")
}

fn check_file(path: &Path, mode: Mode, is_last: bool) -> Result<Outcome, String> {
    let name = path.display();
    let extent = measure(path, mode)?;
    let Extent { size, whole, line, end } = &extent;
    if *size == 0 {
        return Ok(Outcome::Empty);
    }
    if let (Mode::TruncateTo(time), End::TooLate) = (mode, end) {
        if *whole == 0 {
            return Err(format!("AOF {name} has nothing before timestamp {time}, aborting..."));
        }
        if !is_last {
            return Err(format!(
                "Failed to truncate AOF {name} to timestamp {time} to offset {whole} because it is not \
                 the last file.\nIf you insist, delete all files after this one according to the \
                 manifest, and remove them from it. Then try again."
            ));
        }
        cut(path, *whole)?;
        return Ok(Outcome::TruncatedTo(time));
    }
    if let End::Damage(damage) = end {
        println!("{damage}");
    } else if let Mode::TruncateTo(time) = mode {
        println!("Truncate nothing in AOF {name} to timestamp {time}");
        return Ok(Outcome::Valid);
    }
    println!(
        "AOF analyzed: filename={name}, size={size}, ok_up_to={whole}, ok_up_to_line={line}, diff={}",
        size - whole
    );
    if matches!(end, End::Clean) {
        return Ok(Outcome::Valid);
    }
    if mode != Mode::Fix {
        return Err(format!("AOF {name} is not valid. Use the --fix option to try fixing it."));
    }
    if !is_last {
        return Err(format!("Failed to truncate AOF {name} because it is not the last file"));
    }
    println!(
        "This will shrink the AOF {name} from {size} bytes, with {} bytes, to {whole} bytes",
        size - whole
    );
    println!("Continue? [y/N]: ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| error.to_string())?;
    if !answer.trim_start().starts_with(['y', 'Y']) {
        return Err("Aborting...".to_owned());
    }
    cut(path, *whole)?;
    Ok(Outcome::Truncated)
}

fn cut(path: &Path, bytes: u64) -> Result<(), String> {
    let file = OpenOptions::new().write(true).open(path);
    let cut = file.and_then(|file| file.set_len(bytes).and_then(|()| file.sync_all()));
    cut.map_err(|error| format!("Failed to truncate AOF {}: {error}", path.display()))
}

fn measure(path: &Path, mode: Mode) -> Result<Extent, String> {
    let is_rdb = begins_with_rdb(path)?;
    let file = File::open(path).map_err(|error| unopened(path, &error))?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let file = BufReader::new(file);
    let progress = Progress::of(size);
    if !is_rdb {
        return measure_commands(Reader::new(file, 0), size, mode, progress);
    }
    println!("The AOF appears to start with an RDB preamble.");
    println!("[offset 0] Checking RDB file {}", path.display());
    // What is wrong there cannot be cut off.
    let read = rdb::read(file, size).map_err(|error| {
        format!("RDB preamble of AOF file {} is not sane, aborting: {error}", path.display())
    })?;
    println!("RDB preamble is OK, proceeding with AOF tail...");
    let source = BufReader::new(io::Cursor::new(read.rest).chain(read.source));
    measure_commands(Reader::new(source, read.offset), size, mode, progress)
}

fn measure_commands(
    mut reader: Reader<impl BufRead>,
    size: u64,
    mode: Mode,
    mut progress: Progress,
) -> Result<Extent, String> {
    let (mut whole, mut line) = (reader.offset(), 1);
    let mut is_in_transaction = false;
    let end = loop {
        match reader.next_step() {
            Ok(Some(Step::Note(note))) => {
                if let (Mode::TruncateTo(time), Some(text)) = (mode, note.strip_prefix(b"TS:")) {
                    let noted = str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
                    let noted: i64 = noted.ok_or("Invalid timestamp annotation")?;
                    if noted > time {
                        break End::TooLate;
                    }
                }
            }
            Ok(Some(Step::Command(argv))) => {
                if argv[0].eq_ignore_ascii_case(b"MULTI") {
                    is_in_transaction = true;
                } else if argv[0].eq_ignore_ascii_case(b"EXEC") {
                    is_in_transaction = false;
                }
            }
            Ok(None) if is_in_transaction => {
                break End::Damage("Reached EOF before reading EXEC for MULTI".to_owned());
            }
            Ok(None) => break End::Clean,
            Err(Damage::Io { offset, error }) => {
                return Err(format!("Failed to read from AOF at offset {offset}: {error}"));
            }
            Err(damage) => break End::Damage(damage.to_string()),
        }
        if !is_in_transaction {
            (whole, line) = (reader.offset(), reader.lines() + 1);
        }
        progress.tell(reader.offset());
    };
    Ok(Extent { size, whole, line, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(bytes: &[u8], mode: Mode) -> (u64, u64, bool) {
        let reader = Reader::new(bytes, 0);
        let size = bytes.len() as u64;
        let extent = measure_commands(reader, size, mode, Progress::of(size)).expect("no I/O");
        (extent.whole, extent.line, matches!(extent.end, End::Clean))
    }

    #[test]
    fn lines_and_bytes_are_counted_up_to_the_last_whole_unit() {
        let ping = b"*1\r\n$4\r\nPING\r\n";
        let multi = b"*1\r\n$5\r\nMULTI\r\n";
        assert_eq!(extent(ping, Mode::Check), (14, 4, true));
        assert_eq!(extent(&[ping, &b"!!!"[..]].concat(), Mode::Check), (14, 4, false));
        assert_eq!(extent(&[&ping[..], multi, ping].concat(), Mode::Check), (14, 4, false));
    }

    #[test]
    fn what_comes_after_a_time_does_not_count() {
        let bytes = b"#TS:5\r\n*1\r\n$4\r\nPING\r\n#TS:7\r\n*1\r\n$4\r\nPING\r\n";
        assert_eq!(extent(bytes, Mode::TruncateTo(4)), (0, 1, false));
        assert_eq!(extent(bytes, Mode::TruncateTo(6)), (21, 5, false));
        assert_eq!(extent(bytes, Mode::TruncateTo(7)), (bytes.len() as u64, 9, true));
    }

    #[test]
    fn a_manifest_is_known_by_its_name_or_its_first_word() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("list");
        fs::write(&path, "file a seq 1 type i\n").expect("it can be written");
        assert!(manifest(&path).expect("it is one").is_some());
        fs::write(&path, b"*1\r\n$4\r\nPING\r\n").expect("it can be written");
        assert!(manifest(&path).expect("it is none").is_none());
    }
}
