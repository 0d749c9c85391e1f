//! The commands that make keys again: what a rewritten log begins with unless that is an RDB file.
//!
//! Keys come as they would go into an RDB file, so that a picture is taken the same way whatever becomes
//! of it. A value that comes in pieces is put together first.

use russet_data::listpack::Element;
use russet_data::number::{FloatBuf, IntBuf};
use russet_data::object::Object;

use super::write_command;
use crate::rdb::{Error, Item, Items, KeyItem, Limits, Value, decode};

/// A collection becomes commands of so many elements each, as Redis has it.
const ELEMENTS: usize = 64;

/// See the module's documentation.
pub struct Rewriter {
    limits: Limits,
    db: Option<u32>,
    /// The beginning of a key whose rest is still to come.
    begun: Vec<u8>,
}

impl Rewriter {
    /// Begins where no database is selected.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Rewriter { limits, db: None, begun: Vec::new() }
    }

    /// The commands for keys of a database. The last key may continue in what comes next.
    ///
    /// # Errors
    /// If these are no keys.
    pub fn commands(&mut self, db: u32, bytes: &[u8], continues: bool) -> Result<Vec<u8>, Error> {
        if continues {
            self.begun.extend_from_slice(bytes);
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        if self.begun.is_empty() {
            self.write(&mut out, db, bytes)?;
        } else {
            let mut whole = std::mem::take(&mut self.begun);
            whole.extend_from_slice(bytes);
            self.write(&mut out, db, &whole)?;
        }
        Ok(out)
    }

    fn write(&mut self, out: &mut Vec<u8>, db: u32, bytes: &[u8]) -> Result<(), Error> {
        let mut items = Items::new(bytes, db.into());
        while let Some(item) = items.next_item()? {
            let Item::Key(item) = item else { continue };
            let value = decode(item.kind, item.value, &self.limits)
                .map_err(|error| error.behind(item.value_offset as u64))?;
            if self.db.replace(db) != Some(db) {
                write_command(out, &[b"SELECT".to_vec(), db.to_string().into_bytes()]);
            }
            write_key(out, &item, &value);
        }
        Ok(())
    }
}

fn write_key(out: &mut Vec<u8>, item: &KeyItem<'_>, value: &Value) {
    let key = &item.key[..];
    match value {
        Value::Int(number) => write_command(out, &[b"SET", key, number.to_string().as_bytes()]),
        Value::Bytes(bytes) => write_command(out, &[b"SET", key, bytes]),
        Value::Object(object) => write_object(out, key, object),
    }
    if let Some(expire_at_ms) = item.expire_at_ms {
        write_command(out, &[b"PEXPIREAT", key, expire_at_ms.to_string().as_bytes()]);
    }
}

fn write_object(out: &mut Vec<u8>, key: &[u8], object: &Object) {
    match object {
        Object::String(bytes) => write_command(out, &[b"SET", key, bytes]),
        Object::List(list) => {
            let mut group = Group::new(out, b"RPUSH", key, 1);
            list.for_each(|element| group.add(&[element]));
            group.end();
        }
        Object::Set(set) => {
            let mut group = Group::new(out, b"SADD", key, 1);
            set.iter().for_each(|member| group.add(&[member]));
            group.end();
        }
        Object::Hash(hash) => {
            let mut group = Group::new(out, b"HMSET", key, 2);
            hash.iter().for_each(|(field, value)| group.add(&[field, value]));
            group.end();
        }
        Object::SortedSet(set) => {
            let mut group = Group::new(out, b"ZADD", key, 2);
            let mut digits = FloatBuf::new();
            for (member, score) in set.iter() {
                let score = Element::Bytes(digits.format_17_digits(score));
                group.add(&[score, member]);
            }
            group.end();
        }
    }
}

/// Elements on their way into commands.
struct Group<'a> {
    out: &'a mut Vec<u8>,
    start: [Vec<u8>; 2],
    words: Vec<Vec<u8>>,
    most: usize,
}

impl<'a> Group<'a> {
    /// For a command, whose elements are of so many words each.
    fn new(out: &'a mut Vec<u8>, name: &[u8], key: &[u8], words_each: usize) -> Self {
        let most = ELEMENTS * words_each;
        Group { out, start: [name.to_vec(), key.to_vec()], words: Vec::with_capacity(most), most }
    }

    fn add(&mut self, words: &[Element<'_>]) {
        let mut scratch = IntBuf::new();
        for word in words {
            self.words.push(word.as_bytes(&mut scratch).to_vec());
        }
        if self.words.len() >= self.most {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let argv: Vec<&[u8]> = self.start.iter().chain(&self.words).map(|word| &word[..]).collect();
        write_command(self.out, &argv);
        self.words.clear();
    }

    fn end(mut self) {
        if !self.words.is_empty() {
            self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use russet_data::{hash, list, set, sorted_set};

    use super::*;
    use crate::aof::Reader;
    use crate::rdb::{Encoder, Level, Options, entry};

    const LIMITS: Limits = Limits {
        list: list::Limits { max_listpack_size: -2, compress_depth: 0, alone_bytes: usize::MAX },
        set: set::Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64 },
        hash: hash::Limits { entries: 128, value: 64 },
        sorted_set: sorted_set::Limits { entries: 128, member_bytes: 64 },
    };

    fn words(bytes: &[u8]) -> Vec<String> {
        let mut reader = Reader::new(bytes, 0);
        std::iter::from_fn(|| reader.next_command().expect("commands"))
            .map(|argv| String::from_utf8(argv.join(&b' ')).expect("text"))
            .collect()
    }

    fn encoded(key: &str, value: Value, expire_at_ms: Option<i64>) -> Vec<u8> {
        let options = Options { compression: false };
        let mut bytes = Vec::new();
        let entry = entry(key.as_bytes(), value, expire_at_ms);
        Encoder { level: Level::Redis7, options }.entry(&mut bytes, &entry, None);
        bytes
    }

    fn long_list(elements: i64) -> Value {
        let mut list = list::List::new();
        (0..elements).for_each(|number| list.push(list::End::Right, Element::Int(number)));
        Value::Object(Object::List(list))
    }

    #[test]
    fn keys_become_commands() {
        let mut rewriter = Rewriter::new(LIMITS);
        let bytes = [
            encoded("a", Value::Int(-5), None),
            encoded("b", Value::Bytes(b"text".to_vec()), Some(7)),
            encoded("c", long_list(65), None),
        ];
        let commands = words(&rewriter.commands(3, &bytes.concat(), false).expect("keys"));
        assert_eq!(commands[..4], ["SELECT 3", "SET a -5", "SET b text", "PEXPIREAT b 7"]);
        assert!(commands[4].starts_with("RPUSH c 0 1 2 ") && commands[4].ends_with(" 63"));
        assert_eq!(commands[5..], ["RPUSH c 64"]);
        let commands = rewriter.commands(3, &encoded("d", Value::Int(1), None), false);
        assert_eq!(words(&commands.expect("a key")), ["SET d 1"]);
    }

    #[test]
    fn pieces_are_put_together() {
        let bytes = encoded("c", long_list(3), None);
        let mut rewriter = Rewriter::new(LIMITS);
        assert_eq!(rewriter.commands(0, &bytes[..5], true).expect("a piece"), b"");
        assert_eq!(rewriter.commands(0, &bytes[5..9], true).expect("a piece"), b"");
        let commands = rewriter.commands(0, &bytes[9..], false).expect("the rest");
        assert_eq!(words(&commands), ["SELECT 0", "RPUSH c 0 1 2"]);
    }
}
