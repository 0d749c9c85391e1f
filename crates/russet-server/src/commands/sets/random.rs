//! SPOP and SRANDMEMBER.

use russet_data::set::Set;

use super::{FAST_WRITE, READ, event};
use crate::command::{Command, Group, KeyFlags, KeySpec};
use crate::commands::collections::{Draw, not_negative, repetitions, reply};
use crate::error::Error;
use crate::exec::{Ctx, Event, values};
use crate::journal::removal_name;

pub const SRANDMEMBER: Command = Command {
    group: Group::Set,
    summary: "Returns members chosen at random: different ones, or, with a negative count, each of \
              all.",
    complexity: "Without a count O(1), otherwise O(N) where N is its absolute value.",
    syntax: "key [count:integer]",
    history: &[("2.6.0", "Added the count.")],
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("srandmember", -2, READ, srandmember)
};

fn srandmember(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    match ctx.args.len() {
        2 => {}
        3 => return draw(ctx),
        _ => return Err(Error::SYNTAX),
    }
    let key = ctx.key(1);
    let Ctx { db, out, worker, .. } = ctx;
    let set = values::read::<Set>(db, key)?;
    let mut random = worker.foresight.with(|| worker.random.u64(..));
    match set.as_ref().and_then(|set| set.random(&mut random)) {
        Some(member) => reply(out, member),
        None => out.null(),
    }
    Ok(())
}

fn draw(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let draw = Draw::parse(ctx, 2)?;
    let key = ctx.key(1);
    let Ctx { db, out, worker, .. } = ctx;
    let Some(set) = values::read::<Set>(db, key)? else {
        out.empty_array();
        return Ok(());
    };
    let mut random = || worker.random.u64(..);
    match draw {
        Draw::Distinct(count) => {
            let count = count.min(set.len() as u64) as usize;
            out.array(count);
            set.sample(count, &mut random, |member| reply(out, member));
        }
        Draw::Repeated(count) => {
            let count = repetitions(count)?;
            out.array(count);
            for _ in 0..count {
                reply(out, set.random(&mut random).expect("no key holds an empty set"));
            }
        }
    }
    Ok(())
}

pub const SPOP: Command = Command {
    name: "spop",
    flags: FAST_WRITE,
    summary: "Removes members chosen at random, and returns them.",
    complexity: "Without a count O(1), otherwise O(N) where N is the count.",
    history: &[("3.2.0", "Added the count.")],
    keys: &[KeySpec::one(1, KeyFlags::TAKES)],
    handler: spop,
    ..SRANDMEMBER
};

const EVENT_SPOP: Event = event("spop");

fn spop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    match ctx.args.len() {
        2 => {}
        3 => return spop_many(ctx),
        _ => return Err(Error::SYNTAX),
    }
    let key = ctx.key(1);
    let Ctx { db, out, worker, .. } = ctx;
    let is_journaled = db.is_journaled();
    let updated = values::update::<Set, _>(db, key, |set| {
        let random = &mut worker.foresight.with(|| worker.random.u64(..));
        set.remove_random(random, |member| {
            reply(out, member);
            is_journaled.then(|| member.to_vec())
        })
    })?;
    let Some(updated) = updated else {
        out.null();
        return Ok(());
    };
    if let Some(member) = updated.result.flatten() {
        db.journal_as(&[b"SREM", key.bytes, &member]);
    }
    db.changed(key, EVENT_SPOP);
    if updated.is_empty {
        values::remove_emptied(db, key);
    }
    Ok(())
}

fn spop_many(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let count = not_negative(ctx, 2)?;
    let key = ctx.key(1);
    let Ctx { db, out, worker, server, .. } = ctx;
    // Counts as a use of the key, whatever is done to it.
    db.use_for_write(key);
    let Some(len) = values::held::<Set>(db.look(key))?.map(|set| set.len()).filter(|_| count > 0)
    else {
        out.set(0);
        return Ok(());
    };
    if count >= len {
        out.set(len);
        if let Some(set) = values::held::<Set>(db.look(key))? {
            set.iter().for_each(|member| reply(out, member));
        }
        let removal = removal_name(worker.config.lazyfree_lazy_server_del);
        db.journal_as(&[removal, key.bytes]);
        db.changed_by(key, EVENT_SPOP, len as u64);
        if let Some(emptied) = db.remove(key) {
            server.lazy_free.free(emptied);
        }
        db.notify(Event::DEL, key.bytes);
        return Ok(());
    }
    out.set(count);
    let is_journaled = db.is_journaled();
    let mut removed = Vec::new();
    values::update::<Set, _>(db, key, |set| {
        let random = &mut worker.foresight.with(|| worker.random.u64(..));
        for _ in 0..count {
            set.remove_random(random, |member| {
                reply(out, member);
                if is_journaled {
                    removed.push(member.to_vec());
                }
            });
        }
    })?;
    let srem =
        [&b"SREM"[..], key.bytes].into_iter().chain(removed.iter().map(|member| &member[..]));
    db.journal_as(&srem.collect::<Vec<_>>());
    db.changed_by(key, EVENT_SPOP, count as u64);
    Ok(())
}
