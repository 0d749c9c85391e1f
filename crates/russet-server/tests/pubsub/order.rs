//! Messages and replies, and messages of several publishers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use russet_e2e::{Client, Reply, text};

use super::{clients, four_workers, next};

/// Messages of each publisher.
const MESSAGES: usize = 2_000;
/// Channels that one pattern matches.
const CHANNELS: [&str; 3] = ["red", "green", "blue"];
/// How often a subscriber asks for an answer before it goes.
const PINGS: usize = 5;

#[test]
fn each_publisher_is_heard_in_order() {
    let server = four_workers(&[]);
    let mut subscribers: [Client; 5] = clients(&server);
    for subscriber in &mut subscribers {
        subscriber.run("SUBSCRIBE one two");
        subscriber.receive().expect("the second channel's");
        subscriber.run("PSUBSCRIBE th*");
    }
    let publishers = clients::<3>(&server);
    std::thread::scope(|scope| {
        for (mut publisher, channel) in publishers.into_iter().zip(["one", "two", "three"]) {
            scope.spawn(move || {
                for burst in 0..MESSAGES / 100 {
                    let numbers = burst * 100..(burst + 1) * 100;
                    let commands = numbers.map(|number| format!("PUBLISH {channel} {number}\r\n"));
                    publisher.send(commands.collect::<String>().as_bytes()).expect("it is open");
                    for _ in 0..100 {
                        assert_eq!(publisher.receive().expect("a reply"), Reply::Integer(5));
                    }
                }
            });
        }
        for subscriber in &mut subscribers {
            scope.spawn(move || {
                let mut expected = [("one", 0), ("two", 0), ("three", 0)];
                for _ in 0..3 * MESSAGES {
                    let message = next(subscriber);
                    let [.., channel, number] = &message[..] else { panic!("{message:?}") };
                    let (_, next) = expected
                        .iter_mut()
                        .find(|(known, _)| known == channel)
                        .expect("one of ours");
                    assert_eq!(*number, next.to_string(), "in {channel}");
                    *next += 1;
                }
            });
        }
    });
}

/// Publishes numbers, one channel after the other, single and in transactions.
fn publish_in_turn(publisher: &mut Client, name: &str) {
    for burst in (0..MESSAGES).step_by(10) {
        let in_transaction = burst % 30 == 0;
        let numbers = (burst..burst + 10).map(|number| {
            let channel = CHANNELS[number % CHANNELS.len()];
            format!("PUBLISH {channel} {name}:{number}\r\n")
        });
        let commands = numbers.collect::<String>();
        let (commands, replies) = match in_transaction {
            true => (format!("MULTI\r\n{commands}EXEC\r\n"), 12),
            false => (commands, 10),
        };
        publisher.send(commands.as_bytes()).expect("it is open");
        for _ in 0..replies {
            let reply = publisher.receive().expect("a reply");
            assert!(!reply.is_error(), "{reply:?}");
        }
    }
}

/// What a subscriber hears between two moments is a run of each publisher's messages without a gap,
/// over all channels, however often it comes and goes.
#[test]
fn whoever_comes_and_goes_misses_nothing_in_between() {
    const PUBLISHERS: [&str; 3] = ["one", "two", "three"];
    let server = four_workers(&[]);
    let published = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for (mut publisher, name) in clients::<3>(&server).into_iter().zip(PUBLISHERS) {
            let published = &published;
            scope.spawn(move || {
                publish_in_turn(&mut publisher, name);
                published.fetch_add(1, Ordering::Relaxed);
            });
        }
        for mut subscriber in clients::<4>(&server) {
            let published = &published;
            scope.spawn(move || {
                let mut last = BTreeMap::<String, usize>::new();
                while published.load(Ordering::Relaxed) < PUBLISHERS.len() {
                    hear_for_a_while(&mut subscriber, &mut last);
                }
            });
        }
    });
}

/// Subscribes, listens for some messages, unsubscribes, and notes each publisher's last number.
fn hear_for_a_while(subscriber: &mut Client, last: &mut BTreeMap<String, usize>) {
    // All channels by one pattern, so that the subscription begins with all of them at once.
    subscriber.send(b"PSUBSCRIBE *e*\r\nPING\r\n").expect("it is open");
    assert_eq!(next(subscriber)[0], "psubscribe");
    let mut heard = BTreeMap::<String, usize>::new();
    let mut pings = 1;
    loop {
        let message = next(subscriber);
        match message[0].as_str() {
            "pmessage" => {
                let (publisher, number) = message[3].split_once(':').expect("as published");
                let number = number.parse().expect("a number");
                assert_eq!(message[2], CHANNELS[number % CHANNELS.len()]);
                if let Some(before) = heard.insert(publisher.to_owned(), number) {
                    assert_eq!(number, before + 1, "of {publisher}");
                } else if let Some(before) = last.get(publisher) {
                    assert!(number > *before, "{publisher} is heard twice");
                }
            }
            "pong" if pings < PINGS => {
                pings += 1;
                subscriber.send(b"PING\r\n").expect("it is open");
            }
            "pong" => subscriber.send(b"PUNSUBSCRIBE *e*\r\n").expect("it is open"),
            "punsubscribe" => break,
            other => panic!("{other} was not expected"),
        }
    }
    last.extend(heard);
}

#[test]
fn a_message_to_oneself_follows_the_reply() {
    let server = four_workers(&[]);
    let mut client = server.client();
    client.run("HELLO 3");
    client.run("SUBSCRIBE me");
    client.send(b"PUBLISH me 1\r\nPUBLISH me 2\r\nECHO x\r\n").expect("it is open");
    for number in ["1", "2"] {
        assert_eq!(client.receive().expect("a reply"), Reply::Integer(1));
        assert_eq!(next(&mut client), ["message", "me", number]);
    }
    assert_eq!(text(&client.receive().expect("a reply")), "x");
    // In a transaction, the reply is EXEC's.
    client.send(b"MULTI\r\nPUBLISH me 3\r\nECHO y\r\nEXEC\r\n").expect("it is open");
    for _ in 0..3 {
        client.receive().expect("OK and QUEUED");
    }
    let expected = Reply::Array(vec![Reply::Integer(1), Reply::Bulk(b"y".to_vec())]);
    assert_eq!(client.receive().expect("a reply"), expected);
    assert_eq!(next(&mut client), ["message", "me", "3"]);
}

#[test]
fn what_was_published_before_a_request_comes_before_its_reply() {
    let server = four_workers(&[]);
    let [mut publisher, mut subscriber] = clients(&server);
    subscriber.run("HELLO 3");
    subscriber.run("SUBSCRIBE news");
    for number in 0..500 {
        let number = number.to_string();
        publisher.run(&format!("PUBLISH news {number}"));
        subscriber.send(b"PING\r\n").expect("it is open");
        assert_eq!(next(&mut subscriber), ["message", "news", &number]);
        assert_eq!(text(&subscriber.receive().expect("a reply")), "PONG");
    }
}
