//! The request parser against Redis 7.0: the same bytes hold the same commands and errors.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use russet_e2e::{Server, tool_or_skip};
use russet_resp::decode::Value;
use russet_resp::testing::{decode, receive};
use russet_resp::{Limits, Protocol, ReplyWriter};

/// What Redis answers to `bytes` before it closes, which it does at their end or at an error.
fn ask(server: &Server, bytes: &[u8]) -> Vec<Value> {
    let mut client = server.client();
    client.send(bytes).expect("the server reads");
    let answer = client.finish().expect("the server answers and closes");
    let (replies, error) = decode(&answer, answer.len().max(1));
    assert_eq!(error, None, "{}", answer.escape_ascii());
    replies
}

/// What Redis should answer by our reading of `bytes`, as it were a server whose one command is
/// ECHO. Errors of commands are only counted.
fn expect(bytes: &[u8], limits: Limits) -> Vec<Value> {
    let outcome = receive(bytes, &[], limits);
    let mut replies = Vec::new();
    for command in outcome.commands {
        match command.as_slice() {
            [] => {}
            [name, text] if name.eq_ignore_ascii_case(b"ECHO") => {
                replies.push(Value::Bulk(text.clone()));
            }
            _ => replies.push(COMMAND_ERROR),
        }
    }
    if let Some(error) = outcome.error {
        let mut encoded = Vec::new();
        let text = [b"ERR ", &error.message()[..]].concat();
        ReplyWriter::new(&mut encoded, Protocol::Resp2).error_bytes(&text);
        replies.extend(decode(&encoded, encoded.len()).0);
    }
    replies
}

/// Stands for any error of a command, as opposed to one of the protocol.
const COMMAND_ERROR: Value = Value::Error(Vec::new());

/// Blurs the errors of commands.
fn blur(replies: Vec<Value>) -> Vec<Value> {
    let blurred = |reply| match reply {
        Value::Error(text) if !text.starts_with(b"ERR Protocol error") => COMMAND_ERROR,
        reply => reply,
    };
    replies.into_iter().map(blurred).collect()
}

/// A whole ECHO, so that what precedes it is seen to be over, or to have swallowed it.
const ECHO: &[u8] = b"*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n";

/// Pieces of streams, right and wrong.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        8 => (0..6u32).prop_map(|number| number.to_string()),
        2 => "[-+ ]?[0-9]{0,3}[ a]?",
        1 => any::<i64>().prop_map(|number| number.to_string()),
        6 => prop::sample::select(vec![
            "2147483647", "2147483648", "9223372036854775807", "9223372036854775808",
            "-9223372036854775808", "-9223372036854775809", "536870912", "536870913", "16384",
            "16385", "10", "11", "-0", "00",
        ]).prop_map(str::to_owned),
    ];
    let line_end = prop_oneof![
        8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("\rx"), 1 => Just("\0\r\n"),
    ];
    let header = (prop::sample::select(vec!["*", "$", "", "+"]), number, line_end)
        .prop_map(|(marker, number, end)| format!("{marker}{number}{end}").into_bytes());
    prop_oneof![
        3 => Just(ECHO.to_vec()),
        3 => header,
        1 => Just(b"*2\r\n$4\r\necho\r\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        4 => r#"echo [ a\t\x0b"'\\xn4\x80-\xff]{0,10}\r?\n"#.prop_map(String::into_bytes),
    ]
}

#[test]
fn random_streams() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let open = (Server::oracle::<&str>(&[]), true);
    let closed = (Server::oracle(&["--requirepass", "secret"]), false);
    let mut runner = TestRunner::new(Config { cases: 2000, ..Config::default() });
    for (server, authenticated) in [open, closed] {
        // Redis 7.0 has raised the limit that was a million.
        let limits = Limits { authenticated, max_arguments: i32::MAX as u32, ..Limits::default() };
        let streams = prop::collection::vec(piece(), 0..8);
        let outcome = runner.run(&streams, |pieces| {
            let bytes = [&pieces.concat(), ECHO].concat();
            let mut expected = expect(&bytes, limits);
            if !authenticated {
                // Every command is answered with an error then.
                expected = expected
                    .into_iter()
                    .map(|reply| if reply.is_error() { reply } else { COMMAND_ERROR })
                    .collect();
            }
            prop_assert_eq!(blur(ask(&server, &bytes)), expected, "{}", bytes.escape_ascii());
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    }
}
