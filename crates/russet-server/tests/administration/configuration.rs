//! CONFIG.

use super::{number, start};
use russet_e2e::{Client, text};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

fn shown(client: &mut Client, name: &str) -> String {
    text(client.command(&["CONFIG", "GET", name]).elements()[1])
}

fn set(client: &mut Client, words: &[&str]) -> String {
    text(&client.command(&[&["CONFIG", "SET"], words].concat()))
}

/// Somebody else's port.
fn taken_port() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port.to_string())
}

fn answers(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Client::connect(address).and_then(|mut client| client.try_command(&["PING"])).is_ok()
}

#[test]
fn the_port_and_the_addresses_can_change() {
    let server = start(&["--worker-threads", "2"]);
    let mut client = server.client();
    let (listener, free) = taken_port();
    drop(listener);
    assert_eq!(set(&mut client, &["port", &free]), "OK");
    let port: u16 = free.parse().expect("it is a port");
    assert!(answers(port) && !answers(server.port()));
    assert_eq!(shown(&mut client, "port"), free);
    // Addresses may overlap with the old ones.
    assert_eq!(set(&mut client, &["bind", "* -::*"]), "OK");
    assert!(answers(port));
    assert_eq!(set(&mut client, &["bind", "127.0.0.1"]), "OK");
    assert!(answers(port));
    assert_eq!(set(&mut client, &["port", "0"]), "OK");
    assert!(!answers(port));
}

#[test]
fn a_change_that_cannot_be_carried_out_changes_nothing() {
    let server = start(&[]);
    let mut client = server.client();
    let (_listener, taken) = taken_port();
    let before = shown(&mut client, "maxclients");
    let refused = set(&mut client, &["maxmemory-samples", "7", "maxclients", "50", "port", &taken]);
    assert_eq!(
        refused,
        "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this \
         port. Check server logs."
    );
    assert_eq!(shown(&mut client, "maxclients"), before);
    assert_eq!(shown(&mut client, "maxmemory-samples"), "5");
    let refused = set(&mut client, &["bind", "192.0.2.1"]);
    assert!(refused.ends_with("- Failed to bind to specified addresses."), "{refused}");
    assert!(answers(server.port()), "it listens as before");
}

#[test]
fn every_worker_sees_a_change() {
    let server = start(&["--worker-threads", "4"]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.client()).collect();
    assert_eq!(set(&mut clients[0], &["proto-max-bulk-len", "2mb"]), "OK");
    for client in &mut clients {
        assert_eq!(shown(client, "proto-max-bulk-len"), "2097152");
        assert!(client.command(&["SETRANGE", "key", "3000000", "x"]).is_error());
    }
}

#[test]
fn resetstat_begins_anew_but_for_what_saving_counts() {
    let server = start(&["--worker-threads", "2"]);
    let mut client = server.client();
    for _ in 0..10 {
        client.command(&["SET", "key", "value"]);
        client.command(&["GET", "nothing"]);
        client.command(&["NONSENSE"]);
    }
    assert_eq!(number(&mut client, "stats", "keyspace_misses"), 10);
    assert_eq!(number(&mut client, "stats", "total_error_replies"), 10);
    assert!(number(&mut client, "stats", "total_connections_received") > 0);
    assert_eq!(text(&client.command(&["CONFIG", "RESETSTAT"])), "OK");
    for field in ["keyspace_misses", "total_error_replies", "total_connections_received"] {
        assert_eq!(number(&mut client, "stats", field), 0, "{field}");
    }
    // RESETSTAT is the first command of the new count, INFO the next ones.
    let calls = text(&client.command(&["INFO", "commandstats", "latencystats", "errorstats"]));
    assert!(calls.contains("cmdstat_config|resetstat:calls=1,"), "{calls}");
    assert!(!calls.contains("_set:") && !calls.contains("errorstat_"), "{calls}");
    assert_eq!(number(&mut client, "persistence", "rdb_changes_since_last_save"), 10);
}
