//! Reading a string and ending its life, now or later: GETDEL, GETEX, and the options by which
//! these and SET say when.

use russet_data::number::IntBuf as DecimalBuf;
use russet_keyspace::entry::IntBuf;

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::config::Compatibility;
use crate::error::Error;
use crate::exec::values::string;
use crate::exec::{Ctx, Event, Key};
use crate::journal::removal_name;

pub const GETDEL: Command = Command {
    group: Group::String,
    since: "6.2.0",
    summary: "Deletes a key and returns the string value it had.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::TAKES)],
    ..Command::new("getdel", 2, Flags::WRITE.union(Flags::FAST), getdel)
};

pub const GETEX: Command = Command {
    group: Group::String,
    since: "6.2.0",
    summary: "Returns the string value of a key, and sets or removes its expiry if asked to.",
    syntax: "key [expiration(EX seconds:integer | PX milliseconds:integer | \
             EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | PERSIST)]",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES)],
    ..Command::new("getex", -2, Flags::WRITE.union(Flags::FAST), getex)
};

/// In which unit, and from when, an expiry is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExpiryUnit {
    seconds: bool,
    absolute: bool,
}

impl ExpiryUnit {
    /// `EX`, and what SETEX takes.
    pub const SECONDS: ExpiryUnit = ExpiryUnit { seconds: true, absolute: false };
    /// `PX`, and what PSETEX takes.
    pub const MILLISECONDS: ExpiryUnit = ExpiryUnit { seconds: false, absolute: false };

    /// The unit that an option names.
    fn of(option: &[u8]) -> Option<Self> {
        [
            (&b"EX"[..], Self::SECONDS),
            (b"PX", Self::MILLISECONDS),
            (b"EXAT", ExpiryUnit { seconds: true, absolute: true }),
            (b"PXAT", ExpiryUnit { seconds: false, absolute: true }),
        ]
        .into_iter()
        .find_map(|(name, unit)| option.eq_ignore_ascii_case(name).then_some(unit))
    }

    /// The deadline that argument `at` gives, in Unix milliseconds.
    pub fn deadline_ms(self, ctx: &Ctx<'_>, at: usize) -> Result<i64, Error> {
        let given = ctx.int(at)?;
        let base_ms = if self.absolute { 0 } else { ctx.db.now_ms() };
        let scale = if self.seconds { 1000 } else { 1 };
        let deadline_ms = given.checked_mul(scale).and_then(|ms| ms.checked_add(base_ms));
        deadline_ms.filter(|_| given > 0).ok_or_else(|| {
            let name = &ctx.command.full_name;
            Error::new(match ctx.config().compatibility {
                Compatibility::V4_0 => format!("ERR invalid expire time in {name}"),
                Compatibility::V7_2 => format!("ERR invalid expire time in '{name}' command"),
            })
        })
    }
}

/// What a command's arguments say about the expiry. The time itself is looked at later: mistakes in
/// it come after mistakes of syntax, and for GETEX after a missing key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ExpiryOption {
    /// Nothing.
    None,
    /// A word: SET's `KEEPTTL`, GETEX' `PERSIST`.
    Word,
    /// A time in a unit, at an argument.
    Time(ExpiryUnit, usize),
}

impl ExpiryOption {
    /// Takes argument `at`, and the time behind it, if they are options of expiry that go with what
    /// was there before: only the same option may come again. Returns how many arguments it took.
    pub fn accept(&mut self, ctx: &Ctx<'_>, at: usize, word: &str) -> Option<usize> {
        if ctx.is(at, word) && matches!(self, ExpiryOption::None | ExpiryOption::Word) {
            *self = ExpiryOption::Word;
            return Some(1);
        }
        let unit = ExpiryUnit::of(ctx.args.get(at))?;
        let fits = match *self {
            ExpiryOption::None => true,
            ExpiryOption::Word => false,
            ExpiryOption::Time(before, _) => before == unit,
        };
        (fits && at + 1 < ctx.args.len()).then(|| {
            *self = ExpiryOption::Time(unit, at + 1);
            2
        })
    }
}

/// Has the journal record an expiry as the instant it stands for.
fn journal_deadline(ctx: &mut Ctx<'_>, key: Key<'_>, deadline_ms: i64) {
    let mut text = DecimalBuf::new();
    ctx.db.journal_as(&[b"PEXPIREAT", key.bytes, text.format_i64(deadline_ms)]);
}

fn getdel(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let key = ctx.key(1);
    let Some(entry) = string(ctx.db.read(key))? else {
        ctx.out.null();
        return Ok(());
    };
    ctx.out.bulk(entry.string_bytes(&mut IntBuf::new()));
    let lazily = ctx.config().lazyfree_lazy_user_del;
    delete(ctx, key, lazily);
    Ok(())
}

/// Deletes a key that was just read, under a `lazyfree-` directive.
fn delete(ctx: &mut Ctx<'_>, key: Key<'_>, lazily: bool) {
    if let Some(entry) = ctx.db.remove(key) {
        ctx.server.lazy_free.free(entry);
    }
    ctx.db.journal_as(&[removal_name(lazily), key.bytes]);
    ctx.db.changed(key, Event::DEL);
}

fn getex(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let mut option = ExpiryOption::None;
    let mut at = 2;
    while at < ctx.args.len() {
        at += option.accept(ctx, at, "PERSIST").ok_or(Error::SYNTAX)?;
    }
    let key = ctx.key(1);
    let Some(entry) = string(ctx.db.read(key))? else {
        ctx.out.null();
        return Ok(());
    };
    ctx.out.bulk(entry.string_bytes(&mut IntBuf::new()));
    match option {
        ExpiryOption::None => {}
        ExpiryOption::Word => {
            if entry.expire_at_ms().is_some() {
                ctx.db.update(key, |entry| entry.set_expire_at_ms(None));
                ctx.db.journal_as(&[b"PERSIST", key.bytes]);
                ctx.db.changed(key, Event::PERSIST);
            }
        }
        ExpiryOption::Time(unit, at) => {
            let deadline_ms = unit.deadline_ms(ctx, at)?;
            if unit.absolute && deadline_ms <= ctx.db.now_ms() {
                let lazily = ctx.config().lazyfree_lazy_expire;
                delete(ctx, key, lazily);
            } else {
                ctx.db.update(key, |entry| entry.set_expire_at_ms(Some(deadline_ms)));
                journal_deadline(ctx, key, deadline_ms);
                ctx.db.changed(key, Event::EXPIRE);
            }
        }
    }
    Ok(())
}
