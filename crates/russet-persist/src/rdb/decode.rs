//! Values out of their bytes.

use russet_data::hash::{self, Hash};
use russet_data::intset::Intset;
use russet_data::list::{self, List};
use russet_data::listpack::Listpack;
use russet_data::number::{parse_f64, parse_i64};
use russet_data::object::{Object, Variant};
use russet_data::set::{self, Set};
use russet_data::sorted_set::{self, SortedSet};
use russet_keyspace::entry::Entry;

use super::error::{Error, Problem};
use super::format::{Kind, container};
use super::input::Input;
use super::ziplist::{from_ziplist, from_zipmap};

/// Up to which sizes collections are small; what was stored as small but is larger becomes large.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of lists.
    pub list: list::Limits,
    /// Of sets.
    pub set: set::Limits,
    /// Of hashes.
    pub hash: hash::Limits,
    /// Of sorted sets.
    pub sorted_set: sorted_set::Limits,
}

/// A value that no key holds yet.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string that is the text of an integer.
    Int(i64),
    /// Any other string.
    Bytes(Vec<u8>),
    /// A collection.
    Object(Object),
}

/// The entry of a key with a value.
#[must_use]
pub fn entry(key: &[u8], value: Value, expire_at_ms: Option<i64>) -> Entry {
    match value {
        Value::Int(number) => Entry::with_int(key, number, expire_at_ms),
        Value::Bytes(bytes) => Entry::with_vec(key, bytes, expire_at_ms),
        Value::Object(object) => Entry::with_object(key, Box::new(object), expire_at_ms),
    }
}

/// The value that all of `bytes` are.
///
/// # Errors
/// If they are not one, or it is a collection without elements ([`Problem::Empty`]).
pub fn decode(kind: Kind, bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let mut input = Input::new(bytes);
    let value = match kind {
        Kind::String => string(&mut input)?,
        Kind::List => elements(&mut input, limits)?,
        Kind::ListZiplist => {
            let mut list = Builder::new(limits);
            list.packed(ziplist(&mut input, "Ziplist")?);
            list.finish(&input)?
        }
        Kind::ListQuicklist => {
            let mut list = Builder::new(limits);
            for _ in 0..input.count()? {
                list.packed(ziplist(&mut input, "Ziplist")?);
            }
            list.finish(&input)?
        }
        Kind::ListQuicklist2 => nodes(&mut input, limits)?,
        Kind::Set => set(&mut input, limits)?,
        Kind::SetIntset => {
            let bytes = input.string()?;
            let intset = Intset::from_bytes(&bytes);
            let intset = intset.map_err(|_| input.error(Problem::Structure("Intset")))?;
            finish(Set::from_intset(intset, &limits.set), &input, "set")?
        }
        Kind::SetListpack => {
            let listpack = listpack(&mut input, "Set listpack")?;
            let set = Set::from_listpack(listpack, &limits.set);
            let duplicate = || input.error(Problem::Duplicate("Set listpack"));
            finish(set.ok_or_else(duplicate)?, &input, "set")?
        }
        Kind::Hash => hash(&mut input, limits)?,
        Kind::HashZipmap => {
            let bytes = input.string()?;
            let listpack = from_zipmap(&bytes);
            let listpack = listpack.map_err(|_| input.error(Problem::Structure("Zipmap")))?;
            hash_of(listpack, "Zipmap", &input, limits)?
        }
        Kind::HashZiplist => {
            const NAME: &str = "Hash ziplist";
            hash_of(ziplist(&mut input, NAME)?, NAME, &input, limits)?
        }
        Kind::HashListpack => {
            const NAME: &str = "Hash listpack";
            hash_of(listpack(&mut input, NAME)?, NAME, &input, limits)?
        }
        Kind::SortedSet => sorted_set(&mut input, limits, text_score)?,
        Kind::SortedSet2 => sorted_set(&mut input, limits, binary_score)?,
        Kind::SortedSetZiplist => {
            const NAME: &str = "Zset ziplist";
            sorted_set_of(ziplist(&mut input, NAME)?, NAME, &input, limits)?
        }
        Kind::SortedSetListpack => {
            const NAME: &str = "Zset listpack";
            sorted_set_of(listpack(&mut input, NAME)?, NAME, &input, limits)?
        }
        Kind::Module | Kind::ModuleDraft | Kind::Stream | Kind::Stream2 | Kind::Stream3 => {
            return Err(input.error(Problem::UnknownType(kind as u8)));
        }
    };
    if input.left() > 0 {
        return Err(input.error(Problem::TrailingBytes));
    }
    Ok(value)
}

fn string(input: &mut Input<'_>) -> Result<Value, Error> {
    let bytes = input.string()?;
    Ok(match parse_i64(&bytes) {
        Some(number) => Value::Int(number),
        None => Value::Bytes(bytes.into_owned()),
    })
}

fn finish<T: Variant>(value: T, input: &Input<'_>, name: &'static str) -> Result<Value, Error> {
    if value.is_empty() {
        Err(input.error(Problem::Empty(name)))
    } else {
        Ok(Value::Object(value.into_object()))
    }
}

