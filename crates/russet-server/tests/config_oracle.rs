//! The configuration against Debian's Redis 7.0: the same names, values, refusals and files.
//!
//! Only the configuration itself is compared, which needs no server of ours. What CONFIG SET
//! does to a running server is tested end to end.

use russet_e2e::{Client, Server, text, tool_or_skip};
use russet_server::config::{
    Appended, Config, DIRECTIVES, Launch, Setter, Startup, from_command_line, rewrite,
};
use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Directives that Redis 7.0 does not have, and why Russet does.
const ONLY_OURS: &[(&str, &str)] = &[
    ("worker-threads", "Russet serves clients from several threads"),
    ("lua-memory-limit", "Redis bounds only the arguments of scripts"),
    ("huge-pages", "Russet can use them, because it does not fork"),
    ("compatibility", "Russet answers like one of two versions"),
    ("locale-collate", "Redis 7.2 has it"),
    ("cluster-announce-human-nodename", "Redis 7.2 has it"),
    ("set-max-listpack-entries", "Redis 7.2 has it"),
    ("set-max-listpack-value", "Redis 7.2 has it"),
];

/// Directives with another default, and why.
const OTHER_DEFAULTS: &[(&str, &str)] = &[("syslog-ident", "it is the program's name")];

/// Directives that would do something to the other server that the comparison cannot bear.
const NOT_SET: &[(&str, &str)] = &[
    ("bind", "it would stop listening where the test connects"),
    ("port", "it would stop listening where the test connects"),
    ("tls-port", "it would need certificates"),
    ("requirepass", "it would ask the test for a password"),
    ("watchdog-period", "it would be interrupted by signals"),
    ("oom-score-adj", "needs a privilege"),
    ("oom-score-adj-values", "needs a privilege"),
    ("maxclients", "depends on the limits of the process"),
    ("activedefrag", "depends on how it was built"),
    ("appendonly", "it would write files"),
];

const LOCAL: Setter = Setter { is_local: true, is_loading: false };

/// The configuration of Russet with `arguments` on its command line.
fn ours(arguments: &[&str]) -> Startup {
    match from_command_line(arguments.iter().map(Into::into)).expect("the arguments are right") {
        Launch::Run(startup) => *startup,
        other => panic!("{other:?}"),
    }
}

/// The configuration of Russet with the arguments that `server` was started with.
fn ours_like(server: &Server) -> Config {
    let directory = server.directory();
    let port = server.port().to_string();
    #[rustfmt::skip]
    let arguments = [
        "--port", &port, "--bind", "127.0.0.1", "--save", "",
        "--enable-debug-command", "yes", "--enable-protected-configs", "yes",
        "--dir", directory.to_str().expect("temporary paths are text"),
    ];
    ours(&arguments).config
}

/// Names and values, as CONFIG GET of the other server answers.
fn theirs(client: &mut Client, pattern: &str) -> BTreeMap<String, String> {
    let reply = client.command(&["CONFIG", "GET", pattern]);
    let texts: Vec<String> = reply.elements().into_iter().map(text).collect();
    texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn shown(config: &Config, pattern: &str) -> BTreeMap<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    config.get(&[pattern.as_bytes()]).into_iter().map(|(name, value)| (name, text(value))).collect()
}

fn is_listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == name)
}

