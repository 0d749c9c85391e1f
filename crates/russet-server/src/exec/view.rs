//! The keyspace as one command sees it: locked where its keys are, at one instant of time.
//!
//! Time stands still in a view: a key that has not expired when the command (or transaction, or
//! script) begins does not expire while it runs. A key whose time has come counts as absent; it is
//! removed when the view is done, or before something else is put in its place.

use std::collections::VecDeque;

use russet_keyspace::access::{AccessPolicy, touched};
use russet_keyspace::entry::Entry;
use russet_keyspace::keyspace::{EntryRef, Exclusive, Keyspace, ShardGuard};
use russet_keyspace::shard::WatchFlag;
use russet_keyspace::wake_lock::WorkerSet;

mod walk;
mod whole;

pub use walk::Drawn;

use super::{Event, Key, Locks};
use crate::blocking::Ready;
use crate::journal::{Effect, Journal};
use crate::lazy_free::Garbage;
use crate::pubsub::Events;
use crate::scripting::running::Held;
use crate::server::Server;
use crate::worker::WorkerContext;

/// How a view marks the entries it reads.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// What the 24 access bits mean.
    pub policy: AccessPolicy,
    /// Whether reads leave them alone (CLIENT NO-TOUCH).
    pub no_touch: bool,
    /// A random number for the LFU counter.
    pub random: u32,
}

impl Access {
    /// What the access bits of an entry become that is used now.
    #[inline]
    fn mark(self, entry: &Entry, now_ms: i64) -> u32 {
        let bits = entry.access_bits();
        if self.no_touch { bits } else { touched(bits, self.policy, now_ms, self.random) }
    }
}

/// What a view did, for statistics and the journal.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// Look-ups of a command's argument that found a key.
    pub hits: u32,
    /// And that found none.
    pub misses: u32,
    /// Keys removed because their time had come.
    pub expired: u32,
    /// Changes, as Redis counts them towards `save` points.
    pub changes: u64,
    /// The worker has put messages into its own mailbox.
    pub own_mail: bool,
}

/// See the module's documentation.
pub struct View<'a> {
    pub(crate) keyspace: &'a Keyspace,
    pub(crate) locks: Locks<'a>,
    pub(crate) logical: u32,
    pub(crate) physical: u32,
    now_ms: i64,
    access: Access,
    tally: Tally,
    journal: Option<&'a Journal>,
    events: Option<Events<'a>>,
    /// Whether the command being executed has said itself what the journal is to record.
    restated: bool,
    /// What few commands need, apart, so that a view is small and quickly made and dropped.
    pub(crate) extras: Option<Box<Extras>>,
}

/// What a view remembers until it ends.
#[derive(Default)]
pub(crate) struct Extras {
    effects: Vec<Effect>,
    /// Keys met after their time, with their logical database and hash.
    overdue: Vec<(u32, u64, Box<[u8]>)>,
    /// What was taken out of the keyspace and is to be freed when the locks are let go.
    garbage: Vec<Garbage>,
    /// Workers whose mailboxes got messages, to be woken when the locks are let go.
    addressed: WorkerSet,
    /// Keys that somebody has waited for.
    pub(crate) ready: VecDeque<Ready>,
}

impl<'a> View<'a> {
    /// A view of logical database `db` at an instant.
    #[inline(always)]
    pub fn new(
        keyspace: &'a Keyspace,
        locks: Locks<'a>,
        db: u32,
        now_ms: i64,
        access: Access,
        journal: Option<&'a Journal>,
        events: Option<Events<'a>>,
    ) -> Self {
        View {
            keyspace,
            locks,
            logical: db,
            physical: keyspace.physical_db(db),
            now_ms,
            access,
            tally: Tally::default(),
            journal,
            events,
            restated: false,
            extras: None,
        }
    }

    /// The instant of this view, Unix time in milliseconds.
    #[inline]
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Has the view be of another instant, and returns the one it was of.
    pub fn set_now(&mut self, now_ms: i64) -> i64 {
        std::mem::replace(&mut self.now_ms, now_ms)
    }

    /// The logical database that keys are looked up in.
    #[inline]
    pub fn selected(&self) -> u32 {
        self.logical
    }

