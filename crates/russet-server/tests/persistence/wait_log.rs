//! WAITAOF.

use russet_e2e::{Client, Reply, text};

use super::{info, integer, ok, russet, wait_until};

fn counts(local: i64) -> Reply {
    Reply::Array(vec![Reply::Integer(local), Reply::Integer(0)])
}

fn logging(policy: &str) -> (russet_e2e::Server, Client) {
    let server = russet(&["--appendonly", "yes", "--appendfsync", policy]);
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
    (server, client)
}

#[test]
fn without_a_log_there_is_nothing_to_wait_for() {
    let server = russet(&[]);
    let mut client = server.client();
    let disabled = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    for (command, answer) in [
        ("WAITAOF 1 0 0", disabled),
        ("WAITAOF 2 0 0", "ERR value is out of range, value must between 0 and 1"),
        ("WAITAOF x 0 0", "ERR value is not an integer or out of range"),
        ("WAITAOF 1 -1 0", "ERR value is out of range, must be positive"),
        ("WAITAOF 0 0 -1", "ERR timeout is negative"),
        ("WAITAOF 0 0 x", "ERR timeout is not an integer or out of range"),
        ("WAITAOF 0 0 9223372036854775807", "ERR timeout is out of range"),
        ("WAITAOF 0 0", "ERR wrong number of arguments for 'waitaof' command"),
    ] {
        assert_eq!(text(&client.run(command)), answer, "{command}");
    }
    assert_eq!(client.run("WAITAOF 0 0 0"), counts(0));
    assert_eq!(client.run("WAITAOF 0 1 1"), counts(0), "there are no replicas");
}

#[test]
fn writes_are_waited_for_until_they_are_flushed() {
    let (_server, mut client) = logging("everysec");
    assert_eq!(client.run("SET k 1"), ok());
    assert_eq!(client.run("WAITAOF 1 0 0"), counts(1));
    assert_eq!(client.run("WAITAOF 1 0 0"), counts(1), "nothing was written since");
    client.run("CONFIG SET appendfsync always");
    client.run("SET k 2");
    assert_eq!(client.run("WAITAOF 1 0 0"), counts(1));
    assert_eq!(client.run("WAITAOF 1 1 1"), counts(1), "there are no replicas");
}

#[test]
fn the_wait_ends_with_its_time_or_when_somebody_says_so() {
    let (server, mut client) = logging("no");
    client.run("SET k 1");
    assert_eq!(client.run("WAITAOF 1 0 1"), counts(0));
    client.run("MULTI");
    client.run("WAITAOF 1 0 0");
    assert_eq!(client.run("EXEC"), Reply::Array(vec![counts(0)]), "nobody waits in a transaction");
    let id = integer(&client.run("CLIENT ID"));
    let mut other = server.client();
    client.send(b"WAITAOF 1 0 0\r\n").expect("sent");
    wait_until("unblocked", || other.run(&format!("CLIENT UNBLOCK {id}")) == Reply::Integer(1));
    assert_eq!(client.receive().expect("a reply"), counts(0));
    client.send(b"WAITAOF 1 0 0\r\nPING\r\n").expect("sent");
    wait_until("blocked", || text(&other.run("INFO clients")).contains("blocked_clients:1"));
    assert_eq!(other.run("CONFIG SET appendfsync everysec"), ok());
    assert_eq!(client.receive().expect("a reply"), counts(1));
    assert_eq!(text(&client.receive().expect("a reply")), "PONG");
}

#[test]
fn the_wait_ends_with_the_log() {
    let (server, mut client) = logging("no");
    client.run("SET k 1");
    client.send(b"WAITAOF 1 0 0\r\n").expect("sent");
    let mut other = server.client();
    wait_until("blocked", || text(&other.run("INFO clients")).contains("blocked_clients:1"));
    assert_eq!(other.run("CONFIG SET appendonly no"), ok());
    let answer = text(&client.receive().expect("a reply"));
    assert!(answer.starts_with("ERR WAITAOF cannot be used when numlocal is set"), "{answer}");
}
