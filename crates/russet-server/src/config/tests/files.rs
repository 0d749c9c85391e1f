//! Reading files and command lines.

use super::*;
use std::fs;
use std::path::Path;

/// Starts with `words`, without anything on the standard input.
fn start(words: &[&str]) -> Result<Startup, StartError> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    command_line::load(&words, &mut std::io::empty())
}

/// Writes `text` to the file `name` of `directory`, and returns its path.
fn write(directory: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = directory.path().join(name);
    fs::write(&path, text).expect("a temporary file can be written");
    path.to_str().expect("paths in tests are text").to_owned()
}

const STOCK_4_0: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/redis-4.0.conf"));

#[test]
fn the_file_of_redis_4_loads_unchanged() {
    let startup = read(STOCK_4_0).expect("the file loads");
    let config = &startup.config;
    assert_eq!(shown(config, "save"), "900 1 300 10 60 10000");
    assert_eq!(shown(config, "bind"), "127.0.0.1");
    assert_eq!(shown(config, "slave-priority"), "100");
    assert_eq!(config.hash_max_listpack_entries, 512);
    assert_eq!(config.client_output_buffer_limit, Config::default().client_output_buffer_limit);
}

#[test]
fn the_examples_in_the_file_of_redis_4_load_too() {
    let examples = STOCK_4_0.lines().skip(4).map(|line| line.trim_start_matches("# "));
    let startup = read(&examples.collect::<Vec<_>>().join("\n")).expect("the file loads");
    assert_eq!(startup.config.maxmemory, 100 << 20);
    assert_eq!(startup.config.unixsocketperm, 0o700);
    assert_eq!(startup.renamings[0].from, b"CONFIG");
    assert_eq!(startup.statements[0].words[1], b"/path/to/my_module.so");
}

/// Debian's own file, where it is installed. Its directories belong to another user, so they
/// are the one thing replaced.
#[test]
fn the_file_of_debians_redis_loads() {
    let Ok(text) = fs::read_to_string("/etc/redis/redis.conf") else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = text
        .replace("/var/lib/redis", directory.path().to_str().expect("text"))
        .replace("/var/log/redis", directory.path().to_str().expect("text"));
    let config = read(&text).expect("the file loads").config;
    assert!(config.daemonize);
    assert_eq!(shown(&config, "bind"), "127.0.0.1 -::1");
}

#[test]
fn words_may_be_quoted_and_names_in_any_case() {
    let config =
        read("  PORT 1\t\r\n# comment\n\nrequirePass \"a b\\x00\"\nlogfile ''").expect("ok");
    assert_eq!(config.config.port, 1);
    assert_eq!(config.config.requirepass.as_deref(), Some(b"a b\0".as_slice()));
}

#[test]
fn the_last_line_counts_whatever_the_name() {
    let lines = "hash-max-listpack-entries 20\nhash-max-ziplist-entries 21";
    assert_eq!(read(lines).expect("ok").config.hash_max_listpack_entries, 21);
    let lines = "hash-max-ziplist-entries 20\nhash-max-listpack-entries 21";
    assert_eq!(read(lines).expect("ok").config.hash_max_listpack_entries, 21);
}

#[test]
fn save_points_of_several_lines_add_up() {
    let save = |text| shown(&read(text).expect(text).config, "save");
    assert_eq!(save(""), "3600 1 300 100 60 10000");
    assert_eq!(save("save 900 1\nsave 300 10 60 5"), "900 1 300 10 60 5");
    assert_eq!(save("save \"900 1 300 10\""), "900 1 300 10");
    assert_eq!(save("save 900 1\nsave \"\""), "");
    assert_eq!(save("save ''\nsave 1 2"), "1 2");
    assert_eq!(save("save"), "");
}

#[test]
fn options_come_after_the_file_and_the_standard_input() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = write(&directory, "a.conf", "port 1\nhz 1\ntimeout 1\nsave 9 9\n");
    let words: Vec<&[u8]> = vec![file.as_bytes(), b"--port", b"3", b"--save", b"8", b"8", b"-"];
    let startup = command_line::load(&words, &mut b"port 2\nhz 2".as_slice()).expect("ok");
    let config = &startup.config;
    assert_eq!((config.port, config.hz, config.timeout), (3, 2, 1));
    assert_eq!(shown(config, "save"), "9 9 8 8");
    assert_eq!(startup.source.file.as_deref(), Some(Path::new(&file)));
    assert_eq!(start(&[]).expect("nothing is fine").source.file, None);
}

#[test]
fn files_include_files() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    write(&directory, "2.conf", "port 2\ninclude inner");
    write(&directory, "1.conf", "port 1\nhz 1");
    write(&directory, "inner", "timeout 7");
    let dir = directory.path().display();
    let config = read(&format!("dir {dir}\ninclude [0-9].c*f\ninclude none*")).expect("ok").config;
    assert_eq!((config.port, config.hz, config.timeout), (2, 1, 7));
    let error = read(&format!("include {dir}/none")).expect_err("there is no such file");
    assert_eq!(
        error.to_string(),
        format!("Fatal error, can't open config file '{dir}/none': No such file or directory")
    );
    let itself = write(&directory, "loop", &format!("include {dir}/loop"));
    let error = start(&[&itself]).expect_err("this never ends").to_string();
    assert!(error.ends_with("Too many levels of included files"), "{error}");
}

