//! SCAN.
//!
//! A cursor is all that is remembered between two calls, and the client keeps it. It says which
//! shard the scan is in and how far it got there:
//!
//! ```text
//!  63                          shard bits            0
//! ┌───────────────────────────────┬──────────────────┐
//! │ cursor of the shard's table   │ shard            │
//! └───────────────────────────────┴──────────────────┘
//! ```
//!
//! Shards are walked one after the other. Within a shard a key is shown exactly once if it is there
//! from the beginning of the scan to its end ([`crate::exec::View::walk`]), so it is in the whole scan,
//! since a key never changes its shard. That is more than Redis promises, where a table that shrinks
//! shows keys again.

use russet_data::number::parse_i64;
use russet_keyspace::entry::Entry;
use russet_resp::ReplyWriter;

use super::walk::Pattern;
use crate::command::{Categories, Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;
use crate::exec::fiber::{Slices, wait_for};

pub const SCAN: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    since: "2.8.0",
    summary: "Lists the keys of the database in many steps; each returns where the next begins.",
    complexity: "O(1) for each call; O(N) for a whole scan, where N is the number of keys.",
    syntax: "cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [TYPE type:string]",
    history: &[("6.0.0", "Added the `TYPE` option.")],
    tips: &["nondeterministic_output", "request_policy:special"],
    ..Command::new("scan", -2, Flags::READONLY.union(Flags::WALKS), scan)
};

/// Keys that one call looks at, if it does not say.
const DEFAULT_COUNT: usize = 10;
/// One call looks at no more buckets than this for each key that it is to look at, in case most are
/// empty.
const BUCKETS_PER_KEY: usize = 10;
/// And at no more shards that hold no keys. All shards of a stand-alone server: a look at an empty
/// one costs little more than its lock, and a small database should not take hundreds of calls.
const MOST_EMPTY_SHARDS: usize = 1024;

/// A place in the keyspace. See the module's documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    shard: usize,
    /// Cursor of the shard's table.
    within: u64,
}

impl Place {
    fn of_cursor(cursor: u64, shards: usize) -> Self {
        debug_assert!(shards.is_power_of_two());
        let shard = cursor as usize & (shards - 1);
        Place { shard, within: cursor >> shards.trailing_zeros() }
    }

    fn cursor(self, shards: usize) -> u64 {
        // The cursor of a table has no more bits than its buckets have numbers, which are 32.
        self.within << shards.trailing_zeros() | self.shard as u64
    }

    /// The place after a stretch that ended at `next` in its shard. `None` after the last shard.
    fn after(self, next: u64, shards: usize) -> Option<Self> {
        match (next, self.shard + 1) {
            (0, shard) => (shard < shards).then_some(Place { shard, within: 0 }),
            (within, _) => Some(Place { within, ..self }),
        }
    }
}

/// The number that a client sends as cursor, in the liberal reading of C's `strtoul`: a sign is
/// allowed, nothing at all is 0.
pub(in crate::commands) fn parse_cursor(text: &[u8]) -> Result<u64, Error> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let (digits, negative) = match text {
        [b'-', digits @ ..] => (digits, true),
        [b'+', digits @ ..] => (digits, false),
        [] => return Ok(0),
        digits => (digits, false),
    };
    if digits.is_empty() {
        return Err(Error::INVALID_CURSOR);
    }
    let number = digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    let number = number.ok_or(Error::INVALID_CURSOR)?;
    Ok(if negative { number.wrapping_neg() } else { number })
}

/// What is scanned: keys have a type to choose them by, elements of a value do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::commands) enum Scanned {
    Keys,
    Elements,
}

/// The options of SCAN, and of HSCAN and its like.
pub(in crate::commands) struct Options<'a> {
    /// Keys or elements that one call is to look at.
    pub(in crate::commands) count: usize,
    /// What those must match that are shown.
    pub(in crate::commands) pattern: Pattern<'a>,
    value_type: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    /// Reads the options from argument `first` on.
    pub(in crate::commands) fn parse(
        ctx: &Ctx<'a>,
        first: usize,
        scanned: Scanned,
    ) -> Result<Self, Error> {
        let mut options = Options { count: DEFAULT_COUNT, pattern: Pattern::Any, value_type: None };
        for at in (first..ctx.args.len()).step_by(2) {
            if at + 1 == ctx.args.len() {
                return Err(Error::SYNTAX);
            }
            let value = ctx.args.get(at + 1);
            match () {
                () if ctx.is(at, "COUNT") => {
                    let count = parse_i64(value).ok_or(Error::NOT_AN_INTEGER)?;
                    let count = usize::try_from(count).map_err(|_| Error::SYNTAX)?;
                    options.count = if count > 0 { count } else { return Err(Error::SYNTAX) };
                }
                () if ctx.is(at, "MATCH") => options.pattern = Pattern::new(value),
                () if ctx.is(at, "TYPE") && scanned == Scanned::Keys => {
                    options.value_type = Some(value)
                }
                () => return Err(Error::SYNTAX),
            }
        }
        Ok(options)
    }

    fn wants(&self, entry: &Entry) -> bool {
        let is_type = |name: &[u8]| name.eq_ignore_ascii_case(entry.value_type().name().as_bytes());
        self.value_type.is_none_or(is_type) && self.pattern.matches(entry.key())
    }
}