fn listpack(input: &mut Input<'_>, name: &'static str) -> Result<Listpack, Error> {
    let bytes = input.string()?.into_owned();
    Listpack::from_bytes(bytes).map_err(|_| input.error(Problem::Structure(name)))
}

fn ziplist(input: &mut Input<'_>, name: &'static str) -> Result<Listpack, Error> {
    let bytes = input.string()?;
    from_ziplist(&bytes).map_err(|_| input.error(Problem::Structure(name)))
}

/// A list that grows node by node.
struct Builder<'a> {
    list: List,
    limits: &'a Limits,
}

impl<'a> Builder<'a> {
    fn new(limits: &'a Limits) -> Self {
        Builder { list: List::new(), limits }
    }

    fn packed(&mut self, listpack: Listpack) {
        self.list.append_listpack(listpack, self.limits.list);
    }

    fn finish(self, input: &Input<'_>) -> Result<Value, Error> {
        finish(self.list, input, "list")
    }
}

fn elements(input: &mut Input<'_>, limits: &Limits) -> Result<Value, Error> {
    let mut list = Builder::new(limits);
    for _ in 0..input.count()? {
        let element = input.string()?;
        list.list.prepare(limits.list, element.len(), 1);
        list.list.push(list::End::Right, &element[..]);
    }
    list.finish(input)
}

fn nodes(input: &mut Input<'_>, limits: &Limits) -> Result<Value, Error> {
    let mut list = Builder::new(limits);
    for _ in 0..input.count()? {
        match input.length()? {
            container::PACKED => {
                list.packed(listpack(input, "Listpack")?);
            }
            container::PLAIN => {
                let element = input.string()?;
                // Only long elements are ever alone.
                if element.is_empty() {
                    return Err(input.error(Problem::Structure("Quicklist")));
                }
                list.list.append_alone(&element, limits.list);
            }
            _ => return Err(input.error(Problem::Structure("Quicklist"))),
        }
    }
    list.finish(input)
}

fn set(input: &mut Input<'_>, limits: &Limits) -> Result<Value, Error> {
    let mut set = Set::new();
    for _ in 0..input.count()? {
        if !set.insert(&input.string()?, &limits.set) {
            return Err(input.error(Problem::Duplicate("set")));
        }
    }
    finish(set, input, "set")
}

fn hash(input: &mut Input<'_>, limits: &Limits) -> Result<Value, Error> {
    let mut hash = Hash::new();
    for _ in 0..input.count()? {
        if !hash.insert(&input.string()?, &input.string()?, &limits.hash) {
            return Err(input.error(Problem::Duplicate("hash")));
        }
    }
    finish(hash, input, "hash")
}

/// The hash that the elements are; `name` is that of the structure they were in.
fn hash_of(
    elements: Listpack,
    name: &'static str,
    input: &Input<'_>,
    limits: &Limits,
) -> Result<Value, Error> {
    if !elements.len().is_multiple_of(2) {
        return Err(input.error(Problem::Structure(name)));
    }
    let hash = Hash::from_listpack(elements, &limits.hash);
    finish(hash.ok_or_else(|| input.error(Problem::Duplicate(name)))?, input, "hash")
}

/// The sorted set that the elements are; `name` is that of the structure they were in.
fn sorted_set_of(
    elements: Listpack,
    name: &'static str,
    input: &Input<'_>,
    limits: &Limits,
) -> Result<Value, Error> {
    if !elements.len().is_multiple_of(2) {
        return Err(input.error(Problem::Structure(name)));
    }
    let mut scores = elements.iter().skip(1).step_by(2);
    let is_number = |score: sorted_set::Member<'_>| match score {
        sorted_set::Member::Int(_) => true,
        sorted_set::Member::Bytes(text) => parse_f64(text).is_some_and(|score| !score.is_nan()),
    };
    if !scores.all(is_number) {
        return Err(input.error(Problem::Score));
    }
    let set = SortedSet::from_listpack(elements, limits.sorted_set);
    finish(set.ok_or_else(|| input.error(Problem::Duplicate(name)))?, input, "sorted set")
}

fn sorted_set(
    input: &mut Input<'_>,
    limits: &Limits,
    score: fn(&mut Input<'_>) -> Result<f64, Error>,
) -> Result<Value, Error> {
    let mut builder = sorted_set::Builder::new();
    let mut is_duplicate = false;
    for _ in 0..input.count()? {
        let member = input.string()?;
        let score = score(input)?;
        if score.is_nan() {
            return Err(input.error(Problem::Score));
        }
        builder.put(&member, |known| {
            is_duplicate |= known.is_some();
            score
        });
        if is_duplicate {
            return Err(input.error(Problem::Duplicate("sorted set")));
        }
    }
    finish(builder.finish(limits.sorted_set), input, "sorted set")
}

fn text_score(input: &mut Input<'_>) -> Result<f64, Error> {
    match input.byte()? {
        253 => Ok(f64::NAN),
        254 => Ok(f64::INFINITY),
        255 => Ok(f64::NEG_INFINITY),
        length => {
            let text = input.take(length.into())?;
            parse_f64(text).ok_or_else(|| input.error(Problem::Score))
        }
    }
}

fn binary_score(input: &mut Input<'_>) -> Result<f64, Error> {
    input.array().map(f64::from_le_bytes)
}
