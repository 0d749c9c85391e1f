//! How slow scripts end whose client, or whose server, ends before them.

use std::time::Duration;

use russet_e2e::{Reply, Server, text};

use crate::{begin, eventually, free_key, is_busy, send, with_workers};

const WRITES_FIRST: &str = "redis.call('SET', KEYS[1], 'v') while true do end";

#[test]
fn a_script_that_has_written_ends_with_the_server_only() {
    for workers in ["1", "4"] {
        let arguments = ["--worker-threads", workers, "--busy-reply-threshold", "20"];
        let mut server = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &arguments);
        let (mut runner, mut other) = (server.client(), server.client());
        begin(&mut runner, &["EVAL", WRITES_FIRST, "1", "a"], &mut other, "GET a");
        assert!(text(&other.run("SCRIPT KILL")).starts_with("UNKILLABLE"));
        assert!(is_busy(&other.run("SHUTDOWN")));
        let free = free_key(&mut other, "b");
        assert_eq!(text(&other.run(&format!("SET {free} v"))), "OK");
        send(&mut other, &["SHUTDOWN", "NOSAVE"]);
        let status = server.wait(Duration::from_secs(30)).expect("it ends");
        assert!(status.success(), "{status}: {}", server.log());
    }
}

#[test]
fn a_script_goes_on_when_its_client_has_gone() {
    with_workers(|server| {
        let mut other = server.client();
        let slow = "for i = 1, 50000000 do end redis.call('SET', KEYS[1], 'done')";
        other.command(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 100000 0 0"]);
        let mut runner = server.client();
        runner.run("HELLO 3");
        runner.run("SUBSCRIBE channel");
        begin(&mut runner, &["EVAL", slow, "1", "a"], &mut other, "GET a");
        let message = "m".repeat(200_000);
        while other.command(&["PUBLISH", "channel", &message]) == Reply::Integer(1) {}
        assert!(is_busy(&other.run("GET a")), "the client is closed before its script ends");
        eventually("the closed client's script has ended", || text(&other.run("GET a")) == "done");
        other.run("DEL a");
        let mut runner = server.client();
        begin(&mut runner, &["EVAL", slow, "1", "a"], &mut other, "GET a");
        drop(runner);
        eventually("the lost client's script has ended", || text(&other.run("GET a")) == "done");
        assert_eq!(text(&other.run("FLUSHALL")), "OK");
    });
}

#[test]
fn the_effects_of_a_slow_script_are_one_unit_of_the_log() {
    let arguments = ["--worker-threads", "2", "--appendonly", "yes"];
    let server = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &arguments);
    let (mut runner, mut other) = (server.client(), server.client());
    eventually("the log is open", || text(&other.run("PING")) == "PONG");
    let slow = "for i = 1, 20000 do redis.call('INCR', KEYS[1]) end";
    send(&mut runner, &["EVAL", slow, "1", "a"]);
    for _ in 0..50 {
        other.run("INCR b");
    }
    runner.receive().expect("a reply");
    let incremental = std::fs::read_dir(server.directory().join("appendonlydir"))
        .expect("the log is there")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().ends_with(".incr.aof"))
        .expect("there is an incremental file");
    let mut log = String::new();
    eventually("the unit is in the log", || {
        let bytes = std::fs::read(&incremental).expect("it can be read");
        log = String::from_utf8_lossy(&bytes).into_owned();
        log.contains("\r\nEXEC\r\n")
    });
    let begins = log.find("MULTI").expect("a unit of several commands");
    let unit = &log[begins..begins + log[begins..].find("EXEC").expect("it ends")];
    assert_eq!(unit.matches("\r\na\r\n").count(), 20000);
    assert_eq!(unit.matches("\r\nb\r\n").count(), 0);
}
