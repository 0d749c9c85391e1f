//! How long parsing a request and writing a reply take.

use criterion::{Criterion, Throughput};
use russet_resp::{ArgSpan, Limits, Progress, Protocol, ReplyWriter, RequestParser};
use std::hint::black_box;

/// Commands a client sends before it reads a reply.
const PIPELINE: usize = 32;

/// One command as clients send it.
fn encode(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Parses all of a pipeline as a connection does, into one vector of spans.
fn parse_all(
    parser: &mut RequestParser,
    mut pipeline: &[u8],
    limits: &Limits,
    spans: &mut Vec<ArgSpan>,
    owned: &mut Vec<Vec<u8>>,
) {
    while !pipeline.is_empty() {
        match parser.parse(pipeline, limits, spans, owned) {
            Ok(Progress::Complete { consumed }) => pipeline = &pipeline[consumed..],
            other => unreachable!("the pipeline is whole: {other:?}"),
        }
    }
}

fn parsing(criterion: &mut Criterion) {
    let value = [b'x'; 64];
    let long = [b'x'; 1024];
    let fields: Vec<&[u8]> = std::iter::once(&b"MSET"[..]).chain([&b"key"[..]; 20]).collect();
    let commands = [
        ("SET of 64 bytes", encode(&[b"SET", b"key:000000012345", &value])),
        ("SET of 1 KiB", encode(&[b"SET", b"key:000000012345", &long])),
        ("GET", encode(&[b"GET", b"key:000000012345"])),
        ("MSET of 10 keys", encode(&fields)),
        ("inline PING", b"PING\r\n".to_vec()),
    ];
    let mut group = criterion.benchmark_group("parse a pipeline");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    for (name, command) in commands {
        let pipeline = command.repeat(PIPELINE);
        let (mut parser, limits) = (RequestParser::default(), Limits::default());
        let (mut spans, mut owned) = (Vec::new(), Vec::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                spans.clear();
                parse_all(&mut parser, black_box(&pipeline), &limits, &mut spans, &mut owned);
                spans.len()
            });
        });
    }
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let value = [b'x'; 1024];
    let mut group = criterion.benchmark_group("write a pipeline's replies");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let mut bench = |name: &str, write: &mut dyn FnMut(&mut ReplyWriter<'_>)| {
        let mut out = Vec::with_capacity(64 << 10);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                for _ in 0..PIPELINE {
                    write(&mut ReplyWriter::new(&mut out, black_box(Protocol::Resp2)));
                }
                out.len()
            });
        });
    };
    bench("OK", &mut |reply| reply.ok());
    bench("integer", &mut |reply| reply.integer(black_box(1234567)));
    bench("bulk of 8 bytes", &mut |reply| reply.bulk(black_box(&value[..8])));
    bench("bulk of 64 bytes", &mut |reply| reply.bulk(black_box(&value[..64])));
    bench("bulk of 1 KiB", &mut |reply| reply.bulk(black_box(&value)));
    bench("double", &mut |reply| reply.double(black_box(0.1)));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    parsing(&mut criterion);
    writing(&mut criterion);
    criterion.final_summary();
}
