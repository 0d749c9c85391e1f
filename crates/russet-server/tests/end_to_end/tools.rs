//! `redis-cli` and `redis-benchmark` as Debian packages them.

use std::fmt::Write;

use russet_e2e::tool_or_skip;
use russet_e2e::tools::{redis_benchmark, redis_cli, redis_cli_with_input};

use crate::on_all_workers;

#[test]
fn the_command_line_client_works() {
    if !tool_or_skip("redis-cli") {
        return;
    }
    on_all_workers(|server| {
        assert_eq!(redis_cli(server, &["SET", "k", "with space"]), "OK\n");
        assert_eq!(redis_cli(server, &["GET", "k"]), "with space\n");
        assert_eq!(redis_cli(server, &["-3", "GET", "missing"]), "\n");
        assert_eq!(redis_cli(server, &["--csv", "MGET", "k", "missing"]), "\"with space\",NULL\n");
        assert_eq!(redis_cli(server, &["-n", "1", "DBSIZE"]), "0\n");
        assert_eq!(redis_cli(server, &["--scan"]), "k\n");
        assert_eq!(redis_cli(server, &["-r", "3", "INCR", "n"]), "1\n2\n3\n");
        assert_eq!(redis_cli_with_input(server, &[], b"SET q \"a\\x41\"\nGET q\n"), "OK\naA\n");
        assert!(redis_cli(server, &["INFO", "server"]).contains("redis_version:"));
    });
}

#[test]
fn mass_insertion_works() {
    if !tool_or_skip("redis-cli") {
        return;
    }
    on_all_workers(|server| {
        let mut input = String::new();
        for number in 0..20_000 {
            write!(input, "*3\r\n$3\r\nSET\r\n$9\r\nkey:{number:05}\r\n$1\r\nv\r\n")
                .expect("a String takes all text");
        }
        let output = redis_cli_with_input(server, &["--pipe"], input.as_bytes());
        assert!(output.contains("errors: 0, replies: 20000"), "{output}");
        assert_eq!(redis_cli(server, &["DBSIZE"]), "20000\n");
    });
}

#[test]
fn the_benchmark_runs_and_keeps_its_counts() {
    if !tool_or_skip("redis-benchmark") {
        return;
    }
    on_all_workers(|server| {
        for pipeline in ["1", "16"] {
            let arguments =
                ["-q", "-n", "4000", "-c", "20", "-P", pipeline, "-t", "ping,set,get,incr,mset"];
            let output = redis_benchmark(server, &arguments);
            let cases = output.matches("requests per second").count();
            assert_eq!(cases, 6, "{output}");
            assert!(!output.contains("rror"), "{output}");
        }
        let count = redis_cli(server, &["GET", "counter:__rand_int__"]);
        assert_eq!(count, "8000\n", "every INCR of both runs counts");
    });
}
