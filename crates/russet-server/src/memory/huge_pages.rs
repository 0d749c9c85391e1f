//! Full stretches of memory, put on huge pages.
//!
//! # Problem
//!
//! Keys lie all over the memory, and commands ask for them in no order. With pages of 4 KiB, the
//! processor remembers where a few megabytes of them are; beyond, every key costs it a walk through
//! the page tables before the memory itself is even asked, and within a virtual machine a walk through
//! two of them. Prefetching hides the memory's latency, but hardly that of the walks, of which few can
//! be under way at a time. On pages of 2 MiB a server of a gigabyte needs 512 translations instead of a
//! quarter of a million.
//!
//! Servers that fork for their snapshots are well advised to do without huge pages, since the first
//! write to each would copy 2 MiB. This one does not fork.
//!
//! # Why not leave it to the system
//!
//! The system takes a huge page when the first byte of it is used, or, later, when the first few are:
//! resident memory grows by what is not. Here a stretch is put on a huge page only when nearly all its
//! small pages are resident ([`MISSING`]): the odd one that nothing was put on yet, or that was given
//! back, is found in many a stretch, so that to ask for all would leave half of them where they are.
//!
//! # How
//!
//! A thread goes through the mappings of the process, asks which stretches are resident, and
//! has the system move those, one at a time (`MADV_COLLAPSE`, since Linux 6.1). While a stretch is
//! moved, whoever touches it waits for the copy of 2 MiB, and so does whoever shares the thread's
//! processor, since the system does not interrupt itself there: milliseconds, in a virtual machine. So
//! nothing is moved while memory grows or shrinks, or while keys are loaded or saved. A server with
//! little to do moves its memory soon ([`REST`]); one that is busy takes its time, lest more than one
//! request in a few hundred should notice ([`BUSY_REST`]). When as much memory is used as after the
//! last pass, nothing is looked at.
//!
//! What the allocator gives back of a huge page, the system takes out of it by itself, and the rest is
//! on small pages again; therefore everything is looked at anew once in a while ([`FORGET_AFTER`]).

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use rustix::time::{ClockId, clock_gettime};

use super::used_bytes;
use crate::server::Server;

/// What a huge page holds, and what its address is a multiple of.
const HUGE: usize = 2 << 20;
const SMALL: usize = 4 << 10;
/// How often the use of memory is looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// After a stretch was moved, nothing is for so many times as long as that took.
const REST: u32 = 9;
/// And while the server is busy.
const BUSY_REST: u32 = 255;
/// A server that takes more than one part in so many of one processor's time is busy.
const BUSY_SHARE: u32 = 4;
/// How many of a stretch's small pages need not be resident: what resident memory grows by.
const MISSING: usize = 4;
/// How long a stretch that was put on a huge page is believed to be on it.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// Starts the thread, which ends with the server.
pub fn keep(server: &Arc<Server>) {
    let server = Arc::downgrade(server);
    let thread = thread::Builder::new().name("huge-pages".into());
    if let Err(error) = thread.spawn(move || run(&server)) {
        tracing::warn!("Memory stays on small pages: {error}");
    }
}

fn run(server: &Weak<Server>) {
    let mut stretches = Stretches::default();
    let mut load = Load::now();
    let mut last_seen = 0;
    while let Some(server) = server.upgrade() {
        let used_bytes = used_bytes();
        let is_settled = used_bytes.abs_diff(last_seen) < HUGE as u64;
        last_seen = used_bytes;
        if is_settled && is_quiet(&server) {
            stretches.pass(used_bytes, &mut load, &server);
        }
        drop(server);
        thread::sleep(INTERVAL);
    }
}

/// Whether stretches may be moved now.
fn is_quiet(server: &Server) -> bool {
    server.config.load().huge_pages
        && !server.persistence.is_loading()
        && server.persistence.snapshot.load().is_none()
        && !server.shutdown.is_final()
}

/// How busy the other threads are.
struct Load {
    since: Instant,
    /// Processor time they had taken by then.
    taken: Duration,
}

impl Load {
    fn now() -> Self {
        Load { since: Instant::now(), taken: processor_time_of_others() }
    }

    /// Whether they took much of a processor's time since this was last asked.
    fn is_high(&mut self) -> bool {
        let now = Load::now();
        let taken = now.taken.saturating_sub(self.taken);
        let elapsed = now.since - self.since;
        *self = now;
        taken * BUSY_SHARE > elapsed
    }
}

/// Processor time that all threads but this one have taken.
fn processor_time_of_others() -> Duration {
    let taken = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    taken(ClockId::ProcessCPUTime).saturating_sub(taken(ClockId::ThreadCPUTime))
}

/// What is known of the stretches of memory of a huge page's size.
struct Stretches {
    /// Addresses of those on huge pages, and of those that cannot be put there.
    settled: HashSet<usize>,
    forgotten_at: Instant,
    /// Memory in use at the last whole pass.
    used_bytes: u64,
}

impl Default for Stretches {
    fn default() -> Self {
        Stretches { settled: HashSet::new(), forgotten_at: Instant::now(), used_bytes: 0 }
    }
}

