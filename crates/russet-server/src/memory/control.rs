//! What the allocator lets be looked at and set by name, for DEBUG MALLCTL.
//!
//! jemalloc trusts whoever asks: it frees whole arenas on request, and takes addresses of functions. So
//! only what cannot harm the process is passed on.

use std::ffi::{CStr, CString};
use std::ptr;

use nix::errno::Errno;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    /// A number that can be read.
    Number,
    /// A number that can be changed too.
    Setting,
    /// A string of the allocator's own, which lives as long as the process.
    Text,
    /// Something that is done.
    Action,
}

/// Beginnings of names that stand for numbers, or for strings of which a number says where they are.
const NUMBERS: [&str; 4] = ["arenas.", "config.", "opt.", "stats."];
/// What is done, rather than told, although it begins like a number.
const NO_NUMBERS: [&str; 3] = ["arenas.create", "arenas.lookup", "stats.mutexes.reset"];
const COUNTERS: [&str; 2] = ["thread.allocated", "thread.deallocated"];
const SETTINGS: [&str; 6] = [
    "arenas.dirty_decay_ms",
    "arenas.muzzy_decay_ms",
    "background_thread",
    "epoch",
    "max_background_threads",
    "thread.tcache.enabled",
];
const TEXTS: [&str; 8] = [
    "config.malloc_conf",
    "opt.dss",
    "opt.junk",
    "opt.metadata_thp",
    "opt.percpu_arena",
    "opt.thp",
    "opt.zero_realloc",
    "version",
];
const ACTIONS: [&str; 2] = ["thread.idle", "thread.tcache.flush"];

/// What `arena.<number>.` stands before.
const ARENA_SETTINGS: [&str; 2] = ["dirty_decay_ms", "muzzy_decay_ms"];
const ARENA_ACTIONS: [&str; 2] = ["decay", "purge"];

impl Control {
    fn of(name: &str) -> Option<Self> {
        let of_arena = || {
            let (number, rest) = name.strip_prefix("arena.")?.split_once('.')?;
            number.parse::<u32>().ok().map(|_| rest)
        };
        if let Some(rest) = of_arena() {
            return match rest {
                _ if ARENA_SETTINGS.contains(&rest) => Some(Control::Setting),
                _ if ARENA_ACTIONS.contains(&rest) => Some(Control::Action),
                _ => None,
            };
        }
        let begins_like_a_number = NUMBERS.iter().any(|prefix| name.starts_with(prefix));
        match name {
            _ if SETTINGS.contains(&name) => Some(Control::Setting),
            _ if TEXTS.contains(&name) => Some(Control::Text),
            _ if ACTIONS.contains(&name) => Some(Control::Action),
            _ if NO_NUMBERS.contains(&name) => None,
            _ if begins_like_a_number || COUNTERS.contains(&name) => Some(Control::Number),
            _ => None,
        }
    }
}

/// A name as the allocator takes it, and what it stands for; it says itself if there is no such name.
fn find(name: &[u8]) -> Result<(CString, Control), Errno> {
    let text = str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
    let name = CString::new(text).map_err(|_| Errno::ENOENT)?;
    let (mut path, mut len) = ([0; 16], 16);
    // SAFETY: the name is a C string, and the array has room for `len` numbers.
    let found =
        unsafe { tikv_jemalloc_sys::mallctlnametomib(name.as_ptr(), path.as_mut_ptr(), &mut len) };
    check(found)?;
    Control::of(text).map(|control| (name, control)).ok_or(Errno::EPERM)
}

fn check(result: std::ffi::c_int) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(Errno::from_raw(result)) }
}

