//! Lists as queues between many clients: nothing is lost, nothing comes twice.

use std::collections::BTreeMap;
use std::sync::Mutex;

use russet_e2e::{Client, Reply};

use super::{clients, four_workers, send, words};

/// What each producer puts into the queues.
const ELEMENTS: usize = 500;
const PRODUCERS: usize = 3;
const CONSUMERS: usize = 5;
/// Ends a consumer.
const END: &str = "end";

/// Counts an element; returns whether there may be more.
fn note(seen: &Mutex<BTreeMap<String, usize>>, element: &str) -> bool {
    if element == END {
        return false;
    }
    *seen.lock().expect("nobody panics with it").entry(element.to_owned()).or_default() += 1;
    true
}

fn produce(mut client: Client, producer: usize) {
    for number in 0..ELEMENTS {
        let queue = number % 3;
        client.run(&format!("RPUSH queue:{queue} {producer}-{number}"));
    }
}

/// Takes elements with commands of every kind, giving up often.
fn consume(mut client: Client, consumer: usize, seen: &Mutex<BTreeMap<String, usize>>) {
    for round in consumer.. {
        let command = match round % 4 {
            0 => "BLPOP queue:0 queue:1 queue:2 0.001",
            1 => "BRPOP queue:2 queue:0 0.002",
            2 => "BLMPOP 0.001 3 queue:1 queue:2 queue:0 LEFT",
            _ => "BLMOVE queue:1 queue:2 LEFT RIGHT 0.001",
        };
        let element = match client.run(command) {
            // Moved, and still to be taken.
            Reply::Bulk(_) | Reply::NullArray => continue,
            Reply::Array(elements) => match &elements[1] {
                Reply::Array(popped) => russet_e2e::text(&popped[0]),
                element => russet_e2e::text(element),
            },
            other => panic!("{command}: {other:?}"),
        };
        if !note(seen, &element) {
            return;
        }
    }
}

#[test]
fn each_element_comes_once() {
    let server = four_workers();
    let seen = Mutex::default();
    std::thread::scope(|scope| {
        for (consumer, client) in clients::<CONSUMERS>(&server).into_iter().enumerate() {
            let seen = &seen;
            scope.spawn(move || consume(client, consumer, seen));
        }
        let producing: Vec<_> = clients::<PRODUCERS>(&server)
            .into_iter()
            .enumerate()
            .map(|(producer, client)| scope.spawn(move || produce(client, producer)))
            .collect();
        producing.into_iter().for_each(|thread| thread.join().expect("it ends"));
        let mut client = server.client();
        for _ in 0..CONSUMERS {
            // Each ends one consumer; what is moved behind it is taken by the others or stays.
            client.run(&format!("RPUSH queue:0 {END}"));
        }
    });
    let mut seen = seen.into_inner().expect("nobody panicked with it");
    let mut client = server.client();
    for queue in 0..3 {
        for element in words(&client.run(&format!("LRANGE queue:{queue} 0 -1"))) {
            *seen.entry(element).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), PRODUCERS * ELEMENTS, "nothing is lost");
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// A relay of BLMOVE between keys of different shards, all racing: whatever goes in comes out.
#[test]
fn moves_race_without_a_loss() {
    const STAGES: usize = 4;
    let server = four_workers();
    std::thread::scope(|scope| {
        for stage in 0..STAGES {
            let mut client = server.client();
            scope.spawn(move || {
                for _ in 0..ELEMENTS {
                    let next = stage + 1;
                    let reply =
                        client.run(&format!("BLMOVE stage:{stage} stage:{next} LEFT RIGHT 0"));
                    assert!(matches!(reply, Reply::Bulk(_)), "{reply:?}");
                }
            });
        }
        let [mut first, mut last] = clients(&server);
        scope.spawn(move || {
            for number in 0..ELEMENTS {
                send(&mut first, &format!("RPUSH stage:0 {number}"));
            }
            for _ in 0..ELEMENTS {
                first.receive().expect("a reply");
            }
        });
        for number in 0..ELEMENTS {
            let reply = last.run(&format!("BLPOP stage:{STAGES} 0"));
            assert_eq!(words(&reply), [format!("stage:{STAGES}"), number.to_string()]);
        }
    });
}
