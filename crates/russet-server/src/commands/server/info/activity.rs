//! Sections about what the server does: clients, counters, persistence, replication, keys, workers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Source;
use super::report::Report;
use crate::client::{ClientFlags, ClientInfo};
use crate::eviction;
use crate::worker::clock::unix_ms;

/// `# Clients`
pub fn clients(source: &Source<'_>, report: &mut Report) {
    let server = source.server;
    let clients = server.clients.all();
    let with =
        |flag: ClientFlags| clients.iter().filter(|info| info.flags().contains(flag)).count();
    let most =
        |bytes: fn(&ClientInfo) -> u64| clients.iter().map(|info| bytes(info)).max().unwrap_or(0);
    let input = most(|info| info.query_bytes.load(Ordering::Relaxed));
    let output = most(|info| info.output_bytes.load(Ordering::Relaxed));
    report.section("Clients");
    report.field("connected_clients", clients.len());
    report.zeros(&["cluster_connections"]);
    report.field("maxclients", server.config.load().maxclients);
    report.field("client_recent_max_input_buffer", input);
    report.field("client_recent_max_output_buffer", output);
    // As Redis 4 called the two.
    report.field("client_longest_output_list", output);
    report.field("client_biggest_input_buf", input);
    report.field("blocked_clients", with(ClientFlags::BLOCKED));
    report.zeros(&["tracking_clients"]);
    let until = |info: &ClientInfo| info.wait.lock().as_ref().and_then(|wait| wait.deadline_ms);
    let with_end = clients.iter().filter(|info| until(info).is_some());
    report.field("clients_in_timeout_table", with_end.count());
    report.field("total_blocking_keys", server.keyspace.awaited_keys());
    report.zeros(&["total_blocking_keys_on_nokey"]);
}

/// `# Persistence`
pub fn persistence(source: &Source<'_>, report: &mut Report) {
    let server = source.server;
    let persistence = &server.persistence;
    let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let changes = server.sum(|stats| stats.changes.value());
    let saved = load(&persistence.changes_at_last_save);
    let snapshot = persistence.snapshot.load();
    report.section("Persistence");
    report.field("loading", u8::from(persistence.is_loading()));
    report.zeros(&["async_loading", "current_cow_peak", "current_cow_size"]);
    report.zeros(&["current_cow_size_age"]);
    let (written, keys) =
        snapshot.as_ref().map_or((0, 0), |snapshot| (load(&snapshot.written_keys), snapshot.keys));
    let percent = if keys == 0 { 0.0 } else { written as f64 * 100.0 / keys as f64 };
    report.field("current_fork_perc", format_args!("{percent:.2}"));
    report.field("current_save_keys_processed", written);
    report.field("current_save_keys_total", keys);
    report.field("rdb_changes_since_last_save", changes.saturating_sub(saved));
    let is_base = snapshot.as_ref().is_some_and(|snapshot| snapshot.is_base);
    report.field("rdb_bgsave_in_progress", u8::from(snapshot.is_some() && !is_base));
    report.field("rdb_last_save_time", persistence.last_save_s.load(Ordering::Relaxed));
    report.field("rdb_last_bgsave_status", if persistence.has_failed() { "err" } else { "ok" });
    let duration_s = persistence.last_duration_s.load(Ordering::Relaxed);
    report.field("rdb_last_bgsave_time_sec", duration_s);
    let began = *persistence.began.lock();
    let current_s =
        |is_it: bool| began.filter(|_| is_it).map_or(-1, |began| began.elapsed().as_secs() as i64);
    report.field("rdb_current_bgsave_time_sec", current_s(!is_base));
    report.field("rdb_saves", load(&persistence.saves));
    report.zeros(&["rdb_last_cow_size"]);
    report.field("rdb_last_load_keys_expired", load(&persistence.expired_keys));
    report.field("rdb_last_load_keys_loaded", load(&persistence.loaded_keys));
    let log = persistence.log.load();
    let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let is_wanted = source.server.config.load().appendonly;
    report.field("aof_enabled", u8::from(log.is_some() || is_wanted));
    // A log begins with a rewrite, a moment after it was asked for, or as soon as nothing else is written.
    let is_missing = is_wanted && log.is_none() && !persistence.is_loading();
    let is_put_off = snapshot.is_some() && !is_base;
    let is_beginning = is_missing && !is_put_off;
    let is_scheduled = is_set(&persistence.is_rewrite_scheduled) || (is_missing && is_put_off);
    report.field("aof_rewrite_in_progress", u8::from(is_base || is_beginning));
    report.field("aof_rewrite_scheduled", u8::from(is_scheduled));
    let last_rewrite_s = persistence.last_rewrite_s.load(Ordering::Relaxed);
    report.field("aof_last_rewrite_time_sec", last_rewrite_s);
    report.field("aof_current_rewrite_time_sec", current_s(is_base));
    let failed_rewrites = load(&persistence.failed_rewrites);
    let rewrite_status = if failed_rewrites > 0 { "err" } else { "ok" };
    report.field("aof_last_bgrewrite_status", rewrite_status);
    report.field("aof_rewrites", load(&persistence.rewrites));
    report.field("aof_rewrites_consecutive_failures", failed_rewrites);
    let write_status = if persistence.has_log_failed() { "err" } else { "ok" };
    report.field("aof_last_write_status", write_status);
    report.zeros(&["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"]);
    if let Some(log) = &*log {
        report.field("aof_current_size", load(&log.size));
        report.field("aof_base_size", load(&log.base_size));
        report.zeros(&["aof_pending_rewrite"]);
        report.field("aof_buffer_length", log.buffered_bytes());
        report.field("aof_pending_bio_fsync", log.pending_flushes());
        report.field("aof_delayed_fsync", log.delayed_flushes());
    }
    if let Some(loading) = &*persistence.loading.load() {
        let (read, total) = (load(&loading.read_bytes), loading.total_bytes);
        let elapsed_s = (unix_ms() / 1000 - loading.began_s).max(0) as u64;
        let eta_s = (elapsed_s * total.saturating_sub(read)).checked_div(read).unwrap_or(1);
        let percent = if total == 0 { 0.0 } else { read as f64 * 100.0 / total as f64 };
        report.field("loading_start_time", loading.began_s);
        report.field("loading_total_bytes", total);
        report.zeros(&["loading_rdb_used_mem"]);
        report.field("loading_loaded_bytes", read);
        report.field("loading_loaded_perc", format_args!("{percent:.2}"));
        report.field("loading_eta_seconds", eta_s);
    }
}

