//! A worker's share of loading and saving keys, and of the decisions about it.

use std::sync::Arc;
use std::time::Duration;

use super::event_loop::Worker;
use crate::persistence::load::Share;
use crate::persistence::{Walker, save};
use crate::server::Server;
use crate::shutdown;

/// How often save points are looked at, in milliseconds.
const SAVE_POINTS_MS: i64 = 100;
/// What needs the gate is tried again so soon.
const RETRY: Duration = Duration::from_millis(1);

/// What the worker has to do besides serving clients.
#[derive(Default)]
pub struct Duties {
    walker: Walker,
    share: Share,
    next_save_points_ms: i64,
    /// Somebody was inside the gate that was to be closed.
    was_refused: bool,
}

impl Duties {
    /// How long the worker may sleep.
    pub fn until_next(&self) -> Option<Duration> {
        let retry = self.was_refused.then_some(RETRY);
        [self.walker.until_next(), self.share.until_next(), retry].into_iter().flatten().min()
    }
}

impl Worker {
    /// Goes on loading or saving, if either is going on. The worker is outside the gate.
    pub(super) fn persist(&mut self) {
        let server = self.server.clone();
        let id = self.context.id;
        let loading = server.persistence.loading.load();
        let gate = server.keyspace.gate();
        if let Some(loading) = &*loading
            && gate.enter(id)
        {
            self.duties.share.load(&server, &self.context, loading);
            gate.leave(id);
        } else if loading.is_none() {
            self.duties.share.end();
        }
        if (server.persistence.snapshot.load().is_some() || self.duties.walker.is_at_work())
            && gate.enter(id)
        {
            self.duties.walker.walk(&server, id);
            gate.leave(id);
        }
        if id == 0 {
            self.decide(&server);
        }
    }

    /// What one worker decides for all.
    fn decide(&mut self, server: &Arc<Server>) {
        self.duties.was_refused = false;
        let now_ms = self.context.clock.now_ms();
        let wished = server.shutdown.wished();
        let is_due = now_ms >= self.duties.next_save_points_ms && wished.is_none() && {
            self.duties.next_save_points_ms = now_ms + SAVE_POINTS_MS;
            save::is_due(server, &self.context.config, now_ms)
        };
        if wished.is_none() && !is_due {
            return;
        }
        let Some(mut exclusive) = server.keyspace.exclusive(self.context.id) else {
            self.duties.next_save_points_ms = now_ms;
            self.duties.was_refused = true;
            return;
        };
        let policy = self.context.access_policy;
        if let Some((options, signal)) = wished {
            let ended = shutdown::begin(server, &mut exclusive, options, policy);
            server.shutdown.forget_wish();
            if let Err(error) = ended {
                tracing::warn!(
                    "{signal} received but errors trying to shut down the server: {error}"
                );
            }
        } else if let Err(error) = save::begin(server, &mut exclusive, &self.context.config, policy)
        {
            tracing::warn!("Can't save in background: {error}");
        }
    }
}
