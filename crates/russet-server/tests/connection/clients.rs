//! CLIENT LIST, KILL, REPLY, and names.

use russet_e2e::{Client, Reply, text};

use super::{clients, error, eventually, field, id_of, line_of, ok, server, status};

#[test]
fn a_list_shows_each_client() {
    let server = server(&["--worker-threads", "4"]);
    let [mut asking, mut other] = clients(&server);
    let other_id = id_of(&mut other);
    assert_eq!(other.run("CLIENT SETNAME other"), ok());
    assert_eq!(other.run("CLIENT SETINFO lib-name library"), ok());
    assert_eq!(other.run("CLIENT SETINFO LIB-VER 1.2"), ok());
    assert_eq!(other.run("SELECT 2"), ok());
    assert_eq!(other.run("MULTI"), ok());
    assert_eq!(other.run("GET some-key"), status("QUEUED"));
    let line = line_of(&mut asking, other_id).expect("it is connected");
    let local = format!("127.0.0.1:{}", server.port());
    let expected = [
        ("laddr", local.as_str()),
        ("name", "other"),
        ("flags", "x"),
        ("db", "2"),
        ("multi", "1"),
        ("cmd", "get"),
        ("user", "default"),
        ("resp", "2"),
        ("lib-name", "library"),
        ("lib-ver", "1.2"),
    ];
    for (name, value) in expected {
        assert_eq!(field(&line, name), value, "{name} of {line}");
    }
    assert!(field(&line, "multi-mem").parse::<u64>().expect("a number") >= 8);
    let info = text(&asking.run("CLIENT INFO"));
    assert_eq!(field(&info, "cmd"), "client|info");
    assert_eq!(field(&info, "qbuf"), "26", "the command being executed");
    assert_eq!(field(&info, "flags"), "N");
    let chosen = text(&asking.run(&format!("CLIENT LIST ID {other_id} 999999")));
    assert_eq!(chosen.lines().count(), 1);
    assert_eq!(field(&chosen, "name"), "other");
    // The connection that has found out that the server is there may take a moment to go.
    eventually("both are normal clients", || {
        text(&asking.run("CLIENT LIST TYPE normal")).lines().count() == 2
    });
    assert_eq!(text(&asking.run("CLIENT LIST TYPE pubsub")), "");
    asking.run("HELLO 3");
    assert!(matches!(asking.run("CLIENT INFO"), Reply::Verbatim { .. }));
}

#[test]
fn a_half_received_command_is_shown() {
    let server = server(&["--worker-threads", "2"]);
    let [mut asking, mut other] = clients(&server);
    let id = id_of(&mut other);
    other.send(b"*2\r\n$3\r\nGET\r\n$4\r\nke").expect("it is open");
    eventually("the bytes are counted", || {
        line_of(&mut asking, id).is_some_and(|line| field(&line, "qbuf") == "19")
    });
    other.send(b"ys\r\n").expect("it is open");
    assert_eq!(other.receive().expect("a reply"), Reply::NullBulk);
    let line = line_of(&mut asking, id).expect("it is connected");
    assert_eq!((field(&line, "qbuf"), field(&line, "qbuf-free")), ("0", "0"), "{line}");
}

#[test]
fn names_are_words() {
    let server = server(&[]);
    let mut client = server.client();
    for name in [&b"with space"[..], b"new\nline", b"\x7f", "caf\u{e9}".as_bytes()] {
        let reply = error(&client.command(&[b"CLIENT".as_slice(), b"SETNAME", name]));
        assert_eq!(
            reply,
            "ERR Client names cannot contain spaces, newlines or special characters."
        );
        let reply = error(&client.command(&[b"CLIENT".as_slice(), b"SETINFO", b"Lib-Ver", name]));
        assert_eq!(reply, "ERR Lib-Ver cannot contain spaces, newlines or special characters.");
    }
    let reply = error(&client.run("CLIENT SETINFO lib-nope x"));
    assert_eq!(reply, "ERR Unrecognized option 'lib-nope'");
    assert_eq!(client.run("CLIENT GETNAME"), Reply::NullBulk);
    assert_eq!(client.run("CLIENT SETNAME ~!"), ok());
    assert_eq!(text(&client.run("CLIENT GETNAME")), "~!");
    assert_eq!(client.command(&["CLIENT", "SETNAME", ""]), ok());
    assert_eq!(client.run("CLIENT GETNAME"), Reply::NullBulk);
}

fn is_closed(client: &mut Client) -> bool {
    client.try_command(&["PING"]).is_err()
}

