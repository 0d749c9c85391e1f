//! Tests of the request parser. What Redis does was asked of Redis 7.0.15.

use super::*;
use crate::testing::{Outcome, receive};
use ProtocolError::*;
use proptest::prelude::*;

fn at_once(bytes: &[u8], limits: Limits) -> Outcome {
    receive(bytes, &[], limits)
}

fn encode(command: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for argument in command {
        let argument = argument.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Streams with the commands they hold, arguments separated by `|` and commands by newlines,
/// and the error they end with.
const STREAMS: &[(&[u8], &[u8], Option<ProtocolError>)] = &[
    (b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n", b"SET|key|value\n", None),
    (b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", b"GET|\n", None),
    (b"*1\r\n$0\r\n\r\n", b"\n", None),
    (b"*2\r\n$3\r\nGET\r\n$12\r\nab\r\ncd\r\n\0xyz\r\n", b"GET|ab\r\ncd\r\n\0xyz\n", None),
    // Incomplete.
    (b"", b"", None),
    (b"*", b"", None),
    (b"*1\r\n$4\r\nPING\r", b"", None),
    (b"*1\r\n$4\r\r", b"", None),
    (b"*1\r\nfoo", b"", None),
    (b"*1\n$4\nPING\n", b"", None),
    // Empty commands.
    (b"*0\r\n\r\n\n  \r\n*-1\r\n*-10\r\n*-9223372036854775808\r\n", b"\n\n\n\n\n\n\n", None),
    // The bytes of line ends that are not looked at.
    (b"*1\rX$4\rXPINGXX*1\r\n$1\r\na\r\n", b"PING\na\n", None),
    // Argument counts.
    (b"*1048577\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*2147483648\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*-9223372036854775809\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*99999999999999999999\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*+1\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*01\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*00\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*-0\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*\r\n", b"", Some(ArgumentCountInvalid)),
    (b"* 1\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*1 \r\n", b"", Some(ArgumentCountInvalid)),
    (b"*a\r\n", b"", Some(ArgumentCountInvalid)),
    (b"*1048576\r\n", b"", None),
    // Markers.
    (b"*1\r\nfoo\r\n", b"", Some(BulkMarkerExpected { found: b'f' })),
    (b"*1\r\n\r\n", b"", Some(BulkMarkerExpected { found: b'\r' })),
    (b"*1\r\n\n\r\n", b"", Some(BulkMarkerExpected { found: b'\n' })),
    (b"*1\r\n\xff\r\n", b"", Some(BulkMarkerExpected { found: 0xff })),
    (b"*1\r\n$1\r\na\r\n*1\r\nx\r\nPING\r\n", b"a\n", Some(BulkMarkerExpected { found: b'x' })),
    // Lengths.
    (b"*1\r\n$-1\r\n", b"", Some(BulkLengthInvalid)),
    (b"*1\r\n$04\r\n", b"", Some(BulkLengthInvalid)),
    (b"*1\r\n$+4\r\n", b"", Some(BulkLengthInvalid)),
    (b"*1\r\n$\r\n", b"", Some(BulkLengthInvalid)),
    (b"*3\r\n$3\r\nSET\r\n$x\r\n", b"", Some(BulkLengthInvalid)),
    (b"*1\r\n$536870913\r\n", b"", Some(BulkLengthInvalid)),
    (b"*1\r\n$9223372036854775807\r\n", b"", Some(BulkLengthInvalid)),
    (b"*1\r\n$99999999999999999999\r\n", b"", Some(BulkLengthInvalid)),
    (b"*1\r\n$536870912\r\n", b"", None),
    // Inline commands.
    (b"PING\nPING\r\n", b"PING\nPING\n", None),
    (b"$4\r\n-1\r\n", b"$4\n-1\n", None),
    (b" SET\tkey  \"a b\" 'c'\r\n", b"SET|key|a b|c\n", None),
    (b"PING a\rb\r\r\n", b"PING|a|b\n", None),
    (b"PING \"a\n", b"", Some(UnbalancedQuotes)),
    (b"PING b \"c\" 'a'b\n", b"", Some(UnbalancedQuotes)),
    // A zero byte hides the end of its line.
    (b"PING \0a\r\nPING\r\n", b"", None),
    (b"*\x001\r\n$4\r\nPING\r\n", b"", None),
    (b"*1\r\n$\x004\r\nPING\r\n", b"", None),
];

#[test]
fn streams_mean_what_they_mean_to_redis_wherever_they_are_cut() {
    for (bytes, expected, error) in STREAMS {
        let whole = at_once(bytes, Limits::default());
        let commands: Vec<u8> = whole
            .commands
            .iter()
            .flat_map(|command| [&command.join(&b'|')[..], b"\n"].concat())
            .collect();
        assert_eq!(
            (commands.escape_ascii().to_string(), whole.error),
            (expected.escape_ascii().to_string(), *error),
            "{}",
            bytes.escape_ascii()
        );
        for cut in 0..bytes.len() {
            assert_eq!(
                receive(bytes, &[cut], Limits::default()),
                whole,
                "{}",
                bytes.escape_ascii()
            );
        }
        let every_byte: Vec<usize> = (1..bytes.len()).collect();
        assert_eq!(receive(bytes, &every_byte, Limits::default()), whole);
    }
}

/// Beginnings and a byte that may follow again and again, with the error once the line is
/// longer than 65,536 bytes.
#[test]
fn lines_have_a_longest_length() {
    let lines: &[(&[u8], u8, ProtocolError)] = &[
        (b"", b'A', InlineTooLong),
        (b"\0", b'A', InlineTooLong),
        (b"*", b'1', ArgumentCountTooLong),
        (b"*\0", b'1', ArgumentCountTooLong),
        (b"*1\r\n$", b'1', BulkLengthTooLong),
        (b"*1\r\n", b'z', BulkLengthTooLong),
    ];
    for (beginning, filler, error) in lines {
        let line_start = if beginning.starts_with(b"*1") { 4 } else { 0 };
        let mut bytes = beginning.to_vec();
        bytes.resize(line_start + LINE_LEN_MAX, *filler);
        let whole = at_once(&bytes, Limits::default());
        assert_eq!(whole, Outcome { commands: vec![], error: None });
        bytes.push(*filler);
        for cuts in [&[][..], &[1, 100, 5000], &[LINE_LEN_MAX - 1, LINE_LEN_MAX]] {
            assert_eq!(receive(&bytes, cuts, Limits::default()).error, Some(*error));
        }
        // The line's end no longer helps, even if it came in the same read.
        bytes.extend_from_slice(b"\r\n");
        assert_eq!(at_once(&bytes, Limits::default()).error, Some(*error));
    }
    let mut longest = b"PING ".to_vec();
    longest.resize(LINE_LEN_MAX, b'a');
    longest.push(b'\n');
    assert_eq!(at_once(&longest, Limits::default()).commands[0][1], longest[5..LINE_LEN_MAX]);
}

#[test]
fn limits_decide() {
    let open = Limits::default();
    let closed = Limits { authenticated: false, ..open };
    let seven = Limits { max_arguments: i32::MAX as u32, ..open };
    let short = Limits { max_bulk_len: 1 << 20, ..open };
    let cases: &[(&[u8], Limits, Option<ProtocolError>)] = &[
        (b"*10\r\n", closed, None),
        (b"*11\r\n", closed, Some(ArgumentCountUnauthenticated)),
        (b"*1048577\r\n", closed, Some(ArgumentCountInvalid)),
        (b"*11\r\n", open, None),
        (b"*1\r\n$16384\r\n", closed, None),
        (b"*1\r\n$16385\r\n", closed, Some(BulkLengthUnauthenticated)),
        (b"*1\r\n$536870913\r\n", closed, Some(BulkLengthInvalid)),
        (b"*1\r\n$16385\r\n", open, None),
        (b"*2147483647\r\n", seven, None),
        (b"*2147483648\r\n", seven, Some(ArgumentCountInvalid)),
        (b"*1\r\n$1048576\r\n", short, None),
        (b"*1\r\n$1048577\r\n", short, Some(BulkLengthInvalid)),
    ];
    for (bytes, limits, error) in cases {
        assert_eq!(at_once(bytes, *limits).error, *error, "{}", bytes.escape_ascii());
    }
}

#[test]
fn an_announced_count_reserves_nothing() {
    let mut parser = RequestParser::default();
    let (mut spans, mut owned) = (Vec::new(), Vec::new());
    let bytes = b"*1048576\r\n$4\r\nMSET\r\n$1\r\na\r\n$1";
    let progress = parser.parse(bytes, &Limits::default(), &mut spans, &mut owned);
    assert_eq!(progress, Ok(Progress::Incomplete));
    assert_eq!(parser.expected_args(), 1048576);
    assert!(!parser.is_idle());
    assert!(spans.capacity() <= 8 && parser.pending.capacity() <= 8);
}

#[test]
fn many_arguments_in_small_pieces() {
    let command: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    let bytes = encode(&command);
    let cuts: Vec<usize> = (0..bytes.len()).step_by(100).skip(1).collect();
    let outcome = receive(&bytes, &cuts, Limits::default());
    assert_eq!(outcome.error, None);
    assert!(outcome.commands[0].iter().eq(command.iter().map(|argument| argument.as_bytes())));
}

#[test]
fn a_large_argument_is_handed_over_unless_it_is_all_here() {
    let limits = Limits { large_arg: 10, ..Limits::default() };
    let (mut spans, mut owned) = (Vec::new(), Vec::new());
    let mut parser = RequestParser::default();
    let bytes = b"*3\r\n$3\r\nSET\r\n$10\r\n0123456789\r\n$9\r\n012345678\r\n";
    let at = 18;
    for end in 0..at {
        assert_eq!(
            RequestParser::default().parse(&bytes[..end], &limits, &mut spans, &mut owned),
            Ok(Progress::Incomplete)
        );
    }
    // Asking again, with more bytes or not, gives the same answer as long as some are missing.
    for end in [at, at, at + 9, at + 10, at + 11] {
        assert_eq!(
            parser.parse(&bytes[..end], &limits, &mut spans, &mut owned),
            Ok(Progress::Large { at, len: 10 })
        );
        parser.check_invariants();
    }
    // A caller that waited nevertheless gets it in place.
    let mut waited = parser_clone(&parser);
    let complete = Ok(Progress::Complete { consumed: bytes.len() });
    assert_eq!(waited.parse(bytes, &limits, &mut spans, &mut owned), complete);
    assert_eq!(spans.pop().map(|span| span.resolve(bytes, &owned)), Some(&b"012345678"[..]));
    assert_eq!(spans.pop().map(|span| span.resolve(bytes, &owned)), Some(&b"0123456789"[..]));
    spans.clear();

    owned.push(b"0123456789".to_vec());
    parser.large_received(0);
    let rest = [&bytes[..at], b"$9\r\n012345678\r\n"].concat();
    let progress = parser.parse(&rest, &limits, &mut spans, &mut owned);
    assert_eq!(progress, Ok(Progress::Complete { consumed: rest.len() }));
    assert_eq!(spans, [ArgSpan::bytes(8, 3), ArgSpan::owned(0), ArgSpan::bytes(22, 9)]);
    assert!(parser.is_idle());
}

fn parser_clone(parser: &RequestParser) -> RequestParser {
    RequestParser { pending: parser.pending.clone(), ..*parser }
}

#[test]
fn spans_of_earlier_commands_stay() {
    let mut parser = RequestParser::default();
    let earlier = ArgSpan::bytes(1, 2);
    let (mut spans, mut owned) = (vec![earlier], vec![b"x".to_vec()]);
    for bytes in [&b"*1\r\n$1\r\na\r\nx\r\n"[..], b"a \"b\" \"", b"*2\r\n$1\r\na\r\n"] {
        let _ = parser.parse(bytes, &Limits::default(), &mut spans, &mut owned);
        spans.truncate(1);
        owned.truncate(1);
        parser = RequestParser::default();
    }
    let _ = parser.parse(b"a \"b\" \"\n", &Limits::default(), &mut spans, &mut owned);
    assert_eq!((spans.len(), owned.len()), (1, 1));
    let _ = parser.parse(b"a \"b\"\n", &Limits::default(), &mut spans, &mut owned);
    assert_eq!(spans, [earlier, ArgSpan::bytes(0, 1), ArgSpan::owned(1)]);
    assert_eq!(owned, [b"x", b"b"]);
}

/// Bytes that look like the protocol more often than random ones do.
fn protocol_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()),
        2 => (0..40u32).prop_map(|count| format!("*{count}\r\n").into_bytes()),
        4 => (0..40u32).prop_map(|len| format!("${len}\r\n").into_bytes()),
        2 => prop::collection::vec(any::<u8>(), 0..40),
        1 => any::<i64>().prop_map(|number| format!("*{number}\r\n").into_bytes()),
        1 => any::<i64>().prop_map(|number| format!("${number}\r\n").into_bytes()),
        1 => "[ a-c\"'\\\\x]{0,20}\n".prop_map(String::into_bytes),
        2 => prop::collection::vec("[a-z]{0,12}", 0..4).prop_map(|command| encode(&command)),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn pipelines_come_back_as_sent(
        commands in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..12), 0..12),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        large_arg in 1..300usize,
    ) {
        let bytes: Vec<u8> = commands.iter().flat_map(|command| encode(command)).collect();
        let mut cuts: Vec<usize> = cuts.drain(..).map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let limits = Limits { large_arg, ..Limits::default() };
        let outcome = receive(&bytes, &cuts, limits);
        prop_assert_eq!(outcome, Outcome { commands, error: None });
    }

    #[test]
    fn any_bytes_mean_the_same_wherever_they_are_cut(
        bytes in protocol_like(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        large_arg in 1..60usize,
        authenticated: bool,
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let limits = Limits { large_arg, authenticated, ..Limits::default() };
        prop_assert_eq!(receive(&bytes, &cuts, limits), at_once(&bytes, limits));
    }
}
