//! The table against a `BTreeMap`, and the promises of its documentation.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ptr::NonNull;

use proptest::prelude::*;

use super::*;

thread_local! {
    /// Items of this thread that have been made and not been dropped.
    static ALIVE: Cell<isize> = const { Cell::new(0) };
}

/// `[key length u32][generation u32][key]`, on the heap.
struct TestItem(NonNull<u8>);

const HEADER_BYTES: usize = 8;

impl TestItem {
    fn layout(key_len: usize) -> Layout {
        Layout::from_size_align(HEADER_BYTES + key_len, ITEM_ALIGN).expect("a short key")
    }

    fn new(key: &[u8], generation: u32) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        // SAFETY: the layout has the header at least, and room for the key.
        unsafe {
            let raw = NonNull::new(alloc(Self::layout(key.len()))).expect("enough memory");
            raw.cast::<u32>().write(key.len() as u32);
            raw.cast::<u32>().add(1).write(generation);
            raw.add(HEADER_BYTES).copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
            TestItem(raw)
        }
    }

    fn generation(&self) -> u32 {
        // SAFETY: every item has a header.
        unsafe { self.0.cast::<u32>().add(1).read() }
    }
}

impl Drop for TestItem {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
        // SAFETY: allocated with this layout in `new`.
        unsafe { dealloc(self.0.as_ptr(), Self::layout(self.key().len())) }
    }
}

// SAFETY: the key lies in the block, whose address the allocator aligns; a `NonNull` claims nothing.
unsafe impl Item for TestItem {
    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        TestItem(raw)
    }

    fn key(&self) -> &[u8] {
        // SAFETY: the header tells how long the key behind it is.
        unsafe {
            let len = self.0.cast::<u32>().read() as usize;
            std::slice::from_raw_parts(self.0.add(HEADER_BYTES).as_ptr(), len)
        }
    }
}

/// A good hash, of which only the bits in `mask` are left, to make hashes and tags collide.
#[derive(Clone, Copy, Debug)]
struct MaskedHasher {
    mask: u64,
}

const ALL_BITS: MaskedHasher = MaskedHasher { mask: u64::MAX };

impl KeyHasher for MaskedHasher {
    fn hash(&self, key: &[u8]) -> u64 {
        let mixed = key.iter().fold(0x243f_6a88_85a3_08d3, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        });
        splitmix(mixed) & self.mask
    }
}

fn splitmix(seed: u64) -> u64 {
    let mixed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// A sequence of uniform numbers.
fn numbers(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        splitmix(seed)
    }
}

fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn number(key: &[u8]) -> u64 {
    u64::from_be_bytes(key.try_into().expect("test keys have eight bytes"))
}

fn insert(table: &mut Table<TestItem>, hasher: &MaskedHasher, number: u64, generation: u32) {
    let key = key(number);
    table.insert_unique(hasher.hash(&key), TestItem::new(&key, generation), hasher);
}

fn remove(table: &mut Table<TestItem>, hasher: &MaskedHasher, number: u64) -> Option<TestItem> {
    let key = key(number);
    table.remove(hasher.hash(&key), &key)
}

fn table_of(numbers: std::ops::Range<u64>, hasher: &MaskedHasher) -> Table<TestItem> {
    let mut table = Table::new();
    numbers.for_each(|number| insert(&mut table, hasher, number, 0));
    table
}

fn contents(table: &Table<TestItem>) -> Vec<u64> {
    let mut numbers: Vec<u64> = table.iter().map(|item| number(item.key())).collect();
    numbers.sort_unstable();
    numbers
}

fn masks() -> impl Strategy<Value = MaskedHasher> {
    prop_oneof![
        3 => Just(u64::MAX),
        1 => Just(0),
        1 => Just(0x7),
        // Tags that are nearly all equal, in buckets that are not.
        1 => Just(0x0f),
        1 => Just(0xff00_0000_0000_00ff),
        // Buckets that are nearly all equal, under tags that are not.
        1 => Just(0xfff8),
    ]
    .prop_map(|mask| MaskedHasher { mask })
}

