//! Parts of strings: reading, overwriting and appending them.

use std::ops::Range;

use russet_data::object::ValueType;
use russet_keyspace::entry::{Entry, IntBuf};

use super::check_length;
use super::store::NewValue;
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::values::string;
use crate::exec::{Ctx, Event, EventClass};

pub const APPEND: Command = Command {
    group: Group::String,
    since: "2.0.0",
    summary: "Appends to the string value of a key, creating it if need be.",
    complexity: "O(1), amortised: a string that grows is given room to grow further.",
    syntax: "key value",
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    adopts: Some(2),
    ..Command::new("append", 3, Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST), append)
};

pub const SETRANGE: Command = Command {
    group: Group::String,
    since: "2.2.0",
    summary: "Overwrites a part of a key's string value, which is extended with zeros to where the \
              part begins.",
    complexity: "O(M) where M is the length of the value, and the length of what it is extended by.",
    syntax: "key offset:integer value",
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    ..Command::new("setrange", 4, Flags::WRITE.union(Flags::DENYOOM), setrange)
};

pub const GETRANGE: Command = Command {
    group: Group::String,
    since: "2.4.0",
    summary: "Returns a part of a key's string value.",
    complexity: "O(N) where N is the length of the part.",
    syntax: "key start:integer end:integer",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("getrange", 4, Flags::READONLY, getrange)
};

pub const SUBSTR: Command = Command {
    since: "1.0.0",
    replaced_by: Some(("2.0.0", "`GETRANGE`")),
    ..Command { name: "substr", ..GETRANGE }
};

const EVENT_APPEND: Event = Event::new(EventClass::STRING, "append");
const EVENT_SETRANGE: Event = Event::new(EventClass::STRING, "setrange");

fn append(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let most = ctx.config().proto_max_bulk_len as usize;
    let large = ctx.large.take();
    let suffix = large.as_deref().unwrap_or(ctx.args.get(2));
    let appended = ctx.db.update(key, |entry| {
        if entry.value_type() != ValueType::String {
            return Err(Error::WRONG_TYPE);
        }
        if entry.string_len() + suffix.len() > most {
            return Err(Error::STRING_TOO_LONG);
        }
        Ok(entry.append_bytes(suffix))
    });
    let len = match appended {
        Some(len) => len?,
        None => {
            let len = suffix.len();
            *ctx.large = large;
            let value = NewValue::of_argument(ctx, 2);
            ctx.db.add(key.hash, value.into_entry(key.bytes, None));
            len
        }
    };
    ctx.db.changed(key, EVENT_APPEND);
    ctx.out.integer(len as i64);
    Ok(())
}

fn setrange(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let offset = u64::try_from(ctx.int(2)?);
    let offset = offset.map_err(|_| Error::new("ERR offset is out of range"))?;
    let key = ctx.key(1);
    let value = ctx.args.get(3);
    let fits = check_length(ctx, offset, value.len() as u64);
    let offset = offset as usize;
    let overwrite = |entry: &mut Entry| {
        let len = entry.string_len().max(offset + value.len());
        entry.resize_bytes(len)[offset..][..value.len()].copy_from_slice(value);
        len
    };
    let updated = ctx.db.update(key, |entry| {
        if entry.value_type() != ValueType::String {
            return Err(Error::WRONG_TYPE);
        }
        if value.is_empty() {
            return Ok(entry.string_len());
        }
        fits.clone().map(|()| overwrite(entry))
    });
    let len = match updated {
        Some(len) => len?,
        None if value.is_empty() => 0,
        None => {
            fits?;
            let mut entry = Entry::with_bytes(key.bytes, b"", None);
            let len = overwrite(&mut entry);
            ctx.db.add(key.hash, entry);
            len
        }
    };
    if !value.is_empty() {
        ctx.db.changed(key, EVENT_SETRANGE);
    }
    ctx.out.integer(len as i64);
    Ok(())
}

fn getrange(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (start, end) = (ctx.int(2)?, ctx.int(3)?);
    let key = ctx.key(1);
    match string(ctx.db.read(key))? {
        Some(entry) => {
            let mut scratch = IntBuf::new();
            let bytes = entry.string_bytes(&mut scratch);
            ctx.out.bulk(&bytes[part(bytes.len(), start, end)]);
        }
        None => ctx.out.bulk(b""),
    }
    Ok(())
}

/// The bytes between two indexes, both included, of a string. Negative indexes count from the end,
/// and those beyond the string are moved to its nearest end.
fn part(len: usize, start: i64, end: i64) -> Range<usize> {
    // Both may lie before the string, which would move them to the same byte.
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_start = |index: i64| if index < 0 { (len as i64 + index).max(0) } else { index };
    let start = from_start(start);
    let end = from_start(end).min(len as i64 - 1);
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_are_moved_into_the_string() {
        assert_eq!(part(5, 0, -1), 0..5);
        assert_eq!(part(5, -3, 2), 2..3);
        assert_eq!(part(5, 3, i64::MAX), 3..5);
        assert_eq!(part(5, i64::MIN, i64::MIN), 0..1);
        assert_eq!(part(5, -8, -9), 0..0);
        assert_eq!(part(5, 5, 9), 0..0);
        assert_eq!(part(0, 0, -1), 0..0);
    }

    proptest! {
        #[test]
        fn indexes_within_a_string_select_what_slices_do(
            len in 1i64..50,
            start in 0i64..50,
            end in 0i64..50,
        ) {
            let (start, end) = (start % len, end % len);
            let expected = start as usize..(end + 1).max(start) as usize;
            let same = |found: Range<usize>| {
                found == expected || (found.is_empty() && expected.is_empty())
            };
            prop_assert!(same(part(len as usize, start, end)));
            prop_assert!(same(part(len as usize, start - len, end)));
            prop_assert!(same(part(len as usize, start, end - len)));
        }
    }
}