#[test]
fn names_and_defaults_agree() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let server = Server::oracle::<&str>(&[]);
    let theirs = theirs(&mut server.client(), "*");
    let ours = shown(&ours_like(&server), "*");
    let mut differences = Vec::new();
    for (name, value) in &theirs {
        if ours.get(name) != Some(value) && !is_listed(OTHER_DEFAULTS, name) {
            differences.push(format!("{name}: {value:?}, ours {:?}", ours.get(name)));
        }
    }
    for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
        if !is_listed(ONLY_OURS, name) {
            differences.push(format!("{name}: only ours"));
        }
    }
    let listed = ONLY_OURS.iter().filter(|(name, _)| theirs.contains_key(*name));
    differences.extend(listed.map(|(name, _)| format!("{name}: not only ours")));
    let listed = OTHER_DEFAULTS.iter().filter(|(name, _)| theirs.get(*name) == ours.get(*name));
    differences.extend(listed.map(|(name, _)| format!("{name}: has the same default")));
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Texts that some directives take and others refuse.
const VALUES: &[&str] = &[
    "yes",
    "NO",
    "0",
    "1",
    "-1",
    "7",
    "0010",
    "+1",
    " 1",
    "100",
    "1000",
    "65535",
    "65536",
    "777",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "1k",
    "1kb",
    "1MB",
    "3gb",
    "kb",
    "1b",
    "1 kb",
    "4097",
    "1tb",
    "50%",
    "200%",
    "-5%",
    "x",
    "a b",
    "../x",
    "{title} x",
    "{x}",
    "always",
    "DEBUG",
    "allkeys-lfu",
    "local",
    "hostname",
    "absolute",
    "relative",
    "900 1 300 10",
    "900 1 300",
    "0 1",
    "1 2 3",
    "-2001 0 0",
    "0.5 99.99 100",
    "50.5 101",
    "KEA",
    "g$lshzxetd",
    "KEmg",
    "g$lshzxetKE",
    "Q",
    "nosave force",
    "save nosave",
    "normal 1mb 2 3",
    "slave 1 2 3 PUBSUB 4gb 5 6",
    "master 1 2 3",
    "normal 1 2",
    "normal 1 2 x",
    "example.org 6380",
    "swapdb",
    "panic",
    "a_b.c",
];

