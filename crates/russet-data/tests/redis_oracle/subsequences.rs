//! Longest common subsequences.

use proptest::collection::vec;
use russet_data::lcs::{self, LcsError, Match};

use crate::redis::{Redis, Reply, command, samples};

const PROTO_MAX_BULK_LEN: u64 = 512 * 1024 * 1024;

/// `LCS ... IDX WITHMATCHLEN` as a RESP2 reply.
fn indexes_reply(answer: &lcs::Matches) -> Reply {
    let range = |start: usize, length: usize| {
        let end = start + length - 1;
        Reply::Array(vec![Reply::Integer(start as i64), Reply::Integer(end as i64)])
    };
    let piece = |piece: &Match| {
        Reply::Array(vec![
            range(piece.a_start, piece.length),
            range(piece.b_start, piece.length),
            Reply::Integer(piece.length as i64),
        ])
    };
    Reply::Array(vec![
        Reply::Text(b"matches".to_vec()),
        Reply::Array(answer.matches.iter().map(piece).collect()),
        Reply::Text(b"len".to_vec()),
        Reply::Integer(answer.length as i64),
    ])
}

#[test]
fn common_subsequences_are_the_same_ones() {
    let Some(mut redis) = Redis::start() else { return };
    let cases = samples((vec(b'a'..b'e', 0..150), vec(b'a'..b'e', 0..150), 0usize..4), 1_000);
    let commands: Vec<_> = cases
        .iter()
        .flat_map(|(a, b, min_length)| {
            let min_length = min_length.to_string().into_bytes();
            let indexes: &[&[u8]] =
                &[b"LCS", b"a", b"b", b"IDX", b"WITHMATCHLEN", b"MINMATCHLEN", &min_length];
            [
                command(&[b"MSET", b"a", a, b"b", b]),
                command(&[b"LCS", b"a", b"b", b"LEN"]),
                command(&[b"LCS", b"a", b"b"]),
                command(indexes),
            ]
        })
        .collect();
    for (case, replies) in cases.iter().zip(redis.ask(&commands).chunks(4)) {
        let (a, b, min_length) = case;
        let length = lcs::length(a, b, PROTO_MAX_BULK_LEN).expect("short strings");
        let subsequence = lcs::subsequence(a, b, PROTO_MAX_BULK_LEN).expect("short strings");
        let indexes = lcs::matches(a, b, *min_length, PROTO_MAX_BULK_LEN).expect("short strings");
        let expected =
            [Reply::Integer(length as i64), Reply::Text(subsequence), indexes_reply(&indexes)];
        assert_eq!(expected, replies[1..], "{case:?}");
    }
}

#[test]
fn large_tables_are_refused_alike() {
    let Some(mut redis) = Redis::start() else { return };
    let long = vec![b'x'; 2_000_000];
    // Four bytes for each of the cells, of which there is one more each way.
    let longest = PROTO_MAX_BULK_LEN as usize / 4 / (long.len() + 1) - 1;
    for (length, refused) in [(longest, false), (longest + 1, true)] {
        let short = vec![b'x'; length];
        let replies = redis.ask(&[
            command(&[b"MSET", b"a", &long, b"b", &short]),
            command(&[b"LCS", b"a", b"b", b"LEN"]),
        ]);
        let expected = match lcs::length(&long, &short, PROTO_MAX_BULK_LEN) {
            Ok(length) => Reply::Integer(length as i64),
            Err(error) => Reply::Error(format!("ERR {error}")),
        };
        assert_eq!(expected, replies[1]);
        assert_eq!(refused, expected == Reply::Error(format!("ERR {}", LcsError::OverLimit)));
    }
}
