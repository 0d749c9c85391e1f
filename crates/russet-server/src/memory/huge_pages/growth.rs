//! Huge pages ahead of memory that grows.
//!
//! # Problem
//!
//! A page is zeroed and mapped when it is first used, by whoever uses it: hundreds of interruptions of
//! a worker for what a huge page does in one, which takes a third of the time. And until memory comes to
//! rest, and then is copied, it lies on small pages.
//!
//! # How
//!
//! The allocator fills fresh memory in order of its addresses. A stretch that is partly resident, and
//! has many more resident pages than a moment ago, is where it is just now; what follows is put on a huge
//! page before the allocator comes there. Whether it came is seen by what it left: a stretch that has
//! been put on a huge page reads as zeros until then. When the middle of it does not any more, the next
//! one is put on a huge page. So there is one unused stretch at a time for each place at which memory
//! grows, and none follows that is not known to be used.
//!
//! The places are found by the thread, which looks through the mappings for that. Where workers populate,
//! they go on from there by themselves ([`Growth::advance`]): the thread, which shares their processors,
//! comes too late where memory grows fast.
//!
//! Small servers do without ([`SHARE`]): what is unused would be too large a part of what they have.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use crate::memory::pages::{HUGE, PAGES, SMALL, Way, mappings, resident_pages, stretches};

/// Unused stretches on huge pages take at most one part in so many of the memory in use.
const SHARE: u64 = 160;
/// How many more pages of a stretch are resident than at the search before, where memory grows.
const GROWN: usize = 32;
/// After mappings were searched, they are not for so many times as long as that took.
const REST: u32 = 9;
/// Mappings are searched when memory has grown by so much elsewhere than at known places.
const UNEXPECTED: u64 = 2 * HUGE as u64;
/// How many stretches may have been filled while nobody looked, before the place is taken for lost.
const LOST_AFTER: usize = 4;

/// The places at which memory grows.
#[derive(Default)]
pub struct Growth {
    /// How much was resident, at the last search, of stretches that were partly so.
    partly_resident: HashMap<usize, usize>,
    /// Stretches on huge pages that the allocator has not been seen in yet.
    ahead: Vec<usize>,
    /// All that were ever ahead, which the system leaves alone unless it is told otherwise.
    populated: HashSet<usize>,
    /// Those of them that are not among the settled ones yet.
    unsettled: Vec<usize>,
    /// What would be in use if memory grew at the known places only.
    expected_bytes: u64,
    /// When to search again at the earliest.
    next_search: Option<Instant>,
}

impl Growth {
    /// Memory grows again, which it may do elsewhere than the last time.
    pub fn begin(&mut self, used_bytes: u64) {
        self.partly_resident.clear();
        self.expected_bytes = used_bytes;
    }

    /// Follows the allocator, with so many bytes in use. Stretches ahead are populated by `populate`,
    /// which says whether it could; those that are on huge pages now are added to `settled`.
    pub fn follow(
        &mut self,
        used_bytes: u64,
        settled: &mut HashSet<usize>,
        populate: &dyn Fn(usize) -> bool,
    ) {
        let most = (used_bytes / (HUGE as u64 * SHARE)) as usize;
        self.advance(usize::MAX, populate);
        // Stretches that were passed while nobody looked would leave more expected than there is.
        self.expected_bytes = self.expected_bytes.min(used_bytes);
        if used_bytes - self.expected_bytes >= UNEXPECTED
            && self.ahead.len() < most
            && self.next_search.is_none_or(|at| at <= Instant::now())
        {
            let began = Instant::now();
            self.search(&mappings(), most, settled, populate);
            self.next_search = Some(Instant::now() + began.elapsed() * REST);
            self.expected_bytes = used_bytes;
        }
        settled.extend(self.unsettled.drain(..));
    }

