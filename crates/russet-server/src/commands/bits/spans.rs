//! Counting and finding bits, in a whole string or a part of it.

use russet_data::bits::{Unit, count_ones, count_ones_between, position};
use russet_keyspace::entry::IntBuf;

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::config::Compatibility;
use crate::error::Error;
use crate::exec::Ctx;
use crate::exec::values::string;

pub const BITCOUNT: Command = Command {
    group: Group::Bitmap,
    since: "2.6.0",
    summary: "Counts the bits set in a key's string value or a part of it.",
    complexity: "O(N) where N is the length of the part.",
    syntax: "key [range(start:integer end:integer [unit(BYTE|BIT)])]",
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("bitcount", -2, Flags::READONLY, bitcount)
};

pub const BITPOS: Command = Command {
    group: Group::Bitmap,
    since: "2.8.7",
    summary: "Finds the first bit set, or the first one clear, in a key's string value or a part \
              of it.",
    complexity: "O(N) where N is the length of the part.",
    syntax: "key bit:integer [range(start:integer [end-unit-block(end:integer [unit(BYTE|BIT)])])]",
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("bitpos", -3, Flags::READONLY, bitpos)
};

/// A part of a string as a command names it.
#[derive(Clone, Copy)]
struct Span {
    start: Option<i64>,
    end: Option<i64>,
    unit: Unit,
}

impl Span {
    /// What the arguments from `at` on name: nothing, or a start, an end and a unit, of which BITPOS
    /// can do without the end. It notices a wrong unit before a wrong end.
    fn parse(ctx: &Ctx<'_>, at: usize, end_is_optional: bool) -> Result<Span, Error> {
        let given = ctx.args.len() - at;
        if given > 3 || (given == 1 && !end_is_optional) {
            return Err(Error::SYNTAX);
        }
        let index = |nth: usize| (given > nth).then(|| ctx.int(at + nth)).transpose();
        let unit = match given {
            3 => Unit::parse(ctx.args.get(at + 2)).ok_or(Error::SYNTAX),
            _ => Ok(Unit::Byte),
        };
        let start = index(0)?;
        // Fields are evaluated in the order written.
        Ok(if end_is_optional {
            Span { start, unit: unit?, end: index(1)? }
        } else {
            Span { start, end: index(1)?, unit: unit? }
        })
    }
}

/// Whether mistakes in the span are noticed although there is no string: in Redis since 7.2.
fn checks_arguments_first(ctx: &Ctx<'_>) -> bool {
    ctx.config().compatibility == Compatibility::V7_2
}

fn bitcount(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let span = Span::parse(ctx, 2, false);
    let span = if checks_arguments_first(ctx) { Ok(span?) } else { span };
    let key = ctx.key(1);
    let Some(entry) = string(ctx.db.read(key))? else {
        ctx.out.integer(0);
        return Ok(());
    };
    let mut scratch = IntBuf::new();
    let bytes = entry.string_bytes(&mut scratch);
    let count = match span? {
        Span { start: Some(start), end: Some(end), unit } => {
            count_ones_between(bytes, start, end, unit)
        }
        _ => count_ones(bytes),
    };
    ctx.out.integer(count as i64);
    Ok(())
}

fn bitpos(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let bit = match ctx.int(2)? {
        0 => false,
        1 => true,
        _ => return Err(Error::new("ERR The bit argument must be 1 or 0.")),
    };
    let span = Span::parse(ctx, 3, true);
    let span = if checks_arguments_first(ctx) { Ok(span?) } else { span };
    let key = ctx.key(1);
    let Some(entry) = string(ctx.db.read(key))? else {
        // An endless row of zeros.
        ctx.out.integer(if bit { -1 } else { 0 });
        return Ok(());
    };
    let Span { start, end, unit } = span?;
    let mut scratch = IntBuf::new();
    let found = position(entry.string_bytes(&mut scratch), bit, start, end, unit);
    ctx.out.integer(found.map_or(-1, |at| at as i64));
    Ok(())
}
