//! The limits of what a connection may keep waiting, and what happens to it beyond them.

use super::WorkerContext;
use super::connection::Connection;
use super::event_loop::Worker;
use crate::client::{Close, OutputUse};

/// Most bytes that may wait to be sent to a client that has yet to prove who it is, beyond those
/// that no limit concerns.
const UNAUTHENTICATED_OUTPUT_BYTES: u64 = 1024;

impl Worker {
    /// Closes a connection whose unsent replies exceed the limits of its class.
    #[inline]
    pub(super) fn guard_output(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        if connection.unsent() as u64 > OutputUse::BUFFER_BYTES {
            guard_listed_output(&mut self.context, connection);
        }
    }

    /// Closes a connection that sends more than `client-query-buffer-limit` without a whole command.
    pub(super) fn guard_query(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        let queued = connection.client.transaction.as_ref().map_or(0, |queue| queue.size);
        let pending = connection.query.len() - connection.consumed + queued;
        let large = connection.large.as_ref().map_or(0, |large| large.bytes.len());
        if (pending + large) as u64 > self.context.config.client_query_buffer_limit {
            let line = connection.client.info.line(self.context.clock.now_ms());
            tracing::warn!("Closing client that reached max query buffer length: {line}");
            self.context.stats.client_query_buffer_limit_disconnections.add(1);
            connection.client.close(Close::Now);
            self.mark_dirty(at);
        }
    }

    /// Closes connections that have been above their soft limit for too long.
    pub(super) fn guard_all_outputs(&mut self) {
        let waiting = self.connections.iter().filter(|(_, connection)| connection.unsent() > 0);
        let waiting: Vec<usize> = waiting.map(|(at, _)| at).collect();
        for at in waiting {
            self.guard_output(at);
            if self.connections[at].client.close == Close::Now {
                self.mark_dirty(at);
            }
        }
    }
}

#[cold]
fn guard_listed_output(context: &mut WorkerContext, connection: &mut Connection) {
    let client = &mut connection.client;
    let used = OutputUse::of((connection.out.len() - connection.sent) as u64).listed_bytes;
    let limit = &context.config.client_output_buffer_limit[client.info.class() as usize];
    let now_ms = context.clock.now_ms();
    let over_hard = limit.hard_bytes != 0 && used >= limit.hard_bytes;
    let over_soft = limit.soft_bytes != 0 && used >= limit.soft_bytes;
    if !over_soft {
        connection.over_soft_since_ms = None;
    }
    let since_ms = over_soft.then(|| *connection.over_soft_since_ms.get_or_insert(now_ms));
    let too_long =
        since_ms.is_some_and(|since| now_ms - since > i64::from(limit.soft_seconds) * 1000);
    let unproven = used > UNAUTHENTICATED_OUTPUT_BYTES && client.must_authenticate(&context.config);
    if (over_hard || too_long || unproven) && client.close != Close::Now {
        client.info.output_bytes.store(used, std::sync::atomic::Ordering::Relaxed);
        tracing::warn!(
            "Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
            client.info.line(now_ms)
        );
        context.stats.client_output_buffer_limit_disconnections.add(1);
        client.close(Close::Now);
    }
}
