//! What is in an RDB file: keys by type, by size and by when they expire, and the largest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use russet_persist::rdb::{KeyItem, Kind};

/// How many of the largest keys are named.
const LARGEST: usize = 10;
const HOUR_MS: i64 = 3_600_000;
/// Sizes of values, each with its name; those that are larger come last.
const SIZES: [(u64, &str); 5] = [
    (64, "up to 64 bytes"),
    (1 << 10, "up to 1 KiB"),
    (64 << 10, "up to 64 KiB"),
    (1 << 20, "up to 1 MiB"),
    (u64::MAX, "more than 1 MiB"),
];
/// Times until keys expire, each with its name.
const TIMES: [(i64, &str); 5] = [
    (0, "already expired"),
    (HOUR_MS, "within an hour"),
    (24 * HOUR_MS, "within a day"),
    (7 * 24 * HOUR_MS, "within a week"),
    (i64::MAX, "later"),
];

#[derive(Clone, Copy, Default)]
struct Count {
    keys: u64,
    bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.keys += 1;
        self.bytes += bytes;
    }
}

/// See the module's documentation. Bytes are those of values in the file.
#[derive(Default)]
pub struct Summary {
    types: BTreeMap<&'static str, Count>,
    sizes: [Count; SIZES.len()],
    times: [Count; TIMES.len()],
    stays: Count,
    /// The largest values, smallest first.
    largest: Vec<(u64, u64, Vec<u8>, &'static str)>,
}

/// The name of a type.
pub const fn type_name(kind: Kind) -> &'static str {
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
    /// Counts a key.
    pub fn add(&mut self, item: &KeyItem<'_>, now_ms: i64) {
        let bytes = item.value.len() as u64;
        self.types.entry(type_name(item.kind)).or_default().add(bytes);
        let size = SIZES.iter().position(|(most, _)| bytes <= *most).expect("the last has no end");
        self.sizes[size].add(bytes);
        match item.expire_at_ms {
            None => self.stays.add(bytes),
            Some(expire_at_ms) => {
                let left_ms = expire_at_ms.saturating_sub(now_ms);
                let is_within = |(most_ms, _): &(i64, &str)| left_ms <= *most_ms;
                let time = TIMES.iter().position(is_within).expect("the last has no end");
                self.times[time].add(bytes);
            }
        }
        let smallest = self.largest.first().map_or(0, |(bytes, ..)| *bytes);
        if self.largest.len() < LARGEST || bytes > smallest {
            self.largest.push((bytes, item.db, item.key.to_vec(), type_name(item.kind)));
            self.largest.sort();
            if self.largest.len() > LARGEST {
                self.largest.remove(0);
            }
        }
    }

    /// The three lines of Redis' tool.
    pub fn totals(&self) -> String {
        let keys: u64 = self.types.values().map(|count| count.keys).sum();
        let expiring: u64 = self.times.iter().map(|count| count.keys).sum();
        let expired = self.times[0].keys;
        format!(
            "[info] {keys} keys read\n[info] {expiring} expires\n[info] {expired} already expired\n"
        )
    }

    /// Everything else.
    pub fn details(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, count: &Count| {
            if count.keys > 0 {
                let Count { keys, bytes } = count;
                writeln!(text, "[info] {name}: {keys} keys, {bytes} bytes")
                    .expect("a string takes everything");
            }
        };
        for (name, count) in &self.types {
            line(name, count);
        }
        for ((_, name), count) in SIZES.iter().zip(&self.sizes) {
            line(&format!("values of {name}"), count);
        }
        line("never expire", &self.stays);
        for ((_, name), count) in TIMES.iter().zip(&self.times) {
            line(&format!("expire {name}").replace("expire already expired", "expired"), count);
        }
        for (bytes, db, key, kind) in self.largest.iter().rev() {
            writeln!(text, "[info] {bytes} bytes: db{db} {kind} '{}'", key.escape_ascii())
                .expect("a string takes everything");
        }
        text
    }
}
