//! What of a worker waits for the append-only log: replies under `appendfsync always` (I4), and clients
//! in WAITAOF.
//!
//! A round's replies are kept back until the log has got as far as it was at the end of the round. What
//! a connection has to say after that waits anew, and not together with what is waiting already: a
//! subscriber of a busy channel would never hear of anything.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event_loop::Worker;
use crate::blocking::{Awaited, Wait};
use crate::client::Close;
use crate::persistence::aof::AppendLog;

/// See the module's documentation.
#[derive(Default)]
pub struct LogWaits {
    /// Connections and the offsets they wait for, in order.
    held: VecDeque<(usize, u64)>,
    /// Clients that wait in a command.
    blocked: Vec<Arc<Wait>>,
}

impl Worker {
    /// Keeps back what a connection has to say, if it has to be. Returns whether it is kept back.
    #[inline]
    pub(super) fn holds_back(&mut self, at: usize) -> bool {
        let log = self.server.persistence.log.load();
        let Some(log) = &*log else { return false };
        let connection = &mut self.connections[at];
        if connection.client.close == Close::Now {
            return false;
        }
        if connection.held.is_none() {
            let Some(barrier) = log.barrier() else { return false };
            connection.held = Some(connection.out.len());
            self.log_waits.held.push_back((at, barrier));
        }
        true
    }

    /// Forgets a connection that is closed.
    pub(super) fn forget_held(&mut self, at: usize) {
        self.log_waits.held.retain(|(held, _)| *held != at);
    }

    /// Has a client wait for the log.
    pub(super) fn await_log(&mut self, wait: Arc<Wait>) {
        self.log_waits.blocked.push(wait);
    }

    /// Lets go what has waited for the log long enough.
    pub(super) fn let_go(&mut self) {
        if self.log_waits.held.is_empty() && self.log_waits.blocked.is_empty() {
            return;
        }
        let log = self.server.persistence.log.load_full();
        let log = log.as_deref();
        let may_leave =
            |barrier: u64| log.is_none_or(|log| !log.is_always() || log.is_settled(barrier));
        while let Some(&(at, barrier)) = self.log_waits.held.front()
            && may_leave(barrier)
        {
            self.log_waits.held.pop_front();
            let Some(most) = self.connections[at].held.take() else { continue };
            self.send(at, most);
            if self.connections.get(at).is_some_and(|connection| connection.unsent() > 0) {
                self.mark_dirty(at);
            }
        }
        for wait in std::mem::take(&mut self.log_waits.blocked) {
            if !wait.is_over() && !self.answer_log_wait(&wait, log) {
                self.log_waits.blocked.push(wait);
            }
        }
    }

    /// Answers a client if there is nothing left that it waits for. Returns whether there is not.
    fn answer_log_wait(&mut self, wait: &Arc<Wait>, log: Option<&AppendLog>) -> bool {
        let Awaited::Log(awaited) = &wait.awaited else { return true };
        let Some(reply) = awaited.answer(log, wait.protocol) else { return false };
        if wait.claim() {
            self.answer(wait, &reply, false);
        }
        true
    }

    /// At the end of a round: has what was executed be written, and looks at the log once more before
    /// the worker sleeps, if anything waits for it.
    pub(super) fn follow_log(&mut self) {
        let log = self.server.persistence.log.load_full();
        if let Some(log) = &log {
            log.end_round();
            if !self.log_waits.held.is_empty() || !self.log_waits.blocked.is_empty() {
                log.await_progress(self.context.id);
            }
        }
        self.let_go();
    }
}
