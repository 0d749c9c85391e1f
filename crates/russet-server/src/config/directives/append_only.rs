//! The append-only file.

macro_rules! append_only {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        AppendOnly {
            /// Whether every change is written to a file.
            "appendonly" => appendonly: bool = false, YES_NO, Works + NOT_WHILE_LOADING;

            /// What the names of those files begin with.
            "appendfilename" => appendfilename: PathBuf = "appendonly.aof".into(),
                checked_text("file name", checks::append_only_name), Works + IMMUTABLE;

            /// Directory of those files, within `dir`.
            "appenddirname" => appenddirname: PathBuf = "appendonlydir".into(),
                checked_text("directory name", checks::append_only_directory), Works + IMMUTABLE;

            /// When the file is flushed to the disk.
            "appendfsync" => appendfsync: AppendFsync = AppendFsync::EverySecond,
                one_of::<AppendFsync>(), Works;

            /// Whether it is not flushed while a snapshot is written.
            "no-appendfsync-on-rewrite" => no_appendfsync_on_rewrite: bool = false, YES_NO, Works;

            /// Growth in percent after which the file is rewritten; 0 for never.
            "auto-aof-rewrite-percentage" => auto_aof_rewrite_percentage: u32 = 100,
                integer(0, INT_MAX), Works;

            /// Size below which the file is not rewritten.
            "auto-aof-rewrite-min-size" => auto_aof_rewrite_min_size: u64 = 64 << 20,
                memory(0, LONG_MAX), Works;

            /// Whether a file that ends in the middle of a command is loaded up to there.
            "aof-load-truncated" => aof_load_truncated: bool = true, YES_NO, Works;

            /// Whether a rewritten file begins with a snapshot.
            "aof-use-rdb-preamble" => aof_use_rdb_preamble: bool = true, YES_NO, Works;

            /// Whether the file notes the time, so that it can be restored up to a moment.
            "aof-timestamp-enabled" => aof_timestamp_enabled: bool = false, YES_NO, Works;

            /// Whether a rewritten file goes to the disk piece by piece.
            "aof-rewrite-incremental-fsync" => aof_rewrite_incremental_fsync: bool = true,
                YES_NO, Works;

            /// Whether files that are no longer needed stay.
            "aof-disable-auto-gc" => aof_disable_auto_gc: bool = false, YES_NO, Works;
        }
    } } };
}
pub(in crate::config) use append_only;
