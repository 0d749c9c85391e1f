//! Listening, and the state of connections.

macro_rules! network {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Network {
            /// Addresses to listen on; `*` means all of IPv4, `::*` all of IPv6. An address after
            /// `-` is left out where the machine does not have it.
            "bind" => bind: Vec<String> = vec!["*".into(), "-::*".into()], BIND, Works + SEVERAL;

            /// Local address for connections that the server itself opens.
            "bind-source-addr" => bind_source_addr: Option<Vec<u8>> = None, text(), Later;

            /// TCP port to listen on; 0 for none.
            "port" => port: u16 = 6379, integer(0, 65535), Works;

            /// Whether a server without a password serves only clients on its own machine.
            "protected-mode" => protected_mode: bool = true, YES_NO, Works;

            /// Connections that the kernel keeps ready until they are accepted.
            "tcp-backlog" => tcp_backlog: u32 = 511, integer(0, INT_MAX), Works + IMMUTABLE;

            /// Seconds between probes of a silent connection; 0 for no probes.
            "tcp-keepalive" => tcp_keepalive: u32 = 300, integer(0, INT_MAX), Works;

            /// Seconds after which an idle client is disconnected; 0 for never.
            "timeout" => timeout: u32 = 0, integer(0, INT_MAX), Works;

            /// Path of a Unix socket to listen on as well.
            "unixsocket" => unixsocket: Option<PathBuf> = None, text(), Works + IMMUTABLE;

            /// Permissions of the Unix socket; 0 leaves them to the umask.
            "unixsocketperm" => unixsocketperm: u32 = 0, octal(0o777), Works + IMMUTABLE;

            /// Mark on listening sockets, for the system's packet filter; 0 for none.
            "socket-mark-id" => socket_mark_id: u32 = 0, integer(0, UINT_MAX), Later + IMMUTABLE;
        }
    } } };
}
pub(in crate::config) use network;
