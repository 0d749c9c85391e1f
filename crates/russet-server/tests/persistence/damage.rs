//! Payloads that are damaged behind their checksum's back: RESTORE refuses them, or what it makes of them
//! is a value like any other.

use russet_e2e::{Client, Reply, text};

use super::{integer, ok, rounds, russet};

/// A value of each type and encoding, with integers and texts in it.
fn fill(client: &mut Client) {
    client.run("SET string text-that-is-not-a-number");
    client.run("SET integer 1234567");
    client.command(&["SET", "compressed", &"abc".repeat(100)]);
    for (suffix, elements) in [("", 3), ("-large", 40)] {
        for number in 0..elements {
            let element = if number % 2 == 0 { number.to_string() } else { format!("_{number}") };
            client.run(&format!("RPUSH list{suffix} {element}"));
            client.run(&format!("SADD set{suffix} {element}"));
            client.run(&format!("SADD intset{suffix} {}", number * 1000));
            client.run(&format!("HSET hash{suffix} {element} {number}"));
            client.run(&format!("ZADD zset{suffix} {number}.5 {element}"));
        }
    }
}

/// Uses a value in every way that may stumble over what is wrong with it.
fn exercise(client: &mut Client, what: &str) {
    let kind = text(&client.run("TYPE damaged"));
    let (count, all, per_element): (&str, &str, usize) = match &kind[..] {
        "string" => ("STRLEN damaged", "GET damaged", 1),
        "list" => ("LLEN damaged", "LRANGE damaged 0 -1", 1),
        "set" => ("SCARD damaged", "SMEMBERS damaged", 1),
        "hash" => ("HLEN damaged", "HGETALL damaged", 2),
        "zset" => ("ZCARD damaged", "ZRANGE damaged 0 -1 WITHSCORES", 2),
        _ => panic!("a value of type {kind}: {what}"),
    };
    let count = integer(&client.run(count)) as usize;
    let (found, elements) = match client.run(all) {
        Reply::Array(elements) => (elements.len() / per_element, elements),
        Reply::Bulk(bytes) => (bytes.len(), Vec::new()),
        other => panic!("{other:?}: {what}"),
    };
    assert_eq!(found, count, "{what}");
    let last = elements.iter().rev().nth(per_element - 1);
    let last = last.map_or(Vec::new(), |last| match last {
        Reply::Bulk(bytes) => bytes.clone(),
        other => panic!("{other:?}: {what}"),
    });
    let commands: &[&[&[u8]]] = match &kind[..] {
        "string" => &[&[b"APPEND", b"x"], &[b"SETRANGE", b"3", b"y"], &[b"BITCOUNT"]],
        "list" => &[
            &[b"LINDEX", b"-1"],
            &[b"LINSERT", b"BEFORE", &last, b"new"],
            &[b"LSET", b"0", b"set"],
            &[b"LREM", b"0", &last],
            &[b"RPUSH", b"7"],
            &[b"LPOP"],
            &[b"RPOP"],
        ],
        "set" => &[
            &[b"SISMEMBER", &last],
            &[b"SADD", b"new", b"99999999999"],
            &[b"SREM", &last],
            &[b"SRANDMEMBER", b"5"],
            &[b"SSCAN", b"0"],
            &[b"SPOP"],
        ],
        "hash" => &[
            &[b"HGET", &last],
            &[b"HSET", b"new", b"1", &last, b"2"],
            &[b"HDEL", &last],
            &[b"HRANDFIELD", b"5"],
            &[b"HSCAN", b"0"],
            &[b"HVALS"],
        ],
        _ => &[
            &[b"ZSCORE", &last],
            &[b"ZRANK", &last],
            &[b"ZINCRBY", b"3", &last],
            &[b"ZADD", b"1", b"new"],
            &[b"ZREM", &last],
            &[b"ZRANGEBYSCORE", b"-inf", b"(5"],
            &[b"ZPOPMAX"],
        ],
    };
    for words in commands {
        let words = [&[words[0], b"damaged"], &words[1..]].concat();
        let reply = client.try_command(&words);
        assert!(reply.is_ok(), "{}: {what}", String::from_utf8_lossy(words[0]));
    }
    for command in ["OBJECT ENCODING damaged", "DEBUG DIGEST-VALUE damaged", "DUMP damaged"] {
        assert!(client.try_command(&command.split(' ').collect::<Vec<_>>()).is_ok(), "{what}");
    }
}

#[test]
fn damaged_payloads_are_refused_or_make_sound_values() {
    // Large values of large elements too, and small ones.
    let limits = ["--list-max-listpack-size", "5", "--hash-max-listpack-entries", "5"];
    let more = ["--zset-max-listpack-entries", "5", "--set-max-listpack-entries", "5"];
    let server = russet(&[&limits[..], &more].concat());
    let mut client = server.client();
    fill(&mut client);
    let Reply::Array(keys) = client.run("KEYS *") else { panic!("KEYS answers with an array") };
    let keys: Vec<String> = keys.iter().map(text).collect();
    assert_eq!(client.run("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1"), ok());
    let seed = u64::from(std::process::id());
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut refused, mut restored) = (0, 0);
    for _ in 0..rounds(3000) {
        let key = random.choice(&keys).expect("there are some");
        let Reply::Bulk(mut payload) = client.command(&["DUMP", key]) else {
            panic!("{key} is there")
        };
        for _ in 0..random.usize(1..=2) {
            // Not version and checksum, which make payloads be refused for what is not looked for here.
            let at = random.usize(..payload.len() - 10);
            payload[at] = random.u8(..);
        }
        let what = format!("{key} as {}, seed {seed}", payload.escape_ascii());
        let restore = [&b"RESTORE"[..], b"damaged", b"0", &payload];
        match client.try_command(&restore).unwrap_or_else(|error| panic!("{error}: {what}")) {
            Reply::Error(error) => {
                assert_eq!(error, b"ERR Bad data format", "{what}");
                refused += 1;
            }
            _ => {
                exercise(&mut client, &what);
                client.run("DEL damaged");
                restored += 1;
            }
        }
        assert_eq!(integer(&client.run("DBSIZE")) as usize, keys.len(), "{what}");
    }
    assert!(refused > 0 && restored > 0, "{refused} were refused, {restored} restored");
}
