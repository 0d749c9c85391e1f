//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use russet_e2e::{Client, Reply};

use super::{clients, error, ok, server, status};

const ABORTED: &str = "EXECABORT Transaction discarded because of previous errors.";

fn expect(client: &mut Client, conversation: &[(&str, Reply)]) {
    for (command, reply) in conversation {
        assert_eq!(&client.run(command), reply, "{command}");
    }
}

fn queued() -> Reply {
    status("QUEUED")
}

fn refused(text: &str) -> Reply {
    Reply::Error(text.into())
}

#[test]
fn what_is_refused_while_queueing_aborts() {
    let server = server(&[]);
    let mut client = server.client();
    for wrong in ["NOPE", "GET", "GET a b", "CLIENT NOPE", "CLIENT SETNAME"] {
        expect(&mut client, &[("MULTI", ok()), ("SET k 1", queued())]);
        error(&client.run(wrong));
        expect(&mut client, &[("EXEC", refused(ABORTED)), ("GET k", Reply::NullBulk)]);
    }
    // Refused by their handlers, which does not abort.
    expect(
        &mut client,
        &[
            ("MULTI", ok()),
            ("MULTI", refused("ERR MULTI calls can not be nested")),
            ("WATCH k", refused("ERR WATCH inside MULTI is not allowed")),
            ("SET k 1", queued()),
            ("INCR k x", refused("ERR wrong number of arguments for 'incr' command")),
            ("DISCARD", ok()),
            ("DISCARD", refused("ERR DISCARD without MULTI")),
            ("EXEC", refused("ERR EXEC without MULTI")),
            ("MULTI", ok()),
            ("MULTI", refused("ERR MULTI calls can not be nested")),
            ("SET k 1", queued()),
            ("EXEC", Reply::Array(vec![ok()])),
        ],
    );
}

#[test]
fn an_exec_that_is_refused_ends_the_transaction() {
    let server = server(&[]);
    let [mut client, mut other] = clients(&server);
    let why =
        "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command";
    expect(&mut client, &[("WATCH k", ok()), ("MULTI", ok()), ("SET k 1", queued())]);
    expect(&mut client, &[("EXEC now", refused(why)), ("EXEC", refused("ERR EXEC without MULTI"))]);
    // The watched key is forgotten with it.
    assert_eq!(other.run("SET k 2"), ok());
    expect(&mut client, &[("MULTI", ok()), ("EXEC", Reply::Array(vec![]))]);
}

#[test]
fn without_memory_a_transaction_may_read() {
    const OUT: &str = "OOM command not allowed when used memory > 'maxmemory'.";
    let server = server(&[]);
    let [mut client, mut admin] = clients(&server);
    assert_eq!(client.run("SET k v"), ok());
    for (commands, does) in [("GET k", true), ("SET k w", false)] {
        assert_eq!(client.run("MULTI"), ok());
        assert_eq!(client.run(commands), queued());
        assert_eq!(admin.run("CONFIG SET maxmemory 1"), ok());
        let reply = client.run("EXEC");
        if does {
            assert_eq!(reply, Reply::Array(vec![Reply::Bulk(b"v".to_vec())]));
        } else {
            let why = format!("EXECABORT Transaction discarded because of: {OUT}");
            assert_eq!(reply, refused(&why));
        }
        expect(
            &mut client,
            &[
                ("SET k x", refused(OUT)),
                ("MULTI", ok()),
                ("PING", refused(OUT)),
                ("DISCARD", ok()),
                ("DEL nothing", Reply::Integer(0)),
            ],
        );
        assert_eq!(admin.run("CONFIG SET maxmemory 0"), ok());
    }
    assert_eq!(client.run("GET k"), Reply::Bulk(b"v".to_vec()));
}

#[test]
fn an_error_in_one_command_does_not_stop_the_others() {
    let server = server(&[]);
    let mut client = server.client();
    expect(
        &mut client,
        &[
            ("MULTI", ok()),
            ("SET k word", queued()),
            ("INCR k", queued()),
            ("ECHO after", queued()),
            (
                "EXEC",
                Reply::Array(vec![
                    ok(),
                    refused("ERR value is not an integer or out of range"),
                    Reply::Bulk(b"after".to_vec()),
                ]),
            ),
        ],
    );
}

#[test]
fn watched_keys_decide_whether_exec_runs() {
    let server = server(&["--worker-threads", "4"]);
    let [mut client, mut other] = clients(&server);
    let steps: [(&[&str], bool); 6] = [
        (&[], true),
        (&["SET k 1"], false),
        (&["SET unwatched 1"], true),
        (&["DEL k"], false),
        (&["DEL k"], true),
        (&["SET k 1 PX 1", "GET k"], false),
    ];
    for (changes, runs) in steps {
        assert_eq!(client.run("WATCH k other k"), ok());
        for change in changes {
            other.run(change);
        }
        expect(&mut client, &[("MULTI", ok()), ("PING", queued())]);
        let done = if runs { Reply::Array(vec![status("PONG")]) } else { Reply::NullArray };
        assert_eq!(client.run("EXEC"), done, "after {changes:?}");
    }
    // Forgotten by UNWATCH, by DISCARD, and by an EXEC that failed.
    for end in ["UNWATCH", "MULTI; DISCARD", "MULTI; EXEC"] {
        assert_eq!(client.run("WATCH k"), ok());
        assert!(!other.run("INCR k").is_error());
        end.split("; ").for_each(|command| drop(client.run(command)));
        other.run("INCR k");
        expect(&mut client, &[("MULTI", ok()), ("EXEC", Reply::Array(vec![]))]);
    }
}

#[test]
fn compare_and_set_loses_no_update() {
    const ROUNDS: i64 = 200;
    let server = server(&["--worker-threads", "4"]);
    let counters = clients::<4>(&server).map(|mut client| {
        std::thread::spawn(move || {
            let mut done = 0;
            while done < ROUNDS {
                client.run("WATCH counter");
                let now = client.run("GET counter");
                let now: i64 = russet_e2e::text(&now).parse().unwrap_or(0);
                client.run("MULTI");
                client.run(&format!("SET counter {}", now + 1));
                done += i64::from(client.run("EXEC") == Reply::Array(vec![ok()]));
            }
        })
    });
    counters.into_iter().for_each(|counter| counter.join().expect("it counts to the end"));
    let total = Reply::Bulk((4 * ROUNDS).to_string().into_bytes());
    assert_eq!(server.client().run("GET counter"), total);
}
