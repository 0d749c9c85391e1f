//! Active defragmentation gives back what deletions have left between the remaining keys.

use super::{number, start, wait_until};
use russet_e2e::client::encode;
use russet_e2e::{Client, text};

const KEYS: usize = 60_000;
/// Elements of each of the collections that are moved in steps, of which no part may be left out.
const LARGE: usize = 20_000;

/// A value of one of many sizes.
fn value(key: usize) -> String {
    const SIZES: [usize; 11] = [8, 30, 64, 100, 150, 200, 300, 500, 800, 1200, 2000];
    format!("{key}:{}", "x".repeat(SIZES[key * 7919 % SIZES.len()]))
}

/// Sends the commands of many keys, a thousand at a time.
fn send_all(client: &mut Client, command: impl Fn(usize) -> Option<Vec<u8>>) {
    send_some(client, KEYS, 1, command);
}

/// Sends what is done to four large collections for each of their elements.
fn send_all_in_fours(client: &mut Client, commands: impl Fn(usize) -> Option<Vec<u8>>) {
    send_some(client, LARGE, 4, commands);
}

fn send_some(
    client: &mut Client,
    count: usize,
    replies: usize,
    commands: impl Fn(usize) -> Option<Vec<u8>>,
) {
    for first in (0..count).step_by(1000) {
        let commands: Vec<Vec<u8>> = (first..first + 1000).filter_map(&commands).collect();
        client.send(&commands.concat()).expect("the server reads");
        for _ in 0..commands.len() * replies {
            client.receive().expect("the server answers");
        }
    }
}

#[test]
fn sparse_memory_is_put_in_order_in_the_background() {
    let server = start(&["--worker-threads", "2", "--active-defrag-ignore-bytes", "1mb"]);
    let mut client = server.client();
    send_all(&mut client, |key| {
        let (name, value) = (format!("key:{key}"), value(key));
        Some(match key % 8 {
            0 => encode(&["HSET", &name, "field", &value, "other", "1"]),
            1 => encode(&["SET", &name, &value, "EX", "10000"]),
            2 => encode(&["SADD", &name, &value, "a", "b"]),
            _ => encode(&["SET", &name, &value]),
        })
    });
    let element = |number: usize| format!("element:{number:07}");
    let four = |words: [&[&str]; 4]| Some(words.map(encode).concat());
    send_all_in_fours(&mut client, |number| {
        let (element, value) = (element(number), value(number));
        four([
            &["SADD", "large:set", &element],
            &["HSET", "large:hash", &element, &value],
            &["ZADD", "large:zset", &(number * 7 % 100).to_string(), &element],
            &["RPUSH", "large:list", &value],
        ])
    });
    // Three quarters of them, scattered over all of memory.
    let goes = |key: usize| (key.wrapping_mul(2_654_435_761) >> 16) & 3 != 0;
    send_all_in_fours(&mut client, |number| {
        let element = element(number);
        let end = if number % 2 == 0 { "LPOP" } else { "RPOP" };
        goes(number)
            .then(|| {
                four([
                    &["SREM", "large:set", &element],
                    &["HDEL", "large:hash", &element],
                    &["ZREM", "large:zset", &element],
                    &[end, "large:list"],
                ])
            })
            .flatten()
    });
    send_all(&mut client, |key| goes(key).then(|| encode(&["DEL", &format!("key:{key}")])));
    let lost = |client: &mut Client| {
        let active = number(client, "memory", "allocator_active") as f64;
        active / number(client, "memory", "allocator_allocated") as f64
    };
    let before = lost(&mut client);
    assert!(before > 1.8, "{before}: there is something to be put in order");
    let digest = text(&client.run("DEBUG DIGEST"));
    assert_eq!(text(&client.run("CONFIG SET activedefrag yes active-defrag-cycle-max 50")), "OK");
    // The little data of a test leaves many slabs that are not full, one of each size and worker.
    wait_until("memory is in order", || lost(&mut client) < 1.45);
    assert!(number(&mut client, "stats", "active_defrag_hits") > 1000);
    assert!(number(&mut client, "stats", "active_defrag_key_hits") > 1000);
    assert_eq!(text(&client.run("DEBUG DIGEST")), digest, "no key or value has changed");
    for key in (0..KEYS).filter(|key| !goes(*key) && key % 8 > 2) {
        assert_eq!(text(&client.command(&["GET", &format!("key:{key}")])), value(key));
    }
    assert_eq!(text(&client.run("CONFIG SET activedefrag no")), "OK");
    wait_until("it ends", || number(&mut client, "memory", "active_defrag_running") == 0);
}