/// Reads a number, and then sets it if there is a new one.
pub fn number(name: &[u8], new: Option<i64>) -> Result<i64, Errno> {
    let (name, control) = find(name)?;
    if control == Control::Action || new.is_some() && control != Control::Setting {
        return Err(Errno::EPERM);
    }
    // The allocator refuses any length but that of the number.
    for bytes in [8, 4, 1] {
        let (mut old, mut old_len) = ([0_u8; 8], bytes);
        let mut new = new.map(i64::to_le_bytes);
        if bytes == 1
            && let Some(new) = &mut new
        {
            // A C `bool` has no third value.
            new[0] = u8::from(*new != [0; 8]);
        }
        let new_at = new.as_mut().map_or(ptr::null_mut(), |new| new.as_mut_ptr().cast());
        let new_len = if new.is_some() { bytes } else { 0 };
        // SAFETY: the name is a C string. The control's value is a number, by `Control`: the allocator
        // writes at most `old_len` bytes of it to `old`, and reads `new_len` bytes if that is the length
        // it has. A length that is not makes it refuse before it takes anything over.
        let result = unsafe {
            let old_at = old.as_mut_ptr().cast();
            tikv_jemalloc_sys::mallctl(name.as_ptr(), old_at, &mut old_len, new_at, new_len)
        };
        match check(result) {
            Err(Errno::EINVAL) if bytes > 1 => {}
            Err(error) => return Err(error),
            // 32-bit numbers are unsigned ones.
            Ok(()) => return Ok(i64::from_le_bytes(old)),
        }
    }
    Err(Errno::EINVAL)
}

/// Reads a string.
pub fn text(name: &[u8]) -> Result<&'static [u8], Errno> {
    let (name, control) = find(name)?;
    if control != Control::Text {
        return Err(Errno::EPERM);
    }
    let mut text: *const std::ffi::c_char = ptr::null();
    let mut len = size_of_val(&text);
    // SAFETY: the name is a C string. The control's value is one too, by `Control`, and the allocator
    // writes its address, which has the length of `text`.
    let result = unsafe {
        let at = (&raw mut text).cast();
        tikv_jemalloc_sys::mallctl(name.as_ptr(), at, &mut len, ptr::null_mut(), 0)
    };
    check(result)?;
    // SAFETY: it is a C string among the allocator's constants, or set at its start for good.
    Ok(if text.is_null() { b"" } else { unsafe { CStr::from_ptr(text) }.to_bytes() })
}

/// Does what a name stands for.
pub fn act(name: &[u8]) -> Result<(), Errno> {
    let (name, control) = find(name)?;
    if control != Control::Action {
        return Err(Errno::EPERM);
    }
    let (old, old_len, new) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the name is a C string. The control takes and gives no value, as the null pointers say, and
    // returns memory that nobody uses, by `Control`.
    check(unsafe { tikv_jemalloc_sys::mallctl(name.as_ptr(), old, old_len, new, 0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_lengths_are_read_and_set() {
        assert_eq!(number(b"arenas.page", None), Ok(4096));
        assert!(number(b"arenas.narenas", None).expect("a 32-bit number") > 0);
        assert_eq!(number(b"opt.zero", None), Ok(0), "a truth value");
        let was = number(b"arenas.muzzy_decay_ms", None).expect("a 64-bit number");
        assert_eq!(number(b"arenas.muzzy_decay_ms", Some(7)), Ok(was));
        assert_eq!(number(b"arenas.muzzy_decay_ms", Some(was)), Ok(7));
        assert_eq!(number(b"thread.tcache.enabled", Some(300)), Ok(1));
        assert_eq!(number(b"thread.tcache.enabled", None), Ok(1));
    }

    #[test]
    fn strings_are_read_and_actions_done() {
        assert!(text(b"version").expect("it has one").starts_with(b"5."));
        assert_eq!(text(b"opt.junk"), Ok(&b"false"[..]));
        assert_eq!(act(b"thread.tcache.flush"), Ok(()));
        assert_eq!(act(b"arena.0.purge"), Ok(()));
    }

    #[test]
    fn what_could_do_harm_is_refused() {
        for name in ["arena.0.reset", "arena.0.destroy", "arena.0.extent_hooks", "arenas.create"] {
            assert_eq!(number(name.as_bytes(), None), Err(Errno::EPERM), "{name}");
            assert_eq!(number(name.as_bytes(), Some(0)), Err(Errno::EPERM), "{name}");
            assert_eq!(act(name.as_bytes()), Err(Errno::EPERM), "{name}");
        }
        // Eight bytes of a number are no address of a string.
        assert_eq!(text(b"arenas.page"), Err(Errno::EPERM));
        assert_eq!(number(b"arenas.page", Some(1)), Err(Errno::EPERM), "it cannot be changed");
        for name in [&b"nosuch"[..], b"", b"arenas\0page", b"\xff"] {
            assert_eq!(number(name, None), Err(Errno::ENOENT));
        }
    }
}
