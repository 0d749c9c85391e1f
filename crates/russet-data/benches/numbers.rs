//! Reading and writing numbers, and matching globs.

#![allow(missing_docs, reason = "criterion_group! makes a public function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use russet_data::glob::{self, Case};
use russet_data::number::{Extended, FloatBuf, IntBuf, parse_f64, parse_i64};

fn integers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("number/parse_i64");
    for text in ["7", "1234", "123456789012", "-9223372036854775808", "not a number"] {
        group.bench_with_input(BenchmarkId::from_parameter(text), text, |bencher, text| {
            bencher.iter(|| parse_i64(black_box(text.as_bytes())));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("number/format_i64");
    for value in [7, 1234, 123_456_789_012, i64::MIN] {
        group.bench_with_input(BenchmarkId::from_parameter(value), &value, |bencher, value| {
            bencher.iter(|| {
                let mut buffer = IntBuf::new();
                black_box(buffer.format_i64(black_box(*value)));
            });
        });
    }
    group.finish();
}

fn floats(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("number/f64");
    for text in ["3", "3.14159", "1.7976931348623157e308"] {
        group.bench_with_input(BenchmarkId::new("parse", text), text, |bencher, text| {
            bencher.iter(|| parse_f64(black_box(text.as_bytes())));
        });
        let value = parse_f64(text.as_bytes()).expect("a number");
        group.bench_with_input(BenchmarkId::new("shortest", text), &value, |bencher, value| {
            let mut buffer = FloatBuf::new();
            bencher.iter(|| {
                black_box(buffer.format_shortest(black_box(*value)));
            });
        });
        group.bench_with_input(BenchmarkId::new("17 digits", text), &value, |bencher, value| {
            let mut buffer = FloatBuf::new();
            bencher.iter(|| {
                black_box(buffer.format_17_digits(black_box(*value)));
            });
        });
    }
    group.finish();
}

fn extended(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("number/INCRBYFLOAT");
    for (value, increment) in [("10.5", "0.1"), ("3.0e3", "200"), ("1e4000", "1e-4000")] {
        let id = BenchmarkId::from_parameter(format!("{value} {increment}"));
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                let value = Extended::parse(black_box(value.as_bytes())).expect("a number");
                let increment = Extended::parse(black_box(increment.as_bytes())).expect("a number");
                value.checked_add(increment).expect("in range").format_human()
            });
        });
    }
    group.finish();
}

fn globs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("glob");
    let key = b"user:1000:session:0123456789abcdef";
    let patterns =
        ["user:*", "*session*", "user:????:*:*f", "[^x]*[0-9a-f]", "*a*b*c*d*e*f*g*h", "order:*"];
    for pattern in patterns {
        group.bench_with_input(
            BenchmarkId::from_parameter(pattern),
            pattern,
            |bencher, pattern| {
                bencher.iter(|| {
                    glob::matches(black_box(pattern.as_bytes()), black_box(key), Case::Sensitive)
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, integers, floats, extended, globs);
criterion_main!(benches);
