//! Where a command's keys are among its arguments.
//!
//! The model is Redis 7's key specifications: where to begin looking, then how to find the keys from
//! there. Dispatch uses them to know which shards to lock, COMMAND GETKEYS to answer.

bitflags::bitflags! {
    /// What a command does with the keys of one specification.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct KeyFlags: u32 {
        /// Read-only.
        const RO = 1;
        /// Read and write.
        const RW = 1 << 1;
        /// Overwrite, whatever was there.
        const OW = 1 << 2;
        /// Remove.
        const RM = 1 << 3;
        /// Returns or uses the user data of the value.
        const ACCESS = 1 << 4;
        /// Updates data that depends on what was there.
        const UPDATE = 1 << 5;
        /// Adds data, losing none.
        const INSERT = 1 << 6;
        /// Deletes data.
        const DELETE = 1 << 7;
        /// Not a key, though it is routed like one.
        const NOT_KEY = 1 << 8;
        /// The specification does not find all keys.
        const INCOMPLETE = 1 << 9;
        /// The flags depend on the arguments.
        const VARIABLE_FLAGS = 1 << 10;
    }
}

/// What most commands do with a key.
impl KeyFlags {
    /// Reads the value.
    pub const READS: KeyFlags = Self::RO.union(Self::ACCESS);
    /// Replaces the value.
    pub const OVERWRITES: KeyFlags = Self::OW.union(Self::UPDATE);
    /// Adds the key if it is absent.
    pub const INSERTS: KeyFlags = Self::OW.union(Self::INSERT);
    /// Changes the value depending on what it was, and returns it.
    pub const EXCHANGES: KeyFlags = Self::RW.union(Self::ACCESS).union(Self::UPDATE);
    /// Removes the key and returns or uses the value.
    pub const TAKES: KeyFlags = Self::RW.union(Self::ACCESS).union(Self::DELETE);
}

/// Where to begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin {
    /// At this argument.
    Index(usize),
    /// After this word, looked for from an argument on (from the end, if negative).
    Keyword(&'static str, i32),
    /// After the last `word` from an argument on that is no argument of another option, of which it is
    /// known how many each has. Clients are told that they cannot know.
    LastOption {
        /// The option whose argument is a key.
        word: &'static str,
        /// Where the options begin.
        from: usize,
        /// Other options, and how many arguments each has.
        others: &'static [(&'static str, usize)],
    },
    /// The keys are not among the arguments. Clients are told that they cannot know.
    Nowhere,
}

/// How to find the keys from there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Find {
    /// Up to `last` (relative to the beginning; negative: from the end), every `step`. A `limit`
    /// above 1 takes only that fraction of the arguments.
    Range {
        /// The last key, relative.
        last: i32,
        /// Distance from key to key.
        step: usize,
        /// 0 or 1: no limit; 2: half of the arguments, and so on.
        limit: usize,
    },
    /// A number of keys at `count`, the first key at `first` (both relative), every `step`.
    KeyNum {
        /// Where the number is.
        count: usize,
        /// Where the first key is.
        first: usize,
        /// Distance from key to key.
        step: usize,
    },
}

/// One group of keys of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeySpec {
    /// What happens to them.
    pub flags: KeyFlags,
    /// Where to begin.
    pub begin: Begin,
    /// How to go on.
    pub find: Find,
}

impl KeySpec {
    /// One key at an argument.
    pub const fn one(index: usize, flags: KeyFlags) -> Self {
        Self::range(index, 0, 1, flags)
    }

    /// Keys from an argument up to another (relative, or negative from the end) by a step.
    pub const fn range(index: usize, last: i32, step: usize, flags: KeyFlags) -> Self {
        KeySpec { flags, begin: Begin::Index(index), find: Find::Range { last, step, limit: 0 } }
    }

    /// The positions of the keys in a call whose keys do not depend on its arguments but only on their
    /// number.
    #[inline]
    pub fn plain_positions(&self, argc: usize) -> Option<KeyPositions> {
        let is_key = !self.flags.contains(KeyFlags::NOT_KEY);
        match (self.begin, self.find) {
            (Begin::Index(begin), Find::Range { last, step, limit: 0 }) if last < 0 && is_key => {
                let last = argc.checked_add_signed(last as isize)?;
                (begin <= last).then_some(KeyPositions { next: begin, last, step })
            }
            _ => None,
        }
    }

