//! Sorted sets, with whole scores.

use std::collections::BTreeMap;

use russet_e2e::Reply;

use super::{Store, Value, bulk, count};

impl Store {
    pub(super) fn sorted_sets(&mut self, words: &[&str]) -> Option<Reply> {
        Some(match *words {
            ["ZADD", key, ref options @ .., score, member] => {
                self.add_score(key, options, number(score), member)
            }
            ["ZINCRBY", key, by, member] => {
                let score = self.scores_mut(key).entry(member.to_owned()).or_default();
                *score += number(by);
                bulk(&score.to_string())
            }
            ["ZREM", key, member] => {
                let removed = self.scores_mut(key).remove(member);
                self.drop_empty(key);
                count(removed.iter().count())
            }
            ["ZPOPMIN", key] => Reply::Array(self.pop_scores(key, false, 1).concat()),
            ["ZPOPMAX", key, most] => {
                Reply::Array(self.pop_scores(key, true, number(most)).concat())
            }
            ["ZMPOP", _, ref keys @ .., "MIN", "COUNT", most] => match self.first_scored(keys) {
                Some(key) => {
                    let popped = self.pop_scores(key, false, number(most));
                    let pairs = popped.into_iter().map(|pair| Reply::Array(pair.into()));
                    Reply::Array(vec![bulk(key), Reply::Array(pairs.collect())])
                }
                None => Reply::NullArray,
            },
            ["BZPOPMIN", ref keys @ .., _] => match self.first_scored(keys) {
                Some(key) => {
                    let [pair] = &self.pop_scores(key, false, 1)[..] else { panic!("it is there") };
                    Reply::Array([&[bulk(key)][..], pair].concat())
                }
                None => Reply::NullArray,
            },
            ["ZRANGE", key, "0", "-1", "WITHSCORES"] => {
                Reply::Array(self.ranked(key).into_iter().flat_map(pair).collect())
            }
            ["ZRANK", key, member] => {
                let rank = self.ranked(key).iter().position(|(_, known)| known == member);
                rank.map_or(Reply::NullBulk, count)
            }
            ["ZCOUNT", key, from, to] => {
                let range = number(from)..=number(to);
                let ranked = self.ranked(key);
                count(ranked.iter().filter(|(score, _)| range.contains(score)).count())
            }
            ["ZUNIONSTORE", to, "2", ref from @ ..] => self.unite(to, from),
            _ => return None,
        })
    }

    /// Members with their scores, in their order.
    fn ranked(&self, key: &str) -> Vec<(i64, String)> {
        let scores = match self.0.get(key) {
            None => return Vec::new(),
            Some(Value::Scores(scores)) => scores,
            Some(other) => panic!("{key} holds {other:?}"),
        };
        let mut ranked: Vec<_> = scores.iter().map(|(member, &s)| (s, member.clone())).collect();
        ranked.sort_unstable();
        ranked
    }

    /// The scores of a key, which is made if it is missing: see `drop_empty`.
    fn scores_mut(&mut self, key: &str) -> &mut BTreeMap<String, i64> {
        let value = self.0.entry(key.to_owned()).or_insert_with(|| Value::Scores(BTreeMap::new()));
        let Value::Scores(scores) = value else { panic!("{key} holds {value:?}") };
        scores
    }

    fn drop_empty(&mut self, key: &str) {
        if self.scores_mut(key).is_empty() {
            self.0.remove(key);
        }
    }

    fn first_scored<'k>(&self, keys: &[&'k str]) -> Option<&'k str> {
        keys.iter().find(|&&key| self.0.contains_key(key)).copied()
    }

    fn add_score(&mut self, key: &str, options: &[&str], score: i64, member: &str) -> Reply {
        let scores = self.scores_mut(key);
        let old = scores.get(member).copied();
        let changes = old.is_none_or(|old| match options {
            ["NX"] => false,
            ["GT", "CH"] => score > old,
            _ => score != old,
        });
        if changes {
            scores.insert(member.to_owned(), score);
        }
        let counts = if options.contains(&"CH") { changes } else { old.is_none() };
        count(counts.into())
    }

    /// Takes members from one end: their names and scores.
    fn pop_scores(&mut self, key: &str, from_the_last: bool, most: i64) -> Vec<[Reply; 2]> {
        let mut ranked = self.ranked(key);
        if from_the_last {
            ranked.reverse();
        }
        ranked.truncate(usize::try_from(most).expect("a count"));
        let scores = self.scores_mut(key);
        for (_, member) in &ranked {
            scores.remove(member);
        }
        self.drop_empty(key);
        ranked.into_iter().map(pair).collect()
    }

    fn unite(&mut self, to: &str, from: &[&str]) -> Reply {
        let mut sums = BTreeMap::<String, i64>::new();
        for (score, member) in from.iter().flat_map(|key| self.ranked(key)) {
            *sums.entry(member).or_default() += score;
        }
        let united = count(sums.len());
        *self.scores_mut(to) = sums;
        self.drop_empty(to);
        united
    }
}

/// A member and its score, as replies have them.
fn pair((score, member): (i64, String)) -> [Reply; 2] {
    [bulk(&member), bulk(&score.to_string())]
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}
