//! Serving the waiters of keys that have come into being.

use std::sync::Arc;

use russet_keyspace::waiters::Waiter;
use russet_keyspace::wake_lock::WorkerSet;
use russet_resp::ReplyWriter;

use super::{Attempt, Wait};
use crate::exec::dispatch::{account, lock, new_view};
use crate::exec::{Key, View};
use crate::server::Server;
use crate::worker::{Message, WorkerContext};

/// A key that waiters may be served from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ready {
    /// Its logical database.
    pub db: u32,
    /// Its hash.
    pub hash: u64,
    /// The key.
    pub key: Box<[u8]>,
    /// The hash of the second key that its oldest waiter needs the lock of, if that was not held.
    pub second: Option<u64>,
}

/// Serves the waiters of a key whose shard the view has locked, until there is nothing left for any.
///
/// # Errors
///
/// The hash of a second key, whose lock is needed to go on and is not held.
pub fn serve(
    view: &mut View<'_>,
    server: &Server,
    worker: &WorkerContext,
    ready: &Ready,
    addressed: &mut WorkerSet,
) -> Result<(), u64> {
    view.select(ready.db);
    let key = Key { bytes: &ready.key, hash: ready.hash };
    let mut at = 0;
    while let Some(waiter) = view.waiter(key, at) {
        let wait = Wait::of(&waiter);
        if wait.is_over() {
            view.remove_waiter(ready.db, key, &waiter);
            continue;
        }
        match view.peek(key).map(|entry| entry.value_type()) {
            None => break,
            Some(found) if found != wait.command().value_type() => {
                at += 1;
                continue;
            }
            Some(_) => {}
        }
        if let Some(second) = wait.command().second_key()
            && !view.has_locked(second)
        {
            return Err(second);
        }
        view.remove_waiter(ready.db, key, &waiter);
        if wait.claim() {
            let reply = attempt(view, server, worker, &wait, key);
            let to = wait.client.worker;
            let served = wait.keys().len() == 1;
            server.workers[to].mailbox.put(Message::Answer(wait, reply, served));
            addressed.insert(to);
        }
    }
    Ok(())
}

/// Executes a client's command on its behalf and returns the reply.
fn attempt(
    view: &mut View<'_>,
    server: &Server,
    worker: &WorkerContext,
    wait: &Arc<Wait>,
    key: Key<'_>,
) -> Vec<u8> {
    let mut reply = Vec::new();
    let mut out = ReplyWriter::new(&mut reply, wait.protocol);
    let mut attempt = Attempt { server, config: &worker.config, db: view, out: &mut out };
    let result = wait.command().attempt(&mut attempt, key);
    match result {
        Ok(taken) => debug_assert!(taken, "the key was just seen"),
        Err(error) => {
            reply.clear();
            ReplyWriter::new(&mut reply, wait.protocol).error_bytes(error.text());
        }
    }
    reply
}

/// Serves the waiters of the keys on a worker's list, whose second keys were not locked. What is busy
/// stays on the list, and the worker is woken. It is inside the gate and holds no lock.
#[cold]
pub fn serve_ready(server: &Server, worker: &mut WorkerContext) {
    while let Some(ready) = worker.ready.pop_front() {
        let hashes = [ready.hash, ready.second.unwrap_or(ready.hash)];
        let Some(locks) = lock(&server.keyspace, worker.id, &hashes) else {
            worker.ready.push_front(ready);
            return;
        };
        let mut view = new_view(server, worker, locks, ready.db, true);
        view.serve_later(ready);
        let tally = view.finish(server, worker);
        drop(view);
        account(worker, tally);
    }
}

impl View<'_> {
    /// Puts a key down whose waiters are to be served when the view ends.
    pub fn serve_later(&mut self, ready: Ready) {
        let list = &mut self.extras.get_or_insert_default().ready;
        if !list.contains(&ready) {
            list.push_back(ready);
        }
    }

    /// Puts a key down that comes into being, if somebody waits for it.
    #[cold]
    pub(crate) fn note_ready(&mut self, hash: u64, key: &[u8]) {
        let db = self.physical;
        let shard = self.keyspace.shard_of(hash);
        if self.locks.shard(shard).shard().waiters().has(db, key) {
            self.serve_later(Ready { db: self.logical, hash, key: key.into(), second: None });
        }
    }

    /// Has a client wait for a key.
    pub fn await_key(&mut self, key: Key<'_>, wait: Arc<Wait>) {
        let db = self.physical;
        self.guard(key).add_waiter(db, key.bytes, wait);
    }

    fn waiter(&mut self, key: Key<'_>, at: usize) -> Option<Arc<dyn Waiter>> {
        let db = self.physical;
        self.guard(key).shard().waiters().get(db, key.bytes, at).cloned()
    }

    fn remove_waiter(&mut self, db: u32, key: Key<'_>, waiter: &Arc<dyn Waiter>) {
        let db = self.keyspace.physical_db(db);
        self.guard(key).remove_waiter(db, key.bytes, waiter);
    }

    fn has_locked(&self, hash: u64) -> bool {
        self.locks.hold(self.keyspace.shard_of(hash))
    }

    /// Serves the waiters of keys that have come into being, as far as the locks go; the others are put
    /// on the worker's list.
    #[cold]
    pub(crate) fn serve_waiters(&mut self, server: &Server, worker: &mut WorkerContext) {
        let selected = self.logical;
        let mut addressed = WorkerSet::default();
        while let Some(ready) = self.extras.as_mut().and_then(|extras| extras.ready.pop_front()) {
            if let Err(second) = serve(self, server, worker, &ready, &mut addressed) {
                worker.ready.push_back(Ready { second: Some(second), ..ready });
            }
        }
        self.wake_later(addressed);
        self.select(selected);
    }
}
