//! CLIENT PAUSE.

use russet_e2e::{Client, Reply, Server};

use super::{clients, eventually, field, id_of, line_of, ok, server, status};

/// Longer than any test.
const FOREVER_MS: &str = "1000000000";

fn send(client: &mut Client, commands: &str) {
    client.send(commands.replace("; ", "\r\n").as_bytes()).expect("it is open");
    client.send(b"\r\n").expect("it is open");
}

fn wait_until_blocked(asking: &mut Client, id: i64) {
    eventually("the client waits", || {
        line_of(asking, id).is_some_and(|line| field(&line, "flags").contains('b'))
    });
}

fn four_workers() -> Server {
    server(&["--worker-threads", "4"])
}

#[test]
fn writes_wait_and_reads_do_not() {
    let server = four_workers();
    let [mut admin, mut writer, mut reader, mut transaction] = clients(&server);
    let (writer_id, transaction_id) = (id_of(&mut writer), id_of(&mut transaction));
    assert_eq!(admin.run(&format!("CLIENT PAUSE {FOREVER_MS} WRITE")), ok());
    send(&mut writer, "PING; SET k 1; INCR k; GET k");
    assert_eq!(writer.receive().expect("a reply"), status("PONG"));
    send(&mut transaction, "MULTI; SET k 100; GET k; EXEC");
    assert_eq!(transaction.receive().expect("a reply"), ok());
    wait_until_blocked(&mut admin, writer_id);
    wait_until_blocked(&mut admin, transaction_id);
    assert_eq!(reader.run("GET k"), Reply::NullBulk);
    assert_eq!(reader.run("MULTI"), ok());
    assert_eq!(reader.run("GET k"), status("QUEUED"));
    assert_eq!(reader.run("EXEC"), Reply::Array(vec![Reply::NullBulk]));
    assert_eq!(admin.run("CLIENT UNPAUSE"), ok());
    assert_eq!(writer.receive().expect("a reply"), ok());
    for _ in 0..2 {
        writer.receive().expect("a reply");
    }
    for _ in 0..2 {
        assert_eq!(transaction.receive().expect("a reply"), status("QUEUED"));
    }
    let expected = Reply::Array(vec![ok(), Reply::Bulk(b"100".to_vec())]);
    assert_eq!(transaction.receive().expect("a reply"), expected);
    let line = line_of(&mut admin, writer_id).expect("it is connected");
    assert_eq!(field(&line, "flags"), "N");
}

#[test]
fn everything_waits_but_the_end_of_the_pause() {
    let server = four_workers();
    let [mut admin, mut other] = clients(&server);
    assert_eq!(admin.run(&format!("CLIENT PAUSE {FOREVER_MS}")), ok());
    send(&mut other, "PING");
    assert_eq!(admin.run("CLIENT UNPAUSE"), ok());
    assert_eq!(other.receive().expect("a reply"), status("PONG"));
}

#[test]
fn a_pause_ends_by_itself() {
    let server = four_workers();
    let [mut admin, mut other] = clients(&server);
    assert_eq!(admin.run("CLIENT PAUSE 30 ALL"), ok());
    assert_eq!(other.run("SET k v"), ok());
    assert_eq!(admin.run("GET k"), Reply::Bulk(b"v".to_vec()));
}

#[test]
fn a_client_that_leaves_while_it_waits_executes_nothing() {
    let server = four_workers();
    let [mut admin, mut leaving] = clients(&server);
    let id = id_of(&mut leaving);
    assert_eq!(admin.run(&format!("CLIENT PAUSE {FOREVER_MS} WRITE")), ok());
    send(&mut leaving, "SET k v");
    wait_until_blocked(&mut admin, id);
    assert_eq!(admin.run(&format!("CLIENT KILL ID {id}")), Reply::Integer(1));
    assert_eq!(admin.run("CLIENT UNPAUSE"), ok());
    assert!(leaving.receive().is_err());
    assert_eq!(admin.run("GET k"), Reply::NullBulk);
}

#[test]
fn keys_past_their_time_stay_until_the_end() {
    let server = four_workers();
    let [mut admin, mut reader] = clients(&server);
    // Expired by nobody but who reads it.
    assert_eq!(admin.run("DEBUG SET-ACTIVE-EXPIRE 0"), ok());
    assert_eq!(admin.run("SET k v PX 1"), ok());
    assert_eq!(admin.run(&format!("CLIENT PAUSE {FOREVER_MS} WRITE")), ok());
    eventually("the time comes", || reader.run("GET k") == Reply::NullBulk);
    assert_eq!(reader.run("DBSIZE"), Reply::Integer(1));
    assert_eq!(admin.run("CLIENT UNPAUSE"), ok());
    assert_eq!(reader.run("GET k"), Reply::NullBulk);
    assert_eq!(reader.run("DBSIZE"), Reply::Integer(0));
}
