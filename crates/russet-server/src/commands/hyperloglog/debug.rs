//! Looking into sketches.

use russet_data::hyperloglog::{Encoding, Registers, make_dense, self_test};

use super::sketches::{copy, corrupted, sketch, store};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Key};

pub const PFDEBUG: Command = Command {
    group: Group::HyperLogLog,
    since: "2.8.9",
    summary: "Shows what is inside a sketch.",
    complexity: "N/A",
    syntax: "subcommand key",
    keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::ACCESS))],
    ..Command::new("pfdebug", 3, DEBUG_FLAGS, pfdebug)
};

const DEBUG_FLAGS: Flags =
    Flags::WRITE.union(Flags::DENYOOM).union(Flags::ADMIN).union(Flags::SYSTEM);

fn pfdebug(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, word) = (ctx.key(2), ctx.args.get(1));
    let is = |subcommand: &str| word.eq_ignore_ascii_case(subcommand.as_bytes());
    if !ctx.db.use_for_write(key) {
        return Err(Error::new("ERR The specified key does not exist"));
    }
    let entry = ctx.db.peek(key).expect("it was just found");
    let sketch = sketch(&entry)?;
    match () {
        () if is("GETREG") => {
            let mut registers = Registers::new();
            registers.merge(sketch).map_err(corrupted)?;
            densify(ctx, key)?;
            ctx.out.array(registers.values().len());
            registers.values().iter().for_each(|rank| ctx.out.integer((*rank).into()));
        }
        () if is("DECODE") => {
            let runs =
                sketch.describe_runs().ok_or(Error::new("ERR HLL encoding is not sparse"))?;
            ctx.out.bulk(runs.as_bytes());
        }
        () if is("ENCODING") => ctx.out.simple(match sketch.encoding() {
            Encoding::Dense => "dense",
            Encoding::Sparse => "sparse",
        }),
        () if is("TODENSE") => {
            let was_sparse = densify(ctx, key)?;
            ctx.out.integer(was_sparse.into());
        }
        () => return Err(Error::quoting("ERR Unknown PFDEBUG subcommand '{}'", &[word])),
    }
    Ok(())
}

/// Makes the sketch of a key dense, and returns whether it was sparse.
fn densify(ctx: &mut Ctx<'_>, key: Key<'_>) -> Result<bool, Error> {
    let was_sparse = ctx.db.update(key, |entry| {
        let mut sketch = copy(entry);
        let was_sparse = make_dense(&mut sketch).map_err(corrupted)?;
        if was_sparse {
            store(entry, sketch);
        }
        Ok(was_sparse)
    });
    let was_sparse = was_sparse.transpose()?.unwrap_or_default();
    if was_sparse {
        // So that the journal has it; watchers see no change, as in Redis.
        ctx.db.count_changes(1);
    }
    Ok(was_sparse)
}

pub const PFSELFTEST: Command = Command {
    name: "pfselftest",
    arity: 1,
    flags: Flags::ADMIN.union(Flags::SYSTEM),
    summary: "Counts a hundred thousand elements to see whether estimates are right.",
    syntax: "",
    keys: &[],
    handler: |ctx| {
        self_test().map_err(|wrong| Error::new(format!("TESTFAILED {wrong}")))?;
        ctx.out.ok();
        Ok(())
    },
    ..PFDEBUG
};
