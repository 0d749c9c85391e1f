//! Others while a script runs for long: on the worker that runs it, and on its neighbours.

use russet_e2e::{Client, Reply, Server, text};

use crate::{ENDLESS, begin, eventually, free_key, is_busy, received, send, with_workers};

/// Enough clients for each worker to have some.
fn others(server: &Server) -> Vec<Client> {
    (0..8).map(|_| server.client()).collect()
}

/// A script that is found out to use a key that it does not declare, and then runs alone.
const UNDECLARED: &str = "redis.call('GET', 'a') while true do end";

fn kill(client: &mut Client) {
    assert_eq!(text(&client.run("SCRIPT KILL")), "OK");
}

#[test]
fn clients_of_other_keys_go_on() {
    with_workers(|server| {
        let (mut runner, mut others) = (server.client(), others(server));
        begin(&mut runner, &["EVAL", ENDLESS, "1", "a"], &mut others[0], "GET a");
        let [counter, text_key] = ["counter", "text"].map(|name| free_key(&mut others[0], name));
        for (number, client) in others.iter_mut().enumerate() {
            let own = free_key(client, &format!("own:{number}"));
            assert_eq!(text(&client.run(&format!("SET {own} v"))), "OK");
            assert_eq!(text(&client.run(&format!("GET {own}"))), "v");
            assert_eq!(text(&client.run("PING")), "PONG");
            let short = ["EVAL", "return redis.call('INCR', KEYS[1])", "1", &counter];
            assert_eq!(client.command(&short), Reply::Integer(number as i64 + 1));
            assert_eq!(text(&client.run("MULTI")), "OK");
            assert_eq!(text(&client.run(&format!("APPEND {text_key} y"))), "QUEUED");
            assert_eq!(client.run("EXEC"), Reply::Array(vec![Reply::Integer(number as i64 + 1)]));
        }
        kill(&mut others[3]);
        assert!(received(&mut runner).contains("Script killed by user with SCRIPT KILL"));
        assert_eq!(text(&runner.run("SET a v")), "OK");
    });
}

#[test]
fn who_needs_its_keys_is_told_that_the_server_is_busy() {
    with_workers(|server| {
        let (mut runner, mut others) = (server.client(), others(server));
        begin(&mut runner, &["EVAL", ENDLESS, "2", "a", "b"], &mut others[0], "GET a");
        for client in &mut others {
            for command in ["GET a", "SET b v", "MGET x b", "FLUSHALL", "KEYS *", "SHUTDOWN"] {
                let reply = client.run(command);
                assert!(is_busy(&reply), "{command}: {reply:?}");
            }
            client.run("MULTI");
            assert_eq!(text(&client.run("SET a v")), "QUEUED");
            let aborted = text(&client.run("EXEC"));
            assert!(
                aborted.starts_with("EXECABORT Transaction discarded because of: BUSY"),
                "{aborted}"
            );
            assert_eq!(text(&client.run("EXEC")), "ERR EXEC without MULTI");
        }
        kill(&mut others[5]);
        assert!(received(&mut runner).contains("killed"));
        assert!(text(&others[0].run("SCRIPT KILL")).starts_with("NOTBUSY"));
        assert_eq!(text(&others[1].run("SET a v")), "OK");
    });
}

#[test]
fn what_needs_no_key_is_answered_while_a_script_is_slow() {
    with_workers(|server| {
        let (mut runner, mut others) = (server.client(), others(server));
        for (script, keys) in [(ENDLESS, "1"), (UNDECLARED, "0")] {
            begin(&mut runner, &["EVAL", script, keys, "a"], &mut others[0], "GET a");
            for client in &mut others {
                let answers = [
                    ("SHUTDOWN ABORT", "ERR No shutdown in progress."),
                    ("SHUTDOWN SAVE NOSAVE", "ERR syntax error"),
                    ("AUTH name password", "WRONGPASS"),
                    ("UNWATCH", "OK"),
                    ("MULTI", "OK"),
                    ("MULTI", "ERR MULTI calls can not be nested"),
                    ("DISCARD", "OK"),
                    ("DISCARD", "ERR DISCARD without MULTI"),
                    ("NOSUCH", "ERR unknown command"),
                    ("GET", "ERR wrong number of arguments"),
                    ("RESET", "RESET"),
                ];
                for (command, answer) in answers {
                    let reply = text(&client.run(command));
                    assert!(reply.starts_with(answer), "{command}: {reply}");
                }
                assert!(matches!(client.run("HELLO"), Reply::Array(_)));
                assert!(is_busy(&client.run("SHUTDOWN")));
                assert!(is_busy(&client.run("SHUTDOWN SAVE")));
            }
            let mut leaving = server.client();
            assert_eq!(text(&leaving.run("QUIT")), "OK");
            kill(&mut others[6]);
            assert!(received(&mut runner).contains("killed"));
        }
    });
}

#[test]
fn a_script_keeps_the_configuration_that_it_began_with() {
    with_workers(|server| {
        let (mut runner, mut others) = (server.client(), others(server));
        let slow = "for i = 1, 30000000 do end redis.call('SADD', KEYS[1], 1)
                    return redis.call('OBJECT', 'ENCODING', KEYS[1])";
        begin(&mut runner, &["EVAL", slow, "1", "a"], &mut others[0], "GET a");
        let free = free_key(&mut others[0], "b");
        for client in &mut others {
            let set = ["CONFIG", "SET", "set-max-intset-entries", "0"];
            assert_eq!(text(&client.command(&set)), "OK");
            client.run(&format!("SADD {free} 1"));
            assert_eq!(text(&client.run(&format!("OBJECT ENCODING {free}"))), "listpack");
        }
        assert_eq!(received(&mut runner), "intset");
        let quick = slow.replace("30000000", "1");
        assert_eq!(text(&runner.command(&["EVAL", &quick, "1", "c"])), "listpack");
    });
}

