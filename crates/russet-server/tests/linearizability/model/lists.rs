//! Lists. A command that waits is one that comes when there is something to take, or, if it gave up,
//! at an instant when there was nothing.

use std::collections::VecDeque;

use russet_e2e::Reply;

use super::{Store, Value, bulk, count};

/// An end of a list.
#[derive(Clone, Copy)]
enum End {
    Left,
    Right,
}

impl End {
    fn named(word: &str) -> End {
        match word {
            "LEFT" => End::Left,
            "RIGHT" => End::Right,
            _ => panic!("{word} is no end"),
        }
    }
}

impl Store {
    pub(super) fn lists(&mut self, words: &[&str]) -> Option<Reply> {
        Some(match *words {
            ["LPUSH", key, ref values @ ..] => self.push(key, End::Left, values),
            ["RPUSH", key, ref values @ ..] => self.push(key, End::Right, values),
            ["RPUSHX", key, ref values @ ..] if self.0.contains_key(key) => {
                self.push(key, End::Right, values)
            }
            ["RPUSHX", ..] => count(0),
            ["LPOP", key] => self.pop(key, End::Left).map_or(Reply::NullBulk, |value| bulk(&value)),
            ["RPOP", key] => {
                self.pop(key, End::Right).map_or(Reply::NullBulk, |value| bulk(&value))
            }
            ["RPOPLPUSH", from, to] | ["BRPOPLPUSH", from, to, _] => {
                self.move_between(from, to, End::Right, End::Left)
            }
            ["LMOVE", from, to, taken, put] | ["BLMOVE", from, to, taken, put, _] => {
                self.move_between(from, to, End::named(taken), End::named(put))
            }
            ["BLPOP", ref keys @ .., _] => self.pop_first(keys, End::Left),
            ["BRPOP", ref keys @ .., _] => self.pop_first(keys, End::Right),
            ["LMPOP", _, ref keys @ .., end, "COUNT", most]
            | ["BLMPOP", _, _, ref keys @ .., end, "COUNT", most] => {
                self.pop_several(keys, End::named(end), most.parse().expect("a number"))
            }
            ["LRANGE", key, "0", "-1"] => {
                let list = self.list(key).into_iter().flatten();
                Reply::Array(list.map(|value| bulk(value)).collect())
            }
            ["LLEN", key] => count(self.list(key).map_or(0, VecDeque::len)),
            _ => return None,
        })
    }

    fn list(&self, key: &str) -> Option<&VecDeque<String>> {
        match self.0.get(key)? {
            Value::List(list) => Some(list),
            other => panic!("{key} holds {other:?}"),
        }
    }

    fn push(&mut self, key: &str, end: End, values: &[&str]) -> Reply {
        let value = self.0.entry(key.to_owned()).or_insert_with(|| Value::List(VecDeque::new()));
        let Value::List(list) = value else { panic!("{key} holds {value:?}") };
        for &value in values {
            match end {
                End::Left => list.push_front(value.to_owned()),
                End::Right => list.push_back(value.to_owned()),
            }
        }
        count(list.len())
    }

    fn pop(&mut self, key: &str, end: End) -> Option<String> {
        let value = self.0.get_mut(key)?;
        let Value::List(list) = value else { panic!("{key} holds {value:?}") };
        let popped = match end {
            End::Left => list.pop_front(),
            End::Right => list.pop_back(),
        };
        if list.is_empty() {
            self.0.remove(key);
        }
        popped
    }

    fn move_between(&mut self, from: &str, to: &str, taken: End, put: End) -> Reply {
        let Some(value) = self.pop(from, taken) else { return Reply::NullBulk };
        self.push(to, put, &[&value]);
        bulk(&value)
    }

    fn pop_first(&mut self, keys: &[&str], end: End) -> Reply {
        let Some(key) = keys.iter().find(|&&key| self.0.contains_key(key)) else {
            return Reply::NullArray;
        };
        let value = self.pop(key, end).expect("no list is empty");
        Reply::Array(vec![bulk(key), bulk(&value)])
    }

    fn pop_several(&mut self, keys: &[&str], end: End, most: usize) -> Reply {
        let Some(key) = keys.iter().find(|&&key| self.0.contains_key(key)) else {
            return Reply::NullArray;
        };
        let values = (0..most).map_while(|_| self.pop(key, end)).map(|value| bulk(&value));
        let values = Reply::Array(values.collect());
        Reply::Array(vec![bulk(key), values])
    }
}
