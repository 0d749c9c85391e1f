//! What connections and large arguments cost.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use russet_e2e::{Client, Reply, Server};

use super::{ok, server, status};

#[test]
fn a_large_value_is_received_into_the_memory_that_holds_it() {
    const VALUE_BYTES: u64 = 64 << 20;
    const ALLOWANCE_BYTES: u64 = 1 << 20;
    let server = server(&["--worker-threads", "1"]);
    let mut client = server.client();
    // What is needed once only: buffers of this connection's worker, pages of code.
    assert_eq!(client.command(&["SET", "small", &"x".repeat(100_000)]), ok());
    let before = server.resident_bytes();
    let header = format!("*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n${VALUE_BYTES}\r\n");
    client.send(header.as_bytes()).expect("it is open");
    let piece = vec![b'v'; 1 << 20];
    for _ in 0..VALUE_BYTES >> 20 {
        client.send(&piece).expect("it is open");
    }
    client.send(b"\r\n").expect("it is open");
    assert_eq!(client.receive().expect("a reply"), ok());
    let peak = server.peak_resident_bytes();
    let growth = peak.saturating_sub(before);
    assert!(growth <= VALUE_BYTES + ALLOWANCE_BYTES, "{growth} bytes for {VALUE_BYTES}");
    assert_eq!(client.run("STRLEN large"), Reply::Integer(VALUE_BYTES as i64));
    assert_eq!(client.run("DEL large"), Reply::Integer(1));
}

#[test]
fn an_idle_connection_keeps_no_buffers() {
    const CONNECTIONS: usize = 2_000;
    const BYTES_EACH: u64 = 2 << 10;
    allow_open_files(CONNECTIONS as u64 + 200);
    let server = server(&["--worker-threads", "2"]);
    // What is needed once only.
    let _first = connections(&server, 100);
    let before = server.resident_bytes();
    let _idle = connections(&server, CONNECTIONS);
    let each = server.resident_bytes().saturating_sub(before) / CONNECTIONS as u64;
    assert!(each <= BYTES_EACH, "{each} bytes for each connection");
}

/// Connections that have had something to say and are idle now.
fn connections(server: &Server, count: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..count).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.run("PING"), status("PONG"));
        let value = "v".repeat(10_000);
        assert_eq!(client.command(&["ECHO", value.as_str()]), Reply::Bulk(value.into_bytes()));
    }
    clients
}

fn allow_open_files(wanted: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).expect("the hard limit allows that many files");
    }
}
