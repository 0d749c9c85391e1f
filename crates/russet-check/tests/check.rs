//! The tool from outside: exit codes, what it says, what it mends.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the tool; returns whether all is well, and what it has printed.
fn run(words: &[&str], answer: &str) -> (bool, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_russet-check"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was built");
    let mut input = child.stdin.take().expect("it is piped");
    // It may have ended without asking.
    let _ = input.write_all(answer.as_bytes());
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

const RDB: &[u8] = b"REDIS0011\xfe\x00\x00\x01k\x05value\xfc\x01\0\0\0\0\0\0\0\x02\x01s\x01\x01m\
    \xff\0\0\0\0\0\0\0\0";

#[test]
fn an_rdb_file_is_summed_up_or_located() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("dump.rdb");
    fs::write(&path, RDB).expect("it can be written");
    let (is_well, text) = run(&["rdb", text_of(&path)], "");
    assert!(is_well, "{text}");
    for line in [
        "2 keys read",
        "1 already expired",
        "string: 1 keys, 6 bytes",
        "values of up to 64 bytes: 2 keys, 9 bytes",
        "never expire: 1 keys, 6 bytes",
        "expired: 1 keys, 3 bytes",
        "6 bytes: db0 string 'k'",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    fs::write(&path, &RDB[..20]).expect("it can be written");
    let (is_well, text) = run(&["rdb", text_of(&path)], "");
    assert!(!is_well && text.contains("[offset 20] the data ends too early"), "{text}");
}

#[test]
fn a_log_is_checked_and_mended() {
    let directory = tempfile::tempdir().expect("a directory");
    let whole = b"*1\r\n$4\r\nPING\r\n";
    let broken = [&whole[..], b"*1\r\n$5\r\nMULTI\r\n", whole].concat();
    let path = directory.path().join("a.1.incr.aof");
    fs::write(&path, &broken).expect("it can be written");
    fs::write(directory.path().join("a.1.base.rdb"), RDB).expect("it can be written");
    let manifest = directory.path().join("a.manifest");
    let lines = "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
    fs::write(&manifest, lines).expect("it can be written");
    let (is_well, text) = run(&["aof", text_of(&manifest)], "");
    assert!(!is_well && text.contains("ok_up_to=14, ok_up_to_line=4, diff=29"), "{text}");
    let (is_well, _) = run(&["aof", "--fix", text_of(&manifest)], "n\n");
    assert!(!is_well && fs::read(&path).expect("it is there") == broken);
    let (is_well, text) = run(&["aof", "--fix", text_of(&manifest)], "y\n");
    assert!(is_well && text.contains("Successfully truncated AOF"), "{text}");
    assert_eq!(fs::read(&path).expect("it is there"), whole);
    let (is_well, text) = run(&["aof", text_of(&manifest)], "");
    assert!(is_well && text.contains("All AOF files and manifest are valid"), "{text}");
}

#[test]
fn only_the_end_of_the_last_file_is_cut_off() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = |name: &str| directory.path().join(name);
    fs::write(place("a.1.base.aof"), b"*1\r\n$4\r\nPI").expect("it can be written");
    let log = b"#TS:5\r\n*1\r\n$4\r\nPING\r\n#TS:7\r\n*1\r\n$4\r\nPING\r\n";
    fs::write(place("a.1.incr.aof"), log).expect("it can be written");
    let manifest = place("a.manifest");
    let lines = "file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
    fs::write(&manifest, lines).expect("it can be written");
    let (is_well, text) = run(&["aof", "--fix", text_of(&manifest)], "y\n");
    assert!(!is_well && text.contains("because it is not the last file"), "{text}");
    fs::write(place("a.1.base.aof"), b"").expect("it can be written");
    let until = |time: &str| ["aof".to_owned(), "--truncate-to-timestamp".into(), time.into()];
    let run_until = |time: &str| {
        let words = until(time);
        let words: Vec<&str> =
            words.iter().map(String::as_str).chain([text_of(&manifest)]).collect();
        run(&words, "")
    };
    let (is_well, text) = run_until("4");
    assert!(!is_well && text.contains("has nothing before timestamp 4, aborting"), "{text}");
    let (is_well, text) = run_until("9");
    assert!(is_well && text.contains("Truncate nothing"), "{text}");
    let (is_well, text) = run_until("6");
    assert!(is_well && text.contains("Successfully truncated AOF"), "{text}");
    assert_eq!(fs::read(place("a.1.incr.aof")).expect("it is there"), &log[..21]);
    assert!(!run_until("0").0 && !run_until("x").0, "that is no time");
}

#[test]
fn it_answers_to_the_names_of_redis() {
    let directory = tempfile::tempdir().expect("a directory");
    let tool = directory.path().join("redis-check-rdb");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_russet-check"), &tool).expect("a link");
    let file = directory.path().join("dump.rdb");
    fs::write(&file, RDB).expect("it can be written");
    let run = |file: &Path| Command::new(&tool).arg(file).output().expect("it runs").status;
    assert!(run(&file).success());
    assert_eq!(run(&directory.path().join("missing")).code(), Some(1));
    let (is_well, text) = self::run(&["nonsense"], "");
    assert!(!is_well && text.contains("Usage:"));
}
