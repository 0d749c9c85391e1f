//! A batch: the commands of one round, parsed but not yet executed.
//!
//! Parsing ahead is what makes prefetching possible. Before a window of commands is executed, three
//! passes over it ask the memory for what the execution will touch: first the buckets, then the
//! entries the buckets point to, then the few entries that lie behind a full bucket; if strings are long,
//! and the commands read them or write long ones, a further one asks for the rest of them. The shards' own
//! lines are asked for as soon as a key is hashed. Where commands name an element of a collection,
//! three more passes go on from the entry to the collection, its bucket and the element; and where such
//! an element gets a score, three go to the places in the order that it leaves and comes to.

use std::ops::Range;

use russet_data::object::PlaceAhead;
use russet_data::table::{Ahead, CACHE_LINE_BYTES};
use russet_keyspace::keyspace::{Keyspace, ShardGuard};
use russet_resp::{ArgSpan, ProtocolError};
use smallvec::SmallVec;

use crate::command::{CommandEntry, Flags, LookupError, Recent};

/// Keys per window: enough to hide the memory behind each other, few enough that what was fetched is
/// still in the cache when it is used.
const WINDOW: usize = 32;

/// So many keys of a window tell whether its strings are long.
const LENGTHS_SEEN: usize = 2;

/// In place of a connection that is closed.
pub const GONE: usize = usize::MAX;

/// Where a command's bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// In the worker's arena, from this byte on.
    Arena(usize),
    /// In its connection's `query`, from this byte on.
    Query(usize),
}

/// Elements of one of a batch's vectors that lie side by side.
#[derive(Clone, Copy)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// What was added to a vector since it had `start` elements.
    #[inline]
    pub fn since<T>(start: usize, vector: &[T]) -> Self {
        Span { start: start as u32, end: vector.len() as u32 }
    }

    /// The elements.
    #[inline]
    pub fn of<T>(self, vector: &[T]) -> &[T] {
        &vector[self.start as usize..self.end as usize]
    }
}

/// What a connection asked for.
pub enum Item {
    /// A command.
    Command {
        /// The command it names.
        entry: Result<&'static CommandEntry, LookupError>,
        /// Its arguments in [`Batch::spans`].
        spans: Span,
        /// The hashes of its keys in [`Batch::hashes`].
        hashes: Span,
        /// Where its bytes are.
        source: Source,
    },
    /// Bytes that are no request: the connection is told and closed.
    Garbage(ProtocolError),
}

/// An element that a command looks for in the value of its key.
struct Element {
    /// Where the hash of its key is in [`Batch::hashes`].
    key: usize,
    hash: u64,
    /// The score that it will have, if the command is about that.
    score: Option<f64>,
}

/// See the module's documentation.
#[derive(Default)]
pub struct Batch {
    /// Each with its connection; those of one connection follow each other.
    pub items: Vec<(usize, Item)>,
    /// Arguments of all commands.
    pub spans: Vec<ArgSpan>,
    /// Hashes of the keys of all commands.
    pub hashes: Vec<u64>,
    /// The databases that keys are in, as far as is known before execution, each with the first hash
    /// of its keys; up to the next one they are all in it.
    databases: Vec<(usize, u32)>,
    /// The elements that commands look for, in the order of the keys.
    elements: Vec<Element>,
    /// The command of the last item that names one.
    pub recent: Recent,
    /// The next item to be executed.
    pub next: usize,
    /// Items before this one were prefetched.
    prefetched: usize,
}

/// Arguments for which a batch keeps room from round to round.
const SPANS_KEPT: usize = 8192;

impl Batch {
    /// Whether every item was executed.
    pub fn is_done(&self) -> bool {
        self.next == self.items.len()
    }

