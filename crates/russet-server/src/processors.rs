//! Which processors the threads of the server run on, and how they share them.
//!
//! Redis' directives name the processors of its main thread, its background threads and its child
//! processes; threads of the same purpose here keep to them. Beyond that, each worker has a processor
//! of its own where there are as many of them as of workers: left to itself, the system now and then
//! has two workers take turns on one processor, milliseconds each, while another is idle or does
//! nothing urgent.
//!
//! Threads inherit the processors of those that start them, so every thread says at its beginning where
//! it is to run. Without a list, that is where the process may run at that moment, which its main
//! thread tells: it never keeps to anything itself.

use std::{io, thread};

use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::config::Config;

/// How far a background thread steps back: it gets less of a processor than a worker that it shares it
/// with.
const NICENESS: i32 = 5;

/// The value of a directive that names processors. Without one, all that the process may use.
pub type List = Option<Vec<u8>>;

/// Has the calling thread run as one of the workers. Should the system refuse, it runs anywhere.
pub fn keep_worker(id: usize, config: &Config) {
    let list = &config.server_cpulist;
    let set = find(list).map(|all| match all.count() == config.worker_threads {
        true => only(&all, id),
        false => all,
    });
    // Once is enough for all of them.
    apply(set, list, id == 0);
}

/// Starts a thread that runs on the processors of a list. Should the system refuse these, it runs where
/// the thread does that has started it.
///
/// # Errors
///
/// If the system has no thread to give.
pub fn spawn(name: &str, list: &List, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let list = list.clone();
    let work = move || {
        apply(find(&list), &list, true);
        work();
    };
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Has the calling thread step back for workers: it gets less time, and never takes the processor from a
/// worker when it is woken, but only in its turn. Should the system refuse, it is in their way a little
/// more.
pub fn step_back() {
    // Of the thread only.
    let _ = rustix::process::nice(NICENESS);
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads the parameters, which outlive it, and 0 is the calling thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &priority) };
}

fn apply(set: Result<CpuSet, Errno>, list: &List, complains: bool) {
    let kept = set.and_then(|set| sched_setaffinity(None, &set));
    if let Err(error) = kept
        && complains
    {
        let list = list.as_deref().unwrap_or_default().escape_ascii();
        tracing::warn!("Can't keep to the processors '{list}': {error}");
    }
}

fn find(list: &List) -> Result<CpuSet, Errno> {
    match list.as_deref() {
        None | Some(b"") => sched_getaffinity(Some(rustix::process::getpid())),
        Some(list) => parse(list).ok_or(Errno::INVAL),
    }
}

/// One of a set's processors, counted from zero.
fn only(set: &CpuSet, index: usize) -> CpuSet {
    let mut one = CpuSet::new();
    let mut all = (0..CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor));
    all.nth(index).into_iter().for_each(|processor| one.set(processor));
    one
}

/// Reads a list as that of `taskset --cpu-list`: numbers and ranges, these with a step if need be, such
/// as `0,2-3` and `0-20:2`.
fn parse(list: &[u8]) -> Option<CpuSet> {
    let mut set = CpuSet::new();
    for part in std::str::from_utf8(list).ok()?.split(',') {
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let first: usize = first.parse().ok()?;
        let last = last.parse().ok().filter(|last| (first..CpuSet::MAX_CPU).contains(last))?;
        let step = step.parse().ok().filter(|step| *step > 0)?;
        (first..=last).step_by(step).for_each(|processor| set.set(processor));
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(list: &str) -> Option<Vec<usize>> {
        let set = parse(list.as_bytes())?;
        Some((0..CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect())
    }

    #[test]
    fn lists_are_read_as_taskset_reads_them() {
        assert_eq!(numbers("3"), Some(vec![3]));
        assert_eq!(numbers("0,2-3"), Some(vec![0, 2, 3]));
        assert_eq!(numbers("0-9:4,1"), Some(vec![0, 1, 4, 8]));
        assert_eq!(numbers("1023"), Some(vec![1023]));
    }

    #[test]
    fn everything_else_is_refused() {
        for list in [
            "",
            ",",
            "1,",
            "x",
            "-1",
            "3-2",
            "1-",
            "0-3:0",
            "0-3:",
            "0-3:-1",
            "1024",
            "0-1024",
            "1 2",
            "99999999999999999999",
            "1-2-3",
            "1:2:3",
        ] {
            assert_eq!(numbers(list), None, "{list:?}");
        }
    }

    #[test]
    fn one_of_several_is_found() {
        let set = parse(b"1,4-6").expect("a list");
        assert_eq!(only(&set, 0), parse(b"1").expect("a list"));
        assert_eq!(only(&set, 3), parse(b"6").expect("a list"));
    }
}
