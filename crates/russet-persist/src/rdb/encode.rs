//! Keys and values into bytes.
//!
//! A value is written in pieces if it is large: [`Encoder::piece`] writes as much of it as it may and
//! notes in a [`Progress`] where to go on. The value must not change in between; whoever lets go of
//! it finishes it before a change.

use std::ops::ControlFlow;

use russet_data::hash::Hash;
use russet_data::list::{List, Node};
use russet_data::number::IntBuf;
use russet_data::object::Object;
use russet_data::set::Set;
use russet_data::sorted_set::SortedSet;
use russet_keyspace::entry::{Entry, ValueRef};

use super::format::{Kind, VERSION_OF_REDIS_4_0, VERSION_OF_REDIS_7_2, container, opcode};
use super::output::{self, Options};
use crate::crc64;

/// Which versions of Redis are to load what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 4.0 and later ones.
    Redis4,
    /// 7.2 and later ones.
    Redis7,
}

impl Level {
    /// The version of the format.
    #[must_use]
    pub const fn version(self) -> u32 {
        match self {
            Level::Redis4 => VERSION_OF_REDIS_4_0,
            Level::Redis7 => VERSION_OF_REDIS_7_2,
        }
    }
}

/// What is noted of the uses of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For how many seconds it was not used.
    Idle(u64),
    /// The counter of its uses.
    Frequency(u8),
}

/// Where to go on with a value that was written in part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    begun: bool,
    /// A node of a list, a rank of a sorted set, the cursor of a scan.
    next: u64,
}

/// Writes keys and values.
#[derive(Clone, Copy, Debug)]
pub struct Encoder {
    /// Who is to read it.
    pub level: Level,
    /// How strings are written.
    pub options: Options,
}

impl Encoder {
    /// Magic and version.
    #[must_use]
    pub fn header(self) -> Vec<u8> {
        format!("REDIS{:04}", self.level.version()).into_bytes()
    }

    /// The end, without the checksum.
    pub fn end(self, out: &mut Vec<u8>) {
        out.push(opcode::EOF);
    }

    /// Something about the file.
    pub fn aux(self, out: &mut Vec<u8>, name: &str, value: &str) {
        out.push(opcode::AUX);
        output::string(out, name.as_bytes(), Options { compression: false });
        output::string(out, value.as_bytes(), Options { compression: false });
    }

    /// The database of the keys that follow.
    pub fn select_db(self, out: &mut Vec<u8>, db: u32) {
        out.push(opcode::SELECT_DB);
        output::length(out, db.into());
    }

    /// How many keys the database has, and how many of them expire.
    pub fn size_of_db(self, out: &mut Vec<u8>, keys: u64, expires: u64) {
        out.push(opcode::RESIZE_DB);
        output::length(out, keys);
        output::length(out, expires);
    }

    /// A key with its value.
    pub fn entry(self, out: &mut Vec<u8>, entry: &Entry, access: Option<Access>) {
        self.key(out, entry, access);
        self.value(out, entry.value());
    }

    /// Everything about a key that comes before its value.
    pub fn key(self, out: &mut Vec<u8>, entry: &Entry, access: Option<Access>) {
        if let Some(expire_at_ms) = entry.expire_at_ms() {
            out.push(opcode::EXPIRE_MS);
            out.extend(expire_at_ms.to_le_bytes());
        }
        // Redis 4.0 does not know these.
        match access.filter(|_| self.level != Level::Redis4) {
            Some(Access::Idle(seconds)) => {
                out.push(opcode::IDLE);
                output::length(out, seconds);
            }
            Some(Access::Frequency(counter)) => out.extend([opcode::FREQUENCY, counter]),
            None => {}
        }
        out.push(self.kind(entry.value()) as u8);
        output::string(out, entry.key(), self.options);
    }

    /// What bytes a value becomes.
    #[must_use]
    pub fn kind(self, value: ValueRef<'_>) -> Kind {
        let packs = self.level == Level::Redis7;
        match value {
            ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Object(Object::String(_)) => {
                Kind::String
            }
            ValueRef::Object(Object::List(_)) if packs => Kind::ListQuicklist2,
            ValueRef::Object(Object::List(_)) => Kind::List,
            ValueRef::Object(Object::Set(set)) if set.intset().is_some() => Kind::SetIntset,
            ValueRef::Object(Object::Set(set)) if packs && set.listpack().is_some() => {
                Kind::SetListpack
            }
            ValueRef::Object(Object::Set(_)) => Kind::Set,
            ValueRef::Object(Object::Hash(hash)) if packs && hash.listpack().is_some() => {
                Kind::HashListpack
            }
            ValueRef::Object(Object::Hash(_)) => Kind::Hash,
            ValueRef::Object(Object::SortedSet(set)) if packs && set.listpack().is_some() => {
                Kind::SortedSetListpack
            }
            ValueRef::Object(Object::SortedSet(_)) => Kind::SortedSet2,
        }
    }

    /// A value, whole.
    pub fn value(self, out: &mut Vec<u8>, value: ValueRef<'_>) {
        let mut progress = Progress::default();
        while !self.piece(out, value, &mut progress, usize::MAX) {}
    }

