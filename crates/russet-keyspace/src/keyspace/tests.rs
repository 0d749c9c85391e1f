//! The keyspace against a map, its answers to contention, and its counts under threads.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;
use russet_data::relocation::Relocation;
use russet_data::table::Table;

use super::*;
use crate::entry::IntBuf;

const DATABASES: u32 = 3;
const WORKER: usize = 0;
const HASH_KEY: [u8; 16] = [7; 16];
/// The shards of all keys in these tests: few, so that each has many.
const USED_SHARDS: [usize; 3] = [0, 1, 600];
/// Keys in these tests: enough for tables to grow.
const KEYS: usize = 150;
fn keyspace(workers: usize) -> Keyspace {
    Keyspace::new(DATABASES, workers, HASH_KEY, Box::new(|_| ()))
}

/// Keys that lie in the used shards.
static NAMES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let keyspace = keyspace(1);
    let names = (0..).map(|number: u32| format!("key:{number}").into_bytes());
    let is_used = |name: &Vec<u8>| USED_SHARDS.contains(&keyspace.shard_of(keyspace.hash(name)));
    names.filter(is_used).take(KEYS).collect()
});

#[derive(Clone, Debug)]
enum Operation {
    Put { db: u32, key: usize, value: Vec<u8>, expire_at_ms: Option<i64> },
    Update { db: u32, key: usize, value: Vec<u8>, expire_at_ms: Option<i64> },
    Mark { db: u32, key: usize, bits: u32 },
    Remove { db: u32, key: usize },
    Expire { shard: usize, limit: usize },
    Elapse(i64),
    Swap(u32, u32),
    Take(u32),
}

/// Times around those that the tests run through, some equal, and a few extreme ones.
fn deadline() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        4 => Just(None),
        4 => (0..40_i64).prop_map(Some),
        4 => (0..100_000_i64).prop_map(Some),
        1 => prop_oneof![Just(-1), Just(DEADLINE_MAX_MS), Just(i64::MAX)].prop_map(Some),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let value = || vec(any::<u8>(), 0..100);
    prop_oneof![
        30 => (0..DATABASES, 0..KEYS, value(), deadline())
            .prop_map(|(db, key, value, expire_at_ms)| Operation::Put { db, key, value, expire_at_ms }),
        10 => (0..DATABASES, 0..KEYS, value(), deadline())
            .prop_map(|(db, key, value, expire_at_ms)| Operation::Update { db, key, value, expire_at_ms }),
        3 => (0..DATABASES, 0..KEYS, 0..1_u32 << 24)
            .prop_map(|(db, key, bits)| Operation::Mark { db, key, bits }),
        10 => (0..DATABASES, 0..KEYS).prop_map(|(db, key)| Operation::Remove { db, key }),
        3 => (0..USED_SHARDS.len(), 0..20_usize)
            .prop_map(|(shard, limit)| Operation::Expire { shard: USED_SHARDS[shard], limit }),
        3 => prop_oneof![0..20_i64, 0..30_000_i64].prop_map(Operation::Elapse),
        1 => (0..DATABASES, 0..DATABASES).prop_map(|(one, other)| Operation::Swap(one, other)),
        1 => (0..DATABASES).prop_map(Operation::Take),
    ]
}

#[derive(Clone, PartialEq, Debug)]
struct Value {
    bytes: Vec<u8>,
    expire_at_ms: Option<i64>,
    access_bits: u32,
}

impl Value {
    /// The deadline as the expiry index has it.
    fn deadline_ms(&self) -> Option<i64> {
        self.expire_at_ms.map(|deadline_ms| deadline_ms.clamp(0, DEADLINE_MAX_MS))
    }
}

fn value_of(entry: &Entry) -> Value {
    Value {
        bytes: entry.string_bytes(&mut IntBuf::new()).to_vec(),
        expire_at_ms: entry.expire_at_ms(),
        access_bits: entry.access_bits(),
    }
}

