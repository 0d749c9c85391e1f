//! Clients that do not behave: the others must not notice, and memory must not grow.

use std::io::Write;
use std::time::{Duration, Instant};

use russet_e2e::client::encode;
use russet_e2e::{Client, Reply, text};

use crate::{WORKERS, many_connections, on_all_workers, start};

const MIB: u64 = 1024 * 1024;

fn ping(client: &mut Client) {
    assert_eq!(client.run("PING"), Reply::Status(b"PONG".to_vec()));
}

/// Ten thousand of them, half with each worker count: as many as a machine has ports to spare.
#[test]
fn connections_that_send_one_byte_and_leave() {
    const CONNECTIONS: usize = 5_000;
    const MOST_BYTES_EACH: u64 = 4 * 1024;
    let (_alone, count) = many_connections(CONNECTIONS);
    for workers in WORKERS {
        let server = start(&["--worker-threads", workers]);
        let mut steady = server.client();
        ping(&mut steady);
        let before = server.resident_bytes();
        let connect = |number: usize| {
            let mut client = server.client();
            client.send(&[number as u8]).expect("the server accepts");
            client
        };
        let clients: Vec<Client> = (0..count).map(connect).collect();
        ping(&mut steady);
        let each = server.resident_bytes().saturating_sub(before) / count as u64;
        assert!(each <= MOST_BYTES_EACH, "{each} bytes for a connection with one byte");
        drop(clients);
        ping(&mut steady);
    }
}

/// What a client announces costs nothing until it arrives.
#[test]
fn announced_lengths_take_no_memory() {
    on_all_workers(|server| {
        let mut steady = server.client();
        ping(&mut steady);
        let before = server.resident_bytes();
        let announcements: &[&[u8]] = &[
            b"*1\r\n$536870912\r\n",
            b"*1048576\r\n",
            b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nabc",
            b"*1048576\r\n$536870912\r\n",
        ];
        let clients: Vec<Client> = announcements
            .iter()
            .cycle()
            .take(40)
            .map(|bytes| {
                let mut client = server.client();
                client.send(bytes).expect("the server reads");
                client
            })
            .collect();
        ping(&mut steady);
        let grown = server.resident_bytes().saturating_sub(before);
        assert!(grown < 16 * MIB, "{grown} bytes for {} announcements", clients.len());
    });
}

/// A client that asks without reading is cut off at its output limit, and starves nobody.
#[test]
fn a_client_that_does_not_read_is_cut_off() {
    for workers in ["1", "4"] {
        let limit = "normal 8mb 0 0";
        let server = start(&["--worker-threads", workers, "--client-output-buffer-limit", limit]);
        let mut steady = server.client();
        steady.command(&[b"SET".to_vec(), b"big".to_vec(), vec![b'x'; MIB as usize]]);
        let before = server.resident_bytes();
        let mut greedy = server.client();
        let asks = encode(&["GET", "big"]).repeat(64);
        // An error here is the cut.
        while greedy.send(&asks).is_ok() {
            ping(&mut steady);
            let grown = server.resident_bytes().saturating_sub(before);
            assert!(grown < 64 * MIB, "{grown} bytes for one client that does not read");
        }
        ping(&mut steady);
    }
}

/// Thousands of commands at once from one client do not keep another waiting for all of them.
#[test]
fn an_endless_pipeline_leaves_room_for_others() {
    on_all_workers(|server| {
        let mut steady = server.client();
        let flood = server.client();
        let (mut writer, mut reader) = (
            flood.socket().try_clone().expect("a descriptor"),
            flood.socket().try_clone().expect("a descriptor"),
        );
        let commands = encode(&["INCR", "flood"]).repeat(1_000);
        let writing = std::thread::spawn(move || {
            // Ends when the test closes the connection.
            while writer.write_all(&commands).is_ok() {}
        });
        let reading = std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        // What follows comes while the flood does.
        let deadline = Instant::now() + Duration::from_secs(30);
        while steady.run("GET flood") == Reply::NullBulk {
            assert!(Instant::now() < deadline, "the flood has not begun");
        }
        for _ in 0..200 {
            ping(&mut steady);
        }
        flood.socket().shutdown(std::net::Shutdown::Both).expect("it is open");
        writing.join().expect("no panic");
        // Whether the end came as such or as a reset does not matter.
        let _ = reading.join().expect("no panic");
        assert!(text(&steady.run("GET flood")).parse::<u64>().is_ok_and(|count| count > 0));
    });
}

/// Any bytes at all: an answer or a closed connection, never a server that is gone.
#[test]
fn random_bytes() {
    on_all_workers(|server| {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..300 {
            let mut bytes = vec![0; rng.usize(1..400)];
            rng.fill(&mut bytes);
            // Most begin as a request would.
            bytes[0] = [b'*', b'$', b'\n', b'"', bytes[0]][rng.usize(..5)];
            let mut client = server.client();
            // The server may close before it has read all.
            let _ = client.send(&bytes);
            client.finish().expect("an end, whatever comes before it");
        }
        ping(&mut server.client());
    });
}

/// Empty commands are skipped, also when they stand between quoted words and half a command.
#[test]
fn an_empty_command_before_half_of_another() {
    on_all_workers(|server| {
        let mut client = server.client();
        client.send(b"\"PING\"\r\n*0\r\n*2\r\n$4\r\nECHO\r\n$4\r\nha").expect("the server reads");
        assert_eq!(client.receive().expect("a reply"), Reply::Status(b"PONG".to_vec()));
        client.send(b"lf\r\n").expect("the server reads");
        assert_eq!(client.receive().expect("a reply"), Reply::Bulk(b"half".to_vec()));
    });
}

#[test]
fn too_many_clients_are_told_so() {
    const MOST: usize = 20;
    let server = start(&["--maxclients", &MOST.to_string()]);
    let mut accepted: Vec<Client> = Vec::new();
    loop {
        let mut client = server.client();
        // A refused connection may be closed before or after the question reaches it.
        if !client.try_command(&["PING"]).is_ok_and(|reply| !reply.is_error()) {
            break;
        }
        accepted.push(client);
    }
    let told = server.client().read_to_end().expect("the server closes");
    assert_eq!(told, b"-ERR max number of clients reached\r\n", "{}", told.escape_ascii());
    // The connection that found the server up may still have counted.
    assert!((MOST - 1..=MOST).contains(&accepted.len()), "{} were accepted", accepted.len());
    drop(accepted.pop());
    // Its end takes a moment to be noticed.
    let admitted = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        server.client().try_command(&["PING"]).is_ok_and(|reply| !reply.is_error())
    });
    assert!(admitted);
}