#[derive(Clone, Debug)]
enum Operation {
    Insert(u64),
    Remove(u64),
    Update(u64),
    Replace(u64),
    Find(u64),
    /// Many at once, so that the table passes through several levels.
    InsertMany(u64, u64),
    RemoveMany(u64, u64),
    Retain(u64),
    SetEpoch(u64, bool),
    Clear,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let number = || 0..600_u64;
    prop::collection::vec(
        prop_oneof![
            20 => number().prop_map(Operation::Insert),
            20 => number().prop_map(Operation::Remove),
            5 => number().prop_map(Operation::Update),
            5 => number().prop_map(Operation::Replace),
            5 => number().prop_map(Operation::Find),
            5 => (number(), 0..300_u64).prop_map(|(first, n)| Operation::InsertMany(first, n)),
            5 => (number(), 0..300_u64).prop_map(|(first, n)| Operation::RemoveMany(first, n)),
            1 => (1..5_u64).prop_map(Operation::Retain),
            2 => (any::<u64>(), any::<bool>()).prop_map(|(at, to)| Operation::SetEpoch(at, to)),
            1 => Just(Operation::Clear),
        ],
        1..120,
    )
}

/// The table and what it should hold, by number the generation.
struct Checked {
    table: Table<TestItem>,
    model: BTreeMap<u64, u32>,
    hasher: MaskedHasher,
    generation: u32,
}

impl Checked {
    fn insert(&mut self, number: u64) {
        self.generation += 1;
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.model.entry(number) {
            vacant.insert(self.generation);
            insert(&mut self.table, &self.hasher, number, self.generation);
        }
    }

    fn remove(&mut self, number: u64) {
        let removed = remove(&mut self.table, &self.hasher, number);
        assert_eq!(removed.as_ref().map(TestItem::generation), self.model.remove(&number));
        assert!(removed.is_none_or(|item| item.key() == key(number)));
    }

