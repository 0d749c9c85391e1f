//! What set commands leave to the journal, and how changes are counted.

use crate::testing::TestServer;

#[test]
fn what_was_drawn_is_journaled() {
    let mut server = TestServer::new();
    server.run("SADD s a");
    assert_eq!(server.run("SPOP s"), "$1\r\na\r\n");
    server.run("SADD s 1 2 3");
    let reply = server.run("SPOP s 2");
    let drawn: Vec<&str> = reply.lines().skip(2).step_by(2).collect();
    assert_eq!(drawn.len(), 2);
    server.run("SPOP s 5");
    server.run("SPOP s 5");
    assert_eq!(
        server.journaled(),
        [
            "SADD s a",
            "SREM s a",
            "SADD s 1 2 3",
            &format!("SREM s {} {}", drawn[0], drawn[1]),
            "DEL s"
        ]
    );
}

#[test]
fn each_member_counts_as_a_change() {
    let mut server = TestServer::new();
    let mut changes = |line: &str| {
        let before = server.changes();
        server.run(line);
        server.changes() - before
    };
    assert_eq!(changes("SADD s a b c"), 3);
    assert_eq!(changes("SADD s a d"), 1);
    assert_eq!(changes("SADD s a"), 0);
    assert_eq!(changes("SMOVE s t a"), 2);
    assert_eq!(changes("SMOVE s s b"), 0);
    assert_eq!(changes("SREM s b c nothing"), 2);
    assert_eq!(changes("SUNIONSTORE u s t"), 1);
    assert_eq!(changes("SINTERSTORE u s nothing"), 1);
    assert_eq!(changes("SINTERSTORE u s nothing"), 0);
    assert_eq!(changes("SPOP s 7"), 1);
}
