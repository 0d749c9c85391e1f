//! Snapshots.

macro_rules! snapshots {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Snapshots {
            /// Directory for all files; relative paths start there.
            "dir" => dir: PathBuf = checks::current_directory(),
                DIRECTORY, Works + PROTECTED + NOT_WHILE_LOADING;

            /// When to save: after so many seconds, if there were so many changes.
            "save" => save: Vec<SavePoint> = checks::default_save_points(),
                SAVE_POINTS, Works + SEVERAL;

            /// Name of the snapshot's file.
            "dbfilename" => dbfilename: PathBuf = "dump.rdb".into(),
                checked_text("file name", checks::snapshot_name), Works + PROTECTED;

            /// Whether writing commands fail after a snapshot has failed.
            "stop-writes-on-bgsave-error" => stop_writes_on_bgsave_error: bool = true,
                YES_NO, Works;

            /// Whether snapshots are compressed.
            "rdbcompression" => rdbcompression: bool = true, YES_NO, Works;

            /// Whether snapshots end with a checksum.
            "rdbchecksum" => rdbchecksum: bool = true, YES_NO, Works + IMMUTABLE;

            /// Whether snapshots that only served replication are removed.
            "rdb-del-sync-files" => rdb_del_sync_files: bool = false, YES_NO, Later;

            /// Whether a snapshot goes to the disk piece by piece.
            "rdb-save-incremental-fsync" => rdb_save_incremental_fsync: bool = true, YES_NO, Works;

            /// Microseconds to pause after each key saved, for tests.
            "rdb-key-save-delay" => rdb_key_save_delay: i32 = 0,
                integer(INT_MIN, INT_MAX), Works + HIDDEN;

            /// Microseconds to pause after each key loaded, for tests.
            "key-load-delay" => key_load_delay: i32 = 0, integer(INT_MIN, INT_MAX), Works + HIDDEN;

            /// Bytes loaded between two looks at the clients, for tests.
            "loading-process-events-interval-bytes" =>
                loading_process_events_interval_bytes: u32 = 2 << 20,
                integer(1024, INT_MAX), Later + HIDDEN;
        }
    } } };
}
pub(in crate::config) use snapshots;
