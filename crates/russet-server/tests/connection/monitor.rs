//! MONITOR.

use russet_e2e::{Client, text};

use super::{clients, error, field, id_of, line_of, ok, server, status};

/// The next command shown, without the time and the address.
fn shown(monitor: &mut Client) -> String {
    let line = text(&monitor.receive().expect("a line"));
    let (source, command) = line.split_once("] ").expect("an address in brackets");
    let (time, source) = source.split_once(" [").expect("a time");
    assert!(time.split_once('.').is_some_and(|(_, us)| us.len() == 6), "{line}");
    let (db, address) = source.split_once(' ').expect("database and address");
    assert!(address.starts_with("127.0.0.1:"), "{line}");
    format!("{db} {command}")
}

#[test]
fn commands_are_shown_in_the_order_of_their_execution() {
    let server = server(&["--worker-threads", "4"]);
    let [mut monitor, mut client] = clients(&server);
    assert_eq!(monitor.run("MONITOR"), ok());
    let id = id_of(&mut client);
    client.run("SET k \"v\\x00");
    for command in ["SELECT 3", "MULTI", "SET a 1", "GET a", "EXEC", "MULTI", "NOPE", "EXEC"] {
        client.run(command);
    }
    client.run("CONFIG GET port");
    client.run("PING");
    let expected = [
        r#"0 "CLIENT" "ID""#,
        r#"0 "SET" "k" "\"v\\x00""#,
        r#"3 "SELECT" "3""#,
        r#"3 "MULTI""#,
        r#"3 "SET" "a" "1""#,
        r#"3 "GET" "a""#,
        r#"3 "EXEC""#,
        r#"3 "MULTI""#,
        r#"3 "EXEC""#,
        r#"3 "PING""#,
    ];
    for expected in expected {
        assert_eq!(shown(&mut monitor), expected);
    }
    let list = text(&client.run("CLIENT LIST"));
    assert!(list.lines().any(|line| field(line, "flags") == "O"), "{list}");
    assert!(line_of(&mut client, id).is_some_and(|line| field(&line, "flags") == "N"));
}

#[test]
fn passwords_are_not_shown() {
    let server = server(&["--requirepass", "secret"]);
    let [mut monitor, mut client] = clients(&server);
    assert_eq!(monitor.run("AUTH secret"), ok());
    assert_eq!(monitor.run("MONITOR"), ok());
    for command in [
        "AUTH secret",
        "AUTH default secret",
        "HELLO 2 SETNAME AUTH AUTH default secret",
        "HELLO 2 AUTH default secret SETNAME x",
        "PING",
    ] {
        client.run(command);
    }
    let expected = [
        r#"0 "AUTH" "(redacted)""#,
        r#"0 "AUTH" "(redacted)" "(redacted)""#,
        r#"0 "HELLO" "2" "SETNAME" "AUTH" "AUTH" "(redacted)" "(redacted)""#,
        r#"0 "HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "x""#,
        r#"0 "PING""#,
    ];
    for expected in expected {
        assert_eq!(shown(&mut monitor), expected);
    }
}

#[test]
fn a_monitor_touches_no_keys_until_it_is_reset() {
    let server = server(&[]);
    let [mut monitor, mut client] = clients(&server);
    assert_eq!(monitor.run("MONITOR"), ok());
    assert_eq!(error(&monitor.run("GET k")), "ERR Replica can't interact with the keyspace");
    assert_eq!(monitor.run("RESET"), status("RESET"));
    assert_eq!(client.run("SET k v"), ok());
    assert_eq!(text(&monitor.run("GET k")), "v");
}