impl Stretches {
    /// Moves what is resident and not on huge pages yet. What the system cannot move just now is tried
    /// again at a later pass.
    fn pass(&mut self, used_bytes: u64, load: &mut Load, server: &Server) {
        if self.forgotten_at.elapsed() > FORGET_AFTER {
            *self = Stretches::default();
        }
        if used_bytes.abs_diff(self.used_bytes) < HUGE as u64 {
            return;
        }
        let mappings = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        for stretch in mappings.lines().filter_map(anonymous).flat_map(stretches) {
            if self.settled.contains(&stretch) || !is_resident(stretch) {
                continue;
            }
            if !is_quiet(server) {
                return;
            }
            let began = Instant::now();
            let is_settled = match collapse(stretch) {
                Ok(()) => true,
                // The system cannot do this, with this memory or at all.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => true,
                // It was unmapped, is in use by the system, or there is no huge page left.
                Err(_) => false,
            };
            if is_settled {
                self.settled.insert(stretch);
            }
            let rest = if load.is_high() { BUSY_REST } else { REST };
            thread::sleep(began.elapsed() * rest);
        }
        self.used_bytes = used_bytes;
    }
}

/// The addresses of a line of `/proc/self/maps`, if it is about private memory that can be written to
/// and belongs to no file.
fn anonymous(line: &str) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let is_private = words.next()? == "rw-p";
    let inode = words.nth(2)?;
    // What has a name besides is a stack or something of the system's.
    if !is_private || inode != "0" || words.next().is_some() {
        return None;
    }
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

/// The addresses in a mapping at which huge pages can begin.
fn stretches(mapping: Range<usize>) -> impl Iterator<Item = usize> {
    let first = mapping.start.next_multiple_of(HUGE);
    (first..mapping.end).step_by(HUGE).filter(move |at| mapping.end - at >= HUGE)
}

/// Whether a stretch's small pages are resident, all but a few. What is not mapped is not.
fn is_resident(stretch: usize) -> bool {
    let mut pages = [0_u8; HUGE / SMALL];
    // SAFETY: `pages` has a byte for each page of the stretch, of which nothing is read or written.
    let failed = unsafe {
        let address = std::ptr::without_provenance_mut(stretch);
        libc::mincore(address, HUGE, pages.as_mut_ptr())
    };
    failed == 0 && pages.iter().filter(|page| **page & 1 == 0).count() <= MISSING
}

/// Moves a stretch to a huge page.
fn collapse(stretch: usize) -> io::Result<()> {
    // SAFETY: the advice changes nothing that a program can see of its memory, and an address at which
    // nothing is mapped is an error.
    let failed = unsafe {
        libc::madvise(std::ptr::without_provenance_mut(stretch), HUGE, libc::MADV_COLLAPSE)
    };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_told_apart() {
        let heap = "7f1200000000-7f1200a00000 rw-p 00000000 00:00 0 ";
        assert_eq!(anonymous(heap), Some(0x7f12_0000_0000..0x7f12_00a0_0000));
        let others = [
            "7f1200000000-7f1200a00000 r--p 00000000 00:00 0",
            "7f1200000000-7f1200a00000 rw-s 00000000 00:00 0",
            "7f1200000000-7f1200a00000 rw-p 00001000 fe:00 4711   /usr/lib/something.so",
            "7ffc00000000-7ffc00a00000 rw-p 00000000 00:00 0   [stack]",
            "",
        ];
        assert_eq!(others.map(anonymous), [const { None }; 5]);
    }

    #[test]
    fn the_load_is_that_of_the_other_threads() {
        let busy_for = |time: Duration| {
            let began = clock_gettime(ClockId::ThreadCPUTime);
            let spent = move || clock_gettime(ClockId::ThreadCPUTime) - began;
            while Duration::try_from(spent()).expect("clocks go on") < time {}
        };
        let before = processor_time_of_others();
        let other = thread::spawn(move || busy_for(Duration::from_millis(30)));
        other.join().expect("it does not fail");
        let with_other = processor_time_of_others();
        assert!(with_other - before >= Duration::from_millis(20));
    }

    #[test]
    fn only_whole_stretches_count() {
        let all = |mapping| stretches(mapping).collect::<Vec<_>>();
        assert_eq!(all(HUGE..3 * HUGE), [HUGE, 2 * HUGE]);
        assert_eq!(all(HUGE + SMALL..3 * HUGE + SMALL), [2 * HUGE]);
        assert_eq!(all(HUGE + SMALL..3 * HUGE - SMALL), [0_usize; 0]);
        assert_eq!(all(SMALL..2 * SMALL), [0_usize; 0]);
    }

    #[test]
    fn memory_that_is_moved_keeps_its_content() {
        let mut memory = vec![0_u8; 4 * HUGE];
        let address = memory.as_ptr().addr();
        let whole: Vec<usize> = stretches(address..address + memory.len()).collect();
        assert!(whole.len() >= 3);
        for (at, byte) in memory.iter_mut().enumerate() {
            *byte = (at / SMALL) as u8;
        }
        assert!(whole.iter().all(|stretch| is_resident(*stretch)));
        for stretch in whole {
            match collapse(stretch) {
                Ok(()) => assert!(is_resident(stretch)),
                Err(error) => println!("the system moves nothing here: {error}"),
            }
        }
        assert!(memory.iter().enumerate().all(|(at, byte)| *byte == (at / SMALL) as u8));
    }

    #[test]
    fn what_is_not_resident_is_told() {
        // Fresh from the system and never written to, all but its first page.
        let mut memory: Vec<u8> = Vec::with_capacity(8 * HUGE);
        memory.push(1);
        let address = memory.as_ptr().addr();
        let last = stretches(address..address + memory.capacity()).last();
        assert!(!is_resident(last.expect("there is room for seven at least")));
        assert!(!is_resident(0));
    }
}
