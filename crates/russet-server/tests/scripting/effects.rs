//! What scripts do that others see: messages, watched keys, transactions, and memory.

use std::thread;

use russet_e2e::{Client, Reply, Server, text};

use crate::{ENDLESS, begin, free_key, is_busy, received, with_workers};

const INCREMENT: &str = "return redis.call('INCR', KEYS[1])";

/// The integers of an array.
fn integers(reply: &Reply) -> Vec<i64> {
    let Reply::Array(items) = reply else { panic!("no array: {reply:?}") };
    let integer = |item: &Reply| match item {
        Reply::Integer(number) => *number,
        other => panic!("no integer: {other:?}"),
    };
    items.iter().map(integer).collect()
}

/// Has a client call a script in a transaction, before another command.
fn call_in_transaction(client: &mut Client, script: &str, key: &str, counter: &str) -> Reply {
    client.run("MULTI");
    assert_eq!(text(&client.command(&["EVAL", script, "1", key])), "QUEUED");
    assert_eq!(text(&client.run(&format!("INCR {counter}"))), "QUEUED");
    client.run("EXEC")
}

#[test]
fn messages_of_a_script_come_in_order_with_its_events_and_before_later_replies() {
    const SCRIPT: &str = "redis.call('PUBLISH', 'channel', 1) redis.call('SET', KEYS[1], 'v')
                          redis.call('PUBLISH', 'channel', 2) redis.call('DEL', KEYS[1])
                          return redis.call('PUBLISH', 'channel', 3)";
    with_workers(|server| {
        let mut runner = server.client();
        runner.run("CONFIG SET notify-keyspace-events KA");
        let mut subscribers: Vec<Client> = (0..8).map(|_| server.client()).collect();
        for subscriber in &mut subscribers {
            subscriber.run("SUBSCRIBE channel __keyspace@0__:a");
            subscriber.receive().expect("the second channel's");
        }
        for _ in 0..20 {
            let reached = runner.command(&["EVAL", SCRIPT, "1", "a"]);
            assert_eq!(reached, Reply::Integer(subscribers.len() as i64));
        }
        for subscriber in &mut subscribers {
            subscriber.send(b"PING\r\n").expect("it is open");
            for _ in 0..20 {
                for expected in ["1", "set", "2", "del", "3"] {
                    let Ok(Reply::Array(parts)) = subscriber.receive() else {
                        panic!("no message")
                    };
                    assert_eq!(text(parts.last().expect("three parts")), expected);
                }
            }
            let Ok(Reply::Array(parts)) = subscriber.receive() else { panic!("no reply") };
            assert_eq!(text(&parts[0]), "pong");
        }
    });
}

#[test]
fn a_script_touches_watched_keys_as_commands_do() {
    with_workers(|server| {
        let mut others: Vec<Client> = (0..4).map(|_| server.client()).collect();
        let mut watcher = server.client();
        let mut exec_after = |touch: &mut dyn FnMut(&mut Client)| {
            watcher.run("WATCH a b");
            touch(&mut watcher);
            watcher.run("MULTI");
            watcher.run("PING");
            watcher.run("EXEC")
        };
        for other in &mut others {
            let reply = exec_after(&mut |_| drop(other.command(&["EVAL", INCREMENT, "1", "b"])));
            assert_eq!(reply, Reply::NullArray);
            let read = "return redis.call('GET', KEYS[1])";
            let reply = exec_after(&mut |_| drop(other.command(&["EVAL", read, "1", "b"])));
            assert!(matches!(reply, Reply::Array(_)), "{reply:?}");
            let undeclared = "redis.call('GET', KEYS[1]) return redis.call('INCR', 'b')";
            let reply = exec_after(&mut |_| drop(other.command(&["EVAL", undeclared, "1", "x"])));
            assert_eq!(reply, Reply::NullArray);
        }
        let reply = exec_after(&mut |itself| drop(itself.command(&["EVAL", INCREMENT, "1", "a"])));
        assert_eq!(reply, Reply::NullArray);
    });
}

#[test]
fn transactions_lock_the_declared_keys_of_scripts_that_were_tried() {
    with_workers(|server| {
        let (mut runner, mut client) = (server.client(), server.client());
        let untried = "return redis.call('INCR', KEYS[1]) * 1";
        client.command(&["EVAL", INCREMENT, "1", "tried"]);
        begin(&mut runner, &["EVAL", ENDLESS, "1", "a"], &mut client, "GET a");
        let [b, c, counter] = ["b", "c", "counter"].map(|name| free_key(&mut client, name));
        let mut call = |script, key| call_in_transaction(&mut client, script, key, &counter);
        assert_eq!(integers(&call(INCREMENT, &b)), [1, 1]);
        for (script, key) in [(INCREMENT, "a"), (untried, &c)] {
            let refused = text(&call(script, key));
            assert!(refused.starts_with("EXECABORT Transaction discarded because of: BUSY"));
        }
        assert_eq!(text(&client.run("SCRIPT KILL")), "OK");
        assert!(received(&mut runner).contains("killed"));
        assert_eq!(integers(&call_in_transaction(&mut client, untried, &c, &counter)), [1, 2]);
        begin(&mut runner, &["EVAL", ENDLESS, "1", "a"], &mut client, "GET a");
        // The transaction itself was a try.
        assert_eq!(integers(&call_in_transaction(&mut client, untried, &c, &counter)), [2, 3]);
        assert!(is_busy(&client.run("GET a")));
        assert_eq!(text(&client.run("SCRIPT KILL")), "OK");
        assert!(received(&mut runner).contains("killed"));
    });
}