    /// Whether there is a place where memory grows.
    pub fn has_places(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// How a stretch is moved to a huge page.
    pub fn way_to_move(&self, stretch: usize) -> Way {
        if self.populated.contains(&stretch) { Way::MoveAgain } else { Way::Move }
    }

    /// Goes on where the allocator has come to, at `most` places at most. Returns whether it was at fewer.
    pub fn advance(&mut self, most: usize, populate: &dyn Fn(usize) -> bool) -> bool {
        let Ok(memory) = File::open("/proc/self/mem") else {
            self.ahead.clear();
            return true;
        };
        let mut left = most;
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.retain_mut(|stretch| {
            if left == 0 || !is_entered(&memory, *stretch) {
                return true;
            }
            left -= 1;
            let mut next = (1..=LOST_AFTER).map(|distance| *stretch + distance * HUGE);
            match next.find(|next| resident_pages(*next) == 0) {
                Some(next) if self.put_ahead(next, populate) => {
                    self.expected_bytes += (next - *stretch) as u64;
                    *stretch = next;
                    true
                }
                _ => false,
            }
        });
        self.ahead = ahead;
        left > 0
    }

    /// Finds where memory has grown since the last search, and puts what follows on huge pages, until
    /// there are so many places.
    fn search(
        &mut self,
        mappings: &[Range<usize>],
        most: usize,
        settled: &HashSet<usize>,
        populate: &dyn Fn(usize) -> bool,
    ) {
        let mut partly_resident = HashMap::new();
        for stretch in mappings.iter().flat_map(stretches) {
            if settled.contains(&stretch) {
                continue;
            }
            let pages = resident_pages(stretch);
            if (1..PAGES).contains(&pages) {
                partly_resident.insert(stretch, pages);
            }
        }
        let before = std::mem::replace(&mut self.partly_resident, partly_resident);
        if before.is_empty() {
            return;
        }
        let is_mapped = |next: usize| {
            mappings.iter().any(|mapping| mapping.start <= next && next + HUGE <= mapping.end)
        };
        let grown = self.partly_resident.iter().filter_map(|(&stretch, &pages)| {
            let by = pages.saturating_sub(before.get(&stretch).copied().unwrap_or(0));
            let next = stretch + HUGE;
            (by >= GROWN && is_mapped(next) && resident_pages(next) == 0).then_some((by, next))
        });
        let mut grown: Vec<_> = grown.collect();
        grown.sort_unstable_by_key(|(by, _)| Reverse(*by));
        for (_, next) in grown {
            if self.ahead.len() < most && self.put_ahead(next, populate) {
                self.ahead.push(next);
            }
        }
    }

    /// Puts a stretch on a huge page, if the system can.
    fn put_ahead(&mut self, stretch: usize, populate: &dyn Fn(usize) -> bool) -> bool {
        let is_done = populate(stretch);
        if is_done {
            self.unsettled.push(stretch);
            self.populated.insert(stretch);
        }
        is_done
    }
}

/// Whether the allocator has come to the middle of a stretch that read as zeros.
fn is_entered(memory: &File, stretch: usize) -> bool {
    let mut page = [0; SMALL];
    // What cannot be read any more is not mapped, and whatever follows it is another place.
    memory.read_exact_at(&mut page, (stretch + HUGE / 2) as u64).is_err()
        || page.iter().any(|byte| *byte != 0)
}

/// How often to look, so that memory grows by a part of a stretch in between.
pub struct Pace {
    looked_at: Instant,
    used_bytes: u64,
    /// When growth was last measured against what makes it worth following, and what was used then.
    checked_at: Instant,
    checked_bytes: u64,
    /// Whether memory has grown between the last two looks.
    grows: bool,
}

impl Pace {
    const SHORTEST: Duration = Duration::from_millis(1);
    /// How soon the end of growth is noticed.
    const LONGEST: Duration = Duration::from_millis(50);
    /// Less than this between two looks is no growth.
    const LEAST: u64 = HUGE as u64 / 32;

    /// Of memory of which so much was in use so long `ago`.
    pub fn new(used_bytes: u64, ago: Duration) -> Self {
        let then = Instant::now().checked_sub(ago).unwrap_or_else(Instant::now);
        Pace {
            looked_at: then,
            used_bytes,
            checked_at: then,
            checked_bytes: used_bytes,
            grows: false,
        }
    }

    /// How long to wait until the next look, `interval` at most; `None` if memory has grown by less
    /// than a stretch within the last `interval`.
    pub fn next(&mut self, used_bytes: u64, interval: Duration) -> Option<Duration> {
        let now = Instant::now();
        if now - self.checked_at >= interval {
            if used_bytes < self.checked_bytes + HUGE as u64 {
                return None;
            }
            (self.checked_at, self.checked_bytes) = (now, used_bytes);
        }
        let grown = used_bytes.saturating_sub(self.used_bytes).max(1);
        let wait = (now - self.looked_at).mul_f64(HUGE as f64 / 4.0 / grown as f64);
        (self.looked_at, self.used_bytes) = (now, used_bytes);
        self.grows = grown >= Self::LEAST;
        Some(wait.clamp(Self::SHORTEST, Self::LONGEST.min(interval)))
    }

