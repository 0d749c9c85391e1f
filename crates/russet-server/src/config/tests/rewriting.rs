//! CONFIG REWRITE.

use super::*;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn rewritten(old: &str, config: &Config) -> String {
    let text = rewrite::rewritten(old.as_bytes(), config, Appended::Changed);
    String::from_utf8(text).expect("values in tests are text")
}

/// The line that every rewritten file has.
fn dir_line() -> String {
    format!("dir \"{}\"\n", Config::default().dir.display())
}

/// What a rewrite writes even where the file is empty: all that a missing line would leave to
/// chance or to another version's default.
fn always() -> String {
    dir_line()
        + "save 3600 1\nsave 300 100\nsave 60 10000\nlatency-tracking-info-percentiles 50 99 99.9\n"
}

#[test]
fn lines_are_changed_in_place_and_comments_stay() {
    let old = format!(
        "# Ports\nport 1\n\n\n\n  # More\nTIMEOUT 2   \ninclude x\nrename-command a b\n{}# end",
        always()
    );
    let config = Config { port: 7, maxmemory: 1 << 30, ..Config::default() };
    assert_eq!(
        rewritten(&old, &config),
        format!(
            "# Ports\nport 7\n\n# More\ntimeout 0\ninclude x\nrename-command a b\n{}# end\n\
             {}\nmaxmemory 1gb\n",
            always(),
            rewrite::SIGNATURE
        )
    );
}

#[test]
fn rewriting_twice_changes_nothing_more() {
    let config = Config { port: 7, requirepass: Some(b"a \"b\"\n".into()), ..Config::default() };
    let once = rewritten("# x\n\nport 1\n", &config);
    assert_eq!(rewritten(&once, &config), once);
    assert_eq!(once.matches(rewrite::SIGNATURE).count(), 1);
    assert!(once.contains("requirepass \"a \\\"b\\\"\\n\"\n"), "{once}");
}

#[test]
fn repeated_lines_are_dropped() {
    let old = format!("port 1\nport 2\nsave 1 1\nsave 2 2\nsave 3 3\nsave 4 4\n{}", dir_line());
    let mut config =
        Config { port: 3, save: vec![SavePoint { seconds: 9, changes: 8 }], ..Config::default() };
    let text = rewritten(&old, &config);
    assert!(text.starts_with(&format!("port 3\n\nsave 9 8\n\n{}", dir_line())), "{text}");
    config.save.clear();
    assert!(rewritten(&old, &config).contains("\nsave \"\"\n"));
}

#[test]
fn aliases_become_the_name_proper() {
    let config = Config { hash_max_listpack_entries: 100, ..Config::default() };
    let text = rewritten(
        "hash-max-ziplist-entries 1\nslaveof h 1\nhash-max-listpack-entries 2\n",
        &config,
    );
    assert!(text.starts_with("hash-max-listpack-entries 100\n\n# Gen"), "{text}");
}

#[test]
fn lines_without_meaning_become_comments() {
    let text =
        rewritten("nothing 1\nport \"\nuser a on\nx.y 1\nloadmodule m\n", &Config::default());
    assert!(
        text.starts_with("# ??? nothing 1\n# ??? port \"\nuser a on\nx.y 1\nloadmodule m\n# Gen"),
        "{text}"
    );
}

#[test]
fn everything_can_be_written() {
    let config = Config::default();
    let text = rewrite::rewritten(b"", &config, Appended::All);
    let text = String::from_utf8(text).expect("defaults are text");
    for name in ["port 6379", "maxmemory 0", "client-output-buffer-limit replica 256mb 64mb 60"] {
        assert!(text.contains(&format!("\n{name}\n")), "{name}");
    }
    assert_eq!(read(&text).expect("what was written can be read").config, config);
}

#[test]
fn the_file_is_replaced_in_one_step() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("a.conf");
    fs::write(&path, "port 1\n").expect("a temporary file can be written");
    let source = ConfigSource { file: Some(path.clone()) };
    let config = Config { port: 7, ..Config::default() };
    rewrite(&source, &config, Appended::Changed).expect("the file can be replaced");
    assert!(fs::read_to_string(&path).expect("it is there").starts_with("port 7\n"));
    assert_eq!(fs::read_dir(&directory).expect("it is there").count(), 1);
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o600, 0o600, "{mode:o}");
    fs::remove_file(&path).expect("it is there");
    rewrite(&source, &config, Appended::Changed).expect("a removed file is written anew");
    assert!(path.exists());
}

#[test]
fn failures_say_why() {
    let config = Config::default();
    let failed = |file| {
        let source = ConfigSource { file };
        rewrite(&source, &config, Appended::Changed).expect_err("it fails").to_string()
    };
    assert_eq!(failed(None), "The server is running without a config file");
    let text = failed(Some("/nowhere/a.conf".into()));
    assert_eq!(text, "Rewriting config file: No such file or directory");
}

/// Values that some directive or other takes.
fn values() -> impl Strategy<Value = Vec<u8>> {
    let samples: [&str; 29] = [
        "a'b \"c",
        "yes",
        "no",
        "0",
        "1",
        "50",
        "777",
        "1mb",
        "3gb",
        "4097",
        "10%",
        "always",
        "debug",
        "allkeys-lfu",
        "local",
        "hostname",
        "4.0",
        "absolute",
        "900 1 300 10",
        "1 2 3",
        "0.5 99.99",
        "KEA$lsm",
        "nosave force",
        "127.0.0.1 -::1",
        "normal 1mb 2 3 pubsub 0 0 9",
        "example.org 6380",
        "",
        "swapdb",
        "panic",
    ];
    prop_oneof![
        4 => proptest::sample::select(samples.to_vec()).prop_map(|sample| sample.as_bytes().to_vec()),
        1 => any::<i32>().prop_map(|number| number.to_string().into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ]
}

proptest! {
    /// Whatever the values, the file before, and whether all are written: the file afterwards
    /// says the same.
    #[test]
    fn what_is_rewritten_reads_back(
        assignments in proptest::collection::vec((0..DIRECTIVES.len(), values()), 0..60),
        old_lines in proptest::collection::vec((0..DIRECTIVES.len(), values()), 0..20),
        appended in prop_oneof![Just(Appended::Changed), Just(Appended::All)],
    ) {
        let mut config = Config::default();
        for (index, value) in assignments {
            let directive = &DIRECTIVES[index];
            // The file that logs go to is opened at start; and directories have to exist.
            if directive.name == "logfile" || directive.name == "dir" {
                continue;
            }
            let arguments: Vec<Vec<u8>> = if directive.flags.contains(Flags::SEVERAL) {
                value.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
            } else {
                vec![value]
            };
            // A refused value leaves the configuration as it was, as CONFIG SET does.
            let mut changed = config.clone();
            if (directive.assign)(&mut changed, &arguments).is_ok() {
                config = changed;
            }
        }
        config.cluster_enabled = false;
        let mut old = Vec::new();
        for (index, value) in old_lines {
            old.extend_from_slice(DIRECTIVES[index].name.as_bytes());
            old.push(b' ');
            // Otherwise a line may begin with a word of its own, which means nothing, or if it has a
            // dot, something that only a module could tell.
            old.extend(value.into_iter().filter(|byte| *byte != b'\n'));
            old.push(b'\n');
        }
        let text = rewrite::rewritten(&old, &config, appended);
        let again = command_line::load(&[b"-"], &mut text.as_slice());
        let shown = text.escape_ascii().to_string();
        prop_assert_eq!(again.expect(&shown).config, config, "{}", shown);
    }
}
