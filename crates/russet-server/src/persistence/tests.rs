//! Files that are damaged: cut off at every byte, and with a bit that is another. What can be loaded of
//! them is loaded, and everything else is refused with the place of the damage.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use russet_persist::aof::write_command;

use super::aof;
use super::load::load_at_start;
use crate::config::{Config, Permission};
use crate::testing::TestServer;

const LOG: &str = "log";

/// A server whose files are in a directory, and are not there yet.
struct Damaged {
    server: TestServer,
    directory: tempfile::TempDir,
}

impl Damaged {
    fn new(loads_truncated: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let config = Config {
            dbfilename: directory.path().join("dump.rdb"),
            appenddirname: directory.path().to_owned(),
            appendfilename: LOG.into(),
            aof_load_truncated: loads_truncated,
            enable_debug_command: Permission::Yes,
            // Removing all keys would save that there are none.
            save: Default::default(),
            ..Config::default()
        };
        Damaged { server: TestServer::with_config(config), directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Loads the configured RDB file, which is to have these bytes, and returns the fingerprint of the
    /// keys.
    fn load_rdb(&mut self, bytes: &[u8]) -> Result<String, String> {
        fs::write(self.path("dump.rdb"), bytes).expect("it can be written");
        self.server.run("FLUSHALL");
        self.server.load(load_at_start)?;
        Ok(self.server.run("DEBUG DIGEST"))
    }

    /// Loads the configured log, and returns the values of its counters.
    fn load_log(&mut self) -> Result<String, String> {
        self.server.run("FLUSHALL");
        self.server.load(aof::load)?;
        Ok(self.server.run("MGET a b c d"))
    }
}

/// Keys of all types, and their file.
fn keys() -> (TestServer, Vec<u8>) {
    let config = Config { enable_debug_command: Permission::Yes, ..Config::default() };
    let mut server = TestServer::with_config(config);
    for command in [
        "SET text some-words",
        "SET repeated aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "SET number 12345",
        "SET soon 1 PXAT 33177117420123",
        "RPUSH list a b 3",
        "SADD numbers 1 2 3",
        "SADD words a b c",
        "HSET hash field value other 1",
        "ZADD zset 1 a 2.5 b",
    ] {
        assert!(!server.run(command).starts_with('-'), "{command}");
    }
    let file = server.rdb_file();
    (server, file)
}

#[test]
fn an_rdb_file_that_is_cut_off_is_refused() {
    let (mut original, file) = keys();
    let mut damaged = Damaged::new(true);
    assert_eq!(damaged.load_rdb(&file), Ok(original.run("DEBUG DIGEST")));
    for cut in 0..file.len() {
        let refused = damaged.load_rdb(&file[..cut]).expect_err("it is not whole");
        assert!(
            refused.contains("dump.rdb failed: ") && refused.contains(", at offset "),
            "{refused}"
        );
    }
}

/// A log of a base and an increment: its increment, and the values of its counters with the lengths of
/// the increment that have them.
fn write_log(directory: &Path) -> (Vec<u8>, Vec<(usize, &'static str)>) {
    let mut server = TestServer::new();
    server.run("SET a 1");
    fs::write(directory.join("log.1.base.rdb"), server.rdb_file()).expect("it can be written");
    let manifest = "file log.1.base.rdb seq 1 type b\nfile log.1.incr.aof seq 1 type i\n";
    fs::write(directory.join("log.manifest"), manifest).expect("it can be written");
    let mut bytes = Vec::new();
    let mut states = vec![(0, "*4\r\n$1\r\n1\r\n$-1\r\n$-1\r\n$-1\r\n")];
    for (unit, state) in [
        (&["SELECT 0"][..], states[0].1),
        (&["INCR a"], "*4\r\n$1\r\n2\r\n$-1\r\n$-1\r\n$-1\r\n"),
        (&["MULTI", "INCR b", "INCR c", "EXEC"], "*4\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n1\r\n$-1\r\n"),
        (&["SET d 4"], "*4\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n4\r\n"),
    ] {
        for command in unit {
            write_command(&mut bytes, &command.split(' ').collect::<Vec<_>>());
        }
        states.push((bytes.len(), state));
    }
    fs::write(directory.join("log.1.incr.aof"), &bytes).expect("it can be written");
    (bytes, states)
}

#[test]
fn a_log_that_is_cut_off_is_loaded_up_to_its_last_whole_unit() {
    let mut damaged = Damaged::new(true);
    let (bytes, states) = write_log(damaged.directory.path());
    let increment = damaged.path("log.1.incr.aof");
    for cut in 0..=bytes.len() {
        fs::write(&increment, &bytes[..cut]).expect("it can be written");
        let (whole, state) = states.iter().rfind(|(len, _)| *len <= cut).expect("there is one");
        assert_eq!(damaged.load_log().as_deref(), Ok(*state), "cut at {cut}");
        assert_eq!(fs::read(&increment).expect("it is there"), bytes[..*whole], "cut at {cut}");
    }
}

#[test]
fn a_log_that_is_cut_off_is_refused_if_so_configured() {
    let mut damaged = Damaged::new(false);
    let (bytes, states) = write_log(damaged.directory.path());
    let increment = damaged.path("log.1.incr.aof");
    for cut in 0..bytes.len() {
        fs::write(&increment, &bytes[..cut]).expect("it can be written");
        let loaded = damaged.load_log();
        if states.iter().any(|(len, _)| *len == cut) {
            loaded.expect("it looks whole");
        } else {
            let refused = loaded.expect_err("it is not whole");
            assert!(
                refused.contains("log.1.incr.aof") && refused.contains("at offset"),
                "{refused}"
            );
        }
        assert_eq!(fs::read(&increment).expect("it is there"), bytes[..cut], "it is left alone");
    }
}

#[test]
fn a_manifest_that_is_cut_off_is_refused_unless_at_the_end_of_a_line() {
    let mut damaged = Damaged::new(true);
    write_log(damaged.directory.path());
    let path = damaged.path("log.manifest");
    let manifest = fs::read_to_string(&path).expect("it is there");
    for cut in 0..manifest.len() {
        fs::write(&path, &manifest[..cut]).expect("it can be written");
        let is_whole = manifest[..cut].ends_with('\n');
        match damaged.load_log() {
            Ok(_) => assert!(is_whole, "cut at {cut}"),
            Err(refused) => {
                let says_where = refused.contains("log.manifest: ") && refused.contains("line ");
                assert!(!is_whole && says_where, "{cut}: {refused}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_rdb_file_with_another_bit_is_refused(flips in prop::collection::vec(any::<u32>(), 20)) {
        let (mut original, file) = keys();
        let mut damaged = Damaged::new(true);
        for flip in flips {
            let mut bytes = file.clone();
            let bit = flip as usize % (8 * file.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
            match damaged.load_rdb(&bytes) {
                Err(refused) => prop_assert!(refused.contains(", at offset "), "{}", refused),
                // Another version of the format, from when there were no checksums.
                Ok(digest) => {
                    prop_assert!(bit / 8 < 9, "bit {} is in no version", bit);
                    prop_assert_eq!(digest, original.run("DEBUG DIGEST"));
                }
            }
        }
    }

    /// There is no checksum that would tell.
    #[test]
    fn a_log_with_another_bit_is_loaded_or_refused(flips in prop::collection::vec(any::<u32>(), 10)) {
        let mut damaged = Damaged::new(true);
        let (bytes, _) = write_log(damaged.directory.path());
        let manifest = fs::read(damaged.path("log.manifest")).expect("it is there");
        let directory = damaged.path("").to_string_lossy().into_owned();
        for flip in flips {
            for (name, place, original) in [
                ("log.1.incr.aof", "at offset ", &bytes),
                ("log.manifest", directory.as_str(), &manifest),
            ] {
                let mut bytes = original.clone();
                let bit = flip as usize % (8 * bytes.len());
                bytes[bit / 8] ^= 1 << (bit % 8);
                fs::write(damaged.path(name), bytes).expect("it can be written");
                if let Err(refused) = damaged.load_log() {
                    prop_assert!(refused.contains(place), "{}", refused);
                }
                fs::write(damaged.path(name), original).expect("it can be written");
            }
        }
    }
}