    /// Whether there is enough to prefetch. More would only push out of the processor's caches what
    /// was just received, and what the replies are written to.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.hashes.len() >= WINDOW
    }

    /// The connection that asked for the next item.
    #[inline]
    pub fn next_connection(&self) -> Option<usize> {
        self.items.get(self.next).map(|(at, _)| *at)
    }

    /// Drops what a connection that is closed still asks for, and that it asked for anything: another
    /// may be given its number.
    pub fn forget(&mut self, connection: usize) {
        for (at, _) in &mut self.items {
            if *at == connection {
                *at = GONE;
            }
        }
    }

    /// Makes room for the next round, which is not expected to have a command with as many arguments
    /// as the largest there ever was.
    pub fn clear(&mut self) {
        if self.spans.capacity() > SPANS_KEPT {
            *self = Batch::default();
            return;
        }
        self.items.clear();
        self.spans.clear();
        self.hashes.clear();
        self.databases.clear();
        self.elements.clear();
        self.next = 0;
        self.prefetched = 0;
    }

    /// Adds the hash of a key in a physical database and begins to fetch its shard.
    #[inline]
    pub fn add_hash(&mut self, keyspace: &Keyspace, db: u32, hash: u64) {
        keyspace.prefetch_shard(keyspace.shard_of(hash));
        if self.databases.last().is_none_or(|(_, last)| *last != db) {
            self.databases.push((self.hashes.len(), db));
        }
        self.hashes.push(hash);
    }

    /// Adds the hash of an element of the value of the key that was added last.
    #[inline]
    pub fn add_element(&mut self, hash: u64, score: Option<f64>) {
        self.elements.push(Element { key: self.hashes.len() - 1, hash, score });
    }

    /// Prefetches the next window if its first item is due. A shard that is busy is passed over:
    /// prefetching is only advice.
    #[inline]
    pub fn prefetch(&mut self, keyspace: &Keyspace) {
        if self.next >= self.prefetched {
            self.prefetch_window(keyspace);
        }
    }

    fn prefetch_window(&mut self, keyspace: &Keyspace) {
        let keys = self.next_window();
        if keys.len() < 2 {
            return;
        }
        let elements = self.elements_of(&keys);
        let in_order = |keys: &Range<usize>| keys.clone().map(|key| self.key(key));
        pass(keyspace, in_order(&keys), |guard, db, hash| guard.prefetch_bucket(db, hash));
        let mut behind: SmallVec<[(u64, u32); WINDOW]> = SmallVec::new();
        pass(keyspace, in_order(&keys), |guard, db, hash| {
            if guard.prefetch_entry(db, hash) {
                behind.push((hash, db));
            }
        });
        pass(keyspace, behind.iter().copied(), |guard, db, hash| {
            guard.prefetch_overflow_entry(db, hash);
        });
        if !elements.is_empty() {
            self.prefetch_elements(keyspace, elements);
        }
        if !self.touches_strings() {
            return;
        }
        // Whether there are long strings is known by the first of the window, which are there by now.
        let mut are_long = false;
        pass(keyspace, in_order(&keys).take(LENGTHS_SEEN), |guard, db, hash| {
            are_long |= guard.prefetch_rest(db, hash);
        });
        if are_long {
            pass(keyspace, in_order(&keys).skip(LENGTHS_SEEN), |guard, db, hash| {
                guard.prefetch_rest(db, hash);
            });
        }
    }

    /// Whether the next command, which those that follow are taken to resemble, touches all of a long
    /// string: it reads, or it writes one. Others only free it.
    fn touches_strings(&self) -> bool {
        let Some((_, Item::Command { entry: Ok(entry), spans, .. })) = self.items.get(self.next)
        else {
            return false;
        };
        let is_long = |last: &ArgSpan| last.inline_len().is_none_or(|len| len > CACHE_LINE_BYTES);
        entry.flags().contains(Flags::READONLY) || spans.of(&self.spans).last().is_some_and(is_long)
    }

    /// The hash of a key and its database.
    #[inline]
    fn key(&self, at: usize) -> (u64, u32) {
        let run = match self.databases.len() {
            1 => 0,
            _ => self.databases.partition_point(|(first, _)| *first <= at) - 1,
        };
        (self.hashes[at], self.databases[run].1)
    }

    fn prefetch_elements(&self, keyspace: &Keyspace, elements: &[Element]) {
        let each = |step: &dyn Fn(&ShardGuard<'_>, u32, u64, &Element)| {
            for element in elements {
                let (hash, db) = self.key(element.key);
                if let Some(guard) = keyspace.try_lock(keyspace.shard_of(hash)) {
                    step(&guard, db, hash, element);
                }
            }
        };
        each(&|guard, db, hash, _| guard.prefetch_object(db, hash));
        for ahead in [Ahead::Bucket, Ahead::Element] {
            each(&|guard, db, hash, element| guard.prefetch_element(db, hash, element.hash, ahead));
        }
        if elements.iter().all(|element| element.score.is_none()) {
            return;
        }
        for ahead in [PlaceAhead::Branch, PlaceAhead::Leaf, PlaceAhead::Neighbour] {
            each(&|guard, db, hash, element| {
                if let Some(score) = element.score {
                    guard.prefetch_place(db, hash, element.hash, score, ahead);
                }
            });
        }
    }

    /// The elements that are looked for in the values of some keys.
    fn elements_of(&self, keys: &Range<usize>) -> &[Element] {
        let from = self.elements.partition_point(|element| element.key < keys.start);
        let until = self.elements.partition_point(|element| element.key < keys.end);
        &self.elements[from..until]
    }

    /// Moves `prefetched` on over a window of items, of which it contains one at least. Returns their
    /// hashes, which lie side by side.
    fn next_window(&mut self) -> Range<usize> {
        let mut window: Option<Span> = None;
        self.prefetched = self.next;
        for (_, item) in &self.items[self.next..] {
            self.prefetched += 1;
            if let Item::Command { hashes, .. } = item {
                let start = window.map_or(hashes.start, |window| window.start);
                window = Some(Span { start, end: hashes.end });
                if (hashes.end - start) as usize >= WINDOW {
                    break;
                }
            }
        }
        window.map_or(0..0, |window| window.start as usize..window.end as usize)
    }
}

/// One pass of prefetching over some keys. A shard that is busy is passed over.
#[inline]
fn pass(
    keyspace: &Keyspace,
    keys: impl Iterator<Item = (u64, u32)>,
    mut fetch: impl FnMut(&ShardGuard<'_>, u32, u64),
) {
    for (hash, db) in keys {
        if let Some(guard) = keyspace.try_lock(keyspace.shard_of(hash)) {
            fetch(&guard, db, hash);
        }
    }
}