/// A keyspace, and what should be in it: by physical database and number of the key.
struct Pair {
    keyspace: Keyspace,
    model: BTreeMap<(u32, usize), Value>,
    physical: Vec<u32>,
    now_ms: i64,
}

impl Pair {
    fn new() -> Self {
        Pair {
            keyspace: keyspace(1),
            model: BTreeMap::new(),
            physical: (0..DATABASES).collect(),
            now_ms: 0,
        }
    }

    fn guard(&self, key: usize) -> (ShardGuard<'_>, u64) {
        let hash = self.keyspace.hash(&NAMES[key]);
        let guard = self.keyspace.lock(self.keyspace.shard_of(hash), WORKER);
        (guard.expect("nobody else locks"), hash)
    }

    fn exclusive(&self) -> Exclusive<'_> {
        self.keyspace.exclusive(WORKER).expect("nobody else is inside")
    }

    fn shard(&self, key: usize) -> usize {
        self.keyspace.shard_of(self.keyspace.hash(&NAMES[key]))
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Put { db, key, value, expire_at_ms } => {
                let entry = || Entry::with_bytes(&NAMES[key], &value, expire_at_ms);
                let new = value_of(&entry());
                let known = self.model.get(&(db, key)).cloned();
                let (mut guard, hash) = self.guard(key);
                let old = guard.replace(db, hash, entry());
                assert_eq!(old.as_ref().map(value_of), known);
                if old.is_none() {
                    guard.insert(db, hash, entry());
                }
                drop(guard);
                self.model.insert((db, key), new);
            }
            Operation::Update { db, key, value, expire_at_ms } => {
                let (mut guard, hash) = self.guard(key);
                let updated = guard.update(db, hash, &NAMES[key], |entry| {
                    entry.set_bytes(&value);
                    entry.set_expire_at_ms(expire_at_ms);
                    value_of(entry)
                });
                drop(guard);
                assert_eq!(updated.is_some(), self.model.contains_key(&(db, key)));
                if let Some(updated) = updated {
                    assert_eq!((&updated.bytes, updated.expire_at_ms), (&value, expire_at_ms));
                    self.model.insert((db, key), updated);
                }
            }
            Operation::Mark { db, key, bits } => {
                let (mut guard, hash) = self.guard(key);
                let marked = guard.find_marked(db, hash, &NAMES[key], |_| bits);
                let marked = marked.map(|entry| value_of(&entry));
                drop(guard);
                if let Some(known) = self.model.get_mut(&(db, key)) {
                    known.access_bits = bits;
                }
                assert_eq!(marked.as_ref(), self.model.get(&(db, key)));
            }
            Operation::Remove { db, key } => {
                let (mut guard, hash) = self.guard(key);
                let removed = guard.remove(db, hash, &NAMES[key]);
                drop(guard);
                assert_eq!(removed.as_ref().map(value_of), self.model.remove(&(db, key)));
            }
            Operation::Expire { shard, limit } => self.expire(shard, limit),
            Operation::Elapse(elapsed_ms) => self.now_ms += elapsed_ms,
            Operation::Swap(one, other) => {
                self.exclusive().swap_dbs(one, other);
                self.physical.swap(one as usize, other as usize);
            }
            Operation::Take(db) => {
                let tables = self.exclusive().take_db(db);
                let taken: BTreeMap<_, _> = tables
                    .iter()
                    .flat_map(Table::iter)
                    .map(|entry| ((db, number_of(entry.key())), value_of(&entry)))
                    .collect();
                let expected;
                (expected, self.model) = std::mem::take(&mut self.model)
                    .into_iter()
                    .partition(|((of, _), _): &((u32, usize), Value)| *of == db);
                assert_eq!(taken, expected);
            }
        }
    }

    /// What is due in a shard, or in all shards, as the expiry index sees deadlines.
    fn due(&self, shard: Option<usize>) -> impl Iterator<Item = ((u32, usize), i64)> {
        let deadlines =
            self.model.iter().filter_map(|(id, value)| Some((*id, value.deadline_ms()?)));
        deadlines.filter(move |((_, key), deadline_ms)| {
            shard.is_none_or(|shard| self.shard(*key) == shard)
                && *deadline_ms < self.now_ms.min(DEADLINE_MAX_MS)
        })
    }

    fn expire(&mut self, shard: usize, limit: usize) {
        let mut due: Vec<_> = self.due(Some(shard)).collect();
        let mut expired = Vec::new();
        let mut guard = self.keyspace.lock(shard, WORKER).expect("nobody else locks");
        let removed = guard.expire_due(self.now_ms, limit, |guard, db, entry| {
            let hash = self.keyspace.hash(entry.key());
            assert!(
                guard.find(db, hash, entry.key()).is_none(),
                "it has left before it is told of"
            );
            expired.push(((db, number_of(entry.key())), value_of(&entry)));
        });
        drop(guard);
        assert_eq!(removed, expired.len());
        assert_eq!(removed, due.len().min(limit));
        // Database by database, oldest first; those of one deadline in any order.
        due.sort_by_key(|((db, _), deadline_ms)| (*db, *deadline_ms));
        for (((db, key), value), (due_id, due_at_ms)) in expired.into_iter().zip(due) {
            assert_eq!((db, value.deadline_ms()), (due_id.0, Some(due_at_ms)));
            assert_eq!(self.model.remove(&(db, key)), Some(value));
        }
    }

    /// What can be seen without a lock.
    fn check_outside(&self) {
        for logical in 0..DATABASES {
            let db = self.keyspace.physical_db(logical);
            assert_eq!(db, self.physical[logical as usize]);
            assert_eq!(self.keyspace.logical_db(db), logical);
            let values = || self.model.range((db, 0)..(db + 1, 0)).map(|(_, value)| value);
            assert_eq!(self.keyspace.key_count(db), values().count());
            assert_eq!(self.keyspace.group_key_counts(db).iter().sum::<usize>(), values().count());
            let deadlines = || values().filter_map(Value::deadline_ms);
            let count = deadlines().count();
            assert_eq!(self.keyspace.expiring_count(db), count);
            let mean_ms = deadlines().sum::<i64>().checked_div(count as i64);
            let counted_ms = self.keyspace.mean_deadline_ms(db);
            assert_eq!(counted_ms.is_some(), mean_ms.is_some());
            let error_ms = counted_ms.unwrap_or(0) - mean_ms.unwrap_or(0);
            assert!(error_ms.abs() <= 16, "{counted_ms:?} instead of {mean_ms:?}");
        }
        let due_shards: Vec<_> = self.keyspace.due_shards(0, SHARDS, self.now_ms).collect();
        for ((_, key), deadline_ms) in self.due(None) {
            let shard = self.shard(key);
            assert!(due_shards.contains(&shard), "{shard} is due");
            let next_ms = self.keyspace.next_expiry_ms(shard, shard + 1).expect("a key is due");
            assert!(next_ms <= deadline_ms, "{next_ms} is later than {deadline_ms}");
        }
    }

    /// The whole content, and what must hold between the parts of each shard.
    fn check_inside(&self) {
        let mut content = BTreeMap::new();
        for shard in USED_SHARDS {
            let guard = self.keyspace.lock(shard, WORKER).expect("nobody else locks");
            for (number, db) in guard.shard().dbs() {
                db.check_invariants(self.keyspace.hasher());
                let entries = db.table().iter();
                content.extend(entries.map(|e| ((number, number_of(e.key())), value_of(&e))));
            }
        }
        assert_eq!(content, self.model);
        let exclusive = self.exclusive();
        for db in 0..DATABASES {
            for (key, name) in NAMES.iter().enumerate() {
                let found = exclusive.find(self.shard(key), db, self.keyspace.hash(name), name);
                let found = found.map(|entry| value_of(&entry));
                assert_eq!(found.as_ref(), self.model.get(&(db, key)));
            }
        }
    }
}

