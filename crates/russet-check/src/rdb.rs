//! Checking an RDB file: every key is decoded, and counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use russet_data::{hash, list, set, sorted_set};
use russet_persist::rdb::{Error, Item, Items, KeyItem, Kind, Limits, Splitter, decode};

/// How many of the largest keys are named.
const LARGEST: usize = 10;
/// How often the progress of a long file is told.
const PROGRESS_BYTES: u64 = 256 << 20;

/// The limits of small collections play no part in whether they can be loaded.
const LIMITS: Limits = Limits {
    list: list::Limits { max_listpack_size: -2, compress_depth: 0, alone_bytes: usize::MAX },
    set: set::Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64 },
    hash: hash::Limits { entries: 128, value: 64 },
    sorted_set: sorted_set::Limits { entries: 128, member_bytes: 64 },
};

/// What is in a file.
#[derive(Default)]
pub struct Summary {
    /// By the name of the type.
    types: BTreeMap<&'static str, Count>,
    expiring: u64,
    expired: u64,
    /// The largest values, smallest first.
    largest: Vec<(u64, u64, Vec<u8>)>,
}

#[derive(Default)]
struct Count {
    keys: u64,
    bytes: u64,
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "string",
        Kind::List | Kind::ListZiplist | Kind::ListQuicklist | Kind::ListQuicklist2 => "list",
        Kind::Set | Kind::SetIntset | Kind::SetListpack => "set",
        Kind::Hash | Kind::HashZipmap | Kind::HashZiplist | Kind::HashListpack => "hash",
        Kind::SortedSet | Kind::SortedSet2 | Kind::SortedSetZiplist | Kind::SortedSetListpack => {
            "zset"
        }
        Kind::Module | Kind::ModuleDraft => "module",
        Kind::Stream | Kind::Stream2 | Kind::Stream3 => "stream",
    }
}

impl Summary {
    fn add(&mut self, item: &KeyItem<'_>, now_ms: i64) {
        let bytes = item.value.len() as u64;
        let count = self.types.entry(type_name(item.kind)).or_default();
        count.keys += 1;
        count.bytes += bytes;
        if let Some(expire_at_ms) = item.expire_at_ms {
            self.expiring += 1;
            self.expired += u64::from(expire_at_ms < now_ms);
        }
        let smallest = self.largest.first().map_or(0, |(bytes, ..)| *bytes);
        if self.largest.len() < LARGEST || bytes > smallest {
            self.largest.push((bytes, item.db, item.key.to_vec()));
            self.largest.sort();
            if self.largest.len() > LARGEST {
                self.largest.remove(0);
            }
        }
    }

    fn print(&self) {
        let keys: u64 = self.types.values().map(|count| count.keys).sum();
        println!("[info] {keys} keys read");
        println!("[info] {} expires", self.expiring);
        println!("[info] {} already expired", self.expired);
        for (name, Count { keys, bytes }) in &self.types {
            println!("[info] {name}: {keys} keys, {bytes} bytes");
        }
        for (bytes, db, key) in self.largest.iter().rev() {
            println!("[info] {bytes} bytes: db{db} '{}'", key.escape_ascii());
        }
    }
}

/// Checks a file and says what is in it.
///
/// # Errors
///
/// Where it breaks, and why.
pub fn check(path: &Path) -> Result<(), String> {
    println!("[offset 0] Checking RDB file {}", path.display());
    let file = File::open(path).map_err(|error| format!("Cannot open file: {error}"))?;
    let (summary, ..) = read(BufReader::new(file)).map_err(|error| {
        format!("--- RDB ERROR DETECTED ---\n[offset {}] {}", error.offset, error.problem)
    })?;
    println!("[info] Checksum OK");
    println!("\\o/ RDB looks OK! \\o/");
    summary.print();
    Ok(())
}

/// Reads a file to its end. Returns what is in it, and what follows: bytes read already, the rest, and
/// their offset.
///
/// # Errors
///
/// What is wrong with it.
pub fn read<R: Read>(source: R) -> Result<(Summary, Vec<u8>, R, u64), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.map_or(0, |now| now.as_millis() as i64);
    let (mut summary, mut told) = (Summary::default(), 0);
    let mut splitter = Splitter::new(source, true)?;
    while let Some(piece) = splitter.next_piece()? {
        let mut items = Items::new(&piece.bytes, piece.db);
        while let Some(item) = items.next_item().map_err(|error| error.behind(piece.offset))? {
            let Item::Key(item) = item else { continue };
            decode(item.kind, item.value, &LIMITS)
                .map_err(|error| error.behind(piece.offset + item.value_offset as u64))?;
            summary.add(&item, now_ms);
        }
        if splitter.offset() - told >= PROGRESS_BYTES {
            told = splitter.offset();
            eprintln!("[offset {told}] ...");
        }
    }
    let offset = splitter.offset();
    let (rest, source) = splitter.into_rest();
    Ok((summary, rest, source, offset))
}
