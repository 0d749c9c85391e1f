//! Limits on clients and on what they send.

macro_rules! clients {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Clients {
            /// Clients connected at the same time.
            "maxclients" => maxclients: u32 = 10000, integer(1, UINT_MAX), Works;

            /// Memory that all clients together may take; a percentage is one of `maxmemory`, and 0
            /// no limit.
            "maxmemory-clients" => maxmemory_clients: MemoryShare = MemoryShare::Bytes(0),
                MEMORY_OR_PERCENT, Works;

            /// Replies that may wait to be sent: a hard limit, and a soft one that may be exceeded
            /// for some seconds.
            "client-output-buffer-limit" =>
                client_output_buffer_limit: ClientLimits = checks::default_client_limits(),
                CLIENT_LIMITS, Works + SEVERAL;

            /// What a client may send ahead of being answered.
            "client-query-buffer-limit" => client_query_buffer_limit: u64 = 1 << 30,
                memory(1 << 20, LONG_MAX), Works;

            /// The longest single argument of a command.
            "proto-max-bulk-len" => proto_max_bulk_len: i64 = 512 << 20,
                memory(1 << 20, LONG_MAX), Works;

            /// Keys that the server remembers for client-side caching; 0 for any number.
            "tracking-table-max-keys" => tracking_table_max_keys: u64 = 1_000_000,
                integer(0, i64::MAX), Later;
        }
    } } };
}
pub(in crate::config) use clients;