fn number_of(name: &[u8]) -> usize {
    NAMES.iter().position(|known| known == name).expect("it is one of these keys")
}

proptest! {
    #[test]
    fn behaves_like_a_map(operations in vec(operation(), 0..400)) {
        let mut pair = Pair::new();
        for operation in operations {
            pair.apply(operation);
            pair.check_outside();
        }
        pair.check_inside();
        // In the end nothing that was due is left behind.
        pair.now_ms = i64::MAX;
        USED_SHARDS.into_iter().for_each(|shard| pair.expire(shard, usize::MAX));
        pair.check_outside();
        pair.check_inside();
        let next_ms = pair.keyspace.next_expiry_ms(0, SHARDS);
        prop_assert!(next_ms.is_none_or(|next_ms| next_ms >= DEADLINE_MAX_MS));
    }
}

/// A keyspace and the wake-ups that it gave out.
fn watched_keyspace(workers: usize) -> (Keyspace, Arc<Mutex<Vec<WorkerSet>>>) {
    let woken = Arc::<Mutex<Vec<WorkerSet>>>::default();
    let log = woken.clone();
    let waker: Waker = Box::new(move |workers| log.lock().unwrap().push(workers));
    (Keyspace::new(1, workers, HASH_KEY, waker), woken)
}

#[test]
fn who_was_refused_a_shard_is_woken_when_it_is_let_go() {
    let (keyspace, woken) = watched_keyspace(3);
    let guard = keyspace.lock(5, 0).expect("it is free");
    assert!(keyspace.try_lock(5).is_none() && keyspace.try_briefly(5).is_none());
    assert!(keyspace.lock(5, 1).is_none());
    assert!(keyspace.lock_all(&[4, 5, 6], 2).is_none());
    assert!(keyspace.try_lock(4).is_some(), "who is refused one of many holds none of them");
    assert!(woken.lock().unwrap().is_empty());
    drop(guard);
    let sets = std::mem::take(&mut *woken.lock().unwrap());
    assert!(sets.len() == 1 && sets[0].contains(1) && sets[0].contains(2) && !sets[0].contains(0));
    let guards = keyspace.lock_all(&[4, 5, 6], 2).expect("all are free");
    assert!(guards.iter().map(ShardGuard::index).eq([4, 5, 6]));
    drop(guards);
    assert!(woken.lock().unwrap().is_empty(), "nobody was refused");
}

