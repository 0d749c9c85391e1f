//! Messages and replies, and messages of several publishers.

use russet_e2e::{Client, Reply, text};

use super::{clients, four_workers, next};

/// Messages of each publisher.
const MESSAGES: usize = 2_000;

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
