//! Users, passwords and what is forbidden.

macro_rules! security {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Security {
            /// Password of the default user; empty for none.
            "requirepass" => requirepass: Option<Vec<u8>> = None, text(), Works + SENSITIVE;

            /// File with the users.
            "aclfile" => aclfile: PathBuf = PathBuf::new(), text(), Later + IMMUTABLE;

            /// Channels that new users may use.
            "acl-pubsub-default" =>
                acl_pubsub_default: ChannelsOfNewUsers = ChannelsOfNewUsers::None,
                one_of::<ChannelsOfNewUsers>(), Later;

            /// Refusals that ACL LOG remembers.
            "acllog-max-len" => acllog_max_len: u64 = 128, integer(0, i64::MAX), Later;

            /// Who may change `dir` and `dbfilename` with CONFIG SET.
            "enable-protected-configs" => enable_protected_configs: Permission = Permission::No,
                one_of::<Permission>(), Works + IMMUTABLE;

            /// Who may use DEBUG.
            "enable-debug-command" => enable_debug_command: Permission = Permission::No,
                one_of::<Permission>(), Works + IMMUTABLE;

            /// Who may use MODULE.
            "enable-module-command" => enable_module_command: Permission = Permission::No,
                one_of::<Permission>(), Later + IMMUTABLE;

            /// Whose serialized values are examined to the bottom. All are, because damage must not go unnoticed.
            "sanitize-dump-payload" => sanitize_dump_payload: SanitizePayload = SanitizePayload::No,
                one_of::<SanitizePayload>(), NoEffect;
        }
    } } };
}
pub(in crate::config) use security;
