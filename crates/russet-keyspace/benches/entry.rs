//! What the hot paths of entries and of the expiry index cost.

use std::hint::black_box;

use criterion::{BatchSize, Criterion};
use russet_keyspace::entry::{Entry, IntBuf};
use russet_keyspace::expiry::ExpiryIndex;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const KEY: &[u8] = b"key:000000000001";

fn entry(criterion: &mut Criterion) {
    let value = [b'v'; 64];

    criterion.bench_function("entry: create and drop, 64 B value", |bencher| {
        bencher.iter(|| Entry::with_bytes(black_box(KEY), black_box(&value), None));
    });
    criterion.bench_function("entry: compare key, read 64 B value", |bencher| {
        let entry = Entry::with_bytes(KEY, &value, None);
        bencher.iter(|| {
            let entry = black_box(&entry);
            assert_eq!(entry.key(), black_box(KEY));
            black_box(entry.string_bytes(&mut IntBuf::new()).len())
        });
    });
    criterion.bench_function("entry: overwrite 64 B value", |bencher| {
        let mut entry = Entry::with_bytes(KEY, &value, None);
        bencher.iter(|| black_box(&mut entry).set_bytes(black_box(&value)));
    });
    criterion.bench_function("entry: overwrite within the size class", |bencher| {
        let mut entry = Entry::with_bytes(KEY, &value, None);
        let mut len = 60;
        bencher.iter(|| {
            len = 60 + 64 - len;
            black_box(&mut entry).set_bytes(black_box(&value[..len]))
        });
    });
    criterion.bench_function("entry: overwrite integer", |bencher| {
        let mut entry = Entry::with_int(KEY, 1, None);
        bencher.iter(|| black_box(&mut entry).set_int(black_box(12_345_678)));
    });
    criterion.bench_function("entry: set expiry and remove it", |bencher| {
        let mut entry = Entry::with_bytes(KEY, &value, None);
        bencher.iter(|| {
            entry.set_expire_at_ms(black_box(Some(1)));
            entry.set_expire_at_ms(None);
        });
    });
    criterion.bench_function("entry: append 1 byte 1,000 times", |bencher| {
        bencher.iter_batched(
            || Entry::with_bytes(KEY, b"", None),
            |mut entry| {
                for _ in 0..1000 {
                    entry.append_bytes(black_box(b"x"));
                }
                entry
            },
            BatchSize::SmallInput,
        );
    });
}

/// Deadlines without visible order, as keys with random times to live have.
fn scattered(number: u64) -> i64 {
    (number.wrapping_mul(6_364_136_223_846_793_005) >> 44) as i64
}

fn expiry(criterion: &mut Criterion) {
    const KEYS: u64 = 1000;

    criterion.bench_function("expiry: insert and remove among 1,000", |bencher| {
        let mut index = ExpiryIndex::new();
        for number in 0..KEYS {
            index.insert(scattered(number), number);
        }
        let mut number = KEYS;
        bencher.iter(|| {
            index.insert(scattered(number), number);
            index.remove(scattered(number - KEYS), number - KEYS);
            number += 1;
        });
    });
    criterion.bench_function("expiry: insert ascending and pop among 1,000", |bencher| {
        let mut index = ExpiryIndex::new();
        let mut now_ms = 0;
        bencher.iter(|| {
            now_ms += 1;
            index.insert(now_ms + KEYS as i64, now_ms as u64);
            black_box(index.pop_due(now_ms))
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    entry(&mut criterion);
    expiry(&mut criterion);
    criterion.final_summary();
}
