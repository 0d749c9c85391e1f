//! Bit operations on strings that fit the first, the second, and no cache.

#![allow(missing_docs, reason = "criterion_group! makes a public function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use russet_data::bits::{self, FieldType, Operation, Overflow, Unit};
use russet_data::lcs;

const LENGTHS: [usize; 4] = [64, 4 * 1024, 512 * 1024, 64 * 1024 * 1024];

/// Bytes without a pattern that a branch predictor could learn.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

fn count_ones(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bits/count_ones");
    for length in LENGTHS {
        let bytes = noise(length);
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_with_input(BenchmarkId::from_parameter(length), &bytes, |bencher, bytes| {
            bencher.iter(|| bits::count_ones(black_box(bytes)));
        });
    }
    group.finish();
}

fn position(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bits/position");
    for length in LENGTHS {
        // The only set bit is the last one.
        let mut bytes = vec![0; length];
        bytes[length - 1] = 1;
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_with_input(BenchmarkId::from_parameter(length), &bytes, |bencher, bytes| {
            bencher.iter(|| bits::position(black_box(bytes), true, None, None, Unit::Byte));
        });
    }
    group.finish();
}

fn combine(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bits/combine_into (AND of three)");
    for length in LENGTHS {
        let inputs = [noise(length), vec![0x55; length], vec![0xf0; length]];
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let mut output = vec![0; length];
        group.throughput(Throughput::Bytes(3 * length as u64));
        group.bench_with_input(BenchmarkId::from_parameter(length), &inputs, |bencher, inputs| {
            bencher.iter(|| {
                bits::combine_into(Operation::And, black_box(inputs), black_box(&mut output));
            });
        });
    }
    group.finish();
}

fn fields(criterion: &mut Criterion) {
    let field = FieldType::parse(b"u20").expect("a type");
    let mut bytes = noise(4096);
    criterion.bench_function("bits/field INCRBY u20", |bencher| {
        let mut offset = 0;
        bencher.iter(|| {
            offset = (offset + 20) % 32_000;
            let value = field.read(&bytes, black_box(offset));
            let sum = field.add(value, 1, Overflow::Wrap).expect("wrapping never fails");
            field.write(&mut bytes, offset, sum);
        });
    });
}

fn subsequences(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lcs");
    for length in [100, 1_000, 10_000] {
        let (a, b) = (noise(length), noise(length + 1).split_off(1));
        let strings = (a, b);
        group.throughput(Throughput::Elements((length * length) as u64));
        group.bench_with_input(BenchmarkId::new("length", length), &strings, |bencher, (a, b)| {
            bencher.iter(|| lcs::length(black_box(a), black_box(b), u64::MAX));
        });
        let id = BenchmarkId::new("subsequence", length);
        group.bench_with_input(id, &strings, |bencher, (a, b)| {
            bencher.iter(|| lcs::subsequence(black_box(a), black_box(b), u64::MAX));
        });
    }
    group.finish();
}

criterion_group!(benches, count_ones, position, combine, fields, subsequences);
criterion_main!(benches);
