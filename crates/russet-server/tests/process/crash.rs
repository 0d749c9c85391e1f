//! Ending by a fault: the process is gone, and the log says why.

use std::os::unix::process::ExitStatusExt;

use russet_e2e::signal;

use super::{end_of, server};

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;

#[test]
fn a_panic_leaves_a_report() {
    let mut server = server(&["--worker-threads", "2"]);
    let mut bystander = server.client();
    bystander.run("SET k v");
    assert!(server.client().try_command(&["DEBUG", "PANIC"]).is_err());
    assert_eq!(end_of(&mut server).signal(), Some(SIGABRT));
    assert!(bystander.try_command(&["GET", "k"]).is_err(), "nothing of the server lives on");
    let log = server.log();
    let parts = [
        "Thread 'worker-",
        "=== RUSSET BUG REPORT START ===",
        "DEBUG PANIC was called",
        "argv[0]: \"DEBUG\"\nargv[1]: \"PANIC\"",
        "------ STACK TRACE ------",
        "------ INFO OUTPUT ------",
        "redis_version:",
        "=== RUSSET BUG REPORT END ===",
    ];
    let mut rest = &log[..];
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part} at its place in {log}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn the_report_names_the_command_of_a_queue() {
    let mut server = server(&[]);
    let mut client = server.client();
    for words in ["MULTI", "SET k value-of-k", "DEBUG ASSERT"] {
        client.run(words);
    }
    assert!(client.try_command(&["EXEC"]).is_err());
    assert_eq!(end_of(&mut server).signal(), Some(SIGABRT));
    let log = server.log();
    assert!(log.contains("argv[1]: \"ASSERT\"") && !log.contains("value-of-k"), "{log}");
    assert!(log.contains("=== ASSERTION FAILED ==="), "{log}");
}

#[test]
fn a_report_can_be_switched_off() {
    let mut server = server(&["--crash-log-enabled", "no"]);
    assert!(server.client().try_command(&["DEBUG", "PANIC"]).is_err());
    assert_eq!(end_of(&mut server).signal(), Some(SIGABRT));
    let log = server.log();
    assert!(log.contains("DEBUG PANIC was called") && !log.contains("BUG REPORT"), "{log}");
}

#[test]
fn a_fatal_signal_leaves_a_report() {
    let mut server = server(&[]);
    assert!(server.client().try_command(&["DEBUG", "SEGFAULT"]).is_err());
    assert_eq!(end_of(&mut server).signal(), Some(SIGSEGV));
    let log = server.log();
    assert!(log.contains("crashed by signal 11"), "{log}");
    assert!(log.contains("while executing debug of client"), "{log}");
    let (_, trace) = log.split_once("------ STACK TRACE ------\n").expect("a stack trace");
    let (trace, _) = trace.split_once("=== RUSSET BUG REPORT END ===").expect("its end");
    assert!(trace.lines().filter(|line| line.starts_with("russet-server+0x")).count() > 3, "{log}");
}

#[test]
fn a_fatal_signal_from_outside_ends_the_process_too() {
    let mut server = server(&["--logfile", "server.log"]);
    signal(server.process_id(), "BUS");
    assert!(end_of(&mut server).signal().is_some());
    let log = std::fs::read_to_string(server.directory().join("server.log")).expect("a log");
    assert!(log.contains("crashed by signal 7"), "{log}");
}
