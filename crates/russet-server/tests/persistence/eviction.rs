//! What is on its way to the disk is no reason to evict keys.

use russet_e2e::{Client, Reply, text};

use super::{info, integer, ok, russet, russet_in, wait_until};

fn memory(client: &mut Client, field: &str) -> u64 {
    let report = text(&client.run("INFO memory"));
    let line = report.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.expect("it is there").parse().expect("a number")
}

fn evicted(client: &mut Client) -> String {
    let report = text(&client.run("INFO stats"));
    let line = report.lines().find_map(|line| line.strip_prefix("evicted_keys:"));
    line.expect("it is there").to_owned()
}

#[test]
fn keys_are_not_evicted_for_what_a_snapshot_holds() {
    const KEYS: usize = 600;
    const VALUE_BYTES: usize = 20_000;
    let server = russet(&["--worker-threads", "1", "--maxmemory-policy", "allkeys-lru"]);
    let mut client = server.client();
    let value = vec![b'x'; VALUE_BYTES];
    for key in 0..KEYS {
        assert_eq!(client.command(&[b"SET", format!("k{key}").as_bytes(), &value]), ok());
    }
    // Values stay as long as they are, and a file that is long in the making takes them slowly.
    client.run("CONFIG SET rdbcompression no rdb-key-save-delay 1000000");
    let limit = memory(&mut client, "used_memory") + 2_000_000;
    client.run(&format!("CONFIG SET maxmemory {limit}"));
    assert_eq!(text(&client.run("BGSAVE")), "Background saving started");
    // Changes look for room, and hand over what they change.
    for key in 0..KEYS {
        let length = client.run(&format!("SETRANGE k{key} 0 y"));
        assert_eq!(length, Reply::Integer(VALUE_BYTES as i64));
    }
    assert!(memory(&mut client, "mem_not_counted_for_evict") > 5_000_000, "much is on its way");
    assert!(memory(&mut client, "used_memory") > limit, "all in all the limit is exceeded");
    assert_eq!(evicted(&mut client), "0");
    assert_eq!(client.run("DBSIZE"), Reply::Integer(KEYS as i64));
    // Keys of its own are another matter.
    for key in 0..KEYS {
        client.command(&[b"SET", format!("more:{key}").as_bytes(), &value]);
    }
    assert_ne!(evicted(&mut client), "0");
    assert_eq!(info(&mut client, "rdb_bgsave_in_progress"), "1", "it was so all the time");
}

/// Nor are they for what of the log a disk that is slow has not taken yet; for themselves they are, and
/// only as many as must be.
#[test]
fn keys_are_not_evicted_for_what_of_the_log_waits_for_the_disk() {
    const KEYS: usize = 600;
    const VALUE_BYTES: usize = 20_000;
    let directory = tempfile::tempdir().expect("a directory");
    let options = ["--worker-threads", "1", "--maxmemory-policy", "allkeys-lru"];
    let server = russet_in(directory.path(), &[&["--appendonly", "yes"], &options[..]].concat());
    let mut client = server.client();
    let value = vec![b'x'; VALUE_BYTES];
    let fill = |client: &mut Client, prefix: &str| {
        for key in 0..KEYS {
            let name = format!("{prefix}{key}");
            assert_eq!(client.command(&[b"SET", name.as_bytes(), &value]), ok());
        }
    };
    fill(&mut client, "k");
    wait_until("written", || memory(&mut client, "mem_aof_buffer") == 0);
    let limit = memory(&mut client, "used_memory") + 2_000_000;
    client.run(&format!("CONFIG SET maxmemory {limit}"));
    // Nothing is written from now on, or perhaps once more.
    assert_eq!(client.run("DEBUG AOF-FLUSH-SLEEP 600000000"), ok());
    fill(&mut client, "k");
    assert!(memory(&mut client, "mem_aof_buffer") > 5_000_000, "much waits");
    let uncounted = memory(&mut client, "mem_not_counted_for_evict");
    assert!(uncounted > 5_000_000, "and is not counted");
    assert!(memory(&mut client, "used_memory") > limit, "all in all the limit is exceeded");
    assert_eq!(evicted(&mut client), "0");
    fill(&mut client, "more:");
    let keys = integer(&client.run("DBSIZE")) as usize;
    let evicted: usize = evicted(&mut client).parse().expect("a number");
    assert_eq!(keys + evicted, 2 * KEYS);
    let uncounted = memory(&mut client, "mem_not_counted_for_evict");
    let counted = memory(&mut client, "used_memory") - uncounted;
    let tolerance = limit / 20;
    assert!(counted.abs_diff(limit) < tolerance, "{counted} of {limit} with {keys} keys");
}
