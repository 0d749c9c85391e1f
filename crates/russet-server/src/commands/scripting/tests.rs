//! What scripts answer, and what they leave to the journal.

use crate::testing::TestServer;

fn eval(server: &mut TestServer, script: &str, rest: &str) -> String {
    let mut argv = vec![b"EVAL".to_vec(), script.as_bytes().to_vec()];
    argv.extend(rest.split(' ').map(|word| word.as_bytes().to_vec()));
    String::from_utf8_lossy(&server.run_args(argv)).into_owned()
}

#[test]
fn a_script_is_one_unit_of_the_journal() {
    let mut server = TestServer::new();
    let script = "redis.call('SET', KEYS[1], 'v') redis.call('INCR', KEYS[2]) return 1";
    assert_eq!(eval(&mut server, script, "2 a b"), ":1\r\n");
    assert_eq!(server.journaled(), ["SET a v; INCR b"]);
    let script = "redis.set_repl(redis.REPL_NONE) redis.call('SET', KEYS[1], 'v')
                  redis.set_repl(redis.REPL_ALL) return redis.call('DEL', KEYS[2])";
    assert_eq!(eval(&mut server, script, "2 a b"), ":1\r\n");
    assert_eq!(server.journaled(), ["DEL b"]);
    assert_eq!(eval(&mut server, "return redis.call('GET', KEYS[1])", "1 a"), "$1\r\nv\r\n");
    assert!(server.journaled().is_empty());
}

#[test]
fn scripts_that_fail_keep_what_they_have_written() {
    let mut server = TestServer::new();
    let script = "redis.call('SET', KEYS[1], 'v') error('late')";
    assert!(eval(&mut server, script, "1 a").contains("late"));
    assert_eq!(server.journaled(), ["SET a v"]);
    assert_eq!(server.run("GET a"), "$1\r\nv\r\n");
}

#[test]
fn select_ends_with_the_script() {
    let mut server = TestServer::new();
    assert_eq!(
        eval(&mut server, "redis.call('SELECT', 3) redis.call('SET', 'a', 1)", "0"),
        "$-1\r\n"
    );
    assert_eq!(server.run("GET a"), "$-1\r\n");
    server.run("SELECT 3");
    assert_eq!(server.run("GET a"), "$1\r\n1\r\n");
}
