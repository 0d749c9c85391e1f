//! The power goes at any moment, and what was promised is there when it comes back.
//!
//! strace records what a server asks of the file system while a client counts, twice in one unit, and
//! notes when its units are acknowledged, while the log is rewritten and keys are saved. From the
//! record come the states in which a disk may be left at any moment (`disk.rs`), and on each a server is
//! started, which must have every unit that had been acknowledged by then, and no unit by halves.

mod disk;
mod recording;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use russet_e2e::{Client, Reply, Server, text, tool_or_skip};

use self::disk::Disk;
use self::recording::{Event, Operation};
use super::{LIMIT, info, integer, rounds, russet_in, wait_until};

/// Units between two things that happen.
const UNITS: u64 = 25;

fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_micros() as u64
}

/// Counts that are promised to be there from a time on, oldest first.
type Promises = Vec<(u64, u64)>;

fn count(client: &mut Client, counted: &mut Promises) {
    for _ in 0..UNITS {
        client.run("MULTI");
        client.run("INCR one");
        client.run("INCR other");
        let Reply::Array(replies) = client.run("EXEC") else { panic!("a transaction") };
        counted.push((now_us(), integer(&replies[0]) as u64));
    }
}

fn promised(promises: &Promises, by_us: u64) -> u64 {
    let kept = promises.iter().take_while(|(at_us, _)| *at_us < by_us);
    kept.last().map_or(0, |(_, count)| *count)
}

/// Which promises count.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    /// All of them.
    All,
    /// Those that are older than two seconds.
    AfterTwoSeconds,
}

impl Kept {
    /// How old a promise must be to count, in microseconds. Two seconds are meant for machines that go on
    /// steadily: what this one lost while it flushed, or did something else, is added.
    fn age_us(self, events: &[Event], promises: &Promises) -> u64 {
        if self == Kept::All {
            return 0;
        }
        let flushes = events.iter().map(|event| match event.operation {
            Operation::Sync(_, began_us) => event.at_us - began_us,
            _ => 0,
        });
        let pauses = promises.windows(2).map(|pair| pair[1].0 - pair[0].0);
        2_000_000 + flushes.max().unwrap_or(0) + pauses.max().unwrap_or(0)
    }
}

/// Starts a server under strace in a directory of its own, has it work, and ends it.
fn record(script: &Path, arguments: &[&str], work: impl FnOnce(&mut Client)) {
    let mut server = Server::start(script, arguments);
    let mut client = server.client();
    wait_until("loaded", || info(&mut client, "loading") == "0");
    work(&mut client);
    client.send(b"SHUTDOWN NOSAVE\r\n").expect("sent");
    server.wait(LIMIT).expect("it ends");
}

/// Records work of a server, which makes promises, and looks at states that the disk may be left in.
fn run(arguments: &[&str], kept: Kept, work: impl FnOnce(&mut Client, &mut Promises)) {
    if !tool_or_skip("strace") {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let [script, traces, data] =
        ["traced.sh", "traces", "data"].map(|name| place.path().join(name));
    fs::create_dir(&traces).expect("it can be made");
    fs::create_dir(&data).expect("it can be made");
    let (calls, program) = (recording::CALLS, env!("CARGO_BIN_EXE_russet-server"));
    let command = format!(
        "#!/bin/sh\nexec strace -ff -ttt -T -y -xx -s 10000000 -e trace={calls} -o '{}/thread' \
         '{program}' \"$@\"\n",
        traces.display()
    );
    fs::write(&script, command).expect("it can be written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let directory = data.to_str().expect("a path in UTF-8");
    let mut promises = Promises::new();
    let began_us = now_us();
    record(&script, &[&["--dir", directory], arguments].concat(), |client| {
        work(client, &mut promises);
    });
    let events = recording::read(&traces, &data);
    assert!(events.len() > 20, "strace has seen what the server does: {events:?}");
    let most = promises.last().expect("something was promised").1;
    let age_us = kept.age_us(&events, &promises);

    let mut random = fastrand::Rng::with_seed(began_us);
    let mut moments: Vec<usize> = (0..rounds(60)).map(|_| random.usize(..=events.len())).collect();
    moments.sort_unstable();
    let (mut disk, mut applied) = (Disk::new(&data), 0);
    for moment in moments {
        events[applied..moment].iter().for_each(|event| disk.apply(event));
        applied = moment;
        let by_us = events.get(moment).map_or(u64::MAX, |event| event.at_us);
        let left = tempfile::tempdir().expect("a directory");
        disk.lose_power(&data, left.path(), &mut random);
        let server = russet_in(left.path(), arguments);
        let mut client = server.client();
        let counts = client.run("MGET one other");
        let Reply::Array(counts) = counts else { panic!("{counts:?}") };
        let counts = [0, 1].map(|at| match &counts[at] {
            Reply::NullBulk => 0,
            count => text(count).parse::<u64>().expect("a number"),
        });
        // Whoever ends a server has it flush, whatever its age.
        let least = match by_us {
            u64::MAX => most,
            _ => promised(&promises, by_us - age_us),
        };
        let what = format!(
            "after {moment} of {} operations, seed {began_us}, next {:?}",
            events.len(),
            events.get(moment).map(|event| &event.operation)
        );
        assert_eq!(counts[0], counts[1], "a unit is there or not: {what}");
        assert!((least..=most).contains(&counts[0]), "{counts:?} of {least}: {what}");
    }
}

fn wait_for_rewrite(client: &mut Client, rewrites: &str) {
    wait_until("rewritten", || info(client, "aof_rewrites") == rewrites);
}

#[test]
fn the_log_holds_what_was_acknowledged() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "always", "--worker-threads", "1"];
    run(&arguments, Kept::All, |client, promises| {
        count(client, promises);
        for rewrites in ["1", "2"] {
            client.run("BGREWRITEAOF");
            count(client, promises);
            wait_for_rewrite(client, rewrites);
            count(client, promises);
        }
    });
}