#[test]
fn a_script_that_runs_alone_can_be_killed() {
    with_workers(|server| {
        let (mut runner, mut others) = (server.client(), others(server));
        // The first time it is found out, and the second time it runs alone.
        assert!(text(&runner.command(&["EVAL", "return redis.call('GET', 'a')", "0"])).is_empty());
        begin(&mut runner, &["EVAL", UNDECLARED, "0"], &mut others[0], "GET a");
        kill(&mut others[1]);
        assert!(received(&mut runner).contains("killed"));
        begin(&mut runner, &["EVAL", UNDECLARED, "0"], &mut others[0], "GET b");
        for client in &mut others {
            assert!(is_busy(&client.run("GET c")));
        }
        kill(&mut others[7]);
        assert!(received(&mut runner).contains("killed"));
        assert_eq!(text(&others[2].run("SET c v")), "OK");
    });
}

#[test]
fn several_slow_scripts_go_on_side_by_side() {
    with_workers(|server| {
        let mut runners = others(server);
        let mut asking = server.client();
        for (number, client) in runners.iter_mut().enumerate() {
            let key = free_key(&mut asking, &number.to_string());
            begin(client, &["EVAL", ENDLESS, "1", &key], &mut asking, &format!("GET {key}"));
        }
        // Those that end go before those that began earlier.
        let mut late = server.client();
        let finite = "local n = 0 for i = 1, 1000000 do n = n + i end return n";
        let key = free_key(&mut asking, "late");
        assert_eq!(late.command(&["EVAL", finite, "1", &key]), Reply::Integer(500000500000));
        kill(&mut asking);
        for client in &mut runners {
            assert!(received(client).contains("killed"));
        }
    });
}

#[test]
fn a_transaction_with_a_slow_script_can_be_killed() {
    with_workers(|server| {
        let (mut runner, mut others) = (server.client(), others(server));
        runner.run("MULTI");
        runner.run("SET a 1");
        runner.command(&["EVAL", ENDLESS, "1", "b"]);
        runner.run("INCR a");
        begin(&mut runner, &["EXEC"], &mut others[0], "GET c");
        kill(&mut others[2]);
        let Reply::Array(replies) = runner.receive().expect("a reply") else { panic!("no array") };
        assert_eq!(text(&replies[0]), "OK");
        assert!(text(&replies[1]).contains("killed"));
        assert_eq!(replies[2], Reply::Integer(2));
        assert_eq!(text(&runner.run("GET a")), "2");
    });
}

#[test]
fn what_follows_a_slow_script_in_its_pipeline_follows_it() {
    with_workers(|server| {
        let mut runner = server.client();
        let slow = "for i = 1, 3000000 do end return tostring(redis.call('INCR', KEYS[1]))";
        for _ in 0..3 {
            send(&mut runner, &["EVAL", slow, "1", "a"]);
            send(&mut runner, &["APPEND", "b", "x"]);
            send(&mut runner, &["GET", "b"]);
            send(&mut runner, &["PING"]);
        }
        let expected = ["1", "", "x", "PONG", "2", "", "xx", "PONG", "3", "", "xxx", "PONG"];
        assert_eq!(expected.map(|_| received(&mut runner)), expected);
    });
}

#[test]
fn time_stands_still_for_the_script_and_goes_on_for_others() {
    with_workers(|server| {
        let (mut runner, mut other) = (server.client(), server.client());
        let slow = "redis.call('SET', KEYS[1], 'v', 'PX', 1)
                    for i = 1, 3000000 do end
                    return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}";
        send(&mut runner, &["EVAL", slow, "1", "a"]);
        other.run("SET b v PX 1");
        eventually("the other key has expired", || other.run("EXISTS b") == Reply::Integer(0));
        assert_eq!(
            runner.receive().expect("a reply"),
            Reply::Array(vec![Reply::Bulk(b"v".to_vec()), Reply::Integer(1)])
        );
        eventually("the script's key has expired", || other.run("EXISTS a") == Reply::Integer(0));
    });
}

#[test]
fn walks_wait_for_a_script_that_is_not_slow_yet() {
    with_workers(|server| {
        let (mut runner, mut others) = (server.client(), others(server));
        others[0].run("CONFIG SET busy-reply-threshold 0");
        let slow = "for i = 1, 3000000 do end return redis.call('SET', KEYS[1], 'v')";
        send(&mut runner, &["EVAL", slow, "1", "a"]);
        for client in &mut others {
            client.run("SET b v");
            let Reply::Array(keys) = client.run("KEYS *") else { panic!("no array") };
            assert!(keys.contains(&Reply::Bulk(b"b".to_vec())));
            assert!(matches!(client.run("SCAN 0"), Reply::Array(_)));
            assert!(matches!(client.run("RANDOMKEY"), Reply::Bulk(_)));
        }
        assert_eq!(received(&mut runner), "OK");
        let Reply::Array(keys) = others[0].run("KEYS *") else { panic!("no array") };
        assert_eq!(keys.len(), 2);
    });
}
