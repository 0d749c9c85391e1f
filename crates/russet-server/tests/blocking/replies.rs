//! What clients get that have waited.

use russet_e2e::{Client, Reply, text};

use super::{block, blocked, clients, four_workers, received, send, words};

#[test]
fn the_longest_wait_is_served_first() {
    let server = four_workers();
    let mut admin = server.client();
    let mut waiting: [Client; 8] = clients(&server);
    for client in &mut waiting {
        block(&mut admin, client, "BLPOP other queue 0");
    }
    let elements: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let pushed = admin.run(&format!("RPUSH queue {}", elements.join(" ")));
    assert_eq!(pushed, Reply::Integer(10), "as Redis, which serves after the command");
    for (client, element) in waiting.iter_mut().zip(&elements) {
        assert_eq!(words(&received(client)), ["queue", element]);
    }
    assert_eq!(words(&admin.run("LRANGE queue 0 -1")), ["8", "9"]);
    assert_eq!(blocked(&mut admin), 0);
}

#[test]
fn what_was_pipelined_behind_waits_too() {
    let server = four_workers();
    let [mut admin, mut client] = clients(&server);
    block(&mut admin, &mut client, "BLPOP a 0\r\nRPUSH c x\r\nBLPOP b 0\r\nPING");
    assert_eq!(admin.run("EXISTS c"), Reply::Integer(0));
    admin.run("RPUSH a 1");
    assert_eq!(words(&received(&mut client)), ["a", "1"]);
    assert_eq!(received(&mut client), Reply::Integer(1));
    admin.run("RPUSH b 2");
    assert_eq!(words(&received(&mut client)), ["b", "2"]);
    assert_eq!(text(&received(&mut client)), "PONG");
}

#[test]
fn chains_are_served_to_their_end() {
    let server = four_workers();
    let mut admin = server.client();
    let mut links: [Client; 5] = clients(&server);
    for (at, client) in links.iter_mut().enumerate() {
        block(&mut admin, client, &format!("BLMOVE list:{at} list:{} LEFT RIGHT 0", at + 1));
    }
    admin.run("RPUSH list:0 x");
    for client in &mut links {
        assert_eq!(text(&received(client)), "x");
    }
    assert_eq!(words(&admin.run("LRANGE list:5 0 -1")), ["x"]);
    assert_eq!(admin.run("EXISTS list:0 list:1 list:2 list:3 list:4"), Reply::Integer(0));
}

#[test]
fn a_destination_of_the_wrong_type_is_an_error_and_takes_nothing() {
    let server = four_workers();
    let [mut admin, mut moving, mut next] = clients(&server);
    admin.run("SET text x");
    block(&mut admin, &mut moving, "BRPOPLPUSH list text 0");
    block(&mut admin, &mut next, "BLPOP list 0");
    admin.run("RPUSH list 1");
    assert!(text(&received(&mut moving)).starts_with("WRONGTYPE "));
    assert_eq!(words(&received(&mut next)), ["list", "1"]);
}

#[test]
fn keys_come_into_being_in_many_ways() {
    let server = four_workers();
    let [mut admin, mut client] = clients(&server);
    for way in [
        "RPUSH k x",
        "LINSERT k BEFORE x y|RPUSH k x",
        "RPUSH other x|RENAME other k",
        "RPUSH other x|COPY other k",
        "SELECT 1|RPUSH k x|MOVE k 0|SELECT 0",
        "SELECT 1|RPUSH k x|SELECT 0|SWAPDB 0 1|SWAPDB 0 1",
        "SET k string|ZADD k REPLACED x|DEL k|RPUSH k x",
        "MULTI|SET k string|DEL k|RPUSH k x|EXEC",
    ] {
        admin.run("FLUSHALL");
        block(&mut admin, &mut client, "BRPOP k 0");
        for command in way.split('|') {
            admin.run(command);
        }
        assert_eq!(words(&received(&mut client)), ["k", "x"], "{way}");
    }
}

#[test]
fn lists_and_sorted_sets_are_waited_for_apart() {
    let server = four_workers();
    let [mut admin, mut list, mut lowest, mut many] = clients(&server);
    block(&mut admin, &mut list, "BLPOP k 0");
    block(&mut admin, &mut lowest, "BZPOPMIN k 0");
    block(&mut admin, &mut many, "BZMPOP 0 1 k MAX COUNT 2");
    admin.run("ZADD k 1 a 2 b 3 c 4 d");
    assert_eq!(words(&received(&mut lowest)), ["k", "a", "1"]);
    let Reply::Array(reply) = received(&mut many) else { panic!("an array was due") };
    let pairs: Vec<Vec<String>> = match &reply[1] {
        Reply::Array(pairs) => pairs.iter().map(words).collect(),
        other => panic!("{other:?} is no array"),
    };
    assert_eq!(pairs, [["d", "4"], ["c", "3"]]);
    admin.run("DEL k");
    admin.run("RPUSH k x");
    assert_eq!(words(&received(&mut list)), ["k", "x"]);
}

#[test]
fn a_transaction_does_not_wait() {
    let server = four_workers();
    let [mut admin, mut client] = clients(&server);
    for command in ["MULTI", "BLPOP k 0", "BLMOVE k l LEFT LEFT 0", "BLMPOP 0 1 k LEFT"] {
        client.run(command);
    }
    let nothing = [Reply::NullArray, Reply::NullBulk, Reply::NullArray];
    assert_eq!(client.run("EXEC"), Reply::Array(nothing.to_vec()));
    // And what it does is seen as a whole.
    block(&mut admin, &mut client, "BLPOP a b 0");
    send(&mut admin, "MULTI\r\nRPUSH b 1\r\nRPUSH a 2\r\nLLEN b\r\nEXEC");
    assert_eq!(words(&received(&mut client)), ["b", "1"]);
    assert_eq!(words(&server.client().run("LRANGE a 0 -1")), ["2"]);
}
