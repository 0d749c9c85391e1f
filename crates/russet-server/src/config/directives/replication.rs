//! Primaries and replicas.

macro_rules! replication {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Replication {
            /// The server to follow.
            "replicaof" | "slaveof" => replicaof: Option<ReplicaOf> = None,
                REPLICA_OF, Later + IMMUTABLE + SEVERAL;

            /// Password at the primary.
            "masterauth" => masterauth: Option<Vec<u8>> = None, text(), Later + SENSITIVE;

            /// User at the primary.
            "masteruser" => masteruser: Option<Vec<u8>> = None, text(), Later + SENSITIVE;

            /// Whether a replica without its primary goes on answering.
            "replica-serve-stale-data" | "slave-serve-stale-data" =>
                replica_serve_stale_data: bool = true,
                YES_NO, Later;

            /// Whether clients cannot write to a replica.
            "replica-read-only" | "slave-read-only" => replica_read_only: bool = true,
                YES_NO, Later;

            /// Whether a replica frees its old data in the background before it loads new.
            "replica-lazy-flush" | "slave-lazy-flush" => replica_lazy_flush: bool = false,
                YES_NO, Later;

            /// Whether a replica leaves eviction to its primary.
            "replica-ignore-maxmemory" | "slave-ignore-maxmemory" =>
                replica_ignore_maxmemory: bool = true,
                YES_NO, Later;

            /// Whether a replica goes on where it cannot write to its disk.
            "replica-ignore-disk-write-errors" => replica_ignore_disk_write_errors: bool = false,
                YES_NO, Later;

            /// Which replica a failover prefers: the lowest number, and never 0.
            "replica-priority" | "slave-priority" => replica_priority: u32 = 100,
                integer(0, INT_MAX), Later;

            /// Whether Sentinel gets to know of a replica.
            "replica-announced" => replica_announced: bool = true, YES_NO, Later;

            /// Address that a replica tells its primary.
            "replica-announce-ip" | "slave-announce-ip" =>
                replica_announce_ip: Option<Vec<u8>> = None,
                text(), Later;

            /// Port that a replica tells its primary; 0 for the one it listens on.
            "replica-announce-port" | "slave-announce-port" => replica_announce_port: u16 = 0,
                integer(0, 65535), Later;

            /// Replicas below which writing commands fail; 0 for never.
            "min-replicas-to-write" | "min-slaves-to-write" => min_replicas_to_write: u32 = 0,
                integer(0, INT_MAX), Later;

            /// Seconds of silence after which a replica does not count for that.
            "min-replicas-max-lag" | "min-slaves-max-lag" => min_replicas_max_lag: u32 = 10,
                integer(0, INT_MAX), Later;

            /// Whether a snapshot for replicas goes straight to the network.
            "repl-diskless-sync" => repl_diskless_sync: bool = true, YES_NO, Later;

            /// Seconds to wait for more replicas before it goes.
            "repl-diskless-sync-delay" => repl_diskless_sync_delay: u32 = 5,
                integer(0, INT_MAX), Later;

            /// Replicas that end the wait early; 0 for none.
            "repl-diskless-sync-max-replicas" => repl_diskless_sync_max_replicas: u32 = 0,
                integer(0, INT_MAX), Later;

            /// Whether a replica loads a snapshot straight from the network.
            "repl-diskless-load" => repl_diskless_load: DisklessLoad = DisklessLoad::Disabled,
                one_of::<DisklessLoad>(), Later + NOT_WHILE_LOADING;

            /// Seconds between pings to replicas.
            "repl-ping-replica-period" | "repl-ping-slave-period" =>
                repl_ping_replica_period: u32 = 10,
                integer(1, INT_MAX), Later;

            /// Seconds of silence after which a connection between primary and replica is given up.
            "repl-timeout" => repl_timeout: u32 = 60, integer(1, INT_MAX), Later;

            /// Whether to save packets rather than time between primary and replica.
            "repl-disable-tcp-nodelay" => repl_disable_tcp_nodelay: bool = false, YES_NO, Later;

            /// Changes kept for replicas that come back.
            "repl-backlog-size" => repl_backlog_size: u64 = 1 << 20, memory(1, LONG_MAX).at_least(16 << 10), Later;

            /// Seconds without any replica after which they are dropped; 0 for never.
            "repl-backlog-ttl" => repl_backlog_ttl: u64 = 3600, integer(0, i64::MAX), Later;

            /// What to do with a replicated command that fails.
            "propagation-error-behavior" =>
                propagation_error_behavior: PropagationError = PropagationError::Ignore,
                one_of::<PropagationError>(), Later;
        }
    } } };
}
pub(in crate::config) use replication;
