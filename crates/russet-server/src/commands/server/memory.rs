//! MEMORY.

use russet_resp::ReplyWriter;

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::help;
use crate::error::Error;
use crate::exec::Ctx;
use crate::memory::{self, Figures, Human, Ratio};

/// See the module's documentation.
pub const MEMORY: Command = Command {
    summary: "Groups the commands that concern the use of memory.",
    complexity: "Depends on subcommand.",
    subcommands: &[
        DOCTOR,
        help::declare(Group::Server, "4.0.0"),
        MALLOC_STATS,
        PURGE,
        STATS,
        USAGE,
    ],
    ..declare("memory", -2, Flags::empty(), help::without_subcommand)
};

/// What all of them have in common.
const fn declare(
    name: &'static str,
    arity: i32,
    flags: Flags,
    handler: crate::command::Handler,
) -> Command {
    Command { group: Group::Server, since: "4.0.0", ..Command::new(name, arity, flags, handler) }
}

/// Tips on the reports, of which each shard of a cluster has its own.
const OF_EVERY_SHARD: &[&str] =
    &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

const USAGE: Command = Command {
    summary: "Estimates the memory that a key and its value take.",
    complexity: "O(1).",
    syntax: "key [SAMPLES count:integer]",
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    ..declare("usage", -3, Flags::READONLY, usage)
};

/// Checks what USAGE is told beside the key: how many elements of a collection to look at, 0 for all.
/// Values know their size, so that it makes no difference.
fn check_samples(ctx: &Ctx<'_>) -> Result<(), Error> {
    for at in (3..ctx.args.len()).step_by(2) {
        if !ctx.is(at, "SAMPLES") || at + 1 == ctx.args.len() || ctx.int(at + 1)? < 0 {
            return Err(Error::SYNTAX);
        }
    }
    Ok(())
}

fn usage(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    check_samples(ctx)?;
    let key = ctx.key(2);
    match ctx.db.footprint(key) {
        Some(bytes) => ctx.out.integer(bytes as i64),
        None => ctx.out.null(),
    }
    Ok(())
}

const STATS: Command = Command {
    summary: "Returns where the memory is.",
    tips: OF_EVERY_SHARD,
    ..declare("stats", 2, Flags::WALKS, stats)
};

fn stats(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let tables = memory::tables(&mut ctx.db);
    let figures = Figures::take(ctx.server, tables);
    let allocator = figures.allocator;
    let out = &mut ctx.out;
    out.map(27 + figures.tables.len());
    number(out, "peak.allocated", figures.peak);
    number(out, "total.allocated", figures.used);
    number(out, "startup.allocated", figures.startup);
    number(out, "replication.backlog", 0);
    number(out, "clients.slaves", 0);
    number(out, "clients.normal", figures.clients);
    number(out, "cluster.links", 0);
    number(out, "aof.buffer", figures.log);
    number(out, "lua.caches", ctx.server.scripts.allocated_bytes() as u64);
    number(out, "functions.caches", 0);
    for db in &figures.tables {
        out.bulk(format!("db.{}", db.db).as_bytes());
        out.map(3);
        number(out, "overhead.hashtable.main", db.entries);
        number(out, "overhead.hashtable.expires", db.expiries);
        number(out, "overhead.hashtable.slot-to-keys", 0);
    }
    number(out, "overhead.total", figures.overhead);
    number(out, "keys.count", figures.keys);
    number(out, "keys.bytes-per-key", figures.bytes_per_key());
    number(out, "dataset.bytes", figures.dataset);
    double(out, "dataset.percentage", figures.dataset_percent());
    double(out, "peak.percentage", figures.peak_percent());
    number(out, "allocator.allocated", allocator.allocated);
    number(out, "allocator.active", allocator.active);
    number(out, "allocator.resident", allocator.resident);
    let ratios = [
        (
            ["allocator-fragmentation.ratio", "allocator-fragmentation.bytes"],
            allocator.fragmentation(),
        ),
        (["allocator-rss.ratio", "allocator-rss.bytes"], allocator.retention()),
        (["rss-overhead.ratio", "rss-overhead.bytes"], allocator.beside()),
        (["fragmentation", "fragmentation.bytes"], figures.fragmentation()),
    ];
    for ([factor, bytes], ratio) in ratios {
        double(out, factor, ratio.factor);
        out.bulk(bytes.as_bytes());
        out.integer(ratio.bytes);
    }
    Ok(())
}

fn number(out: &mut ReplyWriter<'_>, name: &str, number: u64) {
    out.bulk(name.as_bytes());
    out.integer(number as i64);
}

fn double(out: &mut ReplyWriter<'_>, name: &str, number: f64) {
    out.bulk(name.as_bytes());
    out.double(number);
}

