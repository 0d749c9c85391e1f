//! Limits: what closes a connection, and what it is told before.

use std::io::Write;

use russet_e2e::{Client, Server, encode, signal, text};

use super::{clients, error, eventually, field, id_of, line_of, ok, server, status};

#[test]
fn one_client_too_many_is_told_so() {
    let server = server(&["--maxclients", "2"]);
    let mut first = server.client();
    // The connection that found out that the server is up may be counted still.
    eventually("the first is alone", || {
        first.try_command(&["CLIENT", "LIST"]).is_ok_and(|list| text(&list).lines().count() == 1)
    });
    let mut second = server.client();
    assert_eq!(second.run("PING"), status("PONG"));
    let mut third = server.client();
    let said = third.read_to_end().expect("it ends");
    assert_eq!(text_of(&said), "-ERR max number of clients reached\r\n");
    drop(second);
    eventually("there is room again", || {
        server.client().try_command(&["PING"]).is_ok_and(|reply| reply == status("PONG"))
    });
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn http_is_shown_the_door() {
    let server = server(&[]);
    let requests: [&[u8]; 4] = [
        b"POST / HTTP/1.1\r\nSET k v\r\n",
        b"Host: example.org\r\nSET k v\r\n",
        b"PING\r\nhost: x\r\nSET k v\r\n",
        b"*1\r\n$4\r\npOST\r\nSET k v\r\n",
    ];
    for request in requests {
        let mut client = server.client();
        client.send(request).expect("it is open");
        let said = client.read_to_end().expect("it ends");
        assert!(said.is_empty() || said == b"+PONG\r\n", "{:?}", text_of(&said));
    }
    assert!(server.client().run("GET k").is_null());
}

#[test]
fn idle_clients_are_closed_but_not_monitors() {
    let server = server(&["--timeout", "1"]);
    let [mut idle, mut monitor] = clients(&server);
    assert_eq!(monitor.run("MONITOR"), ok());
    assert_eq!(idle.run("PING"), status("PONG"));
    assert_eq!(idle.read_to_end().expect("it ends"), b"");
    let shown = text(&monitor.receive().expect("it is still there"));
    assert!(shown.ends_with("\"PING\""), "{shown}");
}

/// Asks for a large value again and again without reading, as long as it is allowed to.
fn ask_without_reading(client: &Client) -> std::thread::JoinHandle<()> {
    let mut stream = client.socket().try_clone().expect("a socket can be shared");
    std::thread::spawn(move || while stream.write_all(b"GET large\r\n").is_ok() {})
}

fn prepare_large(client: &mut Client) {
    let value = "x".repeat(100_000);
    assert_eq!(client.command(&["SET", "large", value.as_str()]), ok());
}

/// A server of one worker that keeps a megabyte of replies for each client.
fn server_that_holds_little() -> Server {
    let limit = ["normal", "1mb", "0", "0"];
    server(&[&["--worker-threads", "1", "--client-output-buffer-limit"], &limit[..]].concat())
}

#[test]
fn a_client_that_does_not_read_is_closed_and_others_are_served() {
    let server = server_that_holds_little();
    let [mut other, mut greedy] = clients(&server);
    prepare_large(&mut other);
    let id = id_of(&mut greedy);
    let sender = ask_without_reading(&greedy);
    eventually("it is closed", || line_of(&mut other, id).is_none());
    sender.join().expect("the sender ends");
    assert_eq!(other.run("PING"), status("PONG"));
}

#[test]
fn who_is_closed_for_its_output_is_gone_for_the_next_command() {
    let server = server_that_holds_little();
    let [mut other, mut greedy] = clients(&server);
    assert_eq!(other.run("SETRANGE large 2000000 x").integer(), Some(2_000_001));
    let id = id_of(&mut greedy);
    // Stopped, the server is sent both before it looks again, and finds them in one round.
    signal(server.process_id(), "STOP");
    let commands = [&["GET", "large"][..], &["INCR", "n"], &["FLUSHALL"], &["INCR", "n"]];
    greedy.send(&commands.map(encode).concat()).expect("it is open");
    other.send(&encode(&["CLIENT", "LIST"])).expect("it is open");
    signal(server.process_id(), "CONT");
    let list = text(&other.receive().expect("it is open"));
    assert!(!list.lines().any(|line| field(line, "id") == id.to_string()), "{list}");
    assert_eq!(greedy.read_to_end().expect("it ends"), b"");
    assert_eq!(other.run("EXISTS n").integer(), Some(0), "nothing more is executed for it");
    assert_eq!(other.run("EXISTS large").integer(), Some(1));
}

#[test]
fn a_soft_limit_may_be_exceeded_for_a_while() {
    let limit = ["normal", "0", "100kb", "1"];
    let server = server(&[&["--client-output-buffer-limit"], &limit[..]].concat());
    let [mut other, mut greedy] = clients(&server);
    prepare_large(&mut other);
    let id = id_of(&mut greedy);
    // Far more than the sockets between hold, and then it stays where it is.
    greedy.send(&b"GET large\r\n".repeat(300)).expect("it is open");
    eventually("the server is left with a lot to say", || {
        line_of(&mut other, id)
            .is_none_or(|line| field(&line, "omem").parse::<u64>().is_ok_and(|omem| omem > 100_000))
    });
    eventually("it is closed", || line_of(&mut other, id).is_none());
}

#[test]
fn a_monitor_that_does_not_read_is_closed() {
    let limit = ["normal", "1mb", "0", "0"];
    let server = server(&[&["--client-output-buffer-limit"], &limit[..]].concat());
    let [mut other, mut monitor] = clients(&server);
    let id = id_of(&mut monitor);
    assert_eq!(monitor.run("MONITOR"), ok());
    let large = "x".repeat(1 << 20);
    eventually("it is closed", || {
        other.command(&["ECHO", large.as_str()]);
        line_of(&mut other, id).is_none()
    });
}

#[test]
fn a_request_without_an_end_is_cut_off() {
    let server = server(&["--client-query-buffer-limit", "1mb"]);
    let mut client = server.client();
    let mut request = b"*2\r\n$3\r\nGET\r\n$4000000\r\n".to_vec();
    request.resize(2_000_000, b'x');
    // The server may close before everything is sent.
    let _ = client.send(&request);
    assert_eq!(client.read_to_end().expect("it ends"), b"");
}

#[test]
fn a_long_argument_is_refused() {
    let server = server(&["--proto-max-bulk-len", "1mb"]);
    let mut client = server.client();
    client.send(b"*2\r\n$3\r\nGET\r\n$1048577\r\n").expect("it is open");
    let said = client.read_to_end().expect("it ends");
    assert_eq!(text_of(&said), "-ERR Protocol error: invalid bulk length\r\n");
}

#[test]
fn strangers_may_send_and_be_sent_little() {
    let server = server(&["--requirepass", "secret"]);
    let refused = [
        (&b"*11\r\n"[..], "-ERR Protocol error: unauthenticated multibulk length\r\n"),
        (b"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
    ];
    for (request, expected) in refused {
        let mut stranger = server.client();
        stranger.send(request).expect("it is open");
        assert_eq!(text_of(&stranger.read_to_end().expect("it ends")), expected);
    }
    let mut stranger = server.client();
    assert_eq!(error(&stranger.run("PING")), "NOAUTH Authentication required.");
    let burst = b"PING\r\n".repeat(10_000);
    eventually("it is closed", || stranger.send(&burst).is_err());
    let mut friend = server.client();
    assert_eq!(friend.run("AUTH secret"), ok());
}
