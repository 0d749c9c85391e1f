//! Which processors threads keep to.

use std::collections::BTreeSet;
use std::fs;

use russet_e2e::Server;

use super::{server, wait_until};

/// The processors that a thread, or what else has such a directory, may use, as the system lists them.
fn allowed(directory: &str) -> Option<String> {
    let status = fs::read_to_string(format!("{directory}/status")).ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    Some(list.expect("Linux says so").trim().to_owned())
}

/// The processors of each thread whose name begins so.
fn of_threads(server: &Server, name: &str) -> Vec<String> {
    let directory = format!("/proc/{}/task", server.process_id());
    let threads = fs::read_dir(directory).expect("it has threads");
    let path = threads.map(|thread| thread.expect("it can be read").path());
    let path = path.map(|path| path.to_str().expect("a number").to_owned());
    let has_name = |path: &String| {
        fs::read_to_string(format!("{path}/comm")).is_ok_and(|comm| comm.starts_with(name))
    };
    path.filter(has_name).filter_map(|path| allowed(&path)).collect()
}

/// The numbers in a list such as `0-2,5`.
fn numbers(list: &str) -> Vec<usize> {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let ranges = list.split(',').map(|part| part.split_once('-').unwrap_or((part, part)));
    ranges.flat_map(|(first, last)| number(first)..=number(last)).collect()
}

fn own() -> String {
    allowed("/proc/self").expect("it runs")
}

#[test]
fn as_many_workers_as_processors_have_one_each() {
    let all = numbers(&own());
    let server = server(&["--worker-threads", &all.len().to_string()]);
    wait_until("a processor for each worker", || {
        let workers = of_threads(&server, "worker-");
        let each: BTreeSet<usize> = workers.iter().flat_map(|list| numbers(list)).collect();
        let have_one = workers.iter().all(|list| numbers(list).len() == 1);
        workers.len() == all.len() && have_one && each.iter().eq(&all)
    });
    wait_until("others may run anywhere", || of_threads(&server, "lazy-free") == [own()]);
}

#[test]
fn another_number_of_workers_shares_them() {
    let workers = numbers(&own()).len() + 1;
    let server = server(&["--worker-threads", &workers.to_string()]);
    // Threads have their names a moment after they were started.
    wait_until("workers anywhere", || of_threads(&server, "worker-") == vec![own(); workers]);
}

#[test]
fn threads_keep_to_the_processors_that_are_listed_for_them() {
    let all = numbers(&own());
    let [first, last] = [all[0], all[all.len() - 1]].map(|processor| processor.to_string());
    let server = server(&[
        "--worker-threads",
        "3",
        "--server_cpulist",
        &first,
        "--bio_cpulist",
        &last,
        "--bgsave_cpulist",
        &last,
        "--appendonly",
        "yes",
        "--rdb-key-save-delay",
        "10000000",
    ]);
    let mut client = server.client();
    client.run("DEBUG POPULATE 1000");
    client.run("BGSAVE");
    let kept = [("worker-", 3, &first), ("lazy-free", 1, &last), ("snapshot", 1, &last)];
    for (name, count, list) in kept {
        wait_until(name, || of_threads(&server, name) == vec![list.clone(); count]);
    }
    wait_until("append-log", || {
        let lists = of_threads(&server, "append-log");
        !lists.is_empty() && lists.iter().all(|list| *list == last)
    });
}

#[test]
fn a_list_that_cannot_be_read_changes_nothing() {
    let server = server(&["--worker-threads", "1", "--server_cpulist", "first"]);
    wait_until("a warning", || {
        server.log().contains("Can't keep to the processors 'first': Invalid argument")
    });
    wait_until("a worker anywhere", || of_threads(&server, "worker-") == [own()]);
}
