//! What hash commands leave to the journal, and how changes are counted.

use crate::testing::TestServer;

#[test]
fn what_depends_on_floats_is_journaled_as_its_result() {
    let mut server = TestServer::new();
    assert_eq!(server.run("HINCRBYFLOAT h f 1.5"), "$3\r\n1.5\r\n");
    assert_eq!(server.run("HINCRBYFLOAT h f 1.5"), "$1\r\n3\r\n");
    assert_eq!(server.run("HINCRBY h f 4"), ":7\r\n");
    assert_eq!(server.journaled(), ["HSET h f 1.5", "HSET h f 3", "HINCRBY h f 4"]);
}

#[test]
fn each_field_counts_as_a_change() {
    let mut server = TestServer::new();
    let mut changes = |line: &str| {
        let before = server.changes();
        server.run(line);
        server.changes() - before
    };
    assert_eq!(changes("HSET h a 1 b 2 c 3"), 3);
    assert_eq!(changes("HSET h a 1"), 1);
    assert_eq!(changes("HSETNX h a 1"), 0);
    assert_eq!(changes("HINCRBY h a x"), 0);
    assert_eq!(changes("HINCRBY new a x"), 0);
    assert_eq!(changes("HDEL h a b nothing"), 2);
    assert_eq!(changes("HDEL h nothing"), 0);
    assert_eq!(changes("HDEL h c"), 1);
}

#[test]
fn a_failed_command_leaves_no_empty_hash() {
    let mut server = TestServer::new();
    assert!(server.run("HINCRBYFLOAT h f x").starts_with('-'));
    assert_eq!(server.run("HSET h f text"), ":1\r\n");
    assert!(server.run("HINCRBY h f 1").starts_with('-'));
    assert_eq!(server.run("HDEL h f"), ":1\r\n");
    assert_eq!(server.run("EXISTS h"), ":0\r\n");
}
