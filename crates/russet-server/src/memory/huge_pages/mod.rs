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
//! While memory grows, a thread puts what it grows into on huge pages beforehand (`growth.rs`), or,
//! where workers are on all processors, they do that between their rounds, and it has the allocator
//! keep what is freed meanwhile: it will be used, and would be given back page by page, out of the
//! middle of huge ones. What lies on small pages all the same, because the server was small then or
//! nobody looked in time, is moved.
//!
//! The thread goes through the mappings of the process, asks which stretches are resident, and
//! has the system move those, one at a time (`MADV_COLLAPSE`, since Linux 6.1). While a stretch is
//! moved, whoever touches it waits for the copy of 2 MiB, and so does whoever shares the thread's
//! processor, since the system does not interrupt itself there: milliseconds, in a virtual machine. So
//! nothing is moved while memory shrinks, or while keys are loaded or saved. While memory grows, only a
//! worker that is the only one moves it, between its rounds, as it populates it: nobody else is in the
//! middle of a command. Then a server with little to do moves its memory soon ([`REST`]); one that is busy
//! takes its time, lest more than one request in a few hundred should notice ([`BUSY_REST`]). When as much
//! memory is used as after the last pass, nothing is looked at.
//!
//! What the allocator gives back of a huge page, the system takes out of it by itself, and the rest is
//! on small pages again; therefore everything is looked at anew once in a while ([`FORGET_AFTER`]).

mod growth;
mod handoff;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use std::{thread, vec};

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

use self::growth::{Growth, Pace};
use self::handoff::Handoff;
use super::pages::{HUGE, PAGES, Way, mappings, resident_pages, stretches};
use super::{roughly_used_bytes, used_bytes};
use crate::processors;
use crate::server::Server;

/// How often the use of memory is looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// After a stretch was moved, nothing is for so many times as long as that took.
const REST: u32 = 9;
/// And while the server is busy.
const BUSY_REST: u32 = 255;
/// A server that takes more than one part in so many of one processor's time is busy.
const BUSY_SHARE: u32 = 4;
/// And while memory grows, which does not go on for long.
const GROWING_REST: u32 = 3;
/// While less memory is in use, what is filled on small pages is not moved as long as it grows.
const WORTH_A_PAUSE: u64 = 8 * HUGE as u64;
/// After how much growth a worker looks where memory grows to.
const LOOK_EVERY: u64 = HUGE as u64 / 4;
/// How many of a stretch's small pages need not be resident: what resident memory grows by.
const MISSING: usize = 4;
/// How long a stretch that was put on a huge page is believed to be on it.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// What the thread and the workers have in common.
pub struct HugePages {
    handoff: Handoff,
    growth: Mutex<Growth>,
    /// With so much memory in use, a worker is to look where it grows.
    look_at_bytes: AtomicU64,
}

impl Default for HugePages {
    fn default() -> Self {
        HugePages {
            handoff: Handoff::default(),
            growth: Mutex::default(),
            look_at_bytes: AtomicU64::new(u64::MAX),
        }
    }
}

/// Starts the thread, which ends with the server.
pub fn keep(server: &Arc<Server>) {
    let processors = &server.config.load().bio_cpulist;
    let server = Arc::downgrade(server);
    if let Err(error) = processors::spawn("huge-pages", processors, move || run(&server)) {
        tracing::warn!("Memory stays on small pages: {error}");
    }
}

fn run(server: &Weak<Server>) {
    processors::step_back();
    let mut stretches = Stretches::default();
    let mut load = Load::now();
    let mut last_seen = used_bytes();
    while server.strong_count() > 0 {
        let used_bytes = used_bytes();
        if used_bytes >= last_seen + HUGE as u64 {
            last_seen = stretches.follow_growth(Pace::new(last_seen, INTERVAL), server);
        } else {
            let is_settled = last_seen < used_bytes + HUGE as u64;
            if is_settled && let Some(server) = server.upgrade() {
                stretches.pass(used_bytes, &mut load, &server);
            }
            last_seen = used_bytes;
        }
        thread::sleep(INTERVAL);
    }
}

