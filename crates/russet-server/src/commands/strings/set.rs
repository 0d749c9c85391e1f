//! SET and its older relatives.

use russet_data::number::parse_i64;
use russet_data::object::ValueType;
use russet_keyspace::entry::{Entry, IntBuf};

use super::UPDATES;
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass, Key};

pub const SET: Command = Command {
    group: Group::String,
    summary: "Sets the string value of a key, whatever type it holds, creating it if need be.",
    syntax: "key value [condition(NX|XX)] [GET] [expiration(EX seconds:integer | \
             PX milliseconds:integer | EXAT unix-time-seconds:unix-time | \
             PXAT unix-time-milliseconds:unix-time | KEEPTTL)]",
    history: &[
        ("2.6.12", "Added the `EX`, `NX`, `PX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` options."),
        ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
    ],
    keys: &[KeySpec::one(1, UPDATES.union(KeyFlags::VARIABLE_FLAGS))],
    adopts: Some(2),
    ..Command::new("set", -3, Flags::WRITE.union(Flags::DENYOOM), set)
};

const EVENT_SET: Event = Event::new(EventClass::STRING, "set");
const EVENT_EXPIRE: Event = Event::new(EventClass::GENERIC, "expire");

/// Whether the key has to be there or not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Absent,
    Present,
}

/// What becomes of the expiry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiry {
    /// There is none afterwards.
    Clear,
    /// It stays.
    Keep,
    /// It is set to this time in Unix milliseconds.
    At(i64),
}

/// SET's options.
struct Options {
    condition: Option<Condition>,
    get: bool,
    expiry: Expiry,
}

impl Options {
    const PLAIN: Options = Options { condition: None, get: false, expiry: Expiry::Clear };

    #[cold]
    fn parse(ctx: &Ctx<'_>) -> Result<Options, Error> {
        let mut options = Options::PLAIN;
        let mut at = 3;
        while at < ctx.args.len() {
            let next = (at + 1 < ctx.args.len()).then_some(at + 1);
            let unit = ExpiryUnit::of(ctx.args.get(at));
            let unset = options.expiry == Expiry::Clear;
            if ctx.is(at, "NX") && options.condition != Some(Condition::Present) {
                options.condition = Some(Condition::Absent);
            } else if ctx.is(at, "XX") && options.condition != Some(Condition::Absent) {
                options.condition = Some(Condition::Present);
            } else if ctx.is(at, "GET") {
                options.get = true;
            } else if ctx.is(at, "KEEPTTL") && (unset || options.expiry == Expiry::Keep) {
                options.expiry = Expiry::Keep;
            } else if let (Some(unit), Some(value), true) = (unit, next, unset) {
                options.expiry = Expiry::At(unit.deadline_ms(ctx, value)?);
                at += 1;
            } else {
                return Err(Error::SYNTAX);
            }
            at += 1;
        }
        Ok(options)
    }
}

/// In which unit, and from when, an expiry is given.
#[derive(Clone, Copy)]
pub struct ExpiryUnit {
    seconds: bool,
    absolute: bool,
}

impl ExpiryUnit {
    /// The unit that an option names.
    pub fn of(option: &[u8]) -> Option<Self> {
        let named = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
        let unit = |seconds, absolute| Some(ExpiryUnit { seconds, absolute });
        match () {
            () if named("EX") => unit(true, false),
            () if named("PX") => unit(false, false),
            () if named("EXAT") => unit(true, true),
            () if named("PXAT") => unit(false, true),
            () => None,
        }
    }

    /// The deadline that argument `at` gives, in Unix milliseconds.
    pub fn deadline_ms(self, ctx: &Ctx<'_>, at: usize) -> Result<i64, Error> {
        let given = ctx.int(at)?;
        let invalid = || {
            let name = &ctx.command.full_name;
            Error::new(format!("ERR invalid expire time in '{name}' command"))
        };
        let base_ms = if self.absolute { 0 } else { ctx.db.now_ms() };
        let scale = if self.seconds { 1000 } else { 1 };
        let deadline_ms = given.checked_mul(scale).and_then(|ms| ms.checked_add(base_ms));
        deadline_ms.filter(|_| given > 0).ok_or_else(invalid)
    }
}

