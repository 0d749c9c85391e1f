//! Pictures against a copy of the instant, while keys come, change and go.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::entry::IntBuf;
use crate::keyspace::Keyspace;

const WORKER: usize = 0;
const DATABASES: u32 = 2;
/// Keys of few shards, so that tables split and merge.
const KEYS: usize = 300;
const SHARDS_USED: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// Gives a key a value, or another one.
    Put(u32, usize, u8),
    Remove(u32, usize),
    /// Removes some keys whose time has come; a quarter of the keys have one.
    Expire(usize),
    Take(u32),
    /// Begins a picture if none is being taken, otherwise covers a few buckets.
    Walk(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..DATABASES, 0..KEYS, any::<u8>()).prop_map(|(db, key, value)| Step::Put(db, key, value)),
        16 => (0..DATABASES, 0..KEYS).prop_map(|(db, key)| Step::Remove(db, key)),
        1 => (0..8_usize).prop_map(Step::Expire),
        1 => (0..DATABASES).prop_map(Step::Take),
        8 => (1..6_usize).prop_map(Step::Walk),
    ]
}

type Content = BTreeMap<(u32, Vec<u8>), Vec<u8>>;

#[derive(Default)]
struct Album {
    content: Mutex<Content>,
    orphans: Mutex<Vec<(u32, Table<Entry>, bool)>>,
}

impl Album {
    fn paste(&self, db: u32, entry: &Entry) {
        let value = entry.string_bytes(&mut IntBuf::new()).to_vec();
        let known =
            self.content.lock().expect("no test panics").insert((db, entry.key().into()), value);
        assert_eq!(known, None, "N1: once");
    }
}

impl Picture for Album {
    fn take(&self, db: u32, entry: &Entry) -> bool {
        self.paste(db, entry);
        true
    }

    fn begin(&self, _: u32, _: u64, _: &mut Entry) {
        unreachable!("there are only strings");
    }

    fn moved(&self, _: u32, _: u64, _: &Entry) {}

    fn adopt(&self, db: u32, table: Table<Entry>, covered: bool) {
        self.orphans.lock().expect("no test panics").push((db, table, covered));
    }
}

/// A picture that is being taken: what it should become, and where the walker is.
struct Session {
    album: Arc<Album>,
    expected: Content,
    shard: usize,
    db: u32,
    cursor: u64,
}

struct World {
    keyspace: Keyspace,
    names: Vec<Vec<u8>>,
    shards: Vec<usize>,
    session: Option<Session>,
    finished: usize,
}

impl World {
    fn new() -> Self {
        let keyspace = Keyspace::new(DATABASES, 1, [3; 16], Box::new(|_| ()));
        let shard = |name: &[u8]| keyspace.shard_of(keyspace.hash(name));
        let names = (0..).map(|number: u32| format!("key {number}").into_bytes());
        let names: Vec<_> = names.filter(|name| shard(name) < SHARDS_USED).take(KEYS).collect();
        let shards = (0..keyspace.shard_count()).collect();
        World { keyspace, names, shards, session: None, finished: 0 }
    }

    fn guard(&self, shard: usize) -> ShardGuard<'_> {
        self.keyspace.lock(shard, WORKER).expect("nobody else locks")
    }

    fn content(&self) -> Content {
        let mut content = Content::new();
        for shard in 0..SHARDS_USED {
            let guard = self.guard(shard);
            for (number, db) in guard.shard().dbs() {
                for entry in db.table().iter() {
                    let value = entry.string_bytes(&mut IntBuf::new()).to_vec();
                    content.insert((number, entry.key().to_vec()), value);
                }
            }
        }
        content
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Put(db, key, value) => {
                let name = &self.names[key];
                let hash = self.keyspace.hash(name);
                let mut guard = self.guard(self.keyspace.shard_of(hash));
                let is_known = guard.update(db, hash, name, |entry| entry.set_bytes(&[value; 3]));
                if is_known.is_none() {
                    let expire_at_ms = (key % 4 == 0).then_some(i64::from(value));
                    guard.insert(db, hash, Entry::with_bytes(name, &[value; 3], expire_at_ms));
                }
            }
            Step::Remove(db, key) => {
                let name = &self.names[key];
                let hash = self.keyspace.hash(name);
                self.guard(self.keyspace.shard_of(hash)).remove(db, hash, name);
            }
            Step::Expire(limit) => {
                for shard in 0..SHARDS_USED {
                    self.guard(shard).expire_due(128, limit, |_, _, _| ());
                }
            }
            Step::Take(db) => {
                let mut exclusive = self.keyspace.exclusive(WORKER).expect("nobody is inside");
                exclusive.take_db(db);
            }
            Step::Walk(buckets) => self.walk(buckets),
        }
    }

    fn walk(&mut self, buckets: usize) {
        let Some(mut session) = self.session.take() else {
            let album = Arc::<Album>::default();
            let expected = self.content();
            let picture: Arc<dyn Picture> = album.clone();
            let mut exclusive = self.keyspace.exclusive(WORKER).expect("nobody is inside");
            exclusive.begin_picture(&picture);
            drop(exclusive);
            self.session = Some(Session { album, expected, shard: 0, db: 0, cursor: 0 });
            return;
        };
        for _ in 0..buckets {
            let Some(shard) = self.shards.get(session.shard) else {
                self.finish(session);
                return;
            };
            let mut guard = self.guard(*shard);
            guard.cover(session.db, session.cursor);
            assert!(guard.is_covered(session.db, session.cursor));
            let content = guard.shard().db(session.db);
            let cursor = session.cursor;
            session.cursor = content.map_or(0, |db| db.table().scan(cursor, &mut |_| ()));
            if session.cursor == 0 {
                session.db += 1;
                if session.db == DATABASES {
                    guard.end_picture();
                    (session.db, session.shard) = (0, session.shard + 1);
                    if session.shard == SHARDS_USED {
                        // The other shards have no keys.
                        drop(guard);
                        (SHARDS_USED..self.shards.len())
                            .for_each(|at| self.guard(at).end_picture());
                        session.shard = self.shards.len();
                    }
                }
            }
        }
        self.session = Some(session);
    }

    fn finish(&mut self, session: Session) {
        let orphans = std::mem::take(&mut *session.album.orphans.lock().expect("no test panics"));
        for (db, table, covered) in orphans {
            let mut cursor = 0;
            loop {
                let is_covered = table.epoch(cursor) == covered;
                cursor = table.scan(cursor, &mut |entry| {
                    if !is_covered {
                        session.album.paste(db, entry);
                    }
                });
                if cursor == 0 {
                    break;
                }
            }
        }
        assert_eq!(*session.album.content.lock().expect("no test panics"), session.expected, "N1");
        for shard in 0..SHARDS_USED {
            let guard = self.guard(shard);
            assert!(guard.shard().carries_its_epoch() && !guard.has_picture(), "N2");
            for (_, db) in guard.shard().dbs() {
                db.check_invariants(self.keyspace.hasher());
            }
        }
        self.finished += 1;
    }
}

proptest! {
    #[test]
    fn a_picture_is_of_its_instant(
        filled in 0..2 * KEYS,
        steps in vec(step(), 0..1500),
    ) {
        let mut world = World::new();
        for number in 0..filled {
            world.apply(Step::Put((number % 2) as u32, number / 2, number as u8));
        }
        steps.into_iter().for_each(|step| world.apply(step));
        for _ in 0..10 * KEYS {
            world.walk(5);
            if world.session.is_none() {
                break;
            }
        }
        prop_assert!(world.finished > 0);
    }
}