const DOCTOR: Command = Command {
    summary: "Says in words what is wrong with the use of memory, if anything is.",
    tips: OF_EVERY_SHARD,
    ..declare("doctor", 2, Flags::empty(), doctor)
};

/// With less than this in use, ratios mean nothing.
const TOO_LITTLE_BYTES: u64 = 5 << 20;
/// Less than this between two figures is no problem, whatever their ratio.
const NEGLIGIBLE_BYTES: i64 = 10 << 20;
/// Clients with more than this on average hold too much.
const CLIENT_BYTES: u64 = 200 << 10;

/// What is wrong, in a sentence or two for each.
fn complaints(figures: &Figures, clients: u64) -> Vec<String> {
    let mut complaints = Vec::new();
    if figures.peak as f64 / figures.used as f64 > 1.5 {
        complaints.push(format!(
            "Peak: at its peak the server used {}, now it uses {}. The allocator may not be able to \
             return all of the difference to the system; what it keeps is used again when the \
             data grows again. MEMORY PURGE returns what can be returned.",
            Human(figures.peak),
            Human(figures.used)
        ));
    }
    let mut compare = |ratio: Ratio, limit: f64, problem: &str| {
        if ratio.factor > limit && ratio.bytes > NEGLIGIBLE_BYTES {
            let bytes = Human(ratio.bytes.unsigned_abs());
            complaints.push(format!("{problem} ({:.2} times, {bytes} more).", ratio.factor));
        }
    };
    let allocator = &figures.allocator;
    compare(
        figures.fragmentation(),
        1.4,
        "Fragmentation: more memory is resident than is allocated. After a peak that is to be \
         expected; without one the sizes of values may have changed a lot",
    );
    compare(
        allocator.fragmentation(),
        1.1,
        "Gaps: the allocator's pages have room between allocations that nothing fits into",
    );
    compare(
        allocator.retention(),
        1.1,
        "Retention: the allocator keeps pages for later. MEMORY PURGE returns them",
    );
    compare(
        allocator.beside(),
        1.1,
        "Beside the allocator: the process has memory that the allocator does not know of",
    );
    if figures.clients / clients.max(1) > CLIENT_BYTES {
        complaints.push(format!(
            "Clients: on average each holds more than {}. One that does not read its replies, or a \
             pipeline without end, can be found with CLIENT LIST; client-output-buffer-limit and \
             maxmemory-clients set limits.",
            Human(CLIENT_BYTES)
        ));
    }
    complaints
}

fn doctor(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let figures = Figures::take(ctx.server, Vec::new());
    let text = if figures.used < TOO_LITTLE_BYTES {
        "There is next to no data yet: nothing can be said about the use of memory.".to_owned()
    } else {
        let complaints = complaints(&figures, ctx.server.clients.len() as u64);
        if complaints.is_empty() {
            "No problem found in the use of memory.".to_owned()
        } else {
            complaints.iter().map(|complaint| format!(" * {complaint}\n\n")).collect()
        }
    };
    ctx.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

const MALLOC_STATS: Command = Command {
    summary: "Returns the allocator's own report.",
    tips: OF_EVERY_SHARD,
    ..declare("malloc-stats", 2, Flags::empty(), |ctx| {
        ctx.out.verbatim(b"txt", &memory::statistics());
        Ok(())
    })
};

const PURGE: Command = Command {
    summary: "Returns to the system what memory the allocator keeps for later.",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..declare("purge", 2, Flags::empty(), |ctx| {
        memory::purge();
        ctx.out.ok();
        Ok(())
    })
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Allocator;

    fn figures(used: u64, peak: u64, resident: u64) -> Figures {
        let allocator =
            Allocator { allocated: used, active: used, resident: used, process_resident: resident };
        Figures {
            used,
            peak,
            startup: 0,
            clients: 0,
            log: 0,
            tables: Vec::new(),
            overhead: 0,
            dataset: used,
            keys: 0,
            allocator,
        }
    }

    #[test]
    fn the_doctor_complains_of_what_is_wrong() {
        const MIB: u64 = 1 << 20;
        assert!(complaints(&figures(100 * MIB, 110 * MIB, 105 * MIB), 1).is_empty());
        let found = complaints(&figures(100 * MIB, 200 * MIB, 100 * MIB), 1);
        assert!(found.len() == 1 && found[0].contains("200.00M"), "{found:?}");
        let found = complaints(&figures(100 * MIB, 100 * MIB, 150 * MIB), 1);
        assert!(found.len() == 2 && found[0].contains("1.50 times, 50.00M"), "{found:?}");
        let mut clients = figures(100 * MIB, 100 * MIB, 100 * MIB);
        clients.clients = 10 * MIB;
        assert_eq!((complaints(&clients, 10).len(), complaints(&clients, 1000).len()), (1, 0));
    }
}
