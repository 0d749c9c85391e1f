//! What the system knows of this process's pages, and does to them when asked.
//!
//! A stretch is memory of a huge page's size at a multiple of it.

use std::ops::Range;
use std::{fs, io};

/// What a huge page holds, and what its address is a multiple of.
pub const HUGE: usize = 2 << 20;
pub const SMALL: usize = 4 << 10;
/// How many small pages a stretch has.
pub const PAGES: usize = HUGE / SMALL;

/// The mappings of this process that are private memory and can be written to, in order of their
/// addresses.
pub fn mappings() -> Vec<Range<usize>> {
    all_mappings().lines().filter_map(anonymous).collect()
}

fn all_mappings() -> String {
    fs::read_to_string("/proc/self/maps").unwrap_or_default()
}

/// The addresses of a line of `/proc/self/maps`, if it is about private memory that can be written to
/// and belongs to no file.
fn anonymous(line: &str) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let is_private = words.next()? == "rw-p";
    let inode = words.nth(2)?;
    // What has a name besides is a stack or something of the system's.
    if !is_private || inode != "0" || words.next().is_some() {
        return None;
    }
    addresses(line)
}

fn addresses(line: &str) -> Option<Range<usize>> {
    let (start, end) = line.split_ascii_whitespace().next()?.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

/// Has the program's code resident, so that the first command of a kind does not wait for its code to
/// be read from disk.
pub fn load_code() -> io::Result<()> {
    let here = load_code as fn() -> io::Result<()> as usize;
    let all = all_mappings();
    let code = all.lines().filter_map(addresses).find(|mapping| mapping.contains(&here));
    let code = code.ok_or(io::ErrorKind::NotFound)?;
    advise(code.start, code.len(), libc::MADV_POPULATE_READ)
}

/// The addresses in a mapping at which huge pages can begin.
pub fn stretches(mapping: &Range<usize>) -> impl Iterator<Item = usize> + use<> {
    let Range { start, end } = *mapping;
    (start.next_multiple_of(HUGE)..end).step_by(HUGE).filter(move |at| end - at >= HUGE)
}

/// How many of a stretch's small pages are resident; none of what is not mapped.
pub fn resident_pages(stretch: usize) -> usize {
    let mut pages = [0_u8; PAGES];
    // SAFETY: `pages` has a byte for each page of the stretch, of which nothing is read or written.
    let failed = unsafe {
        let address = std::ptr::without_provenance_mut(stretch);
        libc::mincore(address, HUGE, pages.as_mut_ptr())
    };
    if failed == 0 { pages.iter().filter(|page| **page & 1 != 0).count() } else { 0 }
}

/// How a stretch is put on a huge page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing of it is resident, and all of it becomes so. If there is no huge page, or the system is
    /// not set up for them, it is on small ones then.
    Populate,
    /// It is moved. What of it was not resident becomes so, and reads as zeros.
    Move,
    /// The same for a stretch that was populated before, and has fallen apart since.
    MoveAgain,
}

impl Way {
    /// Puts a stretch on a huge page.
    ///
    /// # Errors
    ///
    /// The system's: it can't do this, nothing is mapped there, or there is no huge page for what is moved.
    pub fn put(self, stretch: usize) -> io::Result<()> {
        match self {
            Way::Populate => on_huge_pages(stretch, libc::MADV_POPULATE_WRITE),
            Way::Move => advise(stretch, HUGE, libc::MADV_COLLAPSE),
            Way::MoveAgain => on_huge_pages(stretch, libc::MADV_COLLAPSE),
        }
    }
}

/// Gives advice that means huge pages. They are not asked for longer than that: the system would put
/// stretches of which hardly anything is used any more on huge pages too, all by itself.
fn on_huge_pages(stretch: usize, advice: i32) -> io::Result<()> {
    advise(stretch, HUGE, libc::MADV_HUGEPAGE)?;
    let done = advise(stretch, HUGE, advice);
    advise(stretch, HUGE, libc::MADV_NOHUGEPAGE)?;
    done
}

fn advise(address: usize, bytes: usize, advice: i32) -> io::Result<()> {
    // SAFETY: no advice that is given here changes anything that a program can see of its
    // memory, and an address at which nothing is mapped is an error.
    let failed = unsafe { libc::madvise(std::ptr::without_provenance_mut(address), bytes, advice) };
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
    fn code_is_loaded() {
        let here = load_code as fn() -> io::Result<()> as usize;
        if let Err(error) = load_code() {
            println!("the system loads nothing here: {error}");
            return;
        }
        let all = fs::read_to_string("/proc/self/smaps").expect("it can be read");
        let is_code = |line: &&str| addresses(line).is_some_and(|all| all.contains(&here));
        let mut of_code = all.lines().skip_while(|line| !is_code(line));
        let mut kilobytes = |field| {
            let line = of_code.find(|line| line.starts_with(field)).expect("each has this field");
            line.trim_start_matches(field).trim_end_matches("kB").trim().to_owned()
        };
        assert_eq!(kilobytes("Size:"), kilobytes("Rss:"));
    }

    #[test]
    fn only_whole_stretches_count() {
        let all = |mapping| stretches(&mapping).collect::<Vec<_>>();
        assert_eq!(all(HUGE..3 * HUGE), [HUGE, 2 * HUGE]);
        assert_eq!(all(HUGE + SMALL..3 * HUGE + SMALL), [2 * HUGE]);
        assert_eq!(all(HUGE + SMALL..3 * HUGE - SMALL), [0_usize; 0]);
        assert_eq!(all(SMALL..2 * SMALL), [0_usize; 0]);
    }

    #[test]
    fn memory_that_is_moved_keeps_its_content() {
        let mut memory = vec![0_u8; 4 * HUGE];
        let address = memory.as_ptr().addr();
        let whole: Vec<usize> = stretches(&(address..address + memory.len())).collect();
        assert!(whole.len() >= 3);
        for (at, byte) in memory.iter_mut().enumerate() {
            *byte = (at / SMALL) as u8;
        }
        assert!(whole.iter().all(|stretch| resident_pages(*stretch) == PAGES));
        for stretch in whole {
            match Way::Move.put(stretch) {
                Ok(()) => assert_eq!(resident_pages(stretch), PAGES),
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
        let last = stretches(&(address..address + memory.capacity())).last();
        let last = last.expect("there is room for seven at least");
        assert_eq!(resident_pages(last), 0);
        assert_eq!(resident_pages(0), 0);
        match Way::Populate.put(last).and_then(|()| Way::MoveAgain.put(last)) {
            Ok(()) => assert_eq!(resident_pages(last), PAGES),
            Err(error) => println!("the system moves nothing here: {error}"),
        }
    }
}
