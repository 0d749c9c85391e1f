//! Keys and values into bytes.
//!
//! A large collection is written in parts, so that it may change in between: first the key
//! ([`Encoder::key`]) and how many parts there are ([`Encoder::count`]), then each ([`Encoder::part`]), as
//! `russet_data::picture` hands them out.

use std::borrow::Cow;
use std::ops::ControlFlow;

use russet_data::list::Node;
use russet_data::listpack::Element;
use russet_data::number::IntBuf;
use russet_data::object::Object;
use russet_data::picture::Part;
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
        match value {
            ValueRef::Int(number) => output::integer(out, number),
            ValueRef::Bytes(bytes) => output::string(out, bytes, self.options),
            ValueRef::Object(Object::String(bytes)) => output::string(out, bytes, self.options),
            ValueRef::Object(object) => match self.block(object) {
                Some(block) => output::string(out, &block, self.options),
                None => {
                    self.count(out, object);
                    for_each_part(object, &mut |part| self.part(out, part));
                }
            },
        }
    }

    /// The bytes of a collection that is written as one string.
    fn block(self, object: &Object) -> Option<Cow<'_, [u8]>> {
        let packs = self.level == Level::Redis7;
        if let Object::Set(set) = object
            && let Some(intset) = set.intset()
        {
            return Some(Cow::Borrowed(intset.as_bytes()));
        }
        let listpack = match object {
            Object::Set(set) => set.listpack(),
            Object::Hash(hash) => hash.listpack(),
            Object::SortedSet(set) => set.listpack(),
            Object::List(_) | Object::String(_) => None,
        };
        listpack.filter(|_| packs).map(|listpack| Cow::Owned(listpack.to_bytes()))
    }

    /// How many parts of a collection follow, each of which [`Encoder::part`] writes.
    pub fn count(self, out: &mut Vec<u8>, object: &Object) {
        let count = match object {
            Object::List(list) if self.level == Level::Redis7 => list.node_count(),
            Object::List(list) => list.len(),
            Object::Set(set) => set.len(),
            Object::Hash(hash) => hash.len(),
            Object::SortedSet(set) => set.len(),
            Object::String(_) => unreachable!("strings have no parts"),
        };
        output::length(out, count as u64);
    }

    /// A part of a collection that is not written as one string.
    pub fn part(self, out: &mut Vec<u8>, part: Part<'_>) {
        let mut scratch = IntBuf::new();
        let mut string = |out: &mut _, element: Element<'_>| {
            output::string(out, element.as_bytes(&mut scratch), self.options);
        };
        match part {
            Part::Member(member) => string(out, member),
            Part::Field(field, value) => {
                string(out, field);
                string(out, value);
            }
            Part::Scored(member, score) => {
                string(out, member);
                out.extend(score.to_le_bytes());
            }
            Part::Node(_, Node::Packed(listpack)) if self.level == Level::Redis7 => {
                output::length(out, container::PACKED);
                output::string(out, &listpack.to_bytes(), self.options);
            }
            Part::Node(_, Node::Packed(listpack)) => {
                listpack.iter().for_each(|element| string(out, element));
            }
            Part::Node(_, Node::Plain(element)) => {
                if self.level == Level::Redis7 {
                    output::length(out, container::PLAIN);
                }
                output::string(out, element, self.options);
            }
        }
    }
}

/// Shows the parts of a collection to `visit`.
fn for_each_part(object: &Object, visit: &mut dyn FnMut(Part<'_>)) {
    match object {
        Object::String(_) => {}
        Object::List(list) => {
            let mut places = 0..;
            let _: ControlFlow<()> = list.visit_nodes(0, |node| {
                let place = places.next().expect("a list has fewer nodes");
                visit(Part::Node(place, node));
                ControlFlow::Continue(())
            });
        }
        Object::Set(set) => {
            scan(|cursor| set.scan(cursor, &mut |member| visit(Part::Member(member))));
        }
        Object::Hash(hash) => {
            scan(|cursor| hash.scan(cursor, &mut |field, value| visit(Part::Field(field, value))));
        }
        // From the highest score down, so that whoever loads it adds at the front each time.
        Object::SortedSet(set) => {
            set.iter().rev().for_each(|(member, score)| visit(Part::Scored(member, score)));
        }
    }
}

/// Scans from the beginning to the end.
fn scan(mut step: impl FnMut(u64) -> u64) {
    let mut cursor = 0;
    loop {
        cursor = step(cursor);
        if cursor == 0 {
            return;
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