fn scan(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let shards = ctx.server.keyspace.shard_count();
    let start = parse_cursor(ctx.args.get(1))?;
    let options = Options::parse(ctx, 2, Scanned::Keys)?;
    let mut encoded = Vec::new();
    let mut keys = ReplyWriter::new(&mut encoded, ctx.out.protocol());
    let mut found = 0;
    let mut show = |entry: &Entry| {
        if options.wants(entry) {
            keys.bulk(entry.key());
            found += 1;
        }
    };
    let (mut keys_left, mut empty_left) = (options.count, MOST_EMPTY_SHARDS);
    let mut buckets_left = options.count.saturating_mul(BUCKETS_PER_KEY);
    let mut has_moved = false;
    let mut place = Some(Place::of_cursor(start, shards));
    let mut slices = Slices::new(ctx.worker);
    while let Some(at) = place.filter(|_| keys_left > 0 && buckets_left > 0 && empty_left > 0) {
        match ctx.db.walk(at.shard, at.within, keys_left, &mut show) {
            Some(stretch) => {
                keys_left = keys_left.saturating_sub(stretch.keys);
                buckets_left = buckets_left.saturating_sub(stretch.buckets);
                empty_left -= usize::from(stretch.buckets == 0);
                place = at.after(stretch.next, shards);
                has_moved = true;
                slices.end_step(ctx.pauser(), ctx.worker, ctx.client)?;
            }
            // The client can as well come back with this cursor; but not with the one it sent,
            // which may be 0 and would mean the end.
            None if has_moved => break,
            None => wait_for(at.shard, ctx.pauser(), ctx.worker, ctx.client)?,
        }
    }
    ctx.out.array(2);
    let cursor = place.map_or(0, |place| place.cursor(shards));
    ctx.out.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    ctx.out.array(found);
    ctx.out.buffer().extend_from_slice(&encoded);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_lead_through_all_shards_and_end_at_0() {
        let shards = 4;
        let mut place = Place::of_cursor(0, shards);
        assert_eq!(place, Place { shard: 0, within: 0 });
        let mut visited = Vec::new();
        // Each shard takes three steps.
        for step in 0.. {
            visited.push((place.shard, place.within));
            let next = [2, 1, 0][step % 3];
            let Some(after) = place.after(next, shards) else { break };
            let cursor = after.cursor(shards);
            assert_ne!(cursor, 0, "only the end is 0");
            place = Place::of_cursor(cursor, shards);
            assert_eq!(place, after);
        }
        let expected: Vec<_> = (0..4).flat_map(|shard| [0, 2, 1].map(|at| (shard, at))).collect();
        assert_eq!(visited, expected);
    }

    #[test]
    fn the_largest_table_cursor_fits() {
        let place = Place { shard: 1023, within: u32::MAX.into() };
        assert_eq!(Place::of_cursor(place.cursor(1024), 1024), place);
        let clustered = Place { shard: 16_383, within: u32::MAX.into() };
        assert_eq!(Place::of_cursor(clustered.cursor(16_384), 16_384), clustered);
    }

    #[test]
    fn cursors_are_read_as_c_does() {
        let cursor = |text: &str| parse_cursor(text.as_bytes());
        for (text, number) in
            [("0", 0), ("", 0), ("17", 17), ("+5", 5), ("0017", 17), ("-1", u64::MAX), ("9\0x", 9)]
        {
            assert_eq!(cursor(text), Ok(number), "{text:?}");
        }
        assert_eq!(cursor("18446744073709551615"), Ok(u64::MAX));
        for text in ["abc", "1x", " 1", "-", "+", "0x10", "18446744073709551616", "--1"] {
            assert_eq!(cursor(text), Err(Error::INVALID_CURSOR), "{text:?}");
        }
    }
}
