//! The tool from outside: exit codes, what it says, what it mends.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use russet_persist::crc64;

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
    // What comes before the damage is counted.
    fs::write(&path, &RDB[..RDB.len() - 8]).expect("it can be written");
    let (is_well, text) = run(&["rdb", text_of(&path)], "");
    assert!(!is_well && text.contains("[info] 2 keys read"), "{text}");
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

/// What the tool and Redis' say of a file in common: whether all is well, what became of the checksum,
/// and how many keys there are.
fn verdict(is_well: bool, text: &str) -> (bool, Vec<String>) {
    const COMMON: [&str; 8] = [
        "AUX FIELD",
        "Checksum OK",
        "checksum disabled",
        "RDB looks OK!",
        "RDB ERROR DETECTED",
        "Reading key",
        "expires",
        "already expired",
    ];
    let is_common = |line: &&str| COMMON.iter().any(|common| line.contains(common));
    (is_well, text.lines().filter(is_common).map(str::to_owned).collect())
}

#[test]
fn it_says_of_rdb_files_what_redis_says() {
    if !russet_e2e::tool_or_skip("redis-check-rdb") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("dump.rdb");
    let items =
        b"\xfa\x09redis-ver\x056.2.0\xfa\x05ctime\xc2\0\0\0\x60\xfe\0\xfb\x02\x01\0\x01k\x05value\
        \xfc\x01\0\0\0\0\0\0\0\x02\x01s\x01\x01m\xff";
    let body = [&b"REDIS0009"[..], items].concat();
    let checksum = crc64::update(0, &body).to_le_bytes();
    let good = [&body[..], &checksum].concat();
    let mut flipped = good.clone();
    *flipped.last_mut().expect("it is long") ^= 1;
    let damaged =
        b"\x0d\x01h\x1b\x1b\0\0\0\x16\0\0\0\x04\0\0\x02a\0\x04\x02b\0\x04\x14c\0\x04\x02d\0\xff";
    let files = [
        ("good", good.clone()),
        ("without a checksum", [&body[..], &[0; 8]].concat()),
        ("cut off before the checksum", body.clone()),
        ("cut off within it", good[..good.len() - 3].to_vec()),
        ("cut off within a key", good[..60].to_vec()),
        ("with another checksum", flipped),
        ("of a version without checksums", b"REDIS0003\xfe\0\0\x01k\x05value\xff".to_vec()),
        ("of a version to come", [&b"REDIS0099"[..], items, &[0; 8]].concat()),
        ("of something else", b"TIDER0009\xff\0\0\0\0\0\0\0\0".to_vec()),
        ("of an unknown type", b"REDIS0009\xfe\0\x63\x01k\x01v\xff\0\0\0\0\0\0\0\0".to_vec()),
        ("with a damaged value", [b"REDIS0009\xfe\0", &damaged[..], &[0xff; 9]].concat()),
        ("empty", Vec::new()),
    ];
    for (what, bytes) in files {
        fs::write(&path, bytes).expect("it can be written");
        let redis = Command::new("redis-check-rdb").arg(&path).output().expect("it runs");
        let theirs = String::from_utf8_lossy(&redis.stdout).into_owned();
        let (is_well, ours) = run(&["rdb", text_of(&path)], "");
        let (theirs, ours) = (verdict(redis.status.success(), &theirs), verdict(is_well, &ours));
        assert_eq!(ours, theirs, "a file {what}");
    }
}

#[test]
fn it_says_of_logs_what_redis_says() {
    if !russet_e2e::tool_or_skip("redis-check-aof") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.aof");
    let good = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    let multi = b"*1\r\n$5\r\nMULTI\r\n";
    // Of a version that Redis 7.0 knows.
    let rdb = [b"REDIS0010", &RDB[9..], good].concat();
    let files = [
        ("good", good.to_vec()),
        ("cut off", good[..good.len() - 4].to_vec()),
        ("with something else in between", [&good[..], b"!!!!\r\n", good].concat()),
        ("with a transaction that does not end", [&good[..], multi, good].concat()),
        ("empty", Vec::new()),
        ("that begins with an RDB file", rdb.clone()),
        ("that begins with one and is cut off", rdb[..rdb.len() - 4].to_vec()),
    ];
    // How many lines are well is another matter: Redis counts those of what is not as well.
    let common = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("valid") || line.contains("analyzed"));
        let without_count = |line: &str| match line.split_once(", ok_up_to_line=") {
            Some((start, rest)) => format!("{start}{}", rest.trim_start_matches(char::is_numeric)),
            None => line.to_owned(),
        };
        lines.map(without_count).collect::<Vec<_>>()
    };
    for (what, bytes) in files {
        fs::write(&path, bytes).expect("it can be written");
        // Redis' tool names files without their directory if it is told them so.
        let redis = Command::new("redis-check-aof").arg(&path).output().expect("it runs");
        let theirs = String::from_utf8_lossy(&redis.stdout).into_owned();
        let (is_well, ours) = run(&["aof", text_of(&path)], "");
        assert_eq!(is_well, redis.status.success(), "a log {what}: {ours}{theirs}");
        assert_eq!(common(&ours), common(&theirs), "a log {what}");
    }
}