#[test]
fn transactions_run_scripts_alone_that_use_undeclared_keys() {
    with_workers(|server| {
        let mut client = server.client();
        let undeclared = "return #redis.call('KEYS', '*') + redis.call('INCR', 'hidden')";
        for round in 1..=3 {
            let keys = if round == 1 { 0 } else { 2 };
            let replies = integers(&call_in_transaction(&mut client, undeclared, "a", "after"));
            assert_eq!(replies, [keys + round, round]);
        }
        // One that has declared all its keys until now, and takes another way.
        let sometimes = "return redis.call('INCR', ARGV[1] or KEYS[1])";
        assert_eq!(integers(&call_in_transaction(&mut client, sometimes, "b", "after")), [1, 4]);
        client.run("MULTI");
        client.command(&["EVAL", sometimes, "1", "b", "hidden"]);
        assert_eq!(integers(&client.run("EXEC")), [4]);
    });
}

#[test]
fn transactions_with_scripts_are_atomic() {
    const ACCOUNTS: usize = 5;
    const ROUNDS: usize = 200;
    let move_one = "redis.call('DECR', KEYS[1]) return redis.call('INCR', KEYS[2])";
    let arguments = ["--worker-threads", "4"];
    let server = Server::russet(env!("CARGO_BIN_EXE_russet-server"), &arguments);
    server.client().command(&["EVAL", move_one, "2", "account:0", "account:1"]);
    thread::scope(|scope| {
        for thread in 0..6 {
            let mut client = server.client();
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let from = format!("account:{}", (thread + round) % ACCOUNTS);
                    let to = format!("account:{}", (2 * thread + 3 * round + 1) % ACCOUNTS);
                    client.run("MULTI");
                    client.command(&["EVAL", move_one, "2", &from, &to]);
                    client.run("MGET account:0 account:1 account:2 account:3 account:4");
                    client.command(&["EVAL", move_one, "2", &to, &from]);
                    let Reply::Array(replies) = client.run("EXEC") else { panic!("no array") };
                    let Reply::Array(balances) = &replies[1] else { panic!("{replies:?}") };
                    let balance = |reply| match text(reply).as_str() {
                        "" => 0,
                        digits => digits.parse::<i64>().expect("a number"),
                    };
                    assert_eq!(balances.iter().map(balance).sum::<i64>(), 0);
                }
            });
        }
    });
}

#[test]
fn a_script_that_wants_too_much_memory_ends_with_an_error() {
    let greedy = "local t = {} while true do t[#t + 1] = string.rep('x', 100000) .. #t end";
    with_workers(|server| {
        let mut clients: Vec<Client> = (0..4).map(|_| server.client()).collect();
        // The second limit holds for interpreters that are there already.
        for limit in ["16mb", "4mb"] {
            clients[0].command(&["CONFIG", "SET", "lua-memory-limit", limit]);
            for client in &mut clients {
                let reply = text(&client.command(&["EVAL", greedy, "0"]));
                assert!(reply.contains("not enough memory"), "{reply}");
                assert!(matches!(
                    client.command(&["EVAL", INCREMENT, "1", "a"]),
                    Reply::Integer(_)
                ));
            }
            let info = text(&clients[0].run("INFO memory"));
            let line = info.lines().find_map(|line| line.strip_prefix("used_memory_vm_eval:"));
            let used: u64 = line.expect("it is there").parse().expect("a number");
            assert!(used < 8 << 20, "the memory is given back: {used}");
        }
    });
}

#[test]
fn a_script_that_finds_memory_full_is_refused_its_first_write() {
    let fill = "local value = string.rep('x', 100000)
                for i = 1, 100 do redis.call('RPUSH', KEYS[1], value) end
                return redis.call('LLEN', KEYS[1])";
    with_workers(|server| {
        let (mut client, mut other) = (server.client(), server.client());
        let info = text(&client.run("INFO memory"));
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        let used: u64 = line.expect("it is there").parse().expect("a number");
        let limit = (used + (4 << 20)).to_string();
        client.command(&["CONFIG", "SET", "maxmemory", &limit]);
        // What has begun to write is not stopped halfway.
        assert_eq!(client.command(&["EVAL", fill, "1", "a"]), Reply::Integer(100));
        for client in [&mut client, &mut other] {
            let reply = text(&client.command(&["EVAL", fill, "1", "b"]));
            assert!(reply.starts_with("OOM command not allowed"), "{reply}");
            let read = "return redis.call('LLEN', KEYS[1])";
            assert_eq!(client.command(&["EVAL", read, "1", "a"]), Reply::Integer(100));
        }
        let free = "return redis.call('DEL', KEYS[1])";
        assert_eq!(other.command(&["EVAL", free, "1", "a"]), Reply::Integer(1));
        crate::eventually("the memory is freed", || text(&client.run("SET c v")) == "OK");
    });
}

#[test]
fn a_key_that_expires_during_a_script_is_there_until_its_end() {
    with_workers(|server| {
        let (mut runner, mut other) = (server.client(), server.client());
        let slow = "local first = redis.call('EXISTS', KEYS[1])
                    for i = 1, 5000000 do end
                    return {first, redis.call('EXISTS', KEYS[1])}";
        for lifetime_ms in ["1", "5", "20"] {
            runner.command(&["SET", "a", "v", "PX", lifetime_ms]);
            let found = integers(&runner.command(&["EVAL", slow, "1", "a"]));
            assert_eq!(found[0], found[1], "{lifetime_ms}");
            crate::eventually("it has expired", || other.run("EXISTS a") == Reply::Integer(0));
        }
    });
}
