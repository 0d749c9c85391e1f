//! A sequential store that knows the few commands the histories use.

use std::collections::BTreeMap;

use russet_e2e::Reply;

use crate::history::{Operation, Request};

/// Keys and their values.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub struct Store(BTreeMap<String, String>);

impl Store {
    /// The store after `operation`, if the operation could have had its reply in this state.
    pub fn after(&self, operation: &Operation) -> Option<Store> {
        let mut store = self.clone();
        let possible = match &operation.request {
            Request::Command(line) => store.execute(line) == operation.reply,
            Request::Transaction(lines) => {
                let replies = lines.iter().map(|line| store.execute(line)).collect();
                Reply::Array(replies) == operation.reply
            }
            // Refused: somebody wrote to the key in between, whatever it holds now.
            Request::SetIfUnchanged { .. } if operation.reply.is_null() => true,
            Request::SetIfUnchanged { key, seen, value } => {
                let unchanged = store.get(key) == *seen;
                store.0.insert(key.clone(), value.clone());
                unchanged && operation.reply == Reply::Array(vec![ok()])
            }
        };
        possible.then_some(store)
    }

    fn execute(&mut self, line: &[String]) -> Reply {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        match words[..] {
            ["GET", key] => self.get(key),
            ["SET", key, value] => {
                self.set(key, value);
                ok()
            }
            ["INCR", key] => self.increment(key),
            ["DEL", ref keys @ ..] => Reply::Integer(
                keys.iter().filter(|&&key| self.0.remove(key).is_some()).count() as i64,
            ),
            ["GETSET", key, value] => {
                let old = self.get(key);
                self.set(key, value);
                old
            }
            ["SETNX", key, value] => self.set_if(!self.0.contains_key(key), &[key, value]),
            ["APPEND", key, suffix] => {
                let value = self.0.entry(key.to_owned()).or_default();
                value.push_str(suffix);
                Reply::Integer(value.len() as i64)
            }
            ["MGET", ref keys @ ..] => Reply::Array(keys.iter().map(|key| self.get(key)).collect()),
            ["MSET", ref pairs @ ..] => {
                self.set_if(true, pairs);
                ok()
            }
            ["MSETNX", ref pairs @ ..] => {
                self.set_if(pairs.chunks(2).all(|pair| !self.0.contains_key(pair[0])), pairs)
            }
            ["EXISTS", ref keys @ ..] => {
                Reply::Integer(keys.iter().filter(|&&key| self.0.contains_key(key)).count() as i64)
            }
            ["RENAME", from, to] => match self.0.remove(from) {
                Some(value) => {
                    self.set(to, &value);
                    ok()
                }
                None => Reply::Error(b"ERR no such key".to_vec()),
            },
            ["COPY", from, to] if from == to => {
                Reply::Error(b"ERR source and destination objects are the same".to_vec())
            }
            ["COPY", from, to] => match self.0.get(from).cloned() {
                Some(value) => self.set_if(!self.0.contains_key(to), &[to, &value]),
                None => Reply::Integer(0),
            },
            _ => panic!("the model does not know {line:?}"),
        }
    }

    fn get(&self, key: &str) -> Reply {
        self.0.get(key).map_or(Reply::NullBulk, |value| Reply::Bulk(value.clone().into_bytes()))
    }

    fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    fn set_if(&mut self, condition: bool, pairs: &[&str]) -> Reply {
        if condition {
            pairs.chunks(2).for_each(|pair| self.set(pair[0], pair[1]));
        }
        Reply::Integer(i64::from(condition))
    }

    fn increment(&mut self, key: &str) -> Reply {
        let old = self.0.get(key).map_or(Ok(0), |value| canonical_integer(value));
        match old
            .and_then(|old| old.checked_add(1).ok_or("ERR increment or decrement would overflow"))
        {
            Ok(new) => {
                self.set(key, &new.to_string());
                Reply::Integer(new)
            }
            Err(error) => Reply::Error(error.as_bytes().to_vec()),
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

fn ok() -> Reply {
    Reply::Status(b"OK".to_vec())
}