#[test]
fn clients_are_killed_by_filters() {
    let server = server(&["--worker-threads", "4"]);
    let [mut killer, mut by_id, mut by_address, mut old_form, mut spared] = clients(&server);
    let id = id_of(&mut by_id);
    assert_eq!(killer.run(&format!("CLIENT KILL ID {id} TYPE pubsub")), Reply::Integer(0));
    assert_eq!(
        killer.run(&format!("CLIENT KILL ID {id} TYPE normal USER default")),
        Reply::Integer(1)
    );
    assert!(line_of(&mut killer, id).is_none(), "nobody sees it any more");
    assert!(is_closed(&mut by_id));
    assert_eq!(killer.run(&format!("CLIENT KILL ID {id}")), Reply::Integer(0));

    let line = text(&by_address.run("CLIENT INFO"));
    assert_eq!(
        killer.run(&format!("CLIENT KILL ADDR {} SKIPME yes", field(&line, "addr"))),
        Reply::Integer(1)
    );
    assert!(is_closed(&mut by_address));
    let line = text(&old_form.run("CLIENT INFO"));
    assert_eq!(killer.run(&format!("CLIENT KILL {}", field(&line, "addr"))), ok());
    assert!(is_closed(&mut old_form));
    assert_eq!(error(&killer.run("CLIENT KILL 1.2.3.4:5")), "ERR No such client");
    assert_eq!(error(&killer.run("CLIENT KILL USER nobody")), "ERR No such user 'nobody'");
    let address = format!("127.0.0.1:{}", server.port());
    assert_eq!(spared.run("PING"), status("PONG"));
    let kill_all = format!("CLIENT KILL LADDR {address} SKIPME no");
    assert_eq!(killer.run(&kill_all), Reply::Integer(2), "itself too, after the reply");
    assert!(is_closed(&mut killer) && is_closed(&mut spared));
}

#[test]
fn nothing_is_executed_for_a_killed_client() {
    let server = server(&["--worker-threads", "4"]);
    let [mut killer, mut victim] = clients(&server);
    let id = id_of(&mut victim);
    // It sends without an end while it is killed: after the reply nothing of that may count.
    let mut stream = victim.socket().try_clone().expect("a socket can be shared");
    let sender = std::thread::spawn(move || {
        use std::io::Write;
        let burst = b"INCR counter\r\n".repeat(100);
        while stream.write_all(&burst).is_ok() {}
    });
    eventually("the victim is heard", || killer.run("GET counter") != Reply::NullBulk);
    assert_eq!(killer.run(&format!("CLIENT KILL ID {id}")), Reply::Integer(1));
    let counted = killer.run("GET counter");
    // The victim only ends when its worker has closed the connection.
    drop(victim);
    sender.join().expect("the sender ends");
    assert_eq!(killer.run("GET counter"), counted);
}

#[test]
fn replies_are_left_out_on_demand() {
    let server = server(&[]);
    let mut client = server.client();
    let mut replies = |commands: &str, expected: &str| {
        client.send(commands.replace("; ", "\r\n").as_bytes()).expect("it is open");
        client.send(b"\r\n").expect("it is open");
        for expected in expected.split(' ') {
            assert_eq!(text(&client.receive().expect("a reply")), expected, "{commands}");
        }
    };
    replies("CLIENT REPLY SKIP; ECHO a; ECHO b", "b");
    replies(
        "CLIENT REPLY OFF; ECHO a; NOPE; CLIENT REPLY SKIP; ECHO b; CLIENT REPLY ON; ECHO c",
        "OK c",
    );
    replies("CLIENT REPLY SKIP; CLIENT REPLY ON; ECHO a", "OK a");
    replies("CLIENT REPLY OFF; RESET; ECHO a", "RESET a");
    replies("CLIENT REPLY SKIP; NOPE; ECHO a", "a");
    // A connection that answers nothing is closed by QUIT all the same.
    client.send(b"CLIENT REPLY OFF\r\nQUIT\r\n").expect("it is open");
    assert_eq!(client.read_to_end().expect("it ends"), b"");
}

#[test]
fn nobody_is_blocked() {
    let server = server(&[]);
    let mut client = server.client();
    let id = id_of(&mut client);
    assert_eq!(client.run(&format!("CLIENT UNBLOCK {id} ERROR")), Reply::Integer(0));
    assert_eq!(
        error(&client.run("CLIENT UNBLOCK 1 NOPE")),
        "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
    );
}