/// Whether there is a worker on every processor: then it is one of them that populates.
fn workers_populate(server: &Server) -> bool {
    thread::available_parallelism().map_or(1, usize::from) <= server.workers.len()
}

/// Populates a stretch, if the system can: here, or where a worker does that between its rounds.
fn populate(server: &Server, by_workers: bool, stretch: usize) -> bool {
    let by_worker =
        if by_workers { server.huge_pages.handoff.offer(stretch, Way::Populate) } else { None };
    by_worker.unwrap_or_else(|| Way::Populate.put(stretch).is_ok())
}

/// Puts one stretch on a huge page: what a worker is offered, if it is, or what memory is about to grow
/// into. To be called between its rounds.
#[inline]
pub fn serve(server: &Server) {
    let HugePages { handoff, look_at_bytes, .. } = &server.huge_pages;
    if handoff.serve(|stretch, way| way.put(stretch).is_ok()) {
        return;
    }
    let look_at_bytes = look_at_bytes.load(Ordering::Relaxed);
    if look_at_bytes != u64::MAX && roughly_used_bytes() >= look_at_bytes {
        go_on(server);
    }
}

/// Goes on where memory grows, unless the thread is at it.
#[cold]
fn go_on(server: &Server) {
    let Some(mut growth) = server.huge_pages.growth.try_lock() else { return };
    let is_done = !is_wanted(server)
        || is_saving(server)
        || growth.advance(1, &|stretch| Way::Populate.put(stretch).is_ok());
    // Otherwise the next round goes on.
    if is_done {
        server.huge_pages.look_at_bytes.store(next_look(&growth), Ordering::Relaxed);
    }
}

/// With how much memory in use a worker is to look where it grows.
fn next_look(growth: &Growth) -> u64 {
    if growth.has_places() { roughly_used_bytes() + LOOK_EVERY } else { u64::MAX }
}

/// Whether memory may lie on huge pages.
fn is_wanted(server: &Server) -> bool {
    server.config.load().huge_pages && !server.shutdown.is_final()
}

/// Whether stretches may be moved now.
fn is_quiet(server: &Server) -> bool {
    is_wanted(server) && !server.persistence.is_loading() && !is_saving(server)
}

/// Whether keys are saved. What memory grows by then is soon given back.
fn is_saving(server: &Server) -> bool {
    server.persistence.snapshot.load().is_some()
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
    /// What is still to be looked at for full ones on small pages.
    unseen: vec::IntoIter<usize>,
    /// When one of those may be moved while memory grows, at the earliest.
    next_move: Option<Instant>,
}

impl Default for Stretches {
    fn default() -> Self {
        Stretches {
            settled: HashSet::new(),
            forgotten_at: Instant::now(),
            used_bytes: 0,
            unseen: Vec::new().into_iter(),
            next_move: None,
        }
    }
}

impl Stretches {
    /// Has what memory grows into lie on huge pages, as long as it grows. Returns what is in use then.
    fn follow_growth(&mut self, mut pace: Pace, server: &Weak<Server>) -> u64 {
        let mut used_bytes = super::used_bytes();
        let (mut grows, mut by_workers) = (false, false);
        if let Some(server) = server.upgrade() {
            by_workers = workers_populate(&server);
            server.huge_pages.growth.lock().begin(used_bytes);
        }
        while let Some(server) = server.upgrade().filter(|server| is_wanted(server))
            && let Some(wait) = pace.next(used_bytes, INTERVAL)
        {
            if grows != pace.grows() {
                grows = pace.grows();
                super::keep_freed_pages(grows);
            }
            if !is_saving(&server) {
                let populate = |stretch| populate(&server, by_workers, stretch);
                let mut growth = server.huge_pages.growth.lock();
                growth.follow(used_bytes, &mut self.settled, &populate);
                if by_workers {
                    let next = next_look(&growth);
                    server.huge_pages.look_at_bytes.store(next, Ordering::Relaxed);
                }
            }
            self.catch_up(used_bytes, &server);
            // Nobody is to wait for this thread to let go of it.
            drop(server);
            thread::sleep(wait);
            used_bytes = super::used_bytes();
        }
        if grows {
            super::keep_freed_pages(false);
        }
        used_bytes
    }

