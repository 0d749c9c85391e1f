//! Giving keys a time to live: EXPIRE and its relatives.

use super::{FAST_WRITE, UPDATES};
use crate::command::{Categories, Command, Group, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event};
use crate::journal::removal_name;

const OPTIONS_HISTORY: &[(&str, &str)] =
    &[("7.0.0", "Added the options `NX`, `XX`, `GT` and `LT`.")];

pub const EXPIRE: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    summary: "Lets a key expire after a number of seconds.",
    syntax: "key seconds:integer [condition(NX|XX|GT|LT)]",
    history: OPTIONS_HISTORY,
    keys: &[KeySpec::one(1, UPDATES)],
    ..Command::new("expire", -3, FAST_WRITE, |ctx| expire(ctx, Scale::Seconds, From::Now))
};

pub const PEXPIRE: Command = Command {
    name: "pexpire",
    since: "2.6.0",
    summary: "Lets a key expire after a number of milliseconds.",
    syntax: "key milliseconds:integer [condition(NX|XX|GT|LT)]",
    handler: |ctx| expire(ctx, Scale::Milliseconds, From::Now),
    ..EXPIRE
};

pub const EXPIREAT: Command = Command {
    name: "expireat",
    since: "1.2.0",
    summary: "Lets a key expire at a Unix time in seconds.",
    syntax: "key unix-time-seconds:unix-time [condition(NX|XX|GT|LT)]",
    handler: |ctx| expire(ctx, Scale::Seconds, From::Epoch),
    ..EXPIRE
};

pub const PEXPIREAT: Command = Command {
    name: "pexpireat",
    since: "2.6.0",
    summary: "Lets a key expire at a Unix time in milliseconds.",
    syntax: "key unix-time-milliseconds:unix-time [condition(NX|XX|GT|LT)]",
    handler: |ctx| expire(ctx, Scale::Milliseconds, From::Epoch),
    ..EXPIRE
};

/// The unit of a time in milliseconds.
#[derive(Clone, Copy)]
enum Scale {
    Milliseconds = 1,
    Seconds = 1000,
}

/// From when a time counts.
#[derive(Clone, Copy)]
enum From {
    Epoch,
    Now,
}

/// When the expiry is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Condition {
    /// Only if there is none.
    absent: bool,
    /// Only if there is one.
    present: bool,
    /// Only if it becomes later; none is later than any.
    greater: bool,
    /// Only if it becomes earlier.
    less: bool,
}

impl Condition {
    fn parse(ctx: &Ctx<'_>) -> Result<Self, Error> {
        let mut condition = Condition::default();
        for at in 3..ctx.args.len() {
            match () {
                () if ctx.is(at, "NX") => condition.absent = true,
                () if ctx.is(at, "XX") => condition.present = true,
                () if ctx.is(at, "GT") => condition.greater = true,
                () if ctx.is(at, "LT") => condition.less = true,
                () => {
                    return Err(Error::quoting("ERR Unsupported option {}", &[ctx.args.get(at)]));
                }
            }
        }
        let Condition { absent, present, greater, less } = condition;
        if absent && (present || greater || less) {
            return Err(Error::new(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if greater && less {
            return Err(Error::new("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    /// Whether an expiry may be replaced by another.
    fn allows(self, before_ms: Option<i64>, after_ms: i64) -> bool {
        match before_ms {
            None => !self.present && !self.greater,
            Some(before_ms) => {
                !self.absent
                    && (!self.greater || after_ms > before_ms)
                    && (!self.less || after_ms < before_ms)
            }
        }
    }
}

/// What became of the key.
enum Outcome {
    Refused,
    Expires,
    /// Its time has come already.
    Past,
}

fn expire(ctx: &mut Ctx<'_>, scale: Scale, from: From) -> Result<(), Error> {
    let condition = Condition::parse(ctx)?;
    let now_ms = ctx.db.now_ms();
    let base_ms = match from {
        From::Epoch => 0,
        From::Now => now_ms,
    };
    let deadline_ms = ctx.int(2)?.checked_mul(scale as i64).and_then(|ms| ms.checked_add(base_ms));
    let deadline_ms = deadline_ms.ok_or_else(|| {
        Error::new(format!("ERR invalid expire time in '{}' command", ctx.command.full_name))
    })?;
    let key = ctx.key(1);
    let outcome = ctx.db.update(key, |entry| {
        if !condition.allows(entry.expire_at_ms(), deadline_ms) {
            return Outcome::Refused;
        }
        if deadline_ms <= now_ms {
            return Outcome::Past;
        }
        entry.set_expire_at_ms(Some(deadline_ms));
        Outcome::Expires
    });
    match outcome {
        None | Some(Outcome::Refused) => {
            ctx.out.integer(0);
            return Ok(());
        }
        Some(Outcome::Expires) => {
            ctx.db.changed(key, Event::EXPIRE);
            // An absolute time means the same whenever the journal is replayed.
            let deadline = itoa::Buffer::new().format(deadline_ms).as_bytes().to_vec();
            ctx.db.journal_as(&[b"PEXPIREAT", key.bytes, &deadline]);
        }
        Some(Outcome::Past) => {
            let removed = ctx.db.remove(key).expect("it was just found");
            ctx.server.lazy_free.free(removed);
            ctx.db.changed(key, Event::DEL);
            let removal = removal_name(ctx.config().lazyfree_lazy_expire);
            ctx.db.journal_as(&[removal, key.bytes]);
        }
    }
    ctx.out.integer(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_with_the_expiry_there_is() {
        let any = Condition::default();
        let (nx, xx) = (Condition { absent: true, ..any }, Condition { present: true, ..any });
        let (gt, lt) = (Condition { greater: true, ..any }, Condition { less: true, ..any });
        let allowed = |condition: Condition| {
            [None, Some(4), Some(5), Some(6)].map(|before_ms| condition.allows(before_ms, 5))
        };
        assert_eq!(allowed(any), [true; 4]);
        assert_eq!(allowed(nx), [true, false, false, false]);
        assert_eq!(allowed(xx), [false, true, true, true]);
        assert_eq!(allowed(gt), [false, true, false, false]);
        assert_eq!(allowed(lt), [true, false, false, true]);
        assert_eq!(allowed(Condition { present: true, ..lt }), [false, false, false, true]);
    }
}