/// A value on its way into an entry.
pub enum NewValue<'a> {
    /// Copied from the request.
    Borrowed(&'a [u8]),
    /// Received into the allocation that will hold it.
    Large(Vec<u8>),
}

fn set(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let options = if ctx.args.len() == 3 { Options::PLAIN } else { Options::parse(ctx)? };
    let key = ctx.key(1);
    if options.condition.is_some() || options.get {
        return set_conditionally(ctx, key, &options);
    }
    let value = match ctx.take_large() {
        Some(large) => NewValue::Large(large),
        None => NewValue::Borrowed(ctx.args.get(2)),
    };
    store(ctx, key, value, options.expiry);
    ctx.out.ok();
    Ok(())
}

/// Puts a string without an expiry under a key.
#[inline]
pub fn store_plain(ctx: &mut Ctx<'_>, key: Key<'_>, value: &[u8]) {
    store(ctx, key, NewValue::Borrowed(value), Expiry::Clear);
}

/// Puts a string under a key, in place if there is one already.
#[inline]
fn store(ctx: &mut Ctx<'_>, key: Key<'_>, value: NewValue<'_>, expiry: Expiry) {
    let expire_at_ms = match expiry {
        Expiry::At(deadline_ms) => Some(deadline_ms),
        Expiry::Clear | Expiry::Keep => None,
    };
    let int = match &value {
        NewValue::Borrowed(bytes) => parse_i64(bytes),
        NewValue::Large(_) => None,
    };
    let (large, borrowed) = match value {
        NewValue::Borrowed(bytes) => (None, bytes),
        NewValue::Large(bytes) => (Some(bytes), &[][..]),
    };
    let mut large = large;
    let displaced = ctx.db.update(key, |entry| {
        if expiry != Expiry::Keep && entry.expire_at_ms() != expire_at_ms {
            entry.set_expire_at_ms(expire_at_ms);
        }
        match (int, large.take()) {
            (Some(int), _) => entry.set_int(int),
            (None, Some(large)) => entry.set_vec(large),
            (None, None) => entry.set_bytes(borrowed),
        }
    });
    match displaced {
        Some(object) => ctx.server.lazy_free.free_object(object),
        None => {
            let entry = match (int, large) {
                (Some(int), _) => Entry::with_int(key.bytes, int, expire_at_ms),
                (None, Some(large)) => Entry::with_vec(key.bytes, large, expire_at_ms),
                (None, None) => Entry::with_bytes(key.bytes, borrowed, expire_at_ms),
            };
            ctx.db.add(key.hash, entry);
        }
    }
    ctx.db.changed(key, EVENT_SET);
    if expire_at_ms.is_some() {
        ctx.db.notify(EVENT_EXPIRE, key.bytes);
    }
}

fn set_conditionally(ctx: &mut Ctx<'_>, key: Key<'_>, options: &Options) -> Result<(), Error> {
    let found = ctx.db.read(key);
    let exists = found.is_some();
    let reply_start = ctx.out.buffer().len();
    if options.get {
        match found {
            Some(entry) if entry.value_type() != ValueType::String => {
                return Err(Error::WRONG_TYPE);
            }
            Some(entry) => ctx.out.bulk(entry.string_bytes(&mut IntBuf::new())),
            None => ctx.out.null(),
        }
    }
    let allowed = match options.condition {
        None => true,
        Some(Condition::Absent) => !exists,
        Some(Condition::Present) => exists,
    };
    if allowed {
        let value = match ctx.take_large() {
            Some(large) => NewValue::Large(large),
            None => NewValue::Borrowed(ctx.args.get(2)),
        };
        store(ctx, key, value, options.expiry);
    }
    if ctx.out.buffer().len() == reply_start {
        if allowed { ctx.out.ok() } else { ctx.out.null() }
    }
    Ok(())
}
