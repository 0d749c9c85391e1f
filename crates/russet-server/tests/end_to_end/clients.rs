//! The `redis` crate, as a program would use it.

use std::collections::BTreeSet;

use redis::{Commands, Connection, RedisResult};
use russet_e2e::Server;

use crate::on_all_workers;

fn connect(server: &Server, protocol: &str) -> Connection {
    let url = format!("redis://127.0.0.1:{}/0?protocol={protocol}", server.port());
    let client = redis::Client::open(url).expect("a valid address");
    client.get_connection().expect("the server accepts")
}

fn both_protocols(test: impl Fn(Connection)) {
    on_all_workers(|server| {
        for protocol in ["resp2", "resp3"] {
            test(connect(server, protocol));
            redis::cmd("FLUSHALL").exec(&mut connect(server, protocol)).expect("it is emptied");
        }
    });
}

#[test]
fn values_keep_their_types() {
    both_protocols(|mut connection| {
        let bytes: Vec<u8> = (0..=255).collect();
        let () = connection.set("bytes", &bytes).unwrap();
        assert_eq!(connection.get::<_, Vec<u8>>("bytes").unwrap(), bytes);
        assert_eq!(connection.incr::<_, _, i64>("count", 41).unwrap(), 41);
        assert_eq!(connection.incr::<_, _, f64>("count", 0.5).unwrap(), 41.5);
        assert_eq!(connection.get::<_, Option<String>>("missing").unwrap(), None);
        let () = connection.mset(&[("a", "1"), ("b", "2")]).unwrap();
        let values: Vec<Option<i64>> = connection.mget(&["a", "missing", "b"]).unwrap();
        assert_eq!(values, [Some(1), None, Some(2)]);
        let () = connection.set_ex("short", "lived", 100).unwrap();
        assert!((90..=100).contains(&connection.ttl::<_, i64>("short").unwrap()));
    });
}

#[test]
fn errors_reach_the_caller() {
    both_protocols(|mut connection| {
        let () = connection.set("text", "abc").unwrap();
        let error = connection.incr::<_, _, i64>("text", 1).unwrap_err();
        assert!(error.to_string().contains("not an integer"), "{error}");
        let unknown: RedisResult<()> = redis::cmd("NOSUCHCOMMAND").query(&mut connection);
        assert!(unknown.unwrap_err().to_string().contains("unknown command"));
        // The connection goes on.
        assert_eq!(connection.get::<_, String>("text").unwrap(), "abc");
    });
}

#[test]
fn pipelines_and_transactions_keep_their_order() {
    both_protocols(|mut connection| {
        let mut pipeline = redis::pipe();
        (0..1_000).for_each(|_| {
            pipeline.incr("n", 1);
        });
        let counted: Vec<i64> = pipeline.query(&mut connection).unwrap();
        assert_eq!(counted, (1..=1_000).collect::<Vec<_>>());

        let (old, new): (i64, i64) =
            redis::pipe().atomic().get("n").incr("n", 1).query(&mut connection).unwrap();
        assert_eq!((old, new), (1_000, 1_001));
    });
}

#[test]
fn watched_keys_fail_and_repeat_a_transaction() {
    on_all_workers(|server| {
        let (mut one, mut other) = (connect(server, "resp2"), connect(server, "resp3"));
        let mut attempts = 0;
        let (written,): (String,) = redis::transaction(&mut one, &["watched"], |one, pipeline| {
            attempts += 1;
            if attempts == 1 {
                let () = other.set("watched", "by another")?;
            }
            pipeline.set("watched", "mine").ignore().get("watched").query(one)
        })
        .unwrap();
        assert_eq!((attempts, written.as_str()), (2, "mine"));
    });
}

#[test]
fn iterations_find_every_key() {
    both_protocols(|mut connection| {
        let keys: BTreeSet<String> = (0..500).map(|n| format!("key:{n}")).collect();
        for key in &keys {
            let () = connection.set(key, "").unwrap();
        }
        let found: RedisResult<BTreeSet<String>> =
            connection.scan_match("key:*").unwrap().collect();
        assert_eq!(found.unwrap(), keys);
    });
}
