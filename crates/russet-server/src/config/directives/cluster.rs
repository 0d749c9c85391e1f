//! Cluster.

macro_rules! cluster {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Cluster {
            /// Whether the server is a node of a cluster.
            "cluster-enabled" => cluster_enabled: bool = false, YES_NO, Later + IMMUTABLE;

            /// File that the node keeps its view of the cluster in.
            "cluster-config-file" => cluster_config_file: PathBuf = "nodes.conf".into(),
                text(), Later + IMMUTABLE;

            /// Milliseconds of silence after which a node counts as failing.
            "cluster-node-timeout" => cluster_node_timeout: i64 = 15000,
                integer(0, i64::MAX), Later;

            /// Port for other nodes; 0 for 10000 above the port for clients.
            "cluster-port" => cluster_port: u16 = 0, integer(0, 65535), Later + IMMUTABLE;

            /// How long, in node timeouts, a replica may have been cut off to still take over; 0
            /// for any time.
            "cluster-replica-validity-factor" | "cluster-slave-validity-factor" =>
                cluster_replica_validity_factor: u32 = 10,
                integer(0, INT_MAX), Later;

            /// Replicas that a primary keeps when one moves to a primary without any.
            "cluster-migration-barrier" => cluster_migration_barrier: u32 = 1,
                integer(0, INT_MAX), Later;

            /// Whether replicas move at all.
            "cluster-allow-replica-migration" => cluster_allow_replica_migration: bool = true,
                YES_NO, Later;

            /// Whether nodes stop serving where a slot belongs to nobody.
            "cluster-require-full-coverage" => cluster_require_full_coverage: bool = true,
                YES_NO, Later;

            /// Whether a replica never takes over by itself.
            "cluster-replica-no-failover" | "cluster-slave-no-failover" =>
                cluster_replica_no_failover: bool = false,
                YES_NO, Later;

            /// Whether a node still answers reads while the cluster is down.
            "cluster-allow-reads-when-down" => cluster_allow_reads_when_down: bool = false,
                YES_NO, Later;

            /// Whether a node still carries sharded messages while the cluster is down.
            "cluster-allow-pubsubshard-when-down" =>
                cluster_allow_pubsubshard_when_down: bool = true,
                YES_NO, Later;

            /// Bytes that may wait to be sent to another node; 0 for no limit.
            "cluster-link-sendbuf-limit" => cluster_link_sendbuf_limit: u64 = 0,
                memory(0, u64::MAX), Later;

            /// Address that the node tells others.
            "cluster-announce-ip" => cluster_announce_ip: Option<Vec<u8>> = None, text(), Later;

            /// Port that the node tells others; 0 for the one it listens on.
            "cluster-announce-port" => cluster_announce_port: u16 = 0, integer(0, 65535), Later;

            /// Port for encrypted connections that the node tells others.
            "cluster-announce-tls-port" => cluster_announce_tls_port: u16 = 0,
                integer(0, 65535), Later;

            /// Port for other nodes that the node tells them.
            "cluster-announce-bus-port" => cluster_announce_bus_port: u16 = 0,
                integer(0, 65535), Later;

            /// Host name that the node tells others.
            "cluster-announce-hostname" => cluster_announce_hostname: Option<Vec<u8>> = None,
                checked_text("host name", checks::host_name), Later;

            /// Name for people that the node tells others.
            "cluster-announce-human-nodename" =>
                cluster_announce_human_nodename: Option<Vec<u8>> = None,
                checked_text("host name", checks::node_name), Later;

            /// How nodes name each other to clients.
            "cluster-preferred-endpoint-type" =>
                cluster_preferred_endpoint_type: EndpointType = EndpointType::Ip,
                one_of::<EndpointType>(), Later;
        }
    } } };
}
pub(in crate::config) use cluster;