    /// As much of a value as fits into about `most_bytes` more bytes. Returns whether that was the
    /// rest of it.
    pub fn piece(
        self,
        out: &mut Vec<u8>,
        value: ValueRef<'_>,
        progress: &mut Progress,
        most_bytes: usize,
    ) -> bool {
        let is_first = !std::mem::replace(&mut progress.begun, true);
        let most_len = out.len().saturating_add(most_bytes);
        match value {
            ValueRef::Int(number) => output::integer(out, number),
            ValueRef::Bytes(bytes) => output::string(out, bytes, self.options),
            ValueRef::Object(Object::String(bytes)) => output::string(out, bytes, self.options),
            ValueRef::Object(object) => {
                return self.elements(out, object, is_first, &mut progress.next, most_len);
            }
        }
        true
    }

    fn elements(
        self,
        out: &mut Vec<u8>,
        object: &Object,
        is_first: bool,
        next: &mut u64,
        most_len: usize,
    ) -> bool {
        match object {
            Object::String(_) => unreachable!("strings have no elements"),
            Object::List(list) => self.list(out, list, is_first, next, most_len),
            Object::Set(set) => self.set(out, set, is_first, next, most_len),
            Object::Hash(hash) => self.hash(out, hash, is_first, next, most_len),
            Object::SortedSet(set) => self.sorted_set(out, set, is_first, next, most_len),
        }
    }

    fn list(
        self,
        out: &mut Vec<u8>,
        list: &List,
        is_first: bool,
        next: &mut u64,
        most_len: usize,
    ) -> bool {
        let packs = self.level == Level::Redis7;
        if is_first {
            output::length(out, if packs { list.node_count() } else { list.len() } as u64);
        }
        let stopped = list.visit_nodes(*next as usize, |node| {
            *next += 1;
            match node {
                Node::Packed(listpack) if packs => {
                    output::length(out, container::PACKED);
                    output::string(out, &listpack.to_bytes(), self.options);
                }
                Node::Plain(element) if packs => {
                    output::length(out, container::PLAIN);
                    output::string(out, element, self.options);
                }
                Node::Packed(listpack) => {
                    let mut scratch = IntBuf::new();
                    for element in listpack.iter() {
                        output::string(out, element.as_bytes(&mut scratch), self.options);
                    }
                }
                Node::Plain(element) => output::string(out, element, self.options),
            }
            if out.len() >= most_len { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        stopped.is_continue()
    }

    fn set(
        self,
        out: &mut Vec<u8>,
        set: &Set,
        is_first: bool,
        next: &mut u64,
        most_len: usize,
    ) -> bool {
        if let Some(intset) = set.intset() {
            output::string(out, intset.as_bytes(), self.options);
            return true;
        }
        if let Some(listpack) = set.listpack().filter(|_| self.level == Level::Redis7) {
            output::string(out, &listpack.to_bytes(), self.options);
            return true;
        }
        if is_first {
            output::length(out, set.len() as u64);
        }
        let mut scratch = IntBuf::new();
        until_full(out, next, most_len, |out, cursor| {
            set.scan(cursor, &mut |member| {
                output::string(out, member.as_bytes(&mut scratch), self.options);
            })
        })
    }

    fn hash(
        self,
        out: &mut Vec<u8>,
        hash: &Hash,
        is_first: bool,
        next: &mut u64,
        most_len: usize,
    ) -> bool {
        if let Some(listpack) = hash.listpack().filter(|_| self.level == Level::Redis7) {
            output::string(out, &listpack.to_bytes(), self.options);
            return true;
        }
        if is_first {
            output::length(out, hash.len() as u64);
        }
        let mut scratch = IntBuf::new();
        until_full(out, next, most_len, |out, cursor| {
            hash.scan(cursor, &mut |field, value| {
                output::string(out, field.as_bytes(&mut scratch), self.options);
                output::string(out, value.as_bytes(&mut scratch), self.options);
            })
        })
    }

    fn sorted_set(
        self,
        out: &mut Vec<u8>,
        set: &SortedSet,
        is_first: bool,
        next: &mut u64,
        most_len: usize,
    ) -> bool {
        if let Some(listpack) = set.listpack().filter(|_| self.level == Level::Redis7) {
            output::string(out, &listpack.to_bytes(), self.options);
            return true;
        }
        if is_first {
            output::length(out, set.len() as u64);
        }
        let mut scratch = IntBuf::new();
        // From the highest score down, so that whoever loads it adds at the front each time.
        let left = set.len() - *next as usize;
        for (member, score) in set.range(0..left).rev() {
            output::string(out, member.as_bytes(&mut scratch), self.options);
            out.extend(score.to_le_bytes());
            *next += 1;
            if out.len() >= most_len {
                break;
            }
        }
        *next as usize == set.len()
    }
}

/// Scans on until all is written or there is enough. Returns whether it is all.
fn until_full(
    out: &mut Vec<u8>,
    cursor: &mut u64,
    most_len: usize,
    mut scan: impl FnMut(&mut Vec<u8>, u64) -> u64,
) -> bool {
    loop {
        *cursor = scan(out, *cursor);
        if *cursor == 0 || out.len() >= most_len {
            return *cursor == 0;
        }
    }
}

/// The checksum so far of a file that is being written, if it is to have one.
#[derive(Clone, Copy, Debug)]
pub struct Checksum(Option<u64>);

impl Checksum {
    /// Of nothing so far.
    #[must_use]
    pub fn new(wanted: bool) -> Self {
        Checksum(wanted.then_some(0))
    }

    /// Takes in what was written.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0 = self.0.map(|sum| crc64::update(sum, bytes));
    }

    /// What ends the file.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        self.0.unwrap_or(0).to_le_bytes()
    }
}
