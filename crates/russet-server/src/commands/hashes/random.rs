//! HRANDFIELD.

use russet_data::hash::Hash;
use russet_data::listpack::Element;
use russet_resp::{Protocol, ReplyWriter};

use super::READ;
use crate::command::{Command, Group, KeyFlags, KeySpec};
use crate::commands::collections::{Draw, repetitions, reply};
use crate::error::Error;
use crate::exec::{Ctx, values};

pub const HRANDFIELD: Command = Command {
    group: Group::Hash,
    since: "6.2.0",
    summary: "Returns fields chosen at random: different ones, or, with a negative count, each of \
              all.",
    complexity: "O(N) where N is the number of fields returned.",
    syntax: "key [options(count:integer [WITHVALUES])]",
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("hrandfield", -2, READ, hrandfield)
};

fn hrandfield(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.args.len() > 2 {
        return draw(ctx);
    }
    let key = ctx.key(1);
    let Ctx { db, out, worker, .. } = ctx;
    let hash = values::read::<Hash>(db, key)?;
    let mut random = || worker.random.u64(..);
    match hash.as_ref().and_then(|hash| hash.random(&mut random)) {
        Some((field, _)) => reply(out, field),
        None => out.null(),
    }
    Ok(())
}

/// What is shown of each field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Field,
    /// Field and value, as an array of its own.
    Pair,
    /// Field and value, one after the other.
    Flat,
}

impl Shown {
    fn header(self, out: &mut ReplyWriter<'_>, fields: usize) {
        out.array(if self == Shown::Flat { 2 * fields } else { fields });
    }

    fn write(self, out: &mut ReplyWriter<'_>, (field, value): (Element<'_>, Element<'_>)) {
        if self == Shown::Pair {
            out.array(2);
        }
        reply(out, field);
        if self != Shown::Field {
            reply(out, value);
        }
    }
}

fn draw(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let draw = Draw::parse(ctx, 2)?;
    let with_values = match ctx.args.len() {
        3 => false,
        4 if ctx.is(3, "WITHVALUES") => true,
        _ => return Err(Error::SYNTAX),
    };
    // RESP2 counts twice as many elements.
    if with_values && draw.count() > i64::MAX as u64 / 2 {
        return Err(Error::OUT_OF_RANGE);
    }
    let key = ctx.key(1);
    let Ctx { db, out, worker, .. } = ctx;
    let Some(hash) = values::read::<Hash>(db, key)? else {
        out.empty_array();
        return Ok(());
    };
    let shown = match (with_values, out.protocol()) {
        (false, _) => Shown::Field,
        (true, Protocol::Resp2) => Shown::Flat,
        (true, Protocol::Resp3) => Shown::Pair,
    };
    let mut random = || worker.random.u64(..);
    match draw {
        Draw::Distinct(count) => {
            let count = count.min(hash.len() as u64) as usize;
            shown.header(out, count);
            hash.sample(count, &mut random, |pair| shown.write(out, pair));
        }
        Draw::Repeated(count) => {
            let count = repetitions(count)?;
            shown.header(out, count);
            for _ in 0..count {
                let pair = hash.random(&mut random).expect("no key holds an empty hash");
                shown.write(out, pair);
            }
        }
    }
    Ok(())
}
