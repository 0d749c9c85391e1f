//! Keyspace events.

use russet_e2e::{Client, Server};

use super::{clients, four_workers, next};

/// A client that gets every message.
fn listener(server: &Server) -> Client {
    let mut listener = server.client();
    listener.run("PSUBSCRIBE *");
    listener
}

/// Expects events of keys as `DB/KEY:EVENT`.
fn expect(listener: &mut Client, events: &str) {
    for event in events.split(' ') {
        let message = next(listener);
        let key = message[2].strip_prefix("__keyspace@").expect("a keyspace channel");
        assert_eq!(format!("{}:{}", key.replace("__:", "/"), message[3]), event, "of {events}");
    }
}

#[test]
fn events_tell_what_happened_to_keys() {
    let server = four_workers(&["--notify-keyspace-events", "KAnm"]);
    let mut listener = listener(&server);
    let mut client = server.client();
    for (command, events) in [
        ("SET k 1", "0/k:new 0/k:set"),
        ("SET k 2 EX 100", "0/k:set 0/k:expire"),
        ("GET nothing", "0/nothing:keymiss"),
        ("INCR k", "0/k:incrby"),
        ("MOVE k 3", "3/k:new 0/k:move_from 3/k:move_to"),
        ("MSET a 1 b 2", "0/a:new 0/a:set 0/b:new 0/b:set"),
        ("RENAME a b", "0/b:new 0/a:rename_from 0/b:rename_to"),
        ("DEL a b", "0/b:del"),
    ] {
        client.run(command);
        expect(&mut listener, events);
    }
}

#[test]
fn classes_and_channels_are_chosen() {
    let server = four_workers(&[]);
    let mut listener = listener(&server);
    let mut client = server.client();
    let mut events = |classes: &str| {
        client.run(&format!("CONFIG SET notify-keyspace-events {classes}"));
        client.run("SET k 1");
        client.run("DEL k");
        client.run("PUBLISH end x");
        let messages = std::iter::from_fn(|| Some(next(&mut listener)[2..].join(" ")));
        messages.take_while(|message| message != "end x").collect::<Vec<_>>()
    };
    assert_eq!(events("\"\""), [""; 0]);
    assert_eq!(events("K"), [""; 0]);
    assert_eq!(events("A"), [""; 0]);
    assert_eq!(events("E$"), ["__keyevent@0__:set k"]);
    assert_eq!(events("Kg"), ["__keyspace@0__:k del"]);
    assert_eq!(
        events("KEA"),
        [
            "__keyspace@0__:k set",
            "__keyevent@0__:set k",
            "__keyspace@0__:k del",
            "__keyevent@0__:del k",
        ]
    );
}

#[test]
fn expiry_is_an_event_however_it_is_noticed() {
    let server =
        four_workers(&["--notify-keyspace-events", "KAnm", "--enable-debug-command", "yes"]);
    let mut listener = listener(&server);
    let mut client = server.client();
    client.run("PSETEX k 1 v");
    expect(&mut listener, "0/k:new 0/k:set 0/k:expire 0/k:expired");
    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
    for (command, events) in [
        ("GET k", "0/k:expired 0/k:keymiss"),
        ("APPEND k x", "0/k:expired 0/k:new 0/k:append"),
        ("RENAME other k", "0/k:expired 0/k:new 0/other:rename_from 0/k:rename_to"),
        ("KEYS *", "0/k:expired"),
    ] {
        client.run("DEL k");
        client.run("SET other v");
        client.run("PSETEX k 1 v");
        client.run("PUBLISH begin x");
        while next(&mut listener)[2] != "begin" {}
        std::thread::sleep(std::time::Duration::from_millis(3));
        client.run(command);
        expect(&mut listener, events);
    }
}

#[test]
fn events_of_a_key_keep_their_order_over_workers() {
    const ROUNDS: usize = 1_000;
    let server = four_workers(&["--notify-keyspace-events", "K$g"]);
    let mut listener = listener(&server);
    std::thread::scope(|scope| {
        for mut client in clients::<4>(&server) {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    // Each command only changes something if the key is there, or is not.
                    client.send(b"SETNX k v\r\nDEL k\r\n").expect("it is open");
                    client.receive().expect("a reply");
                    client.receive().expect("a reply");
                }
            });
        }
    });
    let mut publisher = server.client();
    publisher.run("PUBLISH end x");
    let mut expected = "set";
    loop {
        let message = next(&mut listener);
        if message[2] == "end" {
            break;
        }
        assert_eq!(message[3], expected);
        expected = if expected == "set" { "del" } else { "set" };
    }
    assert_eq!(expected, "set", "the last command removed the key");
}