    /// Puts a new item in the place of the old one with `change`.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut SlotMut<'_, TestItem>, TestItem)) {
        let key = key(number);
        let slot = self.table.find_mut(self.hasher.hash(&key), &key);
        assert_eq!(
            slot.as_ref().map(|slot| slot.item().generation()),
            self.model.get(&number).copied()
        );
        if let Some(mut slot) = slot {
            self.generation += 1;
            change(&mut slot, TestItem::new(&key, self.generation));
            assert_eq!(slot.item().generation(), self.generation);
            self.model.insert(number, self.generation);
        }
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Insert(number) => self.insert(number),
            Operation::Remove(number) => self.remove(number),
            Operation::Update(number) => {
                self.change(number, |slot, moved| slot.update(|item| *item = moved));
            }
            Operation::Replace(number) => self.change(number, |slot, moved| {
                let before = slot.item().generation();
                assert_eq!(slot.replace(moved).generation(), before);
            }),
            Operation::Find(number) => {
                let key = key(number);
                let found = self.table.find(self.hasher.hash(&key), &key);
                let generation = found.map(|item| item.generation());
                assert_eq!(generation, self.model.get(&number).copied());
            }
            Operation::InsertMany(first, n) => (first..first + n).for_each(|n| self.insert(n)),
            Operation::RemoveMany(first, n) => (first..first + n).for_each(|n| self.remove(n)),
            Operation::Retain(divisor) => {
                let keep = |number: u64| number.is_multiple_of(divisor);
                self.table.retain(|item| keep(number(item.key())));
                self.model.retain(|number, _| keep(*number));
            }
            Operation::SetEpoch(at, epoch) => {
                self.table.set_epoch(at, epoch);
                assert_eq!(self.table.epoch(at), epoch && !self.table.is_empty());
            }
            Operation::Clear => {
                self.table.clear();
                self.model.clear();
            }
        }
    }

    fn check(&self) {
        self.table.check_invariants(&self.hasher);
        assert_eq!(self.table.len(), self.model.len());
        assert_eq!(contents(&self.table), self.model.keys().copied().collect::<Vec<_>>());
        assert_eq!(ALIVE.get(), self.model.len() as isize, "leaked or freed twice");
        let statistics = self.table.statistics();
        let items = statistics.chains_by_len.iter().enumerate().map(|(len, n)| len * n);
        assert_eq!(items.sum::<usize>(), self.model.len());
        assert_eq!(statistics.chains_by_len.iter().sum::<usize>(), self.table.bucket_count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_map(hasher in masks(), operations in operations(), drained in 0..50_usize) {
        let mut checked =
            Checked { table: Table::new(), model: BTreeMap::new(), hasher, generation: 0 };
        for operation in operations {
            checked.apply(operation);
            checked.check();
        }
        // However it ends, nothing is leaked.
        let mut items = checked.table.into_iter();
        let left = checked.model.len().saturating_sub(drained);
        let taken: BTreeSet<u64> =
            items.by_ref().take(drained).map(|item| number(item.key())).collect();
        prop_assert!(taken.iter().all(|number| checked.model.contains_key(number)));
        prop_assert_eq!(taken.len() + left, checked.model.len());
        prop_assert_eq!(items.len(), left);
        drop(items);
        prop_assert_eq!(ALIVE.get(), 0);
    }

    /// Redis' guarantee: what is there all the time is visited.
    #[test]
    fn scan_visits_all_that_stay(
        hasher in masks(),
        stay in 0..400_u64,
        sizes in prop::collection::vec(0..1200_u64, 1..200),
    ) {
        let mut table = table_of(0..stay, &hasher);
        let mut visited = BTreeSet::new();
        let mut size = stay;
        let mut cursor = 0;
        let mut sizes = sizes.into_iter().cycle();
        loop {
            cursor = table.scan(cursor, &mut |item| {
                visited.insert(number(item.key()));
            });
            if cursor == 0 {
                break;
            }
            let next = stay + sizes.next().expect("a cycle has no end");
            (size..next).for_each(|number| insert(&mut table, &hasher, number, 0));
            (next..size).for_each(|number| drop(remove(&mut table, &hasher, number)));
            size = next;
        }
        prop_assert!((0..stay).all(|number| visited.contains(&number)));
    }

    #[test]
    fn candidates_include_all_that_agree(hasher in masks(), n in 0..1500_u64, bits in 1..40_u32) {
        let table = table_of(0..n, &hasher);
        for wanted in 0..n.min(50) {
            let hash = hasher.hash(&key(wanted)) & ((1 << bits) - 1);
            let mut found = BTreeSet::new();
            table.candidates(hash, bits, &mut |item| assert!(found.insert(number(item.key()))));
            let agrees = |other: &u64| (hasher.hash(&key(*other)) ^ hash) & ((1 << bits) - 1) == 0;
            prop_assert!((0..n).filter(agrees).all(|other| found.contains(&other)));
            // The tags of a table of this size know these bits.
            if bits <= 16 {
                prop_assert!(found.iter().all(agrees));
            }
        }
    }
}

#[test]
fn any_number_is_a_cursor() {
    let table = table_of(0..1000, &ALL_BITS);
    let mut random = numbers(1);
    for _ in 0..1000 {
        table.scan(random(), &mut |_| ());
    }
    assert_eq!(Table::<TestItem>::new().scan(u64::MAX, &mut |_| ()), 0);
}

#[test]
fn a_table_at_rest_is_scanned_once() {
    for n in [0, 1, 7, 8, 100, 5000] {
        let table = table_of(0..n, &ALL_BITS);
        let mut visited = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = table.scan(cursor, &mut |item| visited.push(number(item.key())));
            if cursor == 0 {
                break;
            }
            // Cursors stay short: they have no more bits than buckets need.
            assert!(cursor < 2 * table.bucket_count() as u64);
        }
        visited.sort_unstable();
        assert_eq!(visited, (0..n).collect::<Vec<_>>());
    }
}