#[test]
fn values_are_taken_and_refused_alike() {
    if !tool_or_skip("redis-server") {
        return;
    }
    let server = Server::oracle::<&str>(&[]);
    let mut client = server.client();
    let mut config = ours_like(&server);
    let mut differences = Vec::new();
    let mut taken = 0;
    let names = DIRECTIVES.iter().flat_map(|directive| [Some(directive.name), directive.alias]);
    for name in names.flatten() {
        let left_out = [ONLY_OURS, OTHER_DEFAULTS, NOT_SET].iter().any(|l| is_listed(l, name));
        if left_out || name.starts_with("tls-") {
            continue;
        }
        for value in VALUES.iter().chain(&[""]) {
            let reply = text(&client.command(&["CONFIG", "SET", name, value]));
            let answer = match config.set(&[(name.as_bytes(), value.as_bytes())], LOCAL) {
                Ok(update) => {
                    config = update.config;
                    taken += 1;
                    "OK".to_owned()
                }
                Err(error) => error.to_string(),
            };
            let (now, ours_now) = (theirs(&mut client, name), shown(&config, name));
            if reply != answer || now != ours_now {
                differences.push(format!(
                    "{name} {value:?}: {reply} {now:?}\n    ours: {answer} {ours_now:?}"
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(taken > 500, "only {taken} values were taken at all");
}

/// Command lines that are wrong.
const WRONG: &[&[&str]] = &[
    &["--port"],
    &["--port", "6380", "--loglevel"],
    &["--port", "6379", "6380"],
    &["--port", "--loglevel", "verbose"],
    &["--port", "--bla", "--loglevel", "verbose"],
    &["--logfile", "--my--log--file", "--loglevel", "--bla"],
    &["--shutdown-on-sigint"],
    &["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"],
    &["--replicaof", "127.0.0.1", "abc"],
    &["--replicaof", "--127.0.0.1", "abc"],
    &["--replicaof", "--127.0.0.1", "--abc"],
    &["--nothing", "1"],
    &["--", "1"],
    &["--port 1 2"],
    &["--port \"1"],
    &["--save", "1"],
    &["--save", "1 1", "2"],
    &["--bind", "a b", "--port", "x"],
    &["--include"],
    &["--rename-command", "a"],
    &["--sentinel x"],
    &["--a.b"],
    &["--unixsocketperm", "9"],
    &["--maxmemory", "1 kb"],
    &["--logfile", "nowhere/log"],
    &["--cluster-enabled", "yes", "--replicaof", "a", "1"],
    &["--dir", "nowhere"],
    &["--PORT", "x"],
];

#[test]
fn starts_are_refused_alike() {
    if !tool_or_skip("redis-server") {
        return;
    }
    // What follows the first line, which names the program.
    let below = |text: &str| text.trim().lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    for arguments in WRONG {
        let output = Command::new("redis-server").args(*arguments).output().expect("it can be run");
        let theirs = below(&String::from_utf8_lossy(&output.stderr));
        assert!(!theirs.is_empty(), "{arguments:?} is not wrong");
        let error = from_command_line(arguments.iter().map(Into::into)).expect_err("it is wrong");
        assert_eq!(below(&error.to_string()), theirs, "{arguments:?}");
    }
}

/// A file with everything that a rewrite has to decide about.
const FILE: &str = r#"# A comment


port 0
MaxMemory 3mb
  timeout 1
timeout 2
save 900 1
save 300 10
save 60 100
hash-max-ziplist-entries 5
rename-command FLUSHALL xyz
list-max-ziplist-entries 5
maxmemory-clients 5%
notify-keyspace-events ""
# The middle
slave-priority 100
client-output-buffer-limit slave 1mb 2mb 3
logfile ""
requirepass ""
proc-title-template "{title} x"
latency-tracking-info-percentiles 50
latency-tracking-info-percentiles 60
unixsocketperm 700


# The end"#;

/// What is set before the file is rewritten.
const CHANGES: &[&str] = &[
    "maxmemory",
    "1073741825",
    "save",
    "1 2 3 4",
    "maxmemory-clients",
    "6%",
    "loglevel",
    "debug",
    "client-output-buffer-limit",
    "normal 1024 2048 3",
    "replica-announce-ip",
    "a \"b\"\n",
    "notify-keyspace-events",
    "KEA",
    "shutdown-on-sigterm",
    "nosave now",
    "proto-max-bulk-len",
    "3mb",
    "masterauth",
    "x",
    "lua-time-limit",
    "4",
    "hz",
    "900",
    "repl-backlog-size",
    "1000",
];

#[test]
fn files_are_rewritten_alike() {
    if !tool_or_skip("redis-server") || !tool_or_skip("redis-cli") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| {
        let path = directory.path().join(name);
        path.to_str().expect("temporary paths are text").to_owned()
    };
    let text = format!("unixsocket {}\ndir {}\n{FILE}", path("socket"), path(""));
    for name in ["theirs", "ours"] {
        fs::write(path(name), &text).expect("a temporary file can be written");
    }

    let server = RedisOnSocket::start(&path("theirs"), &path("socket"));
    server.run(&[&["CONFIG", "SET"], CHANGES].concat());
    server.run(&["CONFIG", "REWRITE"]);
    drop(server);

    let startup = ours(&[&path("ours")]);
    let pairs: Vec<_> =
        CHANGES.chunks_exact(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes())).collect();
    let config = startup.config.set(&pairs, LOCAL).expect("all values are right").config;
    rewrite(&startup.source, &config, Appended::Changed).expect("the file can be replaced");

    let read = |name| fs::read_to_string(path(name)).expect("the file is there");
    assert_eq!(halves(&read("ours")), halves(&read("theirs")));
}

/// The lines up to what was appended, and those, which Redis appends in no certain order. Left
/// out are the empty line that Redis adds at the end of the first part each time, and its users,
/// which Russet does not have yet.
fn halves(text: &str) -> (Vec<&str>, Vec<&str>) {
    let mut lines = text.lines();
    let mut kept: Vec<_> =
        lines.by_ref().take_while(|line| *line != "# Generated by CONFIG REWRITE").collect();
    kept.pop_if(|line| line.is_empty());
    let mut appended: Vec<_> = lines.filter(|line| !line.starts_with("user ")).collect();
    appended.sort_unstable();
    (kept, appended)
}

/// Redis with a configuration file of its own, which the other tests' servers do not have.
struct RedisOnSocket {
    process: Child,
    socket: String,
}

impl RedisOnSocket {
    fn start(file: &str, socket: &str) -> Self {
        let process = Command::new("redis-server")
            .arg(file)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server can be started");
        let mut server = Self { process, socket: socket.into() };
        while server.try_run(&["PING"]).is_none() {
            let ended = server.process.try_wait().expect("it is our child");
            assert!(ended.is_none(), "redis-server refused the file: {ended:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn run(&self, command: &[&str]) {
        assert_eq!(self.try_run(command).as_deref(), Some("OK\n"), "{command:?}");
    }

    fn try_run(&self, command: &[&str]) -> Option<String> {
        let output = Command::new("redis-cli").args(["-s", &self.socket]).args(command).output();
        let output = output.expect("redis-cli can be run");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for RedisOnSocket {
    fn drop(&mut self) {
        // Errors here mean that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