    /// Looks up keys in another logical database from now on. It must exist.
    pub fn select(&mut self, db: u32) {
        self.logical = db;
        self.physical = self.keyspace.physical_db(db);
    }

    /// The hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.keyspace.hash(key)
    }

    /// The keyspace, for its counts.
    pub fn keyspace(&self) -> &'a Keyspace {
        self.keyspace
    }

    #[inline]
    pub(crate) fn guard(&mut self, key: Key<'_>) -> &mut ShardGuard<'a> {
        let shard = self.keyspace.shard_of(key.hash);
        self.locks.shard(shard)
    }

    /// The entry of a key without any trace: no statistics, no access time.
    #[inline]
    pub fn peek(&mut self, key: Key<'_>) -> Option<EntryRef<'_>> {
        let shard = self.keyspace.shard_of(key.hash);
        let entry = self.locks.shard(shard).find(self.physical, key.hash, key.bytes)?;
        if entry.is_expired(self.now_ms) {
            let overdue = &mut self.extras.get_or_insert_default().overdue;
            overdue.push((self.logical, key.hash, key.bytes.into()));
            return None;
        }
        Some(entry)
    }

    /// Bytes that a key, its value and its share of the table take.
    pub fn footprint(&mut self, key: Key<'_>) -> Option<usize> {
        let own = self.peek(key)?.allocated_bytes();
        let db = self.physical;
        let table = self.guard(key).shard().db(db)?.table();
        Some(own + table.allocated_bytes() / table.len())
    }

    /// The entry of a key that a client reads: counted as hit or miss, and marked as accessed.
    #[inline]
    pub fn read(&mut self, key: Key<'_>) -> Option<EntryRef<'_>> {
        self.read_as(key, self.access)
    }

    /// The entry of a key that a client asks about without using its value: counted, not marked.
    #[inline]
    pub fn inspect(&mut self, key: Key<'_>) -> Option<EntryRef<'_>> {
        self.read_as(key, Access { no_touch: true, ..self.access })
    }

    /// As [`View::read`], but marked as accessed even for a client whose reads leave no mark.
    #[inline]
    pub fn mark(&mut self, key: Key<'_>) -> Option<EntryRef<'_>> {
        self.read_as(key, Access { no_touch: false, ..self.access })
    }

    #[inline]
    fn read_as(&mut self, key: Key<'_>, access: Access) -> Option<EntryRef<'_>> {
        if self.events.is_some() {
            self.announce_absence(key);
        }
        self.read_unannounced(key, access)
    }

    /// As [`View::inspect`], for commands that ask how a key is stored: should it not be there, that
    /// is no event.
    pub fn examine(&mut self, key: Key<'_>) -> Option<EntryRef<'_>> {
        if self.events.is_some() {
            self.remove_overdue(self.logical, key.hash, key.bytes);
        }
        self.read_unannounced(key, Access { no_touch: true, ..self.access })
    }

    #[inline]
    fn read_unannounced(&mut self, key: Key<'_>, access: Access) -> Option<EntryRef<'_>> {
        let shard = self.keyspace.shard_of(key.hash);
        let now_ms = self.now_ms;
        let guard = self.locks.shard(shard);
        let found = guard
            .find_marked(self.physical, key.hash, key.bytes, |entry| access.mark(entry, now_ms));
        match found {
            Some(entry) if !entry.is_expired(now_ms) => {
                self.tally.hits += 1;
                Some(entry)
            }
            found => {
                if found.is_some() {
                    let overdue = &mut self.extras.get_or_insert_default().overdue;
                    overdue.push((self.logical, key.hash, key.bytes.into()));
                }
                self.tally.misses += 1;
                None
            }
        }
    }

    /// Announces that a key is not there, after having it removed if its time has come: at the end of
    /// the view its expiry would be announced too late.
    #[cold]
    fn announce_absence(&mut self, key: Key<'_>) {
        self.remove_overdue(self.logical, key.hash, key.bytes);
        let db = self.physical;
        if self.guard(key).find(db, key.hash, key.bytes).is_none() {
            self.notify(Event::MISS, key.bytes);
        }
    }

    /// The entry of a key without any trace, for commands that need several entries at once. They
    /// have read each of them before, or written it.
    pub fn look(&self, key: Key<'_>) -> Option<EntryRef<'_>> {
        let shard = self.keyspace.shard_of(key.hash);
        let entry = self.locks.find(shard, self.physical, key.hash, key.bytes)?;
        (!entry.is_expired(self.now_ms)).then_some(entry)
    }

    /// Whether there is a key that a command might write to: marked as accessed, but no hit or miss.
    #[inline]
    pub fn use_for_write(&mut self, key: Key<'_>) -> bool {
        self.update(key, |_| ()).is_some()
    }

    /// Changes the entry of a key in place; `None` if there is no such key. The closure must leave
    /// the key as it is. Say what happened with [`View::changed`].
    #[inline]
    pub fn update<R>(&mut self, key: Key<'_>, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let (db, now_ms, access) = (self.physical, self.now_ms, self.access);
        let result = self.guard(key).update(db, key.hash, key.bytes, |entry| {
            if entry.is_expired(now_ms) {
                return None;
            }
            entry.set_access_bits(access.mark(entry, now_ms));
            Some(change(entry))
        })?;
        if result.is_none() {
            self.remove_overdue(self.logical, key.hash, key.bytes);
        }
        result
    }

    /// Adds an entry whose key is absent, as [`View::update`] has just found.
    #[inline]
    pub fn add(&mut self, hash: u64, mut entry: Entry) {
        let (db, now_ms) = (self.physical, self.now_ms);
        entry.set_access_bits(russet_keyspace::access::created(self.access.policy, now_ms));
        if self.events.is_some() {
            self.notify(Event::NEW, entry.key());
        }
        let shard = self.keyspace.shard_of(hash);
        if !self.locks.shard(shard).shard().waiters().is_empty() {
            self.note_ready(hash, entry.key());
        }
        self.locks.shard(shard).insert(db, hash, entry);
    }

    /// Puts an entry under its key, whatever was there, and returns what was.
    pub fn put(&mut self, hash: u64, mut entry: Entry) -> Option<Entry> {
        entry.set_access_bits(russet_keyspace::access::created(self.access.policy, self.now_ms));
        self.put_used(hash, entry)
    }

    /// As [`View::put`], for an entry that was in use under another name: it keeps its access bits.
    pub fn put_used(&mut self, hash: u64, entry: Entry) -> Option<Entry> {
        let (db, now_ms) = (self.physical, self.now_ms);
        let shard = self.keyspace.shard_of(hash);
        if self.events.is_some() {
            self.announce_creation(hash, entry.key());
        }
        if !self.locks.shard(shard).shard().waiters().is_empty() {
            self.note_ready(hash, entry.key());
        }
        let guard = self.locks.shard(shard);
        if entry.is_being_pictured() {
            guard.announce_move(db, hash, &entry);
        }
        if guard.find(db, hash, entry.key()).is_none() {
            guard.insert(db, hash, entry);
            return None;
        }
        guard.replace(db, hash, entry).filter(|old| !old.is_expired(now_ms))
    }

    /// Announces that a key comes into being, if it is not there, or its time has come.
    #[cold]
    fn announce_creation(&mut self, hash: u64, key: &[u8]) {
        self.remove_overdue(self.logical, hash, key);
        let db = self.physical;
        if self.locks.shard(self.keyspace.shard_of(hash)).find(db, hash, key).is_none() {
            self.notify(Event::NEW, key);
        }
    }

    /// Removes the entry of a key.
    pub fn remove(&mut self, key: Key<'_>) -> Option<Entry> {
        let (db, now_ms) = (self.physical, self.now_ms);
        let entry = self.guard(key).remove(db, key.hash, key.bytes)?;
        if entry.is_expired(now_ms) {
            self.touch(key);
            self.expired(self.logical, entry);
            return None;
        }
        Some(entry)
    }

    /// Says that a key was changed: watchers are told, `save` points advance, and whoever listens
    /// to keyspace events hears of it.
    #[inline]
    pub fn changed(&mut self, key: Key<'_>, event: Event) {
        self.changed_by(key, event, 1);
    }

    /// As [`View::changed`], for a command that changed several elements of the value, each of which
    /// counts.
    #[inline]
    pub fn changed_by(&mut self, key: Key<'_>, event: Event, changes: u64) {
        self.touch(key);
        self.tally.changes += changes;
        self.notify(event, key.bytes);
    }

    /// Tells the watchers of a key, for changes that are no event of their own.
    #[inline]
    pub fn touch(&mut self, key: Key<'_>) {
        let db = self.physical;
        self.guard(key).shard().touch(db, key.bytes);
    }

    /// Announces an event of a key of the selected database, whose shard is locked.
    #[inline]
    pub fn notify(&mut self, event: Event, key: &[u8]) {
        if let Some(events) = self.events {
            let mut addressed = WorkerSet::default();
            events.publish(event, self.logical, key, &mut addressed);
            self.wake_later(addressed);
        }
    }

    /// Wakes workers, for whom there are messages, when the locks are let go.
    pub fn wake_later(&mut self, addressed: WorkerSet) {
        if !addressed.is_empty() {
            self.extras.get_or_insert_default().addressed.extend(addressed);
        }
    }

    /// Counts changes that no single key stands for.
    pub fn count_changes(&mut self, changes: u64) {
        self.tally.changes += changes;
    }

    /// Has the journal record this instead of the command as it was sent; it is recorded even if
    /// nothing was changed.
    pub fn journal_as(&mut self, argv: &[&[u8]]) {
        if self.journal.is_some() {
            let argv = argv.iter().map(|arg| arg.to_vec()).collect();
            let db = self.logical;
            self.effects().push(Effect { db, argv });
            self.restated = true;
        }
    }

    /// Has the journal record nothing of the command although there were changes: the commands that
    /// it ran have recorded theirs.
    pub(crate) fn journal_nothing(&mut self) {
        self.restated = true;
    }

    /// Whether [`View::journal_as`] was called since this was last asked.
    pub(super) fn take_restated(&mut self) -> bool {
        std::mem::take(&mut self.restated)
    }

    /// Whether anybody reads the journal, so that recording is worth the work.
    #[inline]
    pub fn is_journaled(&self) -> bool {
        self.journal.is_some()
    }

    /// Effects recorded so far.
    pub fn effect_count(&self) -> usize {
        self.extras.as_ref().map_or(0, |extras| extras.effects.len())
    }

    /// Has the journal record none of the effects after the first `kept`.
    pub fn drop_effects(&mut self, kept: usize) {
        if let Some(extras) = &mut self.extras {
            extras.effects.truncate(kept);
        }
    }

    /// What is locked.
    pub fn held(&self) -> Held {
        match &self.locks {
            Locks::None => Held::Shards(Vec::new()),
            Locks::One(guard) => Held::Shards(vec![guard.index()]),
            Locks::Many(locks) => Held::Shards(locks.shards().collect()),
            Locks::All(_) => Held::All,
        }
    }

    /// Whether everything is locked that a further command needs: the shards of some keys, or all.
    pub fn covers(&self, needs_all: bool, hashes: &[u64]) -> bool {
        let is_held = |hash: &u64| self.locks.hold(self.keyspace.shard_of(*hash));
        matches!(self.locks, Locks::All(_)) || (!needs_all && hashes.iter().all(is_held))
    }

    /// Locks the shards of further keys, if they are free. It does not wait for them, so they need not
    /// come after those it has (I1).
    pub fn extend_locks(&mut self, hashes: &[u64]) -> bool {
        for hash in hashes {
            let shard = self.keyspace.shard_of(*hash);
            if !self.locks.hold(shard) {
                let Some(guard) = self.keyspace.try_briefly(shard) else { return false };
                self.locks.add(guard);
            }
        }
        true
    }

    /// Hangs a watcher on a key.
    pub fn watch(&mut self, key: Key<'_>, flag: &WatchFlag) {
        if self.is_overdue(self.logical, key) {
            // Its removal later must not look like a change since WATCH.
            self.remove_overdue(self.logical, key.hash, key.bytes);
        }
        let db = self.physical;
        self.guard(key).shard_mut().watch(db, key.bytes, flag);
    }

    /// Takes a watcher off a key of a logical database.
    pub fn unwatch(&mut self, db: u32, key: Key<'_>, flag: &WatchFlag) {
        let physical = self.keyspace.physical_db(db);
        self.guard(key).shard_mut().unwatch(physical, key.bytes, flag);
    }

    /// Whether a key of a logical database is there but past its time.
    pub fn is_overdue(&mut self, db: u32, key: Key<'_>) -> bool {
        let (physical, now_ms) = (self.keyspace.physical_db(db), self.now_ms);
        let found = self.guard(key).find(physical, key.hash, key.bytes);
        found.is_some_and(|entry| entry.is_expired(now_ms))
    }

    /// Everything at once, for a command that was declared exclusive.
    pub fn exclusive(&mut self) -> Option<&mut Exclusive<'a>> {
        match &mut self.locks {
            Locks::All(exclusive) => Some(exclusive),
            _ => None,
        }
    }

    /// Keys in the selected database, those included whose time has come unnoticed. No lock is taken.
    pub fn key_count(&self) -> usize {
        self.keyspace.key_count(self.physical)
    }

    /// Accounts for an entry of a logical database that was removed because its time had come.
    fn expired(&mut self, db: u32, entry: Entry) {
        if let Some(journal) = self.journal {
            let expiry = journal.expiry(db, entry.key());
            self.effects().push(expiry);
        }
        if let Some(events) = self.events {
            let mut addressed = WorkerSet::default();
            events.publish(Event::EXPIRED, db, entry.key(), &mut addressed);
            self.wake_later(addressed);
        }
        self.buried(entry);
    }

    /// As [`View::expired`], if journal and listeners know already.
    fn buried(&mut self, entry: Entry) {
        self.tally.expired += 1;
        self.extras.get_or_insert_default().garbage.push(Garbage::Entry(entry));
    }

    fn remove_overdue(&mut self, db: u32, hash: u64, key: &[u8]) {
        let (physical, now_ms) = (self.keyspace.physical_db(db), self.now_ms);
        let guard = self.locks.shard(self.keyspace.shard_of(hash));
        if guard.find(physical, hash, key).is_some_and(|entry| entry.is_expired(now_ms)) {
            let entry = guard.remove(physical, hash, key).expect("it was just found");
            guard.shard().touch(physical, key);
            self.expired(db, entry);
        }
    }

    /// What was done so far.
    #[inline]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The effects so far.
    pub(super) fn effects(&mut self) -> &mut Vec<Effect> {
        &mut self.extras.get_or_insert_default().effects
    }

    /// Ends the view: keys met after their time are removed, clients that have waited for keys are
    /// served, the effects enter the journal (I3:
    /// before the locks are let go). To be called last; dropping the view lets the locks go, which
    /// this does at once if there is something to be freed afterwards.
    #[inline]
    pub fn finish(&mut self, server: &Server, worker: &mut WorkerContext) -> Tally {
        if self.extras.is_some() {
            self.finish_extras(server, worker);
        }
        self.tally
    }

    #[cold]
    fn finish_extras(&mut self, server: &Server, worker: &mut WorkerContext) {
        let overdue = self.extras.as_mut().map(|extras| std::mem::take(&mut extras.overdue));
        // Under CLIENT PAUSE nothing changes, and who reads is no exception.
        if server.pause.until_ms(self.now_ms).is_none() {
            for (db, hash, key) in overdue.into_iter().flatten() {
                self.remove_overdue(db, hash, &key);
            }
        }
        if self.extras.as_ref().is_some_and(|extras| !extras.ready.is_empty()) {
            self.serve_waiters(server, worker);
        }
        let extras = *self.extras.take().unwrap_or_default();
        let Extras { effects, garbage, addressed, .. } = extras;
        if let Some(journal) = self.journal
            && !effects.is_empty()
        {
            journal.append(effects);
        }
        if garbage.is_empty() && addressed.is_empty() {
            return;
        }
        self.locks = Locks::None;
        self.tally.own_mail = server.pubsub.ring(addressed, worker.id);
        garbage.into_iter().for_each(|item| server.lazy_free.settle(item));
    }
}
