//! Lists.

mod blocking;
mod edit;
mod lmove;
mod pop;
mod push;
mod read;

use std::ops::Range;
use std::sync::atomic::Ordering;

use russet_data::list::{End, Limits};
use russet_data::listpack::Element;
use russet_data::number::IntBuf;
use russet_resp::ReplyWriter;

use crate::command::Command;
use crate::config::Config;
use crate::error::Error;
use crate::exec::{Event, EventClass, Key, View, values};
use crate::server::Server;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    blocking::BLMOVE,
    blocking::BLMPOP,
    blocking::BLPOP,
    blocking::BRPOP,
    blocking::BRPOPLPUSH,
    read::LINDEX,
    edit::LINSERT,
    read::LLEN,
    lmove::LMOVE,
    pop::LMPOP,
    pop::LPOP,
    read::LPOS,
    push::LPUSH,
    push::LPUSHX,
    read::LRANGE,
    edit::LREM,
    edit::LSET,
    edit::LTRIM,
    pop::RPOP,
    lmove::RPOPLPUSH,
    push::RPUSH,
    push::RPUSHX,
];

/// From how many bytes on an element of a long list is kept alone, whatever the limits say, unless
/// DEBUG says otherwise.
pub const DEFAULT_ALONE_BYTES: usize = 1 << 30;

/// How large a list's listpacks may get.
pub fn limits(server: &Server, config: &Config) -> Limits {
    Limits {
        max_listpack_size: config.list_max_listpack_size,
        compress_depth: config.list_compress_depth,
        alone_bytes: server.list_alone_bytes.load(Ordering::Relaxed),
    }
}

/// The event of an element that was added at an end.
fn pushed(end: End) -> Event {
    let name = if end == End::Left { "lpush" } else { "rpush" };
    Event::new(EventClass::LIST, name)
}

/// The event of elements that were removed from an end.
fn popped(end: End) -> Event {
    let name = if end == End::Left { "lpop" } else { "rpop" };
    Event::new(EventClass::LIST, name)
}

/// Says that elements were removed, and removes the key with the last of them.
fn removed(db: &mut View<'_>, key: Key<'_>, event: Event, count: usize, is_empty: bool) {
    db.changed_by(key, event, count as u64);
    if is_empty {
        values::remove_emptied(db, key);
    }
}

/// The word `LEFT` or `RIGHT`.
fn end(word: &[u8]) -> Result<End, Error> {
    match word {
        word if word.eq_ignore_ascii_case(b"LEFT") => Ok(End::Left),
        word if word.eq_ignore_ascii_case(b"RIGHT") => Ok(End::Right),
        _ => Err(Error::SYNTAX),
    }
}

/// Where in a list of `len` elements the one with an index is, negative ones counting from the end.
fn position(len: usize, index: i64) -> Option<usize> {
    let from_left = if index < 0 { index.checked_add_unsigned(len as u64)? } else { index };
    usize::try_from(from_left).ok().filter(|at| *at < len)
}

/// The elements between two indexes, both included, of a list of `len`. Negative indexes count from
/// the end, and what they select outside the list is left out.
fn between(len: usize, start: i64, stop: i64) -> Range<usize> {
    let from_left =
        |index: i64| if index < 0 { index.saturating_add_unsigned(len as u64) } else { index };
    let start = usize::try_from(from_left(start)).unwrap_or(0);
    let end = usize::try_from(from_left(stop).saturating_add(1)).unwrap_or(0).min(len);
    if start < end { start..end } else { 0..0 }
}

/// Writes an element as a string.
#[inline]
fn write(out: &mut ReplyWriter<'_>, element: Element<'_>) {
    match element {
        Element::Int(value) => out.bulk(IntBuf::new().format_i64(value)),
        Element::Bytes(bytes) => out.bulk(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_count_from_either_end() {
        assert_eq!(position(3, 0), Some(0));
        assert_eq!(position(3, -1), Some(2));
        assert_eq!(position(3, -3), Some(0));
        for outside in [3, -4, i64::MAX, i64::MIN] {
            assert_eq!(position(3, outside), None);
        }
    }

    #[test]
    fn ranges_are_cut_to_the_list() {
        assert_eq!(between(5, 0, -1), 0..5);
        assert_eq!(between(5, -3, 3), 2..4);
        assert_eq!(between(5, i64::MIN, i64::MAX), 0..5);
        assert_eq!(between(5, -9, 0), 0..1);
        for (start, stop) in [(3, 2), (5, 9), (0, -6), (0, i64::MIN), (i64::MAX, -1)] {
            assert!(between(5, start, stop).is_empty(), "{start} {stop}");
        }
        assert!(between(0, 0, -1).is_empty());
    }
}
