//! AUTH, HELLO, RESET, and what a client may do before it has proven who it is.

use russet_e2e::{Reply, text};

use super::{error, id_of, ok, server, status};

const NOT_AUTHENTICATED: &str = "NOAUTH Authentication required.";
const WRONG: &str = "WRONGPASS invalid username-password pair or user is disabled.";

#[test]
fn a_password_is_asked_for() {
    let server = server(&["--requirepass", "secret"]);
    let mut client = server.client();
    for command in ["PING", "GET k", "EXEC", "CLIENT ID"] {
        let reply = error(&client.run(command));
        assert!(reply.ends_with(NOT_AUTHENTICATED), "{command}: {reply}");
    }
    for command in ["AUTH wrong", "AUTH default wrong", "AUTH nobody secret", "AUTH secre"] {
        assert_eq!(error(&client.run(command)), WRONG, "{command}");
    }
    assert_eq!(error(&client.run("PING")), NOT_AUTHENTICATED);
    assert_eq!(client.run("AUTH secret"), ok());
    assert_eq!(client.run("PING"), status("PONG"));
    assert_eq!(client.run("RESET"), status("RESET"));
    assert_eq!(error(&client.run("PING")), NOT_AUTHENTICATED);
    assert_eq!(client.run("AUTH default secret"), ok());
}

#[test]
fn a_password_is_any_bytes() {
    let server = server(&[]);
    let mut client = server.client();
    let no_password = error(&client.run("AUTH x"));
    assert!(no_password.starts_with("ERR AUTH <password> called without any password configured"));
    assert_eq!(client.run("AUTH default whatever"), ok());
    let password = b"a\0\r\n \xff";
    assert_eq!(client.command(&[b"CONFIG", b"SET".as_slice(), b"requirepass", password]), ok());
    assert_eq!(client.run("PING"), status("PONG"), "who is in stays in");
    let mut other = server.client();
    assert_eq!(error(&other.command(&[b"AUTH".as_slice(), b"a"])), WRONG);
    assert_eq!(other.command(&[b"AUTH".as_slice(), password]), ok());
}

#[test]
fn hello_authenticates_names_and_switches() {
    let server = server(&["--requirepass", "secret"]);
    let mut client = server.client();
    assert!(error(&client.run("HELLO 3")).starts_with("NOAUTH HELLO must be called"));
    assert_eq!(error(&client.run("HELLO 3 AUTH default wrong")), WRONG);
    assert_eq!(
        error(&client.run("HELLO 4 AUTH default secret")),
        "NOPROTO unsupported protocol version"
    );
    let reply = client.run("HELLO 3 AUTH default secret SETNAME someone");
    assert!(matches!(reply, Reply::Map(_)), "{reply:?}");
    assert_eq!(reply.field(b"server").map(text), Some("redis".to_owned()));
    assert_eq!(reply.field(b"proto").and_then(Reply::integer), Some(3));
    let id = reply.field(b"id").and_then(Reply::integer);
    assert_eq!(id, Some(id_of(&mut client)));
    assert_eq!(text(&client.run("CLIENT GETNAME")), "someone");
    assert_eq!(client.run("GET missing"), Reply::Null);
    let reply = client.run("HELLO 2");
    assert!(matches!(reply, Reply::Array(_)), "answered in the protocol switched to: {reply:?}");
    assert!(matches!(client.run("HELLO"), Reply::Array(_)));
}

#[test]
fn reset_forgets_everything() {
    let server = server(&[]);
    let mut client = server.client();
    client.run("HELLO 3 SETNAME someone");
    assert_eq!(client.run("CLIENT SETINFO LIB-NAME library"), ok());
    assert_eq!(client.run("CLIENT NO-TOUCH ON"), ok());
    assert_eq!(client.run("SELECT 3"), ok());
    assert_eq!(client.run("WATCH k"), ok());
    assert_eq!(client.run("SET k changed"), ok());
    assert_eq!(client.run("MULTI"), ok());
    assert_eq!(client.run("RESET"), status("RESET"));
    let line = text(&client.run("CLIENT INFO"));
    for expected in ["name= ", "flags=N", "db=0", "multi=-1", "resp=2", "lib-name=library"] {
        assert!(line.contains(expected), "{expected} not in {line}");
    }
    assert_eq!(client.run("MULTI"), ok());
    assert_eq!(client.run("EXEC"), Reply::Array(vec![]), "the watched key is forgotten too");
}

#[test]
fn quit_answers_and_closes() {
    let server = server(&[]);
    let mut client = server.client();
    client.send(b"SET k v\r\nQUIT now\r\nSET k w\r\n").expect("it is open");
    assert_eq!(client.read_to_end().expect("it ends"), b"+OK\r\n+OK\r\n");
    assert_eq!(text(&server.client().run("GET k")), "v", "what follows QUIT is not executed");
}
