//! KEYS and RANDOMKEY.

use std::collections::VecDeque;

use russet_data::glob::{self, Case};

use crate::command::{Categories, Command, Flags, Group};
use crate::error::Error;
use crate::exec::fiber::{Slices, wait_for};
use crate::exec::{Ctx, Drawn};

/// What a walk over keys looks for.
pub(in crate::commands) enum Pattern<'a> {
    /// `*`, which needs no look at the key.
    Any,
    /// A glob-style pattern.
    Glob(&'a [u8]),
}

impl<'a> Pattern<'a> {
    pub(super) fn new(pattern: &'a [u8]) -> Self {
        if pattern == b"*" { Pattern::Any } else { Pattern::Glob(pattern) }
    }

    pub(in crate::commands) fn matches(&self, key: &[u8]) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Glob(pattern) => glob::matches(pattern, key, Case::Sensitive),
        }
    }
}

pub const KEYS: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    summary: "Lists all keys that match a pattern.",
    complexity: "O(N) where N is the number of keys in the database, for patterns and keys that \
                 are not long.",
    syntax: "pattern:pattern",
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    ..Command::new("keys", 2, Flags::READONLY.union(Flags::WALKS), keys)
};

fn keys(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let pattern = Pattern::new(ctx.args.get(1));
    let pauser = ctx.pauser();
    let Ctx { out, db, server, worker, client, .. } = ctx;
    let reply = out.deferred();
    let mut found = 0;
    let mut show = |entry: &russet_keyspace::entry::Entry| {
        if pattern.matches(entry.key()) {
            out.bulk(entry.key());
            found += 1;
        }
    };
    // Shards with where to go on in them. One that somebody holds is come back to later.
    let mut left: VecDeque<(usize, u64)> =
        (0..server.keyspace.shard_count()).map(|shard| (shard, 0)).collect();
    let mut refusals = 0;
    let mut slices = Slices::new(worker);
    while let Some((shard, from)) = left.pop_front() {
        match db.walk(shard, from, usize::MAX, &mut show) {
            Some(stretch) => {
                refusals = 0;
                if stretch.next != 0 {
                    left.push_front((shard, stretch.next));
                }
                slices.end_step(pauser, worker, client)?;
            }
            None => {
                left.push_back((shard, from));
                refusals += 1;
                if refusals >= left.len() {
                    wait_for(shard, pauser, worker, client)?;
                    refusals = 0;
                }
            }
        }
    }
    out.finish_array(reply, found);
    Ok(())
}

pub const RANDOMKEY: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    summary: "Returns a key chosen at random.",
    tips: &["request_policy:all_shards", "nondeterministic_output"],
    ..Command::new("randomkey", 1, Flags::READONLY.union(Flags::WALKS), randomkey)
};

fn randomkey(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let pauser = ctx.pauser();
    let Ctx { out, db, worker, client, .. } = ctx;
    loop {
        match db.random(&mut worker.random, &mut |entry| out.bulk(entry.key())) {
            Drawn::Shown => return Ok(()),
            Drawn::None => {
                out.null();
                return Ok(());
            }
            Drawn::Held(shard) => wait_for(shard, pauser, worker, client)?,
        }
    }
}
