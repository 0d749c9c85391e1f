//! What connections and large values cost, measured as resident memory of the process.

use std::fs;

use russet_e2e::client::encode;
use russet_e2e::{Client, Reply, Server};

use crate::{many_connections, start};

const MIB: u64 = 1024 * 1024;

/// The most that the server has ever been resident with, in bytes.
fn peak_resident_bytes(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process_id()));
    let status = status.expect("the server runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux names it");
    let kib = line.split_ascii_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    kib.expect("a number of kB") * 1024
}

/// An idle connection keeps no buffers.
#[test]
fn ten_thousand_idle_connections_are_cheap() {
    const CONNECTIONS: usize = 10_000;
    const MOST_BYTES_EACH: u64 = 2 * 1024;
    let (_alone, count) = many_connections(CONNECTIONS);
    let server = start(&["--maxclients", "11000"]);
    let mut first = server.client();
    first.run("PING");
    let before = server.resident_bytes();
    let mut clients: Vec<Client> = (0..count).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.run("PING"), Reply::Status(b"PONG".to_vec()));
    }
    let each = server.resident_bytes().saturating_sub(before) / count as u64;
    println!("{count} idle connections: {each} bytes each");
    assert!(each <= MOST_BYTES_EACH, "{each} bytes for each of {count} idle connections");
}

/// A large value is received into the memory that will hold it: one copy, and little besides.
#[test]
fn a_large_value_is_held_once() {
    const VALUE: u64 = 128 * MIB;
    const MOST_BESIDES: u64 = MIB;
    let server = start(&["--worker-threads", "1"]);
    let mut client = server.client();
    // What any first large command sets up is not the value's.
    client.command(&[&b"SET"[..], b"warm", &vec![b'w'; MIB as usize]]);
    let before = peak_resident_bytes(&server);
    let bytes = encode(&[&b"SET"[..], b"large", &vec![b'v'; VALUE as usize]]);
    client.send(&bytes).expect("the server reads");
    assert_eq!(client.receive().expect("a reply"), Reply::Status(b"OK".to_vec()));
    let besides = peak_resident_bytes(&server).saturating_sub(before + VALUE);
    assert!(besides <= MOST_BESIDES, "{besides} bytes besides a value of {VALUE}");
    assert_eq!(client.run("STRLEN large"), Reply::Integer(VALUE as i64));
    assert_eq!(client.run("GETRANGE large -3 -1"), Reply::Bulk(b"vvv".to_vec()));
}
