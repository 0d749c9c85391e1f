//! What the clients do: commands on values of one type, chosen at random.

use fastrand::Rng;

/// The commands of one history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Strings, read and written one by one and several at once.
    Strings,
    /// Lists that are filled and emptied at both ends, and moved between.
    Queues,
    /// Lists whose elements clients wait for, for some milliseconds at most.
    Waiting,
    /// Sorted sets, which some clients wait for.
    SortedSets,
}

/// Keys that everyone uses. With so few, most commands meet another one.
const KEYS: [&str; 4] = ["a", "b", "c", "d"];
/// Members of sorted sets, few for the same reason.
const MEMBERS: [&str; 5] = ["one", "two", "three", "four", "five"];

impl Workload {
    /// A command with random keys. `value` makes values that nobody else writes, so that a reply
    /// tells whose write it saw.
    pub fn line(self, rng: &mut Rng, mut value: impl FnMut() -> String) -> Vec<String> {
        let keys = [(); 3].map(|()| random_key(rng));
        let values = [value(), value()];
        let values = values.each_ref().map(String::as_str);
        let member = MEMBERS[rng.usize(..MEMBERS.len())];
        let score = rng.i32(-3..9).to_string();
        match self {
            Workload::Strings => strings(rng, keys, values),
            Workload::Queues => queues(rng, keys, values),
            Workload::Waiting => waiting(rng, keys, values),
            Workload::SortedSets => sorted_sets(rng, keys, member, &score),
        }
    }
}

/// One of the keys.
pub fn random_key(rng: &mut Rng) -> &'static str {
    KEYS[rng.usize(..KEYS.len())]
}

fn strings(rng: &mut Rng, [one, other, third]: [&str; 3], [x, y]: [&str; 2]) -> Vec<String> {
    let words: &[&str] = match rng.u32(..16) {
        0 | 1 => &["GET", one],
        2 => &["SET", one, x],
        3 => &["INCR", one],
        4 => &["DEL", one, other],
        5 => &["GETSET", one, x],
        6 => &["SETNX", one, x],
        7 => &["APPEND", one, "7"],
        8 | 9 => &["MGET", one, other, third],
        10 | 11 => &["MSET", one, x, other, y],
        12 => &["MSETNX", one, x, other, y],
        13 => &["EXISTS", one, other],
        14 => &["RENAME", one, other],
        _ => &["COPY", one, other],
    };
    owned(words)
}

fn queues(rng: &mut Rng, [one, other, third]: [&str; 3], [x, y]: [&str; 2]) -> Vec<String> {
    let words: &[&str] = match rng.u32(..18) {
        0 | 1 => &["RPUSH", one, x],
        2 => &["RPUSH", one, x, y],
        3 => &["LPUSH", one, x, y],
        4 => &["RPUSHX", one, x],
        5 | 6 => &["LPOP", one],
        7 => &["RPOP", one],
        8 => &["RPOPLPUSH", one, other],
        9 => &["LMOVE", one, other, "LEFT", "RIGHT"],
        10 | 11 => &["LMPOP", "3", one, other, third, "LEFT", "COUNT", "2"],
        12 => &["LRANGE", one, "0", "-1"],
        13 => &["LLEN", one],
        14 => &["DEL", one, other],
        15 => &["EXISTS", one, other, third],
        16 => &["RENAME", one, other],
        _ => &["COPY", one, other],
    };
    owned(words)
}

fn waiting(rng: &mut Rng, [one, other, third]: [&str; 3], [x, y]: [&str; 2]) -> Vec<String> {
    let words: &[&str] = match rng.u32(..14) {
        0 | 1 => &["RPUSH", one, x],
        2 => &["RPUSH", one, x, y],
        3 => &["LPUSH", one, x],
        4 => &["LMOVE", one, other, "LEFT", "RIGHT"],
        5 => &["RENAME", one, other],
        6 => &["LRANGE", one, "0", "-1"],
        7 | 8 => &["BLPOP", one, other, third, "0.003"],
        9 => &["BRPOP", one, "0.004"],
        10 => &["BLMOVE", one, other, "LEFT", "RIGHT", "0.004"],
        11 => &["BRPOPLPUSH", one, other, "0.002"],
        12 => &["BLMPOP", "0.003", "2", one, other, "LEFT", "COUNT", "2"],
        _ => &["DEL", one],
    };
    owned(words)
}

fn sorted_sets(
    rng: &mut Rng,
    [one, other, third]: [&str; 3],
    member: &str,
    score: &str,
) -> Vec<String> {
    let words: &[&str] = match rng.u32(..18) {
        0..3 => &["ZADD", one, score, member],
        3 => &["ZADD", one, "NX", score, member],
        4 => &["ZADD", one, "GT", "CH", score, member],
        5 | 6 => &["ZINCRBY", one, score, member],
        7 => &["ZREM", one, member],
        8 => &["ZPOPMIN", one],
        9 => &["ZPOPMAX", one, "2"],
        10 => &["ZMPOP", "2", one, other, "MIN", "COUNT", "2"],
        11 => &["BZPOPMIN", one, other, "0.002"],
        12 => &["ZRANGE", one, "0", "-1", "WITHSCORES"],
        13 => &["ZRANK", one, member],
        14 => &["ZCOUNT", one, "0", score],
        15 => &["ZUNIONSTORE", one, "2", other, third],
        16 => &["DEL", one, other],
        _ => &["RENAME", one, other],
    };
    owned(words)
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