#[test]
fn who_was_turned_away_at_the_gate_is_woken_when_it_reopens() {
    let (keyspace, woken) = watched_keyspace(3);
    assert!(keyspace.gate().enter(1));
    assert!(keyspace.exclusive(0).is_none(), "a worker is inside");
    keyspace.gate().leave(1);
    let exclusive = keyspace.exclusive(0).expect("nobody is inside");
    assert!(!keyspace.gate().enter(1));
    assert!(keyspace.exclusive(2).is_none());
    assert!(woken.lock().unwrap().is_empty());
    drop(exclusive);
    let sets = std::mem::take(&mut *woken.lock().unwrap());
    assert!(sets.len() == 1 && sets[0].contains(1) && sets[0].contains(2) && !sets[0].contains(0));
    assert!(keyspace.gate().enter(1));
}

/// Threads that increment counters under the shards' locks, and one that empties the keyspace behind
/// the gate: nothing is lost and nothing counted twice.
#[test]
fn threads_lose_nothing() {
    const WORKERS: usize = 4;
    const ROUNDS: usize = 500;
    let keyspace = keyspace(WORKERS);
    let increment = |worker: usize, round: usize| {
        while !keyspace.gate().enter(worker) {
            std::thread::yield_now();
        }
        let name = &NAMES[round % 5];
        let hash = keyspace.hash(name);
        let mut guard = loop {
            if let Some(guard) = keyspace.lock(keyspace.shard_of(hash), worker) {
                break guard;
            }
            std::thread::yield_now();
        };
        let increased = guard.update(0, hash, name, |entry| match entry.value() {
            crate::entry::ValueRef::Int(value) => entry.set_int(value + 1),
            other => panic!("{other:?} is no counter"),
        });
        if increased.is_none() {
            guard.insert(0, hash, Entry::with_int(name, 1, Some(i64::MAX)));
        }
        drop(guard);
        keyspace.gate().leave(worker);
    };
    let sum = |tables: &[Table<Entry>]| -> i64 {
        let numbers = tables.iter().flat_map(Table::iter).map(|entry| match entry.value() {
            crate::entry::ValueRef::Int(value) => value,
            other => panic!("{other:?} is no counter"),
        });
        numbers.sum()
    };
    let take = || loop {
        if let Some(mut exclusive) = keyspace.exclusive(0) {
            assert!(exclusive.shard(0).keyspace.key_count(0) <= 5);
            return sum(&exclusive.take_db(0));
        }
        std::thread::yield_now();
    };
    let mut total = std::thread::scope(|scope| {
        for worker in 1..WORKERS {
            scope.spawn(move || (0..ROUNDS).for_each(|round| increment(worker, round)));
        }
        (0..50).map(|_| take()).sum::<i64>()
    });
    total += take();
    assert_eq!(total, ((WORKERS - 1) * ROUNDS) as i64);
    assert_eq!((keyspace.key_count(0), keyspace.expiring_count(0)), (0, 0));
}

