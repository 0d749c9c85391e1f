//! What string commands leave to the journal: what came of them, whatever the time.

use crate::testing::TestServer;

/// Checks that each command leaves what stands beside it.
fn check(server: &mut TestServer, cases: &[(&str, &str)]) {
    for (line, journaled) in cases {
        let reply = server.run(line);
        let expected: &[&str] = if journaled.is_empty() { &[] } else { &[journaled] };
        assert_eq!(server.journaled(), expected, "{line} answered {reply:?}");
    }
}

#[test]
fn plain_writes_are_recorded_as_they_were_sent() {
    check(
        &mut TestServer::new(),
        &[
            ("set a 1", "set a 1"),
            ("set a 2 nx", ""),
            ("set a 2 xx keepttl", "set a 2 xx keepttl"),
            ("setnx a 3", ""),
            ("setnx b 3", "setnx b 3"),
            ("incrby a 5", "incrby a 5"),
            ("incrby a x", ""),
            ("append b text", "append b text"),
            ("append c text", "append c text"),
            ("setrange b 0 ", ""),
            ("setrange b 1 x", "setrange b 1 x"),
            ("mset a 1 b 2", "mset a 1 b 2"),
            ("msetnx a 1 z 2", ""),
            ("msetnx y 1 z 2", "msetnx y 1 z 2"),
            ("mget a b c", ""),
            ("getex a", ""),
        ],
    );
}

#[test]
fn commands_that_also_read_are_recorded_as_what_they_write() {
    check(
        &mut TestServer::new(),
        &[
            ("set a 1 get", "SET a 1"),
            ("set a 1 get nx", ""),
            ("set a 7 keepttl get", "SET a 7 KEEPTTL"),
            ("getset a word", "SET a word"),
            ("incrbyfloat b 1.50", "SET b 1.5 KEEPTTL"),
            ("incrbyfloat a 1", ""),
            ("getdel a", "DEL a"),
            ("getdel a", ""),
            ("getex b persist", ""),
            ("getex b exat 9999999999", "PEXPIREAT b 9999999999000"),
            ("getex b persist", "PERSIST b"),
            ("getex b pxat 1", "DEL b"),
        ],
    );
}

#[test]
fn relative_times_are_recorded_as_instants() {
    let mut server = TestServer::new();
    for (line, recorded, after_ms) in [
        ("set a 1 ex 100", "SET a 1 PXAT ", 100_000),
        ("set a 1 px 100 get", "SET a 1 PXAT ", 100),
        ("setex a 5 x", "SET a x PXAT ", 5_000),
        ("psetex a 50 x", "SET a x PXAT ", 50),
        ("getex a px 70", "PEXPIREAT a ", 70),
    ] {
        let expected = format!("{recorded}{}", server.now_ms() + after_ms);
        server.run(line);
        assert_eq!(server.journaled(), [expected], "{line}");
    }
}

#[test]
fn a_key_met_after_its_time_is_recorded_before_what_met_it() {
    let mut server = TestServer::new();
    server.run("set a 1 pxat 1");
    server.journaled();
    server.run("append a x");
    assert_eq!(server.journaled(), ["DEL a; append a x"]);
    server.run("set b 1 pxat 1");
    server.journaled();
    assert_eq!(server.run("get b"), "$-1\r\n");
    assert_eq!(server.journaled(), ["DEL b"]);
}

#[test]
fn adopted_values_are_recorded_too() {
    let mut server = TestServer::new();
    let large = "v".repeat(100_000);
    for (line, recorded) in
        [("set a ", "set a "), ("getset a ", "SET a "), ("append b ", "append b ")]
    {
        server.run(&format!("{line}{large}"));
        assert_eq!(server.journaled(), [format!("{recorded}{large}")]);
    }
    assert_eq!(server.run("strlen a"), ":100000\r\n");
}