/// The tables of a keyspace of a million keys, in 1,024 shards, and tables of every other fill.
/// The figures are those of the module's documentation.
#[test]
fn memory_per_item() {
    let mean_bytes = |sizes: &[u64]| {
        let (mut bytes, mut items) = (0, 0);
        for (number, size) in sizes.iter().enumerate() {
            let first = number as u64 * 1_000_000;
            let table = table_of(first..first + size, &ALL_BITS);
            bytes += table.allocated_bytes();
            items += table.len();
        }
        bytes as f64 / items as f64
    };
    // 31 is the standard deviation of 1,000,000 keys over 1,024 shards; a sum of 12 uniform numbers
    // is close enough to a normal distribution.
    let mut random = numbers(2);
    let mut normal = || (0..12).map(|_| random() as f64 / u64::MAX as f64).sum::<f64>() - 6.0;
    let shards: Vec<u64> = (0..100).map(|_| (976.6 + 31.25 * normal()) as u64).collect();
    let bytes = mean_bytes(&shards);
    assert!((10.5..=10.8).contains(&bytes), "{bytes}");

    let mut worst: f64 = 0.0;
    let mut size = 500;
    while size <= 40_000 {
        let repeats = (20_000 / size).max(1) as usize;
        worst = worst.max(mean_bytes(&vec![size; repeats]));
        size += size / 8;
    }
    assert!((11.2..=11.4).contains(&worst), "{worst}");
}

/// How many overflow blocks lookups of present keys visit, on average.
fn blocks_per_hit(table: &Table<TestItem>) -> f64 {
    let statistics = table.statistics();
    let blocks: usize = (statistics.chains_by_len.iter().enumerate())
        .map(|(len, chains)| {
            let (mut blocks, mut left, mut depth) = (0, len, 0);
            while left > 8 {
                left -= 7;
                depth += 1;
                blocks += left.min(if left > 8 { 7 } else { 8 }) * depth;
            }
            blocks * chains
        })
        .sum();
    blocks as f64 / table.len() as f64
}

#[test]
fn lookups_seldom_leave_the_bucket() {
    let shards: Vec<f64> = (0..60)
        .map(|shard| blocks_per_hit(&table_of(shard * 10_000..shard * 10_000 + 977, &ALL_BITS)))
        .collect();
    let mean = shards.iter().sum::<f64>() / shards.len() as f64;
    assert!((0.14..=0.165).contains(&mean), "{mean}");

    let mut worst: f64 = 0.0;
    let mut table = Table::new();
    for size in 0..40_000 {
        insert(&mut table, &ALL_BITS, size, 0);
        if size > 4_000 && size % 512 == 0 {
            worst = worst.max(blocks_per_hit(&table));
        }
    }
    assert!((0.18..=0.22).contains(&worst), "{worst}");
}

#[test]
fn deleting_everything_gives_the_memory_back() {
    let mut table = table_of(0..40_000, &ALL_BITS);
    let full = table.allocated_bytes();
    for left in (0..40_000).rev() {
        drop(remove(&mut table, &ALL_BITS, left));
        let small = 4096;
        assert!(table.allocated_bytes() <= 17 * left as usize + small, "{left} items");
    }
    assert_eq!(table.allocated_bytes(), 0);
    assert_eq!(ALIVE.get(), 0);

    let mut table = table_of(0..40_000, &ALL_BITS);
    table.retain(|item| number(item.key()) < 100);
    table.check_invariants(&ALL_BITS);
    assert!(table.allocated_bytes() < full / 100);
}

#[test]
fn one_item_in_and_out_neither_splits_nor_merges() {
    for n in [8, 57, 1000, 7777] {
        let mut table = table_of(0..n, &ALL_BITS);
        let buckets = table.bucket_count();
        for _ in 0..100 {
            drop(remove(&mut table, &ALL_BITS, n - 1));
            assert_eq!(table.bucket_count(), buckets);
            insert(&mut table, &ALL_BITS, n - 1, 0);
            assert_eq!(table.bucket_count(), buckets);
        }
    }
}

#[test]
fn buckets_of_different_epochs_are_not_merged() {
    let mut table = table_of(0..1000, &ALL_BITS);
    let buckets = table.bucket_count() as u64;
    table.set_epoch(buckets - 1, true);
    (1..1000).for_each(|number| drop(remove(&mut table, &ALL_BITS, number)));
    assert_eq!(table.bucket_count() as u64, buckets);
    table.set_epoch(buckets - 1, false);
    table.retain(|_| true);
    assert_eq!(table.bucket_count(), 1);
    table.check_invariants(&ALL_BITS);
}

