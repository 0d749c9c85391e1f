//! Adding, counting, merging.

use russet_data::hyperloglog::{
    Encoding, Registers, cache_count, make_dense, new_sketch, outdate_count, raise, raise_dense,
    register_of,
};

use super::sketches::{copy, corrupted, new_entry, sketch, store};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Args, Ctx, Event, EventClass};

/// Event of everything that changes a sketch.
const EVENT_PFADD: Event = Event::new(EventClass::STRING, "pfadd");

pub const PFADD: Command = Command {
    group: Group::HyperLogLog,
    since: "2.8.9",
    summary: "Counts elements, and tells whether that changed anything.",
    complexity: "O(1) for each element.",
    syntax: "key [element...]",
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    ..Command::new("pfadd", -2, Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST), pfadd)
};

fn pfadd(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (key, args) = (ctx.key(1), ctx.args);
    let sparse_max = ctx.config().hll_sparse_max_bytes as usize;
    let raised = ctx.db.update(key, |entry| {
        if sketch(entry)?.encoding() == Encoding::Dense {
            let sketch = entry.bytes_mut();
            let raised = args.iter_from(2).filter(|element| {
                let (register, rank) = register_of(element);
                raise_dense(sketch, register, rank)
            });
            let raised = raised.count();
            if raised > 0 {
                outdate_count(sketch);
            }
            return Ok(raised);
        }
        let mut sketch = copy(entry);
        let raised = add_all(&mut sketch, args, sparse_max)?;
        if raised > 0 {
            store(entry, sketch);
        }
        Ok(raised)
    });
    let changes = match raised {
        Some(raised) => raised?,
        None => {
            let mut sketch = new_sketch();
            let raised = add_all(&mut sketch, args, sparse_max)?;
            outdate_count(&mut sketch);
            ctx.db.add(key.hash, new_entry(key.bytes, sketch));
            1 + raised
        }
    };
    if changes > 0 {
        ctx.db.changed_by(key, EVENT_PFADD, changes as u64);
    }
    ctx.out.integer((changes > 0).into());
    Ok(())
}

/// Counts the elements of a call, and returns how many registers that raised.
fn add_all(sketch: &mut Vec<u8>, args: Args<'_>, sparse_max: usize) -> Result<usize, Error> {
    let mut raised = 0;
    for element in args.iter_from(2) {
        let (register, rank) = register_of(element);
        raised += usize::from(raise(sketch, register, rank, sparse_max).map_err(corrupted)?);
    }
    if raised > 0 {
        outdate_count(sketch);
    }
    Ok(raised)
}

pub const PFCOUNT: Command = Command {
    name: "pfcount",
    flags: Flags::READONLY.union(Flags::MAY_REPLICATE),
    summary: "Estimates how many different elements several sketches have counted together.",
    complexity: "O(1) for one key, whose last estimate is remembered; O(N) for N keys.",
    syntax: "key...",
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RW.union(KeyFlags::ACCESS))],
    handler: |ctx| if ctx.args.len() > 2 { count_together(ctx) } else { count_one(ctx) },
    ..PFADD
};

fn count_one(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let Some(entry) = ctx.db.read(key) else {
        ctx.out.integer(0);
        return Ok(());
    };
    let sketch = sketch(&entry)?;
    let count = match sketch.cached_count() {
        Some(count) => count,
        None => {
            let count = sketch.estimate().map_err(corrupted)?;
            ctx.db.update(key, |entry| cache_count(entry.bytes_mut(), count));
            // A change that others must hear of, though it is no event.
            ctx.db.touch(key);
            ctx.db.count_changes(1);
            count
        }
    };
    ctx.out.integer(count as i64);
    Ok(())
}

fn count_together(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let mut registers = Registers::new();
    for nth in 0..ctx.args.len() - 1 {
        if let Some(entry) = ctx.db.read(ctx.nth_key(nth, 1, 1)) {
            registers.merge(sketch(&entry)?).map_err(corrupted)?;
        }
    }
    ctx.out.integer(registers.estimate() as i64);
    Ok(())
}

pub const PFMERGE: Command = Command {
    name: "pfmerge",
    flags: Flags::WRITE.union(Flags::DENYOOM),
    summary: "Merges sketches into one that has counted what they have.",
    complexity: "O(N) where N is the number of sketches.",
    syntax: "destkey [sourcekey...]",
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::INSERT)),
        KeySpec::range(2, -1, 1, KeyFlags::READS),
    ],
    handler: pfmerge,
    ..PFADD
};

fn pfmerge(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let sparse_max = ctx.config().hll_sparse_max_bytes as usize;
    let (mut registers, mut is_dense) = (Registers::new(), false);
    for nth in 0..ctx.args.len() - 1 {
        if let Some(entry) = ctx.db.read(ctx.nth_key(nth, 1, 1)) {
            let sketch = sketch(&entry)?;
            is_dense |= sketch.encoding() == Encoding::Dense;
            registers.merge(sketch).map_err(corrupted)?;
        }
    }
    let merge_into = |sketch: &mut Vec<u8>| -> Result<(), Error> {
        if is_dense {
            make_dense(sketch).map_err(corrupted)?;
        }
        for (register, rank) in registers.set() {
            raise(sketch, register, rank, sparse_max).map_err(corrupted)?;
        }
        outdate_count(sketch);
        Ok(())
    };
    let key = ctx.nth_key(0, 1, 1);
    let updated = ctx.db.update(key, |entry| {
        let mut sketch = copy(entry);
        merge_into(&mut sketch)?;
        store(entry, sketch);
        Ok(())
    });
    match updated {
        Some(result) => result?,
        None => {
            let mut sketch = new_sketch();
            merge_into(&mut sketch)?;
            ctx.db.add(key.hash, new_entry(key.bytes, sketch));
        }
    }
    ctx.db.changed(key, EVENT_PFADD);
    ctx.out.ok();
    Ok(())
}
