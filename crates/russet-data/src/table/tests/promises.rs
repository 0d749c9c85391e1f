//! What the documentation promises: figures, uniformity, memory given back.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use super::*;

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
    assert!((9.8..=10.0).contains(&bytes), "{bytes}");

    let mut worst: f64 = 0.0;
    let mut size = 500;
    while size <= 40_000 {
        let repeats = (20_000 / size).max(1) as usize;
        worst = worst.max(mean_bytes(&vec![size; repeats]));
        size += size / 8;
    }
    assert!((10.3..=10.5).contains(&worst), "{worst}");
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
    assert!((0.22..=0.25).contains(&mean), "{mean}");

    let mut worst: f64 = 0.0;
    let mut table = Table::new();
    for size in 0..40_000 {
        insert(&mut table, &ALL_BITS, size, 0);
        if size > 4_000 && size % 512 == 0 {
            worst = worst.max(blocks_per_hit(&table));
        }
    }
    assert!((0.25..=0.30).contains(&worst), "{worst}");
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
        let draws_per_item = numbers_used / (n * 100);
        assert!(draws_per_item < 8, "{draws_per_item} draws for an item of {n}");
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
        table.prefetch_overflow_item(hash);
        table.insert_unique(hash, TestItem::new(&key, 0), &hasher);
    }
    table.check_invariants(&hasher);
    for number in 0..50_000 {
        let key = key(number);
        assert!(table.remove(hasher.hash(&key), &key).is_some());
    }
    assert_eq!(table.allocated_bytes(), 0);
}

/// A guess finds the items behind a bucket too, or else the elements of one collection would be
/// fetched ahead and those of another would not, by the luck of where its key lies.
#[test]
fn a_guess_finds_every_item() {
    let table = table_of(0..1000, &ALL_BITS);
    for number in 0..1000 {
        let key = key(number);
        let hash = ALL_BITS.hash(&key);
        let is_it = |item: &TestItem| item.key() == key;
        assert_eq!(table.guess(hash, is_it).map(|item| item.key().to_vec()), Some(key.to_vec()));
        assert!(table.guess(hash, |_| true).is_some());
        assert!(table.guess(hash, |_| false).is_none());
    }
    assert!(table.guess(ALL_BITS.hash(&key(1000)), |item| item.key() == key(1000)).is_none());
}
