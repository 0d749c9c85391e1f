//! Strings.

use russet_e2e::Reply;

use super::{Store, Value, bulk, count, error, ok};

impl Store {
    pub(super) fn strings(&mut self, words: &[&str]) -> Option<Reply> {
        Some(match *words {
            ["GET", key] => self.get(key),
            ["SET", key, value] => {
                self.set(key, value);
                ok()
            }
            ["INCR", key] => self.increment(key),
            ["GETSET", key, value] => {
                let old = self.get(key);
                self.set(key, value);
                old
            }
            ["SETNX", key, value] => self.set_if(!self.0.contains_key(key), &[key, value]),
            ["APPEND", key, suffix] => {
                let value = self.text(key).unwrap_or_default().to_owned() + suffix;
                self.set(key, &value);
                count(value.len())
            }
            ["MGET", ref keys @ ..] => Reply::Array(keys.iter().map(|key| self.get(key)).collect()),
            ["MSET", ref pairs @ ..] => {
                self.set_if(true, pairs);
                ok()
            }
            ["MSETNX", ref pairs @ ..] => {
                self.set_if(pairs.chunks(2).all(|pair| !self.0.contains_key(pair[0])), pairs)
            }
            _ => return None,
        })
    }

    fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Value::Text(text) => Some(text),
            other => panic!("{key} holds {other:?}"),
        }
    }

    pub(super) fn get(&self, key: &str) -> Reply {
        self.text(key).map_or(Reply::NullBulk, bulk)
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), Value::Text(value.to_owned()));
    }

    fn set_if(&mut self, condition: bool, pairs: &[&str]) -> Reply {
        if condition {
            pairs.chunks(2).for_each(|pair| self.set(pair[0], pair[1]));
        }
        count(condition.into())
    }

    fn increment(&mut self, key: &str) -> Reply {
        let old = self.text(key).map_or(Ok(0), canonical_integer);
        match old
            .and_then(|old| old.checked_add(1).ok_or("ERR increment or decrement would overflow"))
        {
            Ok(new) => {
                self.set(key, &new.to_string());
                Reply::Integer(new)
            }
            Err(text) => error(text),
        }
    }
}

/// Appending digits makes numbers with a leading zero, or too long, which are no integers.
fn canonical_integer(text: &str) -> Result<i64, &'static str> {
    text.parse::<i64>()
        .ok()
        .filter(|value| value.to_string() == text)
        .ok_or("ERR value is not an integer or out of range")
}
