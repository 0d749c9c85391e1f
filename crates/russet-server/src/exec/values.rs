//! Typed access to what a key holds.
//!
//! A handler of an aggregate type reads with [`read`], changes with [`update`] or [`upsert`], replaces
//! with [`replace`], and says what it did with [`View::changed`]. A value that has become empty takes
//! its key with it: [`update`] reports it, and [`remove_emptied`] removes the key, which is an event of
//! its own after the command's.

use std::marker::PhantomData;
use std::ops::Deref;

use russet_data::object::{ValueType, Variant};
use russet_keyspace::entry::{Entry, ValueRef};
use russet_keyspace::keyspace::EntryRef;

use super::{Ctx, Event, Key, View};
use crate::config::Compatibility;
use crate::error::Error;

/// The entry of a key that must hold a string if it exists.
///
/// # Errors
///
/// [`Error::WRONG_TYPE`]
#[inline]
pub fn string(entry: Option<EntryRef<'_>>) -> Result<Option<EntryRef<'_>>, Error> {
    match entry {
        Some(entry) if entry.value_type() != ValueType::String => Err(Error::WRONG_TYPE),
        entry => Ok(entry),
    }
}

/// The value of an aggregate type that a key holds.
pub struct Held<'a, T> {
    entry: EntryRef<'a>,
    value: PhantomData<T>,
}

impl<T: Variant> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        value_of(&self.entry).expect("the type was checked when this was made")
    }
}

#[inline]
fn value_of<T: Variant>(entry: &Entry) -> Option<&T> {
    match entry.value() {
        ValueRef::Object(object) => T::of(object),
        ValueRef::Int(_) | ValueRef::Bytes(_) => None,
    }
}

/// The value of an entry that must hold a `T` if it exists.
///
/// # Errors
///
/// [`Error::WRONG_TYPE`]
#[inline]
pub fn held<T: Variant>(entry: Option<EntryRef<'_>>) -> Result<Option<Held<'_, T>>, Error> {
    let Some(entry) = entry else { return Ok(None) };
    match value_of::<T>(&entry) {
        Some(_) => Ok(Some(Held { entry, value: PhantomData })),
        None => Err(Error::WRONG_TYPE),
    }
}

/// The value of a key that a client reads.
///
/// # Errors
///
/// [`Error::WRONG_TYPE`]
#[inline]
pub fn read<'v, T: Variant>(
    db: &'v mut View<'_>,
    key: Key<'_>,
) -> Result<Option<Held<'v, T>>, Error> {
    held(db.read(key))
}

/// What came of a change.
#[derive(Clone, Copy, Debug)]
pub struct Updated<R> {
    /// What the change returned.
    pub result: R,
    /// Whether the value is empty now: the key is to be removed, see [`remove_emptied`].
    pub is_empty: bool,
}

/// Changes the value of a key in place; `None` if there is no such key.
///
/// # Errors
///
/// [`Error::WRONG_TYPE`]
#[inline]
pub fn update<T: Variant, R>(
    db: &mut View<'_>,
    key: Key<'_>,
    change: impl FnOnce(&mut T) -> R,
) -> Result<Option<Updated<R>>, Error> {
    db.update(key, |entry| {
        let value = entry.object_mut().and_then(T::of_mut).ok_or(Error::WRONG_TYPE)?;
        Ok(Updated { result: change(value), is_empty: value.is_empty() })
    })
    .transpose()
}

/// Changes the value of a key, which `create` makes if there is none. A new value that is empty after
/// the change is dropped again; one that was there must not become so.
///
/// # Errors
///
/// [`Error::WRONG_TYPE`]
#[inline]
pub fn upsert<T: Variant, R>(
    db: &mut View<'_>,
    key: Key<'_>,
    create: impl FnOnce() -> T,
    change: impl FnOnce(&mut T) -> R,
) -> Result<R, Error> {
    let mut change = Some(change);
    let mut apply = |value: &mut T| change.take().expect("one of two calls is made")(value);
    if let Some(updated) = update(db, key, &mut apply)? {
        debug_assert!(!updated.is_empty);
        return Ok(updated.result);
    }
    let mut value = create();
    let result = apply(&mut value);
    if !value.is_empty() {
        add(db, key, value);
    }
    Ok(result)
}

/// Adds a key that is absent, as a look-up for writing has just found.
pub fn add<T: Variant>(db: &mut View<'_>, key: Key<'_>, value: T) {
    db.add(key.hash, Entry::with_object(key.bytes, Box::new(value.into_object()), None));
}

/// Removes a key whose value has become empty.
pub fn remove_emptied(db: &mut View<'_>, key: Key<'_>) {
    let removed = db.remove(key);
    debug_assert!(removed.is_some(), "the key was just changed");
    db.notify(Event::DEL, key.bytes);
}

/// Puts the result of a command under a key, whatever was there, or removes the key if the result is
/// empty, with the events of that.
pub fn replace<T: Variant>(ctx: &mut Ctx<'_>, key: Key<'_>, value: T, event: Event) {
    let is_empty = value.is_empty();
    let replaced = if is_empty {
        ctx.db.remove(key)
    } else {
        let object = Box::new(value.into_object());
        ctx.db.put(key.hash, Entry::with_object(key.bytes, object, None))
    };
    if !is_empty {
        ctx.db.changed(key, event);
    } else if replaced.is_some() {
        ctx.db.changed(key, Event::DEL);
    }
    if let Some(replaced) = replaced {
        ctx.server.lazy_free.free(replaced);
    }
}

/// What `OBJECT ENCODING` calls the representation of a value.
pub fn encoding_name(entry: &Entry, compatibility: Compatibility) -> &'static str {
    match compatibility {
        Compatibility::V4_0 => entry.encoding().name_in_redis_4(entry.value_type()),
        Compatibility::V7_2 => entry.encoding().name(),
    }
}
