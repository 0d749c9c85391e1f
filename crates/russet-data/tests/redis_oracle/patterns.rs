//! Glob patterns.

use russet_data::glob::{self, Case};

use crate::redis::{Redis, Reply, command, samples};

#[test]
fn patterns_match_alike() {
    let Some(mut redis) = Redis::start() else { return };
    let pattern = proptest::string::bytes_regex(r"(?s-u:[ab*?\[\]^\\\-\x80\xff]{0,12})");
    let text = proptest::string::bytes_regex(r"(?s-u:[abA*\[\]^\\\-\x00\x90]{0,8})");
    let pairs = samples((pattern.expect("valid"), text.expect("valid")), 3_000);
    let commands: Vec<_> = pairs
        .iter()
        .flat_map(|(pattern, text)| {
            [
                command(&[b"FLUSHALL"]),
                command(&[b"SET", text, b""]),
                // Matched against the one key there is, as SCAN does for every pattern but "*".
                command(&[b"SCAN", b"0", b"MATCH", pattern]),
            ]
        })
        .collect();
    for ((pattern, text), replies) in pairs.iter().zip(redis.ask(&commands).chunks(3)) {
        let matched = pattern == b"*" || glob::matches(pattern, text, Case::Sensitive);
        let keys = if matched { vec![Reply::Text(text.clone())] } else { vec![] };
        let expected = Reply::Array(vec![Reply::Text(b"0".to_vec()), Reply::Array(keys)]);
        assert_eq!(expected, replies[2], "{pattern:?} {text:?}");
    }
}
