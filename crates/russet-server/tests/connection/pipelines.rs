//! Pipelines: of any depth, split anywhere, and on workers that get in each other's way.

use std::thread;

use russet_e2e::client::encode;
use russet_e2e::{Client, Reply, Server};

use super::{clients, ok, server, status};

/// Commands of every form, with the replies that they get.
fn mixture() -> (Vec<u8>, Vec<Reply>) {
    let bulk = |bytes: &[u8]| Reply::Bulk(bytes.to_vec());
    let large = vec![b'l'; 40_000];
    let parts: [(Vec<u8>, Option<Reply>); 9] = [
        (encode(&[b"SET".as_slice(), b"k\r\n\0", b"*1\r\n$4\r\nPING\r\n"]), Some(ok())),
        (b"\r\n".to_vec(), None),
        (b"ECHO \"a\\x00 b\" \n".to_vec(), Some(bulk(b"a\0 b"))),
        (encode(&[b"GET".as_slice(), b"k\r\n\0"]), Some(bulk(b"*1\r\n$4\r\nPING\r\n"))),
        (b"*0\r\n*-1\r\n".to_vec(), None),
        (encode(&["MULTI"]), Some(ok())),
        (b"DISCARD\r\n".to_vec(), Some(ok())),
        (encode(&[b"ECHO".as_slice(), &large]), Some(bulk(&large))),
        (b"PING\r\n".to_vec(), Some(status("PONG"))),
    ];
    let bytes = parts.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
    (bytes, parts.into_iter().filter_map(|(_, reply)| reply).collect())
}

fn expect_replies(client: &mut Client, replies: &[Reply], what: &str) {
    for reply in replies {
        assert_eq!(&client.receive().expect("a reply"), reply, "{what}");
    }
}

#[test]
fn commands_are_found_wherever_they_are_split() {
    let server = server(&["--worker-threads", "1"]);
    let [mut client, mut other] = clients(&server);
    let (bytes, replies) = mixture();
    let large_from = bytes.len() - 40_000;
    // Every place outside the long argument, and some inside.
    let places = (1..bytes.len())
        .filter(|at| *at <= large_from || at % 1_000 == 0 || *at > bytes.len() - 30);
    for at in places {
        client.send(&bytes[..at]).expect("it is open");
        // The only worker answers the other client once it has read what the first has sent.
        assert_eq!(other.run("PING"), status("PONG"));
        client.send(&bytes[at..]).expect("it is open");
        expect_replies(&mut client, &replies, &format!("split at {at}"));
    }
}

#[test]
fn commands_may_come_byte_by_byte() {
    let server = server(&[]);
    let mut client = server.client();
    let (bytes, replies) = mixture();
    let head = bytes.len() - 40_000;
    for byte in &bytes[..head] {
        client.send(std::slice::from_ref(byte)).expect("it is open");
    }
    client.send(&bytes[head..]).expect("it is open");
    expect_replies(&mut client, &replies, "byte by byte");
}

/// Sends from a thread of its own, so that neither side waits for the other to read.
fn send_aside(client: &Client, bytes: Vec<u8>) -> thread::JoinHandle<()> {
    let mut stream = client.socket().try_clone().expect("a socket can be shared");
    thread::spawn(move || {
        std::io::Write::write_all(&mut stream, &bytes).expect("the server reads on");
    })
}

const DEPTH: usize = 10_000;

#[test]
fn deep_pipelines_are_answered_in_order() {
    let server = server(&["--worker-threads", "4"]);
    let workers = clients::<4>(&server).map(|mut client| {
        thread::spawn(move || {
            let commands: Vec<u8> = (0..DEPTH)
                .flat_map(|at| encode(&[b"ECHO".as_slice(), at.to_string().as_bytes()]))
                .collect();
            let sender = send_aside(&client, commands);
            for at in 0..DEPTH {
                let expected = Reply::Bulk(at.to_string().into_bytes());
                assert_eq!(client.receive().expect("a reply"), expected);
            }
            sender.join().expect("everything is sent");
        })
    });
    workers.into_iter().for_each(|worker| worker.join().expect("all replies are right"));
}

/// Transactions on two keys in two databases, from four clients on four workers: whoever finds a
/// shard busy is set aside, with its place in its pipeline and its database.
fn hammer(server: &Server, rounds: usize) -> Vec<thread::JoinHandle<()>> {
    let client = |_| {
        let mut client = server.client();
        thread::spawn(move || {
            let round = b"SELECT 1\r\nMULTI\r\nINCR a\r\nSELECT 2\r\nINCR b\r\nEXEC\r\nMSET x 1 y 2 z 3\r\n";
            let sender = send_aside(&client, round.repeat(rounds));
            let mut last = 0;
            for _ in 0..rounds {
                for expected in [ok(), ok()] {
                    assert_eq!(client.receive().expect("a reply"), expected);
                }
                for _ in 0..3 {
                    assert_eq!(client.receive().expect("a reply"), status("QUEUED"));
                }
                let Reply::Array(replies) = client.receive().expect("a reply") else {
                    panic!("EXEC answers with an array")
                };
                let counted = replies[0].integer().expect("a count");
                assert!(counted > last, "counts rise");
                last = counted;
                assert_eq!(replies, [Reply::Integer(counted), ok(), Reply::Integer(counted)]);
                assert_eq!(client.receive().expect("a reply"), ok());
            }
            sender.join().expect("everything is sent");
        })
    };
    (0..4).map(client).collect()
}

#[test]
fn transactions_are_whole_although_connections_are_set_aside() {
    const ROUNDS: usize = 1_000;
    let server = server(&["--worker-threads", "4"]);
    for client in hammer(&server, ROUNDS) {
        client.join().expect("all replies are right");
    }
    let mut client = server.client();
    for (db, key) in [(1, "a"), (2, "b")] {
        assert_eq!(client.run(&format!("SELECT {db}")), ok());
        let total = Reply::Bulk((4 * ROUNDS).to_string().into_bytes());
        assert_eq!(client.run(&format!("GET {key}")), total);
    }
}
