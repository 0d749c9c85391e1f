//! TIME, LASTSAVE, ROLE: what a server says of itself in a few numbers.

use std::sync::atomic::Ordering;

use crate::command::{Categories, Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;
use crate::worker::clock::unix_us;

/// What the three have in common.
const COMMON: Flags = Flags::LOADING.union(Flags::STALE).union(Flags::FAST);

pub const TIME: Command = Command {
    group: Group::Server,
    since: "2.6.0",
    summary: "Returns the server's clock: Unix seconds, and microseconds within the second.",
    tips: &["nondeterministic_output"],
    ..Command::new("time", 1, COMMON, time)
};

fn time(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let now_us = unix_us();
    ctx.out.array(2);
    ctx.out.bulk_int(now_us / 1_000_000);
    ctx.out.bulk_int(now_us % 1_000_000);
    Ok(())
}

pub const LASTSAVE: Command = Command {
    group: Group::Server,
    categories: Categories::ADMIN.union(Categories::DANGEROUS),
    summary: "Returns the Unix time of the last save that succeeded.",
    tips: &["nondeterministic_output"],
    ..Command::new("lastsave", 1, COMMON, lastsave)
};

fn lastsave(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.integer(ctx.server.persistence.last_save_s.load(Ordering::Relaxed));
    Ok(())
}

pub const ROLE: Command = Command {
    group: Group::Server,
    categories: Categories::ADMIN.union(Categories::DANGEROUS),
    since: "2.8.12",
    summary: "Returns the server's part in replication.",
    ..Command::new("role", 1, COMMON.union(Flags::NOSCRIPT), role)
};

/// A primary at offset 0 without replicas: nothing replicates yet.
fn role(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.array(3);
    ctx.out.bulk(b"master");
    ctx.out.integer(0);
    ctx.out.empty_array();
    Ok(())
}
