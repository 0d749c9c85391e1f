//! What scripts answer, and what they leave to the journal.

use russet_script::sandbox::sha1_hex;

use crate::config::{Compatibility, Config};
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

fn server_of_4_0(maxmemory: u64) -> TestServer {
    let compatibility = Compatibility::V4_0;
    TestServer::with_config(Config { compatibility, maxmemory, ..Config::default() })
}

/// What Redis 4.0 says of an error that a script does not catch: the name of its function, the place,
/// the text, and a line end, which no reply may contain and becomes a blank.
fn uncaught(script: &str, place: &str, text: &str) -> String {
    let digest = String::from_utf8(sha1_hex(script.as_bytes()).to_vec()).expect("digits");
    format!("-ERR Error running script (call to f_{digest}): {place}: {text} \r\n")
}

#[test]
fn errors_of_scripts_are_worded_as_in_4_0() {
    let mut server = server_of_4_0(0);
    let cases = [
        ("redis.call('nosuch')", "@user_script: 1: Unknown Redis command called from Lua script"),
        (
            "redis.call('get')",
            "@user_script: 1: Wrong number of args calling Redis command From Lua script",
        ),
        (
            "redis.call('eval', 'return 1', 0)",
            "@user_script: 1: This Redis command is not allowed from scripts",
        ),
        ("redis.call()", "@user_script: 1: Please specify at least one argument for redis.call()"),
        (
            "redis.call('get', {})",
            "@user_script: 1: Lua redis() command arguments must be strings or integers",
        ),
        (
            "redis.call('lpush', KEYS[1], 'v') redis.call('get', KEYS[1])",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("g = 1", "user_script:1: Script attempted to create global variable 'g'"),
        ("return g", "user_script:1: Script attempted to access unexisting global variable 'g'"),
        ("error('text')", "user_script:1: text"),
        ("error({err = 'CODE text'})", "CODE text"),
        ("redis.log('level', 'text')", "First argument must be a number (log level)."),
        (
            "redis.set_repl(77)",
            "Invalid replication flags. Use REPL_AOF, REPL_SLAVE, REPL_ALL or REPL_NONE.",
        ),
    ];
    for (script, text) in cases {
        assert_eq!(eval(&mut server, script, "1 k"), uncaught(script, "@user_script:1", text));
        let second = format!("\n{script}");
        let text = text.replacen("user_script: 1:", "user_script: 2:", 1);
        let text = text.replacen("user_script:1:", "user_script:2:", 1);
        server.run("DEL k");
        assert_eq!(eval(&mut server, &second, "1 k"), uncaught(&second, "@user_script:2", &text));
        server.run("DEL k");
    }
    assert_eq!(
        eval(&mut server, "return (", "0"),
        "-ERR Error compiling script (new function): user_script:2: unexpected symbol near 'end' \r\n"
    );
}

#[test]
fn errors_that_scripts_of_4_0_return_are_their_texts() {
    let mut server = server_of_4_0(0);
    let cases = [
        ("return redis.error_reply('text')", "-text\r\n"),
        ("return redis.error_reply('-text')", "--text\r\n"),
        ("return {err = 'CODE text'}", "-CODE text\r\n"),
        (
            "return redis.pcall('nosuch')",
            "-@user_script: 1: Unknown Redis command called from Lua script\r\n",
        ),
        (
            "redis.call('SET', KEYS[1], 'v') return redis.pcall('INCR', KEYS[1])",
            "-ERR value is not an integer or out of range\r\n",
        ),
        (
            "local _, text = pcall(redis.call, 'INCR', KEYS[1]) return text",
            "$43\r\nERR value is not an integer or out of range\r\n",
        ),
    ];
    for (script, reply) in cases {
        assert_eq!(eval(&mut server, script, "1 k"), reply, "{script}");
    }
}

#[test]
fn scripts_of_4_0_may_write_after_what_is_random() {
    let mut server = server_of_4_0(0);
    let script = "redis.call('TIME') redis.call('SRANDMEMBER', KEYS[1])
                  redis.set_repl(redis.REPL_ALL) return redis.call('SET', KEYS[1], 'v')";
    assert_eq!(eval(&mut server, script, "1 k"), "+OK\r\n");
    assert_eq!(server.journaled(), ["SET k v"]);
}

#[test]
fn a_script_of_4_0_that_finds_no_memory_is_told_the_reply_itself() {
    let mut server = server_of_4_0(1);
    let script = "return redis.call('SET', KEYS[1], 'v')";
    let text = "@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.  ";
    assert_eq!(eval(&mut server, script, "1 k"), uncaught(script, "@user_script:1", text));
}
