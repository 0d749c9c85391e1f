//! Transport layer security.

macro_rules! tls {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Tls {
            /// TCP port for encrypted connections; 0 for none.
            "tls-port" => tls_port: u16 = 0, integer(0, 65535), Later;

            /// File with the server's certificate.
            "tls-cert-file" => tls_cert_file: Option<PathBuf> = None, text(), Later + VOLATILE;

            /// File with the key of the server's certificate.
            "tls-key-file" => tls_key_file: Option<PathBuf> = None, text(), Later + VOLATILE;

            /// Passphrase of the server's key file.
            "tls-key-file-pass" => tls_key_file_pass: Option<Vec<u8>> = None,
                text(), Later + SENSITIVE;

            /// File with the certificate shown on connections that the server opens, if it is
            /// another one.
            "tls-client-cert-file" => tls_client_cert_file: Option<PathBuf> = None,
                text(), Later + VOLATILE;

            /// File with the key of that certificate.
            "tls-client-key-file" => tls_client_key_file: Option<PathBuf> = None,
                text(), Later + VOLATILE;

            /// Passphrase of that key file.
            "tls-client-key-file-pass" => tls_client_key_file_pass: Option<Vec<u8>> = None,
                text(), Later + SENSITIVE;

            /// File with parameters for Diffie-Hellman key exchange.
            "tls-dh-params-file" => tls_dh_params_file: Option<PathBuf> = None,
                text(), Later + VOLATILE;

            /// File with the certificates of the authorities to trust.
            "tls-ca-cert-file" => tls_ca_cert_file: Option<PathBuf> = None,
                text(), Later + VOLATILE;

            /// Directory with the certificates of the authorities to trust.
            "tls-ca-cert-dir" => tls_ca_cert_dir: Option<PathBuf> = None, text(), Later + VOLATILE;

            /// Whether clients have to show a certificate.
            "tls-auth-clients" => tls_auth_clients: TlsClients = TlsClients::Yes,
                one_of::<TlsClients>(), Later;

            /// Whether the connection of a replica to its primary is encrypted.
            "tls-replication" => tls_replication: bool = false, YES_NO, Later;

            /// Whether connections between the nodes of a cluster are encrypted.
            "tls-cluster" => tls_cluster: bool = false, YES_NO, Later;

            /// Versions of the protocol to allow.
            "tls-protocols" => tls_protocols: Option<Vec<u8>> = None, text(), Later;

            /// Ciphers to allow up to TLS 1.2.
            "tls-ciphers" => tls_ciphers: Option<Vec<u8>> = None, text(), Later;

            /// Cipher suites to allow from TLS 1.3 on.
            "tls-ciphersuites" => tls_ciphersuites: Option<Vec<u8>> = None, text(), Later;

            /// Whether the server's preference among ciphers counts, not the client's.
            "tls-prefer-server-ciphers" => tls_prefer_server_ciphers: bool = false, YES_NO, Later;

            /// Whether sessions can be resumed.
            "tls-session-caching" => tls_session_caching: bool = true, YES_NO, Later;

            /// Sessions to remember; 0 for any number.
            "tls-session-cache-size" => tls_session_cache_size: u32 = 20480,
                integer(0, INT_MAX), Later;

            /// Seconds for which a session is remembered.
            "tls-session-cache-timeout" => tls_session_cache_timeout: u32 = 300,
                integer(0, INT_MAX), Later;
        }
    } } };
}
pub(in crate::config) use tls;
