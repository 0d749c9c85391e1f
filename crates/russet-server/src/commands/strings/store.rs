//! The one way in which a string gets under a key, whichever command brings it.
//!
//! A key that exists keeps its entry, which changes in place if the size class allows. Nothing is
//! allocated but what the entry needs.

use russet_data::number::{IntBuf as DecimalBuf, parse_i64};
use russet_data::object::Object;
use russet_keyspace::entry::{Entry, IntBuf};

use crate::error::Error;
use crate::exec::values::string;
use crate::exec::{Ctx, Event, Key};

/// A value on its way into an entry, in the form it takes there.
pub enum NewValue<'a> {
    /// The text of an integer.
    Int(i64),
    /// Copied from the request.
    Bytes(&'a [u8]),
    /// Received into the allocation that will hold it.
    Large(Vec<u8>),
}

impl<'a> NewValue<'a> {
    /// The value that argument `at` brings.
    #[inline]
    pub fn of_argument(ctx: &mut Ctx<'a>, at: usize) -> Self {
        match ctx.take_large() {
            // A command that was set aside owns its arguments, short ones too.
            Some(owned) => match parse_i64(&owned) {
                Some(int) => NewValue::Int(int),
                None => NewValue::Large(owned),
            },
            None => Self::of(ctx.args.get(at)),
        }
    }

    /// These bytes, as an integer if they are the text of one.
    #[inline]
    fn of(bytes: &'a [u8]) -> Self {
        parse_i64(bytes).map_or(NewValue::Bytes(bytes), NewValue::Int)
    }

    #[inline]
    fn replace_in(self, entry: &mut Entry) -> Option<Box<Object>> {
        match self {
            NewValue::Int(int) => entry.set_int(int),
            NewValue::Bytes(bytes) => entry.set_bytes(bytes),
            NewValue::Large(bytes) => entry.set_vec(bytes),
        }
    }

    /// A new entry with this value.
    #[inline]
    pub fn into_entry(self, key: &[u8], expire_at_ms: Option<i64>) -> Entry {
        match self {
            NewValue::Int(int) => Entry::with_int(key, int, expire_at_ms),
            NewValue::Bytes(bytes) => Entry::with_bytes(key, bytes, expire_at_ms),
            NewValue::Large(bytes) => Entry::with_vec(key, bytes, expire_at_ms),
        }
    }

    fn to_text(&self) -> Vec<u8> {
        match self {
            NewValue::Int(int) => DecimalBuf::new().format_i64(*int).to_vec(),
            NewValue::Bytes(bytes) => bytes.to_vec(),
            NewValue::Large(bytes) => bytes.clone(),
        }
    }
}

/// Whether the key has to be there or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Absent,
    Present,
}

/// What becomes of the expiry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// There is none afterwards.
    Clear,
    /// It stays.
    Keep,
    /// It is set to this time in Unix milliseconds.
    At(i64),
}

/// How a string is to be stored.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Nothing is stored unless it is met.
    pub condition: Option<Condition>,
    /// Whether the reply is the value before; it must be a string then.
    pub get: bool,
    /// See [`Expiry`].
    pub expiry: Expiry,
}

impl Manner {
    /// Whatever was there is replaced.
    pub const PLAIN: Manner = Manner { condition: None, get: false, expiry: Expiry::Clear };
}

/// Stores a string under the key of a command, and says whether the condition allowed it. The
/// former value is the reply if it is asked for; otherwise the reply is left to the caller.
///
/// # Errors
///
/// [`Error::WRONG_TYPE`] if the former value is asked for and no string.
#[inline]
pub fn store(
    ctx: &mut Ctx<'_>,
    key: Key<'_>,
    value: NewValue<'_>,
    manner: Manner,
) -> Result<bool, Error> {
    if manner.get {
        match string(ctx.db.read(key))? {
            Some(entry) => ctx.out.bulk(entry.string_bytes(&mut IntBuf::new())),
            None => ctx.out.null(),
        }
    }
    let restates = manner.get || matches!(manner.expiry, Expiry::At(_));
    let recorded = (restates && ctx.db.is_journaled()).then(|| value.to_text());
    let stored = match manner.condition {
        None => {
            put(ctx, key, value, manner.expiry);
            true
        }
        Some(Condition::Present) => overwrite(ctx, key, value, manner.expiry).is_ok(),
        Some(Condition::Absent) => {
            let absent = !ctx.db.use_for_write(key);
            if absent {
                create(ctx, key, value, manner.expiry);
            }
            absent
        }
    };
    if stored {
        announce(ctx, key, manner.expiry);
        if let Some(text) = recorded {
            record(ctx, key, &text, manner.expiry);
        }
    }
    Ok(stored)
}

/// Replaces whatever is under a key by a string that does not expire.
#[inline]
pub fn store_plain(ctx: &mut Ctx<'_>, key: Key<'_>, value: &[u8]) {
    put(ctx, key, NewValue::of(value), Expiry::Clear);
    announce(ctx, key, Expiry::Clear);
}

#[inline]
fn put(ctx: &mut Ctx<'_>, key: Key<'_>, value: NewValue<'_>, expiry: Expiry) {
    if let Err(value) = overwrite(ctx, key, value, expiry) {
        create(ctx, key, value, expiry);
    }
}

/// Replaces the value of a key. Gives the new one back if there is no such key.
#[inline]
fn overwrite<'v>(
    ctx: &mut Ctx<'_>,
    key: Key<'_>,
    value: NewValue<'v>,
    expiry: Expiry,
) -> Result<(), NewValue<'v>> {
    let mut value = Some(value);
    let displaced = ctx.db.update(key, |entry| {
        let expire_at_ms = match expiry {
            Expiry::Clear => None,
            Expiry::Keep => entry.expire_at_ms(),
            Expiry::At(deadline_ms) => Some(deadline_ms),
        };
        if entry.expire_at_ms() != expire_at_ms {
            entry.set_expire_at_ms(expire_at_ms);
        }
        value.take().and_then(|value| value.replace_in(entry))
    });
    match (displaced, value) {
        (None, Some(value)) => Err(value),
        (displaced, _) => {
            ctx.server.lazy_free.free_object(displaced.flatten());
            Ok(())
        }
    }
}

/// Adds a key that is known to be absent.
#[inline]
fn create(ctx: &mut Ctx<'_>, key: Key<'_>, value: NewValue<'_>, expiry: Expiry) {
    let expire_at_ms = match expiry {
        Expiry::At(deadline_ms) => Some(deadline_ms),
        Expiry::Clear | Expiry::Keep => None,
    };
    ctx.db.add(key.hash, value.into_entry(key.bytes, expire_at_ms));
}

#[inline]
fn announce(ctx: &mut Ctx<'_>, key: Key<'_>, expiry: Expiry) {
    ctx.db.changed(key, Event::SET);
    if matches!(expiry, Expiry::At(_)) {
        ctx.db.notify(Event::EXPIRE, key.bytes);
    }
}

/// Has the journal record what came of a command whose outcome depends on the time, or that also
/// reads.
fn record(ctx: &mut Ctx<'_>, key: Key<'_>, value: &[u8], expiry: Expiry) {
    match expiry {
        Expiry::Clear => ctx.db.journal_as(&[b"SET", key.bytes, value]),
        Expiry::Keep => ctx.db.journal_as(&[b"SET", key.bytes, value, b"KEEPTTL"]),
        Expiry::At(deadline_ms) => {
            let mut deadline = DecimalBuf::new();
            let deadline = deadline.format_i64(deadline_ms);
            ctx.db.journal_as(&[b"SET", key.bytes, value, b"PXAT", deadline]);
        }
    }
}
