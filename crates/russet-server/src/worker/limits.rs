//! The limits of what connections may take, each and all together, and what happens beyond them.

use std::sync::atomic::Ordering;

use super::WorkerContext;
use super::connection::Connection;
use super::event_loop::{SPARE_BYTES, Worker};
use crate::client::{Close, OutputUse};
use crate::config::{Config, MemoryShare};

/// A smaller `maxmemory-clients` would leave nobody to talk to.
const CLIENTS_BYTES_MIN: u64 = 128 << 10;
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

impl Worker {
    /// Charges a connection for what it takes, if there is a limit for all connections.
    #[inline]
    pub(super) fn charge(&self, at: usize) {
        if self.charged_under != MemoryShare::Bytes(0) {
            self.server.clients.charge(&self.connections[at].client.info);
        }
    }

    /// As [`Worker::charge`], between the commands of a batch, if replies have grown beyond what
    /// every connection is lent. Those of a client that is leaving are about to be freed.
    #[inline]
    pub(super) fn charge_for_output(&self, at: usize) {
        let Connection { client, out, .. } = &*self.connections[at];
        if self.charged_under != MemoryShare::Bytes(0)
            && out.capacity() > SPARE_BYTES
            && !client.is_leaving()
        {
            client.info.reply_buffer_bytes.store(out.capacity() as u64, Ordering::Relaxed);
            self.server.clients.charge(&client.info);
        }
    }

    /// Takes over another `maxmemory-clients` before anything else is executed: while there is none,
    /// nobody is charged.
    #[inline]
    pub(super) fn follow_clients_limit(&mut self) {
        let limit = self.context.config.maxmemory_clients;
        if limit != self.charged_under {
            self.charged_under = limit;
            self.server.clients.all().iter().for_each(|info| self.server.clients.charge(info));
            self.evict_clients();
        }
    }

    /// Closes connections, whosever they are, while all together take more than
    /// `maxmemory-clients`. Returns whether there were any.
    #[inline]
    pub(super) fn evict_clients(&mut self) -> bool {
        let limit = clients_limit(&self.context.config);
        limit.is_some_and(|limit| {
            self.server.clients.charged_bytes() >= limit && self.evict_largest_clients(limit)
        })
    }

    #[cold]
    fn evict_largest_clients(&mut self, limit: u64) -> bool {
        let mut evicted = 0;
        for info in self.server.clients.by_size() {
            if self.server.clients.charged_bytes() < limit {
                break;
            }
            if self.server.kill_client(&info) {
                tracing::info!("Evicting client: {}", info.line(self.context.clock.now_ms()));
                self.context.own_mail |= info.worker == self.context.id;
                evicted += 1;
            }
        }
        self.context.stats.evicted_clients.add(evicted);
        evicted > 0
    }
}

/// What all clients together may take; `None` for any amount.
fn clients_limit(config: &Config) -> Option<u64> {
    let limit = match config.maxmemory_clients {
        MemoryShare::Bytes(0) => return None,
        MemoryShare::Bytes(bytes) => bytes,
        MemoryShare::Percent(_) if config.maxmemory == 0 => return None,
        MemoryShare::Percent(percent) => {
            (u128::from(config.maxmemory) * u128::from(percent) / 100) as u64
        }
    };
    Some(limit.max(CLIENTS_BYTES_MIN))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_all_clients_is_a_size_or_a_share() {
        let limit = |maxmemory, maxmemory_clients| {
            clients_limit(&Config { maxmemory, maxmemory_clients, ..Config::default() })
        };
        assert_eq!(limit(1 << 30, MemoryShare::Bytes(0)), None);
        assert_eq!(limit(0, MemoryShare::Bytes(1 << 20)), Some(1 << 20));
        assert_eq!(limit(0, MemoryShare::Percent(50)), None);
        assert_eq!(limit(100 << 20, MemoryShare::Percent(5)), Some(5 << 20));
        assert_eq!(limit(1 << 20, MemoryShare::Percent(1)), Some(CLIENTS_BYTES_MIN));
        assert_eq!(limit(u64::MAX, MemoryShare::Percent(100)), Some(u64::MAX));
    }
}
