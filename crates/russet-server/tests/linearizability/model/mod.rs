//! A sequential store that knows the few commands the histories use.

mod lists;
mod sorted_sets;
mod strings;

use std::collections::{BTreeMap, VecDeque};

use russet_e2e::Reply;

use crate::history::{Operation, Request};

/// Keys and their values.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub struct Store(BTreeMap<String, Value>);

/// A value. A history uses one type, so that no command meets another.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Value {
    Text(String),
    List(VecDeque<String>),
    Scores(BTreeMap<String, i64>),
}

impl Store {
    /// The store after `operation`, if the operation could have had its reply in this state.
    pub fn after(&self, operation: &Operation) -> Option<Store> {
        let mut store = self.clone();
        let possible = match &operation.request {
            Request::Command(line) => {
                alike(&store.execute(line, &operation.reply), &operation.reply)
            }
            Request::Transaction(lines) => {
                let seen = operation.reply.elements();
                lines.len() == seen.len()
                    && lines.iter().zip(seen).all(|(line, seen)| {
                        let reply = store.execute(line, seen);
                        alike(&reply, seen)
                    })
            }
            // Refused: somebody wrote to the key in between, whatever it holds now.
            Request::SetIfUnchanged { .. } if operation.reply.is_null() => true,
            Request::SetIfUnchanged { key, seen, value } => {
                let unchanged = store.get(key) == *seen;
                store.set(key, value);
                unchanged && operation.reply == Reply::Array(vec![ok()])
            }
        };
        possible.then_some(store)
    }

    /// Executes a command, whose reply was `seen`.
    fn execute(&mut self, line: &[String], seen: &Reply) -> Reply {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let words = from_served_key(words, seen);
        let known = self
            .any_type(&words)
            .or_else(|| self.strings(&words))
            .or_else(|| self.lists(&words))
            .or_else(|| self.sorted_sets(&words));
        known.unwrap_or_else(|| panic!("the model does not know {line:?}"))
    }

    fn any_type(&mut self, words: &[&str]) -> Option<Reply> {
        Some(match *words {
            ["DEL", ref keys @ ..] => {
                count(keys.iter().filter(|&&key| self.0.remove(key).is_some()).count())
            }
            ["EXISTS", ref keys @ ..] => {
                count(keys.iter().filter(|&&key| self.0.contains_key(key)).count())
            }
            ["RENAME", from, to] => match self.0.remove(from) {
                Some(value) => {
                    self.0.insert(to.to_owned(), value);
                    ok()
                }
                None => error("ERR no such key"),
            },
            ["COPY", from, to] if from == to => {
                error("ERR source and destination objects are the same")
            }
            ["COPY", from, to] => match self.0.get(from).cloned() {
                Some(value) if !self.0.contains_key(to) => {
                    self.0.insert(to.to_owned(), value);
                    count(1)
                }
                _ => count(0),
            },
            _ => return None,
        })
    }
}

/// The line of a command that waits, with the key that its reply names before the others. Such a command
/// is served from the key that others were served from just before, even if meanwhile what they
/// moved has made one of its other keys.
fn from_served_key<'w>(mut words: Vec<&'w str>, seen: &Reply) -> Vec<&'w str> {
    let keys = match words[0] {
        "BLPOP" | "BRPOP" | "BZPOPMIN" => 1..words.len() - 1,
        "BLMPOP" => 3..words.len() - 3,
        _ => return words,
    };
    let named = seen.elements().first().and_then(|key| key.bytes());
    if let Some(at) = words[keys.clone()].iter().position(|key| Some(key.as_bytes()) == named) {
        words.swap(keys.start, keys.start + at);
    }
    words
}

/// Whether two replies are the same. Which null a command sends when it has waited in vain is for
/// other tests.
fn alike(one: &Reply, other: &Reply) -> bool {
    one == other || one.is_null() && other.is_null()
}

fn ok() -> Reply {
    Reply::Status(b"OK".to_vec())
}

fn error(text: &str) -> Reply {
    Reply::Error(text.into())
}

fn count(count: usize) -> Reply {
    Reply::Integer(i64::try_from(count).expect("the test is small"))
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.into())
}
