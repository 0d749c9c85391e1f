//! A worker's share of loading and saving keys, and of the decisions about it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use russet_keyspace::access::AccessPolicy;
use russet_keyspace::keyspace::Exclusive;

use super::event_loop::Worker;
use crate::config::{Config, ShutdownOptions};
use crate::persistence::aof::{self, Replayer};
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
    replayer: Replayer,
    next_save_points_ms: i64,
    /// Somebody was inside the gate that was to be closed.
    was_refused: bool,
}

impl Duties {
    /// How long the worker may sleep.
    pub fn until_next(&self) -> Option<Duration> {
        let retry = self.was_refused.then_some(RETRY);
        [self.walker.until_next(), self.share.until_next(), self.replayer.until_next(), retry]
            .into_iter()
            .flatten()
            .min()
    }
}

impl Worker {
    /// Goes on loading, and decides about saving. The worker is outside the gate.
    pub(super) fn persist(&mut self) {
        let server = self.server.clone();
        let id = self.context.id;
        self.let_go();
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
        if id == 0
            && let Some(replay) = &*server.persistence.replay.load()
        {
            self.duties.replayer.replay(&server, &mut self.context, replay);
        }
        if id == 0 {
            self.decide(&server);
        }
    }

    /// Gives some time to the picture that is being taken, if one is and it is time for that, or will be
    /// after `pause`. Returns whether the picture took it. The worker is outside the gate.
    pub(super) fn walk(&mut self, is_idle: bool, pause: Duration) -> bool {
        let persistence = &self.server.persistence;
        let gate = self.server.keyspace.gate();
        if (persistence.snapshot.load().is_none() && !self.duties.walker.is_at_work())
            || !gate.enter(self.context.id)
        {
            return false;
        }
        let walked = self.duties.walker.walk(&self.server, is_idle, pause);
        gate.leave(self.context.id);
        walked
    }

    /// What one worker decides for all.
    fn decide(&mut self, server: &Arc<Server>) {
        self.duties.was_refused = false;
        let now_ms = self.context.clock.now_ms();
        let wished = server.shutdown.wished();
        let is_asked = server.persistence.is_decision_due.load(Ordering::Relaxed)
            && server.persistence.is_decision_due.swap(false, Ordering::Acquire);
        if wished.is_none() && !is_asked && now_ms < self.duties.next_save_points_ms {
            return;
        }
        self.duties.next_save_points_ms = now_ms + SAVE_POINTS_MS;
        let config = self.context.config.clone();
        let due = match wished {
            Some((options, signal)) => Due::End(options, signal),
            None => match due(server, &config, now_ms) {
                Some(due) => due,
                None => return,
            },
        };
        let Some(mut exclusive) = server.keyspace.exclusive(self.context.id) else {
            self.duties.next_save_points_ms = now_ms;
            self.duties.was_refused = true;
            return;
        };
        carry_out(server, &mut exclusive, &config, self.context.access_policy, due);
    }
}

/// What needs everybody else outside the gate.
enum Due {
    /// The server is to end, because of a signal.
    End(ShutdownOptions, &'static str),
    /// Keys are to be saved.
    Save,
    /// The log is to be rewritten.
    Rewrite,
    /// The log is to begin, or to end.
    Log(bool),
}

fn due(server: &Server, config: &Config, now_ms: i64) -> Option<Due> {
    let persistence = &server.persistence;
    if persistence.is_loading() {
        return None;
    }
    let log = persistence.log.load();
    if log.is_some() != config.appendonly
        && (!config.appendonly || persistence.snapshot.load().is_none())
    {
        return Some(Due::Log(config.appendonly));
    }
    if save::is_rewrite_due(server, config, now_ms) {
        return Some(Due::Rewrite);
    }
    save::is_due(server, config, now_ms).then_some(Due::Save)
}

fn carry_out(
    server: &Server,
    exclusive: &mut Exclusive<'_>,
    config: &Config,
    policy: AccessPolicy,
    due: Due,
) {
    let result = match due {
        Due::End(options, signal) => {
            let ended = shutdown::begin(server, exclusive, options, policy);
            server.shutdown.forget_wish();
            ended.map_err(|error| {
                format!("{signal} received but errors trying to shut down the server: {error}")
            })
        }
        Due::Save => save::begin(server, exclusive, config, policy)
            .map_err(|error| format!("Can't save in background: {error}")),
        Due::Rewrite => save::rewrite_log(server, exclusive, config, policy, false)
            .map_err(|error| format!("Can't rewrite the append-only file: {error}")),
        Due::Log(true) => aof::start_anew(server, exclusive, config)
            .and_then(|_| save::rewrite_log(server, exclusive, config, policy, true))
            .map_err(|error| format!("Can't begin the append-only file: {error}")),
        Due::Log(false) => {
            aof::stop(server, exclusive);
            Ok(())
        }
    };
    if let Err(reason) = result {
        tracing::warn!("{reason}");
    }
}
