//! What bit commands leave to the journal.

use crate::testing::TestServer;

#[test]
fn only_changes_are_recorded() {
    let mut server = TestServer::new();
    for (line, is_recorded) in [
        ("setbit a 3 0", true),
        ("setbit a 3 0", false),
        ("setbit a 3 1", true),
        ("bitcount a", false),
        ("bitop not b a", true),
        ("bitop and b nothing", true),
        ("bitop and b nothing", false),
        ("bitfield a get u8 0", false),
        ("bitfield a set u8 0 1", true),
        ("bitfield a set u8 0 1", false),
        ("bitfield a overflow fail incrby u8 0 255", false),
    ] {
        let reply = server.run(line);
        let expected = if is_recorded { vec![line] } else { vec![] };
        assert_eq!(server.journaled(), expected, "{line} answered {reply:?}");
    }
}

/// Redis counts no change here, so whoever replays what it records has a shorter string.
#[test]
fn a_string_that_was_only_extended_is_recorded() {
    let mut server = TestServer::new();
    let line = "bitfield a overflow fail incrby u8 100 256";
    assert_eq!(server.run(line), "*1\r\n$-1\r\n");
    assert_eq!(server.journaled(), [line]);
    assert_eq!(server.run("bitcount a 13 13"), ":0\r\n");
    assert_eq!(server.run("strlen a"), ":14\r\n");
}