/// Pearson's chi-square statistic of draws that should be uniform, in standard deviations above its
/// mean. It is about normally distributed for so many degrees of freedom.
fn excess_chi_square(draws: &BTreeMap<u64, u64>, items: u64) -> f64 {
    let total: u64 = draws.values().sum();
    let expected = total as f64 / items as f64;
    let drawn: f64 = draws.values().map(|n| (*n as f64 - expected).powi(2) / expected).sum();
    let never_drawn = (items - draws.len() as u64) as f64 * expected;
    let freedom = items as f64 - 1.0;
    (drawn + never_drawn - freedom) / (2.0 * freedom).sqrt()
}

#[test]
fn random_items_are_uniform() {
    let mut random = numbers(3);
    for n in [1, 2, 5, 9, 100, 1000, 1500] {
        let mut table = table_of(0..n + 500, &ALL_BITS);
        (n..n + 500).for_each(|number| drop(remove(&mut table, &ALL_BITS, number)));
        let mut draws = BTreeMap::new();
        let mut numbers_used = 0;
        for _ in 0..n * 100 {
            let mut next = || {
                numbers_used += 1;
                random()
            };
            let item = table.random(&mut next).expect("the table is not empty");
            *draws.entry(number(item.key())).or_insert(0) += 1;
        }
        assert!(n == 1 || excess_chi_square(&draws, n).abs() < 4.0, "{n} items");
        assert!(numbers_used < 1600 * n, "{} draws for an item", numbers_used / (n * 100));
    }
    assert!(Table::<TestItem>::new().random(&mut random).is_none());
}

#[test]
fn random_items_of_one_long_chain_are_uniform() {
    let same = MaskedHasher { mask: 0 };
    let table = table_of(0..200, &same);
    let mut random = numbers(4);
    let mut draws = BTreeMap::new();
    for _ in 0..20_000 {
        let item = table.random(&mut random).expect("the table is not empty");
        *draws.entry(number(item.key())).or_insert(0) += 1;
    }
    assert!(excess_chi_square(&draws, 200).abs() < 4.0);
}

#[test]
fn an_update_that_panics_leaves_the_item_where_it_moved_to() {
    let mut table = table_of(0..10, &ALL_BITS);
    let key = key(3);
    let hash = ALL_BITS.hash(&key);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut slot = table.find_mut(hash, &key).expect("present");
        slot.update(|item| {
            *item = TestItem::new(&key, 77);
            std::panic::resume_unwind(Box::new(()));
        });
    }));
    assert!(panicked.is_err());
    assert_eq!(table.find(hash, &key).expect("present").generation(), 77);
    table.check_invariants(&ALL_BITS);
    drop(table);
    assert_eq!(ALIVE.get(), 0);
}

#[test]
fn a_table_can_be_freed_by_another_thread() {
    struct Counted;
    // SAFETY: never made into an address; only its type is used.
    unsafe impl Item for Counted {
        fn into_raw(self) -> NonNull<u8> {
            NonNull::dangling()
        }
        unsafe fn from_raw(_: NonNull<u8>) -> Self {
            Counted
        }
        fn key(&self) -> &[u8] {
            b""
        }
    }
    fn assert_send_and_sync<T: Send + Sync>() {}
    assert_send_and_sync::<Table<Counted>>();
}

#[test]
fn a_process_wide_random_hash_works_as_well() {
    struct Random(RandomState);
    impl KeyHasher for Random {
        fn hash(&self, key: &[u8]) -> u64 {
            let mut hasher = self.0.build_hasher();
            hasher.write(key);
            hasher.finish()
        }
    }
    let hasher = Random(RandomState::new());
    let mut table = Table::new();
    for number in 0..50_000 {
        let key = key(number);
        let hash = hasher.hash(&key);
        table.prefetch_bucket(hash);
        table.prefetch_item(hash);
        table.insert_unique(hash, TestItem::new(&key, 0), &hasher);
    }
    table.check_invariants(&hasher);
    for number in 0..50_000 {
        let key = key(number);
        assert!(table.remove(hasher.hash(&key), &key).is_some());
    }
    assert_eq!(table.allocated_bytes(), 0);
}