#[test]
fn moving_everything_changes_nothing() {
    let keyspace = keyspace(1);
    for (number, name) in NAMES.iter().enumerate() {
        let hash = keyspace.hash(name);
        let expire_at_ms = (number % 3 == 0).then_some(number as i64);
        let mut guard = keyspace.try_lock(keyspace.shard_of(hash)).expect("it is free");
        guard.insert(
            1,
            hash,
            Entry::with_bytes(name, &vec![number as u8; number * 30], expire_at_ms),
        );
    }
    for shard in USED_SHARDS {
        let mut guard = keyspace.try_lock(shard).expect("it is free");
        let (mut cursor, mut moved, mut addresses) = (0, 0, 0);
        let mut large = Vec::new();
        loop {
            let mut all = |_| {
                addresses += 1;
                true
            };
            let mut relocation = Relocation::new(&mut all);
            cursor = guard.relocate(1, cursor, &mut relocation, &mut |entry, relocation| {
                entry.relocate(relocation);
                moved += 1;
                let hash = keyspace.hash(entry.key());
                large.push((hash, entry.key().to_vec()));
            });
            if cursor == 0 {
                break;
            }
        }
        let db = guard.shard().db(1).expect("it has keys");
        db.check_invariants(guard.hasher());
        assert!(moved >= db.len() && addresses > moved, "pages and leaves were moved too");
        for (hash, key) in large {
            let mut all = |_| true;
            let mut relocation = Relocation::new(&mut all);
            assert_eq!(guard.relocate_value(1, hash, &key, 0, &mut relocation), 0, "one part");
            assert_eq!(guard.relocate_value(1, hash, b"absent", 0, &mut relocation), 0);
        }
        let mut none = |_| unreachable!("an absent database has nothing");
        assert_eq!(guard.relocate(2, 0, &mut Relocation::new(&mut none), &mut |_, _| ()), 0);
    }
    for (number, name) in NAMES.iter().enumerate() {
        let hash = keyspace.hash(name);
        let guard = keyspace.try_lock(keyspace.shard_of(hash)).expect("it is free");
        let entry = guard.find(1, hash, name).expect("it was only moved");
        entry.check_invariants();
        let expected = (number % 3 == 0).then_some(number as i64);
        assert_eq!(value_of(&entry).bytes, vec![number as u8; number * 30]);
        assert_eq!(entry.expire_at_ms(), expected);
    }
}