#[test]
fn errors_name_the_line() {
    let version = env!("CARGO_PKG_VERSION");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = write(&directory, "a.conf", "port 1\n\n  port x \n");
    assert_eq!(
        start(&[&file]).expect_err("x is no port").to_string(),
        format!(
            "\n*** FATAL CONFIG FILE ERROR (Russet {version}) ***\n\
             Reading the configuration file, at line 3 of {file}\n\
             >>> 'port x'\n\
             argument couldn't be parsed into an integer"
        )
    );
    assert_eq!(
        start(&["--port", "x"]).expect_err("x is no port").to_string(),
        format!(
            "\n*** FATAL CONFIG FILE ERROR (Russet {version}) ***\n\
             Reading the configuration file, at line 2\n\
             >>> 'port \"x\"'\n\
             argument couldn't be parsed into an integer"
        )
    );
}

/// The texts are Redis 7.0's.
#[test]
fn refusals_say_why() {
    for (line, reason) in [
        ("nothing 1", "Bad directive or wrong number of arguments"),
        ("include", "Bad directive or wrong number of arguments"),
        ("rename-command a", "Bad directive or wrong number of arguments"),
        ("port 1 2", "wrong number of arguments"),
        ("port", "wrong number of arguments"),
        ("port \"1", "Unbalanced quotes in configuration line"),
        ("replicaof 127.0.0.1", "wrong number of arguments"),
        ("replicaof 127.0.0.1 x", "Invalid master port"),
        ("module.setting", "Module config specified without value"),
        ("sentinel monitor", "sentinel directive while not in sentinel mode"),
        (
            "shutdown-on-sigint",
            "argument(s) must be one of the following: default, save, nosave, now, force",
        ),
        ("appendfilename a/b", "appendfilename can't be a path, just a filename"),
        ("appenddirname \"\"", "appenddirname can't be empty"),
        ("unixsocketperm 9", "argument couldn't be parsed as an octal number"),
        ("unixsocketperm 1000", "argument must be between 0 and 777 inclusive"),
        (
            "cluster-announce-hostname a_b",
            "Hostnames may only contain alphanumeric characters, hyphens or dots",
        ),
    ] {
        let error = read(line).expect_err(line).to_string();
        assert!(error.ends_with(&format!(">>> '{line}'\n{reason}")), "{error}");
    }
    let whole = "cluster-enabled yes\nreplicaof 127.0.0.1 1";
    let error = read(whole).expect_err("not together").to_string();
    assert!(error.ends_with(") ***\nreplicaof directive not allowed in cluster mode"), "{error}");
    let error = read("logfile nowhere/log").expect_err("no such directory").to_string();
    assert!(error.ends_with("Can't open the log file: No such file or directory"), "{error}");
}

#[test]
fn directives_that_lost_their_meaning_are_passed_over() {
    read("list-max-ziplist-entries 512\nlist-max-ziplist-value 64").expect("as Redis does");
    read("list-max-ziplist-entries 512 1").expect_err("too many arguments");
}

#[test]
fn lines_for_others_are_kept_with_their_place() {
    let startup = read("user a on\nrename-command FLUSHALL \"\"\nmodule.setting 1").expect("ok");
    let names: Vec<_> =
        startup.statements.iter().map(|statement| statement.words[0].as_slice()).collect();
    assert_eq!(names, [b"user".as_slice(), b"module.setting"]);
    let renaming = &startup.renamings[0];
    assert_eq!((renaming.from.as_slice(), renaming.to.as_slice()), (&b"FLUSHALL"[..], &b""[..]));
    let error = renaming.place.error("No such command in rename-command").to_string();
    assert!(error.contains("at line 2\n>>> 'rename-command FLUSHALL \"\"'\nNo such"), "{error}");
}

#[test]
fn frequencies_out_of_range_are_brought_into_it() {
    assert_eq!(read("hz 0").expect("ok").config.hz, 1);
    assert_eq!(read("hz 1000").expect("ok").config.hz, 500);
}

#[test]
fn what_is_asked_for_but_not_built_is_known() {
    assert!(
        read("port 1\nio-threads 4\ndaemonize no\ncluster-enabled no")
            .expect("ok")
            .asks_for_later()
            .is_empty()
    );
    let names = read("tls-port 6380\ncluster-enabled yes").expect("ok").asks_for_later();
    assert_eq!(names, ["tls-port", "cluster-enabled"]);
}

#[test]
fn help_and_version_come_first() {
    let launch = |words: &[&str]| from_command_line(words.iter().map(Into::into)).expect("ok");
    assert!(matches!(launch(&["-v", "--port", "x"]), Launch::PrintVersion));
    assert!(matches!(launch(&["--help"]), Launch::PrintHelp));
    let sentinel = ["--port", "1", "--sentinel"].iter().map(Into::into);
    let error = from_command_line(sentinel).expect_err("not built").to_string();
    assert!(error.contains("Sentinel is not built yet"), "{error}");
}
