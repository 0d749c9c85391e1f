//! Who gets what, and what a subscriber may ask.

use russet_e2e::{Client, Reply, text};

use super::{clients, four_workers, next, words};

#[test]
fn messages_reach_subscribers_of_every_worker_and_protocol() {
    let server = four_workers(&[]);
    let mut publisher = server.client();
    let mut subscribers: [Client; 9] = clients(&server);
    for (at, subscriber) in subscribers.iter_mut().enumerate() {
        let resp3 = at % 2 == 1;
        if resp3 {
            subscriber.run("HELLO 3");
        }
        let reply = subscriber.run("SUBSCRIBE news");
        assert_eq!(matches!(reply, Reply::Push(_)), resp3, "{reply:?}");
        assert_eq!(words(&reply), ["subscribe", "news", "1"]);
        assert_eq!(words(&subscriber.run("PSUBSCRIBE n*s")), ["psubscribe", "n*s", "2"]);
    }
    assert_eq!(publisher.run("PUBLISH news first"), Reply::Integer(18));
    assert_eq!(publisher.run("PUBLISH nobody first"), Reply::Integer(0));
    assert_eq!(words(&publisher.run("PUBSUB NUMSUB news nobody")), ["news", "9", "nobody", "0"]);
    assert_eq!(publisher.run("PUBSUB NUMPAT"), Reply::Integer(1));
    for (at, subscriber) in subscribers.iter_mut().enumerate() {
        let message = subscriber.receive().expect("a message");
        assert_eq!(matches!(message, Reply::Push(_)), at % 2 == 1, "{message:?}");
        assert_eq!(words(&message), ["message", "news", "first"]);
        assert_eq!(next(subscriber), ["pmessage", "n*s", "news", "first"]);
    }
    // Whoever leaves is no subscriber, however it leaves.
    let [gone, reset, unsubscribed, ..] = &mut subscribers;
    assert_eq!(text(&gone.run("QUIT")), "OK");
    assert_eq!(text(&reset.run("RESET")), "RESET");
    assert_eq!(words(&unsubscribed.run("UNSUBSCRIBE")), ["unsubscribe", "news", "1"]);
    assert!(gone.receive().is_err(), "it is closed");
    assert_eq!(publisher.run("PUBLISH news second"), Reply::Integer(13));
    assert_eq!(next(unsubscribed), ["pmessage", "n*s", "news", "second"]);
}

#[test]
fn shard_channels_are_apart() {
    let server = four_workers(&[]);
    let [mut publisher, mut subscriber] = clients(&server);
    assert_eq!(words(&subscriber.run("SSUBSCRIBE news")), ["ssubscribe", "news", "1"]);
    assert_eq!(words(&subscriber.run("SUBSCRIBE news")), ["subscribe", "news", "1"]);
    assert_eq!(publisher.run("SPUBLISH news a"), Reply::Integer(1));
    assert_eq!(publisher.run("PUBLISH news b"), Reply::Integer(1));
    assert_eq!(next(&mut subscriber), ["smessage", "news", "a"]);
    assert_eq!(next(&mut subscriber), ["message", "news", "b"]);
    assert_eq!(words(&publisher.run("PUBSUB SHARDCHANNELS")), ["news"]);
    assert_eq!(words(&subscriber.run("SUNSUBSCRIBE")), ["sunsubscribe", "news", "0"]);
    assert_eq!(words(&subscriber.run("SUNSUBSCRIBE")), ["sunsubscribe", "nil", "0"]);
    assert_eq!(words(&publisher.run("PUBSUB SHARDNUMSUB news")), ["news", "0"]);
}

#[test]
fn subscribers_that_speak_resp2_may_ask_for_little() {
    let server = four_workers(&[]);
    let mut client = server.client();
    client.run("SUBSCRIBE news");
    let refusal = text(&client.run("CLIENT LIST"));
    assert_eq!(
        refusal,
        "ERR Can't execute 'client|list': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
         RESET are allowed in this context"
    );
    assert_eq!(words(&client.run("PING")), ["pong", ""]);
    assert_eq!(words(&client.run("PING there")), ["pong", "there"]);
    assert_eq!(words(&client.run("UNSUBSCRIBE")), ["unsubscribe", "news", "0"]);
    assert_eq!(text(&client.run("PING")), "PONG");
    client.run("HELLO 3");
    client.run("SUBSCRIBE news");
    assert_eq!(text(&client.run("ECHO allowed")), "allowed");
}

#[test]
fn subscribers_are_shown_as_such() {
    let server = four_workers(&[]);
    let [mut asking, mut subscriber] = clients(&server);
    subscriber.run("HELLO 3");
    for command in ["SUBSCRIBE a", "SUBSCRIBE b", "PSUBSCRIBE c*", "SSUBSCRIBE d"] {
        subscriber.run(command);
    }
    let line = text(&asking.run("CLIENT LIST TYPE pubsub"));
    for field in [" flags=P ", " sub=2 ", " psub=1 ", " ssub=1 ", " resp=3 "] {
        assert!(line.contains(field), "{field} in {line}");
    }
    let stats = text(&asking.run("INFO stats"));
    for field in ["pubsub_channels:2\r\n", "pubsub_patterns:1\r\n", "pubsubshard_channels:1\r\n"] {
        assert!(stats.contains(field), "{field} in {stats}");
    }
    assert_eq!(asking.run("CLIENT KILL TYPE pubsub"), Reply::Integer(1));
    assert!(subscriber.receive().is_err(), "it is closed");
}

#[test]
fn messages_are_no_replies_to_be_left_out() {
    let server = four_workers(&[]);
    let [mut publisher, mut subscriber] = clients(&server);
    subscriber.run("HELLO 3");
    subscriber.send(b"CLIENT REPLY OFF\r\nSUBSCRIBE a b\r\nPUBLISH nobody x\r\n").expect("open");
    assert_eq!(next(&mut subscriber), ["subscribe", "a", "1"]);
    assert_eq!(next(&mut subscriber), ["subscribe", "b", "2"]);
    publisher.run("PUBLISH a 1");
    assert_eq!(next(&mut subscriber), ["message", "a", "1"]);
    subscriber.send(b"UNSUBSCRIBE\r\nPING\r\nCLIENT REPLY ON\r\n").expect("open");
    assert_eq!(next(&mut subscriber), ["unsubscribe", "a", "1"]);
    assert_eq!(next(&mut subscriber), ["unsubscribe", "b", "0"]);
    assert_eq!(text(&subscriber.receive().expect("a reply")), "OK");
}

#[test]
fn a_subscriber_that_takes_nothing_is_closed_and_stops_nobody() {
    let limit = "normal 0 0 0 slave 0 0 0 pubsub 4mb 0 0";
    let server = four_workers(&["--client-output-buffer-limit", limit]);
    let [mut publisher, mut slow, mut quick] = clients(&server);
    slow.run("SUBSCRIBE news");
    quick.run("SUBSCRIBE news");
    let message = "m".repeat(256 << 10);
    // Far more than a socket takes; the quick one gets all of it.
    for _ in 0..256 {
        publisher.run(&format!("PUBLISH news {message}"));
        assert_eq!(next(&mut quick)[2].len(), message.len());
    }
    let stats = text(&publisher.run("INFO stats"));
    assert!(stats.contains("client_output_buffer_limit_disconnections:1\r\n"), "{stats}");
    assert_eq!(words(&publisher.run("PUBSUB NUMSUB news")), ["news", "1"]);
}