/// `# Stats`
pub fn stats(source: &Source<'_>, report: &mut Report) {
    let server = source.server;
    let own = &server.stats;
    let rates = own.rates.per_second();
    let kilobytes = |bytes: f64| format!("{:.2}", bytes / 1024.0);
    report.section("Stats");
    report.field(
        "total_connections_received",
        own.total_connections_received.load(Ordering::Relaxed),
    );
    let commands = server.sum(|stats| stats.total_commands_processed.value());
    report.field("total_commands_processed", commands);
    report.field("instantaneous_ops_per_sec", rates.commands.round());
    let input = server.sum(|stats| stats.total_net_input_bytes.value());
    report.field("total_net_input_bytes", input);
    let output = server.sum(|stats| stats.total_net_output_bytes.value());
    report.field("total_net_output_bytes", output);
    report.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    report.field("instantaneous_input_kbps", kilobytes(rates.input_bytes));
    report.field("instantaneous_output_kbps", kilobytes(rates.output_bytes));
    report.field("instantaneous_input_repl_kbps", "0.00");
    report.field("instantaneous_output_repl_kbps", "0.00");
    report.field("rejected_connections", own.rejected_connections.load(Ordering::Relaxed));
    report.zeros(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
    report.field("expired_keys", server.sum(|stats| stats.expired_keys.value()));
    report.field("expired_stale_perc", "0.00");
    let capped = own.expired_time_cap_reached.load(Ordering::Relaxed);
    report.field("expired_time_cap_reached_count", capped);
    report.zeros(&["expire_cycle_cpu_milliseconds"]);
    report.field("evicted_keys", server.sum(|stats| stats.evicted_keys.value()));
    report.field("evicted_clients", server.sum(|stats| stats.evicted_clients.value()));
    let (total_ms, current_ms) = eviction::excess_ms(server);
    report.field("total_eviction_exceeded_time", total_ms);
    report.field("current_eviction_exceeded_time", current_ms);
    report.field("keyspace_hits", server.sum(|stats| stats.keyspace_hits.value()));
    report.field("keyspace_misses", server.sum(|stats| stats.keyspace_misses.value()));
    report.field("pubsub_channels", server.pubsub.channels.len());
    report.field("pubsub_patterns", server.pubsub.patterns.len());
    report.field("pubsubshard_channels", server.pubsub.shard_channels.len());
    report.zeros(&["latest_fork_usec", "total_forks", "migrate_cached_sockets"]);
    report.zeros(&["slave_expires_tracked_keys"]);
    let hits = server.sum(|stats| stats.active_defrag_hits.value());
    report.field("active_defrag_hits", hits);
    let misses = server.sum(|stats| stats.active_defrag_misses.value());
    report.field("active_defrag_misses", misses);
    let key_hits = server.sum(|stats| stats.active_defrag_key_hits.value());
    report.field("active_defrag_key_hits", key_hits);
    let key_misses = server.sum(|stats| stats.active_defrag_key_misses.value());
    report.field("active_defrag_key_misses", key_misses);
    let since_ms = own.defrag_since_ms.load(Ordering::Relaxed);
    let uptime_ms = server.started.elapsed().as_millis() as u64;
    let current_ms = if since_ms == 0 { 0 } else { uptime_ms.saturating_sub(since_ms) };
    let before_ms = own.defrag_ms.load(Ordering::Relaxed);
    report.field("total_active_defrag_time", before_ms + current_ms);
    report.field("current_active_defrag_time", current_ms);
    report.zeros(&["tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"]);
    report.zeros(&["unexpected_error_replies"]);
    report.field("total_error_replies", server.sum(|stats| stats.total_error_replies.value()));
    report.zeros(&["dump_payload_sanitizations"]);
    let reads = server.sum(|stats| stats.total_reads_processed.value());
    report.field("total_reads_processed", reads);
    let writes = server.sum(|stats| stats.total_writes_processed.value());
    report.field("total_writes_processed", writes);
    report.zeros(&["io_threaded_reads_processed", "io_threaded_writes_processed"]);
    report.zeros(&["reply_buffer_shrinks", "reply_buffer_expands"]);
    let over_input = server.sum(|stats| stats.client_query_buffer_limit_disconnections.value());
    report.field("client_query_buffer_limit_disconnections", over_input);
    let over_output = server.sum(|stats| stats.client_output_buffer_limit_disconnections.value());
    report.field("client_output_buffer_limit_disconnections", over_output);
    report.field("eventloop_cycles", server.sum(|stats| stats.rounds.value()));
    report.field("instantaneous_eventloop_cycles_per_sec", rates.rounds.round());
    report.zeros(&["acl_access_denied_auth", "acl_access_denied_cmd"]);
    report.zeros(&["acl_access_denied_key", "acl_access_denied_channel"]);
}

/// `# Replication`
pub fn replication(source: &Source<'_>, report: &mut Report) {
    report.section("Replication");
    report.field("role", "master");
    report.zeros(&["connected_slaves"]);
    report.field("master_failover_state", "no-failover");
    report.field("master_replid", source.server.replication_id.lock());
    report.field("master_replid2", "0".repeat(40));
    report.zeros(&["master_repl_offset"]);
    report.field("second_repl_offset", -1);
    report.zeros(&["repl_backlog_active"]);
    report.field("repl_backlog_size", source.server.config.load().repl_backlog_size);
    report.zeros(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
}

/// `# Keyspace`: databases with keys, and how long their expiring keys have on average, in
/// milliseconds.
pub fn keyspace(source: &Source<'_>, report: &mut Report) {
    let keyspace = &source.server.keyspace;
    let now_ms = unix_ms();
    report.section("Keyspace");
    for db in 0..keyspace.databases() {
        let physical = keyspace.physical_db(db);
        let (keys, expires) = (keyspace.key_count(physical), keyspace.expiring_count(physical));
        if keys > 0 {
            let left_ms = keyspace.mean_deadline_ms(physical).map_or(0, |mean| mean - now_ms);
            let left_ms = left_ms.max(0);
            report.field(
                format_args!("db{db}"),
                format_args!("keys={keys},expires={expires},avg_ttl={left_ms}"),
            );
        }
    }
}

/// `# Workers`, a section of Russet's own: how the work is shared, and how often workers were in each
/// other's way.
pub fn workers(source: &Source<'_>, report: &mut Report) {
    let server = source.server;
    report.section("Workers");
    report.field("russet_worker_threads", server.workers.len());
    let shard = server.sum(|stats| stats.set_aside_shard.value());
    report.field("russet_set_aside_for_shard", shard);
    let gate = server.sum(|stats| stats.set_aside_gate.value());
    report.field("russet_set_aside_for_gate", gate);
    report.field("russet_gate_waits", server.sum(|stats| stats.gate_waits.value()));
    for (id, worker) in server.workers.iter().enumerate() {
        let stats = &worker.stats;
        let fields = [
            ("connections", worker.connections.load(Ordering::Relaxed) as u64),
            ("commands", stats.total_commands_processed.value()),
            ("rounds", stats.rounds.value()),
            ("input_bytes", stats.total_net_input_bytes.value()),
            ("output_bytes", stats.total_net_output_bytes.value()),
            ("set_aside_for_shard", stats.set_aside_shard.value()),
            ("set_aside_for_gate", stats.set_aside_gate.value()),
            ("gate_waits", stats.gate_waits.value()),
        ];
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        report.field(format_args!("russet_worker{id}"), fields.join(","));
    }
}
