//! Checking an RDB file: every key is decoded, and counted.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use russet_data::{hash, list, set, sorted_set};
use russet_persist::rdb::{Error, Item, Items, Limits, Splitter, Verdict, decode};

use crate::progress::Progress;
use crate::summary::{Summary, type_name};

/// The limits of small collections play no part in whether they can be loaded.
const LIMITS: Limits = Limits {
    list: list::Limits { max_listpack_size: -2, compress_depth: 0, alone_bytes: usize::MAX },
    set: set::Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64 },
    hash: hash::Limits { entries: 128, value: 64 },
    sorted_set: sorted_set::Limits { entries: 128, member_bytes: 64 },
};

/// What was read of a file that is well.
pub struct Checked<R> {
    /// What is in it.
    pub summary: Summary,
    /// Bytes that follow the end and were read already.
    pub rest: Vec<u8>,
    /// The rest of what follows.
    pub source: R,
    /// Where that begins.
    pub offset: u64,
}

/// Checks a file and says what is in it.
///
/// # Errors
///
/// Where it breaks, and why.
pub fn check(path: &Path) -> Result<(), String> {
    println!("[offset 0] Checking RDB file {}", path.display());
    let file = File::open(path).map_err(|error| format!("Cannot open file: {error}"))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let checked = read(BufReader::new(file), size)?;
    print!("{}", checked.summary.details());
    Ok(())
}

/// Reads a file of so many bytes to its end, or to the end of the RDB file that it begins with, and says
/// that all is well.
///
/// # Errors
///
/// What is wrong with it, and what was well up to there.
pub fn read<R: Read>(source: R, size: u64) -> Result<Checked<R>, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.map_or(0, |now| now.as_millis() as i64);
    let (mut summary, mut progress) = (Summary::default(), Progress::of(size));
    let mut place = String::new();
    let result = (|| {
        let mut splitter = Splitter::new(source, true)?;
        while let Some(piece) = splitter.next_piece()? {
            let mut items = Items::new(&piece.bytes, piece.db);
            while let Some(item) = items.next_item().map_err(|error| error.behind(piece.offset))? {
                match item {
                    Item::Aux { name, value } => {
                        let (name, value) = (name.escape_ascii(), value.escape_ascii());
                        let offset = piece.offset + items.offset() as u64;
                        println!("[offset {offset}] AUX FIELD {name} = '{value}'");
                    }
                    Item::Key(item) => {
                        let decoded = decode(item.kind, item.value, &LIMITS);
                        decoded.map_err(|error| {
                            let (key, number) = (item.key.escape_ascii(), item.kind as u8);
                            place = format!(
                                "\n[additional info] Reading key '{key}'\n[additional info] Reading \
                                 type {number} ({})",
                                type_name(item.kind)
                            );
                            error.behind(piece.offset + item.value_offset as u64)
                        })?;
                        summary.add(&item, now_ms);
                    }
                    _ => {}
                }
            }
            progress.tell(splitter.offset());
        }
        let (offset, verdict) = (splitter.offset(), splitter.verdict());
        let (rest, source) = splitter.into_rest();
        Ok((rest, source, offset, verdict))
    })();
    match result {
        Ok((rest, source, offset, verdict)) => {
            match verdict {
                Some(Verdict::Right) => println!("[offset {offset}] Checksum OK"),
                Some(Verdict::Absent) => println!(
                    "[offset {offset}] RDB file was saved with checksum disabled: no check performed."
                ),
                // The version has no checksums.
                None => {}
            }
            println!("[offset {offset}] \\o/ RDB looks OK! \\o/\n{}", summary.totals().trim_end());
            Ok(Checked { summary, rest, source, offset })
        }
        Err(Error { offset, problem }) => Err(format!(
            "--- RDB ERROR DETECTED ---\n[offset {offset}] {problem}{place}\n{}",
            summary.totals().trim_end()
        )),
    }
}