    /// Has the only worker move a stretch that was filled on small pages, while memory grows.
    fn catch_up(&mut self, used_bytes: u64, server: &Server) {
        let began = Instant::now();
        if server.workers.len() > 1
            || !is_quiet(server)
            || used_bytes < WORTH_A_PAUSE
            || self.next_move.is_some_and(|at| at > began)
        {
            return;
        }
        if self.unseen.len() == 0 {
            self.look_anew(&mappings());
        }
        let rest = match self.next_full() {
            Some(stretch) => {
                let way = server.huge_pages.growth.lock().way_to_move(stretch);
                if server.huge_pages.handoff.offer(stretch, way) == Some(true) {
                    self.settled.insert(stretch);
                }
                began.elapsed() * GROWING_REST
            }
            None => INTERVAL,
        };
        self.next_move = Some(Instant::now() + rest);
    }

    /// Begins anew to look for full stretches on small pages.
    fn look_anew(&mut self, mappings: &[Range<usize>]) {
        let unseen: Vec<_> = mappings.iter().flat_map(stretches).collect();
        self.unseen = unseen.into_iter();
    }

    /// The next full stretch that is on small pages.
    fn next_full(&mut self) -> Option<usize> {
        let Stretches { unseen, settled, .. } = self;
        unseen.find(|stretch| {
            !settled.contains(stretch) && resident_pages(*stretch) + MISSING >= PAGES
        })
    }

    /// Moves what is resident and not on huge pages yet. What the system cannot move just now is tried
    /// again at a later pass.
    fn pass(&mut self, used_bytes: u64, load: &mut Load, server: &Server) {
        if self.forgotten_at.elapsed() > FORGET_AFTER {
            self.settled.clear();
            (self.used_bytes, self.forgotten_at) = (0, Instant::now());
        }
        if !is_quiet(server) || used_bytes.abs_diff(self.used_bytes) < HUGE as u64 {
            return;
        }
        self.look_anew(&mappings());
        while let Some(stretch) = self.next_full() {
            if !is_quiet(server) || super::used_bytes() >= used_bytes + HUGE as u64 {
                return;
            }
            let began = Instant::now();
            let way = server.huge_pages.growth.lock().way_to_move(stretch);
            let is_settled = match way.put(stretch) {
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

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::memory::pages::SMALL;

    #[test]
    fn full_stretches_are_found_once_unless_they_are_settled() {
        let mut memory: Vec<u8> = Vec::with_capacity(8 * HUGE);
        let mapping = memory.as_ptr().addr()..memory.as_ptr().addr() + memory.capacity();
        let whole: Vec<usize> = stretches(&mapping).collect();
        memory.resize(whole[4] + HUGE - MISSING * SMALL - mapping.start, 7);
        let mut known = Stretches::default();
        known.settled.extend([whole[1], whole[3]]);
        known.look_anew(slice::from_ref(&mapping));
        assert_eq!(known.next_full(), Some(whole[0]));
        known.settled.insert(whole[2]);
        assert_eq!(known.next_full(), Some(whole[4]), "nearly full is enough");
        // What follows may be resident from an earlier use.
        let rest: Vec<_> = std::iter::from_fn(|| known.next_full()).collect();
        assert!(rest.iter().all(|stretch| *stretch > whole[4]));
        assert_eq!(known.next_full(), None);
        known.look_anew(slice::from_ref(&mapping));
        assert_eq!(known.next_full(), Some(whole[0]));
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
}