    /// The positions of the keys in a call; none if the call does not have the form expected.
    pub fn positions<'a>(
        &self,
        argc: usize,
        arg: impl Fn(usize) -> &'a [u8],
    ) -> Option<KeyPositions> {
        let begin = match self.begin {
            Begin::Index(index) => index,
            Begin::Keyword(word, from) => {
                let is_word = |at: &usize| arg(*at).eq_ignore_ascii_case(word.as_bytes());
                let found = if from >= 0 {
                    (from as usize..argc).find(is_word)
                } else {
                    (1..argc.checked_add_signed(from as isize)? + 1).rev().find(is_word)
                };
                found? + 1
            }
            Begin::LastOption { word, from, others } => {
                let mut found = None;
                let mut at = from;
                while at + 1 < argc {
                    let is = |word: &str| arg(at).eq_ignore_ascii_case(word.as_bytes());
                    let other = others.iter().find(|(other, _)| is(other));
                    found = if is(word) { Some(at) } else { found };
                    at += 1 + other.map_or(0, |(_, arguments)| *arguments);
                }
                found? + 1
            }
            Begin::Nowhere => return None,
        };
        if begin >= argc {
            return None;
        }
        match self.find {
            Find::Range { last, step, limit } => {
                let last = if last >= 0 {
                    begin + last as usize
                } else if limit > 1 {
                    begin + (argc - begin) / limit - 1
                } else {
                    argc.checked_add_signed(last as isize)?
                };
                (last < argc).then_some(KeyPositions { next: begin, last, step })
            }
            Find::KeyNum { count, first, step } => {
                let at = begin.checked_add(count).filter(|at| *at < argc)?;
                let keys = usize::try_from(russet_data::number::parse_i64(arg(at))?).ok()?;
                let first = begin + first;
                let last = first.checked_add(keys.checked_sub(1)?.checked_mul(step)?)?;
                (last < argc).then_some(KeyPositions { next: first, last, step })
            }
        }
    }
}

/// Argument indices of keys, in order.
#[derive(Clone, Copy, Debug)]
pub struct KeyPositions {
    next: usize,
    last: usize,
    step: usize,
}

impl Iterator for KeyPositions {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        (self.next <= self.last).then(|| {
            let at = self.next;
            self.next += self.step.max(1);
            at
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(spec: KeySpec, call: &str) -> Vec<usize> {
        let args: Vec<&[u8]> = call.split(' ').map(str::as_bytes).collect();
        spec.positions(args.len(), |at| args[at]).into_iter().flatten().collect()
    }

    #[test]
    fn positions_follow_the_specification() {
        let rw = KeyFlags::RW;
        assert_eq!(found(KeySpec::one(1, rw), "get a"), [1]);
        assert_eq!(found(KeySpec::range(1, -1, 2, rw), "mset a 1 b 2"), [1, 3]);
        assert_eq!(found(KeySpec::range(1, -1, 1, rw), "del a b c"), [1, 2, 3]);
        assert_eq!(found(KeySpec::range(1, 1, 1, rw), "rename a b"), [1, 2]);
        assert_eq!(found(KeySpec::range(2, -1, 1, rw), "bitop and"), []);
        let keynum = KeySpec {
            flags: rw,
            begin: Begin::Index(2),
            find: Find::KeyNum { count: 0, first: 1, step: 1 },
        };
        assert_eq!(found(keynum, "eval s 2 a b c"), [3, 4]);
        assert_eq!(found(keynum, "eval s 4 a b c"), []);
        assert_eq!(found(keynum, "eval s 0"), []);
        assert_eq!(found(keynum, "eval s -1 a"), []);
        let store = KeySpec {
            flags: rw,
            begin: Begin::Keyword("STORE", 3),
            find: Find::Range { last: 0, step: 1, limit: 0 },
        };
        assert_eq!(found(store, "georadius k x store dst"), [4]);
        assert_eq!(found(store, "georadius k x count 1"), []);
        let others = &[("LIMIT", 2), ("BY", 1)];
        let last = KeySpec { begin: Begin::LastOption { word: "STORE", from: 2, others }, ..store };
        assert_eq!(found(last, "sort k limit 0 1 store a desc store b"), [9]);
        assert_eq!(found(last, "sort k by store limit store a"), []);
        assert_eq!(found(last, "sort k store"), []);
        assert_eq!(found(KeySpec { begin: Begin::Nowhere, ..store }, "sort k"), []);
    }
}