#[test]
fn a_log_that_ends_and_begins_anew_holds_what_was_acknowledged() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "always", "--worker-threads", "1"];
    run(&arguments, Kept::All, |client, promises| {
        count(client, promises);
        client.run("CONFIG SET appendonly no");
        wait_until("ended", || info(client, "aof_enabled") == "0");
        client.run("CONFIG SET appendonly yes");
        wait_for_rewrite(client, "1");
        count(client, promises);
    });
}

/// Under `everysec` what was acknowledged within the last two seconds may be gone, in whole units.
#[test]
fn a_log_that_is_flushed_every_second_lacks_two_seconds_at_most() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "everysec", "--worker-threads", "1"];
    run(&arguments, Kept::AfterTwoSeconds, |client, promises| {
        let began_us = now_us();
        let mut has_rewritten = false;
        // Long enough that most of it must be there.
        while now_us() - began_us < 6_000_000 {
            count(client, promises);
            if now_us() - began_us > 3_000_000 && !has_rewritten {
                client.run("BGREWRITEAOF");
                has_rewritten = true;
            }
        }
        wait_for_rewrite(client, "1");
    });
}

#[test]
fn a_file_holds_what_was_saved() {
    run(&["--worker-threads", "1"], Kept::All, |client, promises| {
        for command in ["SAVE", "BGSAVE", "SAVE", "BGSAVE"] {
            let mut counted = Promises::new();
            count(client, &mut counted);
            let saved = counted.last().expect("some were counted").1;
            let saves = info(client, "rdb_saves");
            client.run(command);
            wait_until("saved", || info(client, "rdb_saves") != saves);
            promises.push((now_us(), saved));
        }
    });
}

/// The disk of these tests is not kinder than it says.
#[test]
fn a_disk_may_lose_what_was_not_synced_and_nothing_else() {
    let directory = Path::new("/data");
    let file = directory.join("file");
    let event = |at_us, operation| Event { at_us, operation };
    let sync = |path: &Path, at_us| event(at_us, Operation::Sync(path.to_owned(), at_us));
    let append = |at_us| event(at_us, Operation::Append(file.clone(), b"ab".to_vec()));
    let mut disk = Disk::new(directory);
    let mut random = fastrand::Rng::with_seed(7);
    let mut left = |disk: &Disk| {
        let states = (0..200).map(|_| {
            let place = tempfile::tempdir().expect("a directory");
            disk.lose_power(directory, place.path(), &mut random);
            let read = |name| fs::read_to_string(place.path().join(name)).ok();
            (read("file"), read("other"))
        });
        states.collect::<BTreeSet<_>>()
    };
    let is = |content: &str| Some(content.to_owned());
    disk.apply(&event(1, Operation::Create(file.clone())));
    disk.apply(&append(2));
    let torn = [(None, None), (is(""), None), (is("a"), None), (is("ab"), None)];
    assert_eq!(left(&disk), BTreeSet::from(torn));
    disk.apply(&sync(&file, 3));
    assert_eq!(left(&disk), BTreeSet::from([(None, None), (is("ab"), None)]));
    disk.apply(&sync(directory, 4));
    disk.apply(&append(5));
    let torn = [(is("ab"), None), (is("aba"), None), (is("abab"), None)];
    assert_eq!(left(&disk), BTreeSet::from(torn));
    disk.apply(&sync(&file, 6));
    disk.apply(&event(7, Operation::Rename(file.clone(), directory.join("other"))));
    assert_eq!(left(&disk), BTreeSet::from([(is("abab"), None), (None, is("abab"))]));
}
