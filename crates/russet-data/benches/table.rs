//! The table in cache (one shard of a million keys) and out of it (a million keys in one table).

use std::alloc::{Layout, alloc, dealloc};
use std::hint::black_box;
use std::ptr::NonNull;

use criterion::{BatchSize, Criterion, Throughput};
use russet_data::table::{ITEM_ALIGN, Item, KeyHasher, Table};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Items of a shard of a million keys, and of a table that no cache holds.
const IN_CACHE: u64 = 976;
const OUT_OF_CACHE: u64 = 1_000_000;
/// Commands that a worker prefetches together.
const BATCH: usize = 32;
const KEY_BYTES: usize = 16;
const VALUE_BYTES: usize = 8;

/// `[key length u64][key][value]`, as large as an entry of the keyspace is.
struct Pair(NonNull<u8>);

impl Pair {
    const LAYOUT: Layout =
        match Layout::from_size_align(size_of::<u64>() + KEY_BYTES + VALUE_BYTES, ITEM_ALIGN) {
            Ok(layout) => layout,
            Err(_) => panic!("a small size"),
        };

    fn new(key: &[u8; KEY_BYTES]) -> Self {
        // SAFETY: the layout has room for the length and the key.
        unsafe {
            let raw = NonNull::new(alloc(Self::LAYOUT)).expect("enough memory");
            raw.cast::<u64>().write(KEY_BYTES as u64);
            raw.add(size_of::<u64>()).cast().write(*key);
            Pair(raw)
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `new`.
        unsafe { dealloc(self.0.as_ptr(), Self::LAYOUT) }
    }
}

// SAFETY: the key lies in the block, whose address the allocator aligns; a `NonNull` claims nothing.
unsafe impl Item for Pair {
    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Pair(raw)
    }

    fn key(&self) -> &[u8] {
        // SAFETY: the block begins with the length of the key behind it.
        unsafe {
            let len = self.0.cast::<u64>().read() as usize;
            std::slice::from_raw_parts(self.0.add(size_of::<u64>()).as_ptr(), len)
        }
    }
}

/// Reads the hash that [`key`] wrote into the key, so that nothing but the table is measured.
struct Stored;

impl KeyHasher for Stored {
    fn hash(&self, key: &[u8]) -> u64 {
        u64::from_le_bytes(key[..8].try_into().expect("keys have 16 bytes"))
    }
}

fn key(number: u64) -> [u8; KEY_BYTES] {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let hash = mixed ^ mixed >> 32;
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&hash.to_le_bytes());
    key[8..].copy_from_slice(&number.to_le_bytes());
    key
}

fn insert(table: &mut Table<Pair>, number: u64) {
    let key = key(number);
    table.insert_unique(Stored.hash(&key), Pair::new(&key), &Stored);
}

fn table_of(n: u64) -> Table<Pair> {
    let mut table = Table::new();
    (0..n).for_each(|number| insert(&mut table, number));
    table
}

/// Numbers below `n` in a scattered order.
fn scattered(n: u64) -> impl FnMut() -> u64 {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        ((u128::from(state) * u128::from(n)) >> 64) as u64
    }
}

fn lookups(c: &mut Criterion) {
    for (place, n) in [("in cache", IN_CACHE), ("out of cache", OUT_OF_CACHE)] {
        let table = table_of(n);
        let mut group = c.benchmark_group(format!("lookup {place}"));
        group.throughput(Throughput::Elements(BATCH as u64));
        for (outcome, first) in [("hit", 0), ("miss", n)] {
            let mut numbers = scattered(n);
            let mut keys =
                || -> [[u8; KEY_BYTES]; BATCH] { std::array::from_fn(|_| key(first + numbers())) };
            group.bench_function(outcome, |bencher| {
                bencher.iter_batched_ref(
                    &mut keys,
                    |keys| {
                        for key in keys {
                            black_box(table.find(Stored.hash(key), key).is_some());
                        }
                    },
                    BatchSize::SmallInput,
                );
            });
            group.bench_function(format!("{outcome}, prefetched"), |bencher| {
                bencher.iter_batched_ref(
                    &mut keys,
                    |keys| {
                        keys.iter().for_each(|key| table.prefetch_bucket(Stored.hash(key)));
                        keys.iter().for_each(|key| {
                            table.prefetch_item(Stored.hash(key));
                        });
                        for key in keys {
                            black_box(table.find(Stored.hash(key), key).is_some());
                        }
                    },
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

fn growth(c: &mut Criterion) {
    let mut group = c.benchmark_group("growth");
    group.throughput(Throughput::Elements(IN_CACHE));
    let items = || (0..IN_CACHE).map(|number| Pair::new(&key(number))).collect::<Vec<_>>();
    group.bench_function("insert", |bencher| {
        bencher.iter_batched(
            items,
            |items| {
                let mut table = Table::new();
                for item in items {
                    table.insert_unique(Stored.hash(item.key()), item, &Stored);
                }
                table
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("remove", |bencher| {
        bencher.iter_batched(
            || table_of(IN_CACHE),
            |mut table| {
                let take = |number| table.remove(Stored.hash(&key(number)), &key(number));
                (0..IN_CACHE).map(take).collect::<Vec<_>>()
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("drop", |bencher| {
        bencher.iter_batched(|| table_of(IN_CACHE), drop, BatchSize::LargeInput);
    });
    group.finish();
}

fn walks(c: &mut Criterion) {
    for (place, n) in [("in cache", IN_CACHE), ("out of cache", OUT_OF_CACHE)] {
        let table = table_of(n);
        let mut group = c.benchmark_group(format!("walk {place}"));
        let mut cursor = 0;
        group.throughput(Throughput::Elements(1));
        group.bench_function("scan a bucket", |bencher| {
            bencher.iter(|| {
                cursor = table.scan(cursor, &mut |item| {
                    black_box(item.key());
                });
            });
        });
        let mut random = scattered(u64::MAX);
        group.bench_function("random item", |bencher| {
            bencher.iter(|| black_box(table.random(&mut random).map(|item| item.key()[0])));
        });
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    lookups(&mut criterion);
    growth(&mut criterion);
    walks(&mut criterion);
    criterion.final_summary();
}
