//! Ending in order: SHUTDOWN and signals.

use russet_e2e::{Reply, signal, text};

use super::{end_of, server, wait_until};

#[test]
fn shutdown_ends_the_server_without_a_reply() {
    for command in [&["SHUTDOWN"][..], &["SHUTDOWN", "NOSAVE", "NOW", "FORCE"]] {
        let mut server = server(&[]);
        let mut client = server.client();
        let error = client.try_command(command).expect_err("no reply");
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        assert!(end_of(&mut server).success());
        assert!(server.log().contains("ready to exit, bye bye..."));
    }
}

#[test]
fn replies_before_a_shutdown_arrive() {
    let server = server(&[]);
    let mut client = server.client();
    client.send(b"SET k v\r\nGET k\r\nSHUTDOWN\r\n").expect("it listens");
    assert_eq!(client.receive().expect("a reply"), Reply::Status(b"OK".to_vec()));
    assert_eq!(text(&client.receive().expect("a reply")), "v");
    assert!(client.receive().is_err());
}

/// Puts a directory where the keys would be saved.
fn block_saving(server: &russet_e2e::Server) {
    std::fs::create_dir(server.directory().join("dump.rdb")).expect("nothing is there yet");
}

#[test]
fn a_shutdown_that_cannot_save_is_refused() {
    let mut server = server(&[]);
    block_saving(&server);
    let mut client = server.client();
    let reply = text(&client.run("SHUTDOWN SAVE"));
    assert_eq!(reply, "ERR Errors trying to SHUTDOWN. Check logs.");
    assert_eq!(text(&client.run("PING")), "PONG");
    assert!(server.log().contains("can't exit"));
    assert!(client.try_command(&["SHUTDOWN", "SAVE", "FORCE"]).is_err());
    assert!(end_of(&mut server).success());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let server = server(&[]);
    let mut client = server.client();
    for words in ["SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW", "SHUTDOWN soon"] {
        assert_eq!(text(&client.run(words)), "ERR syntax error", "{words}");
    }
    assert_eq!(text(&client.run("SHUTDOWN ABORT")), "ERR No shutdown in progress.");
    client.run("MULTI");
    let reply = text(&client.run("SHUTDOWN"));
    assert_eq!(reply, "ERR Command not allowed inside a transaction");
}

#[test]
fn signals_take_their_options_from_the_configuration() {
    let mut server = server(&["--shutdown-on-sigterm", "save"]);
    block_saving(&server);
    let mut client = server.client();
    signal(server.process_id(), "TERM");
    wait_until("the refusal", || server.log().contains("errors trying to shut down"));
    assert_eq!(text(&client.run("PING")), "PONG");
    signal(server.process_id(), "INT");
    assert!(end_of(&mut server).success());
    assert!(server.log().contains("Received SIGINT scheduling shutdown"));
}
