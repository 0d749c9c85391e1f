//! How long keys live, and letting them live for ever.

use super::{FAST_READ, FAST_WRITE, UPDATES};
use crate::command::{Categories, Command, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event};

const TIPS: &[&str] = &["nondeterministic_output"];
const HISTORY: &[(&str, &str)] = &[("2.8.0", "Answers -2 if there is no such key.")];

pub const TTL: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    summary: "Tells how many seconds a key has left to live.",
    syntax: "key",
    history: HISTORY,
    tips: TIPS,
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("ttl", 2, FAST_READ, |ctx| ttl(ctx, |ms, now| to_seconds((ms - now).max(0))))
};

pub const PTTL: Command = Command {
    name: "pttl",
    since: "2.6.0",
    summary: "Tells how many milliseconds a key has left to live.",
    handler: |ctx| ttl(ctx, |ms, now| (ms - now).max(0)),
    ..TTL
};

pub const EXPIRETIME: Command = Command {
    name: "expiretime",
    since: "7.0.0",
    summary: "Tells at which Unix time in seconds a key expires.",
    history: &[],
    tips: &[],
    handler: |ctx| ttl(ctx, |ms, _| to_seconds(ms)),
    ..TTL
};

pub const PEXPIRETIME: Command = Command {
    name: "pexpiretime",
    summary: "Tells at which Unix time in milliseconds a key expires.",
    handler: |ctx| ttl(ctx, |ms, _| ms),
    ..EXPIRETIME
};

const NO_KEY: i64 = -2;
const NO_EXPIRY: i64 = -1;

/// Answers with what `shown` makes of the expiry and the present time.
fn ttl(ctx: &mut Ctx<'_>, shown: impl Fn(i64, i64) -> i64) -> Result<(), Error> {
    let (key, now_ms) = (ctx.key(1), ctx.db.now_ms());
    let answer = match ctx.db.inspect(key).map(|entry| entry.expire_at_ms()) {
        None => NO_KEY,
        Some(None) => NO_EXPIRY,
        Some(Some(expire_at_ms)) => shown(expire_at_ms, now_ms),
    };
    ctx.out.integer(answer);
    Ok(())
}

/// Rounds as Redis does.
fn to_seconds(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

pub const PERSIST: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    since: "2.2.0",
    summary: "Lets a key live for ever.",
    syntax: "key",
    keys: &[KeySpec::one(1, UPDATES)],
    ..Command::new("persist", 2, FAST_WRITE, persist)
};

fn persist(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let persisted = ctx.db.update(key, |entry| {
        let had_expiry = entry.expire_at_ms().is_some();
        if had_expiry {
            entry.set_expire_at_ms(None);
        }
        had_expiry
    });
    let persisted = persisted == Some(true);
    if persisted {
        ctx.db.changed(key, Event::PERSIST);
    }
    ctx.out.integer(persisted.into());
    Ok(())
}
