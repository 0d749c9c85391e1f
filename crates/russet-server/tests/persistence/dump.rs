//! DUMP and RESTORE, with Redis at the other end.

use russet_e2e::{Client, Reply, Server, tool_or_skip};
use russet_persist::crc64;

use super::{dataset, digest, integer, russet};

fn bytes(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Bulk(bytes) => bytes.clone(),
        other => panic!("a string is expected, not {other:?}"),
    }
}

/// Moves every key from one server to the other; `adapt` is done to the payloads.
pub fn move_all(from: &mut Client, to: &mut Client, adapt: impl Fn(Vec<u8>) -> Vec<u8>) {
    let mut moved = 0;
    for db in ["0", "9"] {
        for client in [&mut *from, &mut *to] {
            client.command(&["SELECT", db]);
        }
        let Reply::Array(keys) = from.run("KEYS *") else { panic!("KEYS answers with an array") };
        moved += keys.len();
        for key in keys {
            let key = bytes(&key);
            let payload = adapt(bytes(&from.command(&[b"DUMP", &key[..]])));
            let expire_at = integer(&from.command(&[b"PEXPIRETIME", &key[..]])).max(0).to_string();
            let restored =
                to.command(&[b"RESTORE", &key[..], expire_at.as_bytes(), &payload, b"ABSTTL"]);
            assert_eq!(
                restored,
                Reply::Status(b"OK".to_vec()),
                "{}",
                String::from_utf8_lossy(&key)
            );
        }
    }
    assert!(moved > 0, "there is something to move");
}

/// Makes a payload of version 11 one of version 10, which is the same but for small sets.
pub fn to_version_10(mut payload: Vec<u8>) -> Vec<u8> {
    let at = payload.len() - 10;
    assert_eq!(payload[at..at + 2], [11, 0]);
    payload[at] = 10;
    let checksum = crc64::update(0, &payload[..at + 2]);
    payload[at + 2..].copy_from_slice(&checksum.to_le_bytes());
    payload
}

/// What Redis 7.0 dumps is restored here, and what is dumped here there.
#[test]
fn payloads_are_exchanged_with_redis() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let redis = Server::oracle::<&str>(&[]);
    let mut redis = redis.client();
    dataset::fill(&mut redis);
    let expected = digest(&mut redis);
    // Version 10 does not know small sets that are not of integers; 8 knows little but elements.
    let new = russet(&["--set-max-listpack-entries", "0"]);
    let old = russet(&["--compatibility", "4.0"]);
    let (mut new, mut old) = (new.client(), old.client());
    move_all(&mut redis, &mut new, |payload| payload);
    assert_eq!(digest(&mut new), expected);
    move_all(&mut new, &mut old, |payload| payload);
    assert_eq!(digest(&mut old), expected);
    redis.run("FLUSHALL");
    move_all(&mut old, &mut redis, |payload| payload);
    assert_eq!(digest(&mut redis), expected);
    redis.run("FLUSHALL");
    move_all(&mut new, &mut redis, to_version_10);
    assert_eq!(digest(&mut redis), expected);
}

#[test]
fn options_and_errors_are_those_of_redis() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let (redis, russet) = (Server::oracle::<&str>(&[]), russet(&["--compatibility", "4.0"]));
    let (mut redis, mut russet) = (redis.client(), russet.client());
    redis.run("SET source value");
    let payload = bytes(&redis.run("DUMP source"));
    let mut damaged = payload.clone();
    damaged[2] ^= 1;
    let empty_set = [&[2, 0, 8, 0][..], &crc64::update(0, &[2, 0, 8, 0]).to_le_bytes()].concat();
    let no_type = [&[99, 0, 8, 0][..], &crc64::update(0, &[99, 0, 8, 0]).to_le_bytes()].concat();
    let steps: Vec<Vec<&[u8]>> = vec![
        vec![b"DUMP", b"missing"],
        vec![b"RESTORE", b"k", b"0", &payload],
        vec![b"RESTORE", b"k", b"0", &payload],
        vec![b"RESTORE", b"k", b"0", &payload, b"REPLACE"],
        vec![b"GET", b"k"],
        vec![b"RESTORE", b"k", b"-1", &payload, b"REPLACE"],
        vec![b"RESTORE", b"k", b"x", &payload, b"REPLACE"],
        vec![b"RESTORE", b"k", b"0", &damaged, b"REPLACE"],
        vec![b"RESTORE", b"k", b"0", b"", b"REPLACE"],
        vec![b"RESTORE", b"k", b"0", &empty_set, b"REPLACE"],
        vec![b"RESTORE", b"k", b"0", &no_type, b"REPLACE"],
        vec![b"RESTORE", b"k", b"0", &payload, b"NONSENSE"],
        vec![b"RESTORE", b"k", b"0", &payload, b"IDLETIME", b"-1"],
        vec![b"RESTORE", b"k", b"0", &payload, b"IDLETIME", b"5", b"FREQ", b"5"],
        vec![b"RESTORE", b"k", b"0", &payload, b"FREQ", b"256"],
        vec![b"RESTORE", b"idle", b"0", &payload, b"IDLETIME", b"1000"],
        vec![b"RESTORE", b"past", b"1", &payload, b"ABSTTL"],
        vec![b"EXISTS", b"past"],
        vec![b"RESTORE", b"k", b"1", &payload, b"ABSTTL", b"REPLACE"],
        vec![b"EXISTS", b"k"],
        vec![b"RESTORE", b"later", b"33177117420123", &payload, b"ABSTTL"],
        vec![b"PEXPIRETIME", b"later"],
        vec![b"DUMP", b"later"],
        vec![b"RESTORE", b"k"],
    ];
    for step in steps {
        let (expected, found) = (redis.command(&step), russet.command(&step));
        let shown: Vec<_> = step.iter().map(|word| String::from_utf8_lossy(word)).collect();
        let is_dump = step[0] == b"DUMP" && matches!(expected, Reply::Bulk(_));
        if is_dump {
            // Only the version differs, and so the checksum.
            let (expected, found) = (bytes(&expected), bytes(&found));
            assert_eq!(expected[..expected.len() - 10], found[..found.len() - 10], "{shown:?}");
        } else {
            assert_eq!(expected, found, "{shown:?}");
        }
    }
    let idle_s = integer(&russet.run("OBJECT IDLETIME idle"));
    assert!((1000..1100).contains(&idle_s), "{idle_s}");
}
