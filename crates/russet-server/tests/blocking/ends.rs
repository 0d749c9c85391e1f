//! How waits end without data.

use russet_e2e::{Reply, text};

use super::{block, blocked, clients, eventually, field, four_workers, received, send, words};

#[test]
fn time_runs_out() {
    let server = four_workers();
    let [mut admin, mut client] = clients(&server);
    for (command, nothing) in [
        ("BLPOP a b 0.001", Reply::NullArray),
        ("BLMOVE a b LEFT LEFT 0.001", Reply::NullArray),
        ("BZMPOP 0.001 2 a b MIN", Reply::NullArray),
        ("HELLO 3", Reply::Null),
        ("BRPOP a 0.001", Reply::Null),
    ] {
        let reply = client.run(command);
        assert!(command == "HELLO 3" || reply == nothing, "{command}: {reply:?}");
    }
    // Nobody takes what comes now.
    admin.run("RPUSH a x");
    assert_eq!(admin.run("LLEN a"), Reply::Integer(1));
    eventually("nobody is in a queue", || {
        field(&text(&admin.run("INFO clients")), "total_blocking_keys") == 0
    });
}

#[test]
fn time_runs_out_for_many_at_once() {
    let server = four_workers();
    let mut waiting = clients::<20>(&server);
    for client in &mut waiting {
        send(client, "BLPOP a 0.02");
    }
    for client in &mut waiting {
        assert_eq!(received(client), Reply::NullArray);
        assert_eq!(text(&client.run("PING")), "PONG");
    }
}

#[test]
fn another_client_ends_a_wait() {
    let server = four_workers();
    let [mut admin, mut client, mut next] = clients(&server);
    let id = client.run("CLIENT ID").integer().expect("a number");
    assert_eq!(admin.run(&format!("CLIENT UNBLOCK {id}")), Reply::Integer(0));
    for (reason, expected) in [("", ""), ("TIMEOUT", ""), ("error", "UNBLOCKED client unblocked")] {
        block(&mut admin, &mut client, "BLPOP k other 0\r\nPING");
        let line = text(&admin.run(&format!("CLIENT LIST ID {id}")));
        assert!(line.contains(" flags=b ") && line.contains(" cmd=blpop "), "{line}");
        let answer = admin.run(&format!("CLIENT UNBLOCK {id} {reason}"));
        assert_eq!(answer, Reply::Integer(1));
        match expected {
            "" => assert_eq!(received(&mut client), Reply::NullArray),
            _ => assert!(text(&received(&mut client)).starts_with(expected)),
        }
        assert_eq!(text(&received(&mut client)), "PONG");
    }
    // What comes now is for those who still wait.
    block(&mut admin, &mut next, "BLPOP k 0");
    admin.run("RPUSH k x");
    assert_eq!(words(&received(&mut next)), ["k", "x"]);
}

#[test]
fn who_has_gone_gets_nothing() {
    let server = four_workers();
    let [mut admin, mut killed, mut closed, mut last] = clients(&server);
    let id = killed.run("CLIENT ID").integer().expect("a number");
    block(&mut admin, &mut killed, "BLPOP k 0");
    block(&mut admin, &mut closed, "BLPOP k 0");
    block(&mut admin, &mut last, "BLPOP k 0");
    assert_eq!(admin.run(&format!("CLIENT KILL ID {id}")), Reply::Integer(1));
    drop(closed);
    eventually("they are gone", || blocked(&mut admin) == 1);
    admin.run("RPUSH k x");
    assert_eq!(words(&received(&mut last)), ["k", "x"]);
    assert!(killed.receive().is_err(), "it is closed");
    assert_eq!(admin.run("EXISTS k"), Reply::Integer(0));
}

#[test]
fn who_says_all_and_closes_its_side_is_closed() {
    let server = four_workers();
    let [mut admin, mut client] = clients(&server);
    send(&mut client, "PING\r\nBLPOP k 0");
    client.socket().shutdown(std::net::Shutdown::Write).expect("it is open");
    assert_eq!(client.read_to_end().expect("it ends"), b"+PONG\r\n");
    admin.run("RPUSH k x");
    assert_eq!(admin.run("LLEN k"), Reply::Integer(1));
}

#[test]
fn replies_are_left_out_on_demand() {
    let server = four_workers();
    let [mut admin, mut client] = clients(&server);
    send(&mut client, "CLIENT REPLY SKIP");
    block(&mut admin, &mut client, "BLPOP k 0\r\nPING");
    admin.run("RPUSH k x");
    assert_eq!(text(&received(&mut client)), "PONG");
    assert_eq!(admin.run("EXISTS k"), Reply::Integer(0));
}