    /// Whether memory has grown between the last two looks.
    pub fn grows(&self) -> bool {
        self.grows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn populates(stretch: usize) -> bool {
        Way::Populate.put(stretch).is_ok()
    }

    /// Memory that nothing was written to, and the whole stretches of it.
    fn fresh() -> (Vec<u8>, Range<usize>, Vec<usize>) {
        // What other tests have freed is refused, and kept so that it is not offered again.
        let mut refused = Vec::new();
        loop {
            let memory: Vec<u8> = Vec::with_capacity(12 * HUGE);
            let mapping = memory.as_ptr().addr()..memory.as_ptr().addr() + memory.capacity();
            let whole: Vec<usize> = stretches(&mapping).collect();
            if whole.iter().all(|stretch| resident_pages(*stretch) == 0) {
                return (memory, mapping, whole);
            }
            refused.push(memory);
        }
    }

    /// Fills memory up to an address, or as far as it goes.
    fn fill(memory: &mut Vec<u8>, to: usize) {
        let bytes = to - memory.as_ptr().addr();
        memory.resize(bytes.min(memory.capacity()), 7);
    }

    #[test]
    fn huge_pages_are_ahead_of_what_grows_and_of_nothing_else() {
        let (mut memory, mapping, whole) = fresh();
        let (mut still, other_mapping, other) = fresh();
        if let Err(error) = Way::Populate.put(whole[8]) {
            println!("the system moves nothing here: {error}");
            return;
        }
        let mut growth = Growth::default();
        let mappings = [mapping, other_mapping];
        let search = |growth: &mut Growth| growth.search(&mappings, 4, &HashSet::new(), &populates);

        fill(&mut still, other[2]);
        fill(&mut memory, whole[1] + SMALL);
        search(&mut growth);
        assert!(!growth.has_places(), "nothing has grown yet");
        fill(&mut memory, whole[1] + (GROWN + 1) * SMALL);
        search(&mut growth);
        assert_eq!(growth.ahead, [whole[2]]);
        assert_eq!(resident_pages(whole[2]), PAGES);
        assert_eq!(resident_pages(whole[3]), 0);

        fill(&mut memory, whole[2] + HUGE / 4);
        assert!(growth.advance(1, &populates));
        assert_eq!(growth.ahead, [whole[2]], "the allocator is not half through");
        fill(&mut memory, whole[2] + HUGE / 2 + SMALL);
        assert!(!growth.advance(1, &populates), "there may be more to do");
        assert_eq!(growth.ahead, [whole[3]]);
        assert_eq!(resident_pages(whole[4]), 0);

        // Faster than anybody looks.
        fill(&mut memory, whole[5] + SMALL);
        growth.advance(usize::MAX, &populates);
        assert_eq!(growth.ahead, [whole[6]]);
        assert_eq!(growth.unsettled, [whole[2], whole[3], whole[6]]);
        assert!(memory.iter().all(|byte| *byte == 7));
    }

    #[test]
    fn a_place_is_given_up_where_memory_ends() {
        let (mut memory, mapping, whole) = fresh();
        let mut growth = Growth::default();
        // Nothing of the last stretches is fresh: memory that was in use before.
        fill(&mut memory, mapping.end);
        growth.ahead.push(whole[2]);
        growth.advance(1, &populates);
        assert!(!growth.has_places());
        assert!(growth.unsettled.is_empty());
    }

    #[test]
    fn the_pace_is_that_of_the_growth() {
        let interval = Duration::from_millis(1);
        let mut pace = Pace::new(0, interval);
        assert_eq!(pace.next(100 * HUGE as u64, interval), Some(Pace::SHORTEST));
        std::thread::sleep(interval);
        assert_eq!(pace.next(100 * HUGE as u64 + 1, interval), None);
        let long = Duration::from_secs(3600);
        assert!(Pace::new(0, interval).next(0, long).is_some_and(|wait| wait <= long));
    }
}
