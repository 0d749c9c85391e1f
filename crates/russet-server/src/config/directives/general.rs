//! The process, its log and its threads.

macro_rules! general {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        General {
            /// Which Redis to answer like where versions differ.
            "compatibility" => compatibility: Compatibility = Compatibility::V7_2,
                one_of::<Compatibility>(), Works + FIXED;

            /// Threads that serve clients; `auto` for one per core.
            "worker-threads" => worker_threads: u32 = cores_of_machine().min(1024),
                cores(1024), Works + FIXED;

            /// Whether to run in the background.
            "daemonize" => daemonize: bool = false, YES_NO, Works + IMMUTABLE;

            /// Which supervisor to tell when the server is ready.
            "supervised" => supervised: Supervised = Supervised::No,
                one_of::<Supervised>(), Works + IMMUTABLE;

            /// File for the process number; in the background `/var/run/redis.pid` if there is
            /// none.
            "pidfile" => pidfile: Option<PathBuf> = None, text(), Works + IMMUTABLE;

            /// From which level on messages are logged.
            "loglevel" => loglevel: LogLevel = LogLevel::Notice, one_of::<LogLevel>(), Works;

            /// File to log to; empty for the standard output.
            "logfile" => logfile: PathBuf = PathBuf::new(), text(), Works + IMMUTABLE;

            /// Whether to log to the system's log as well.
            "syslog-enabled" => syslog_enabled: bool = false, YES_NO, Works + IMMUTABLE;

            /// Name in the system's log.
            "syslog-ident" => syslog_ident: Vec<u8> = b"russet".into(), text(), Works + IMMUTABLE;

            /// Facility in the system's log.
            "syslog-facility" => syslog_facility: SyslogFacility = SyslogFacility::Local0,
                one_of::<SyslogFacility>(), Works + IMMUTABLE;

            /// Number of databases.
            "databases" => databases: u32 = 16, integer(1, INT_MAX), Works + IMMUTABLE;

            /// Whether the start shows the logo even where nobody watches.
            "always-show-logo" => always_show_logo: bool = false, YES_NO, Works + IMMUTABLE;

            /// Whether the process shows its state as its title.
            "set-proc-title" => set_proc_title: bool = true, YES_NO, Later + IMMUTABLE;

            /// What the title of the process consists of.
            "proc-title-template" =>
                proc_title_template: Vec<u8> = b"{title} {listen-addr} {server-mode}".into(),
                checked_text("template", checks::process_title), Later;

            /// How often per second the server looks after timeouts and statistics.
            "hz" => hz: u32 = 10, clamped(0, INT_MAX, 1, 500), Works;

            /// Whether many clients raise that frequency.
            "dynamic-hz" => dynamic_hz: bool = true, YES_NO, NoEffect;

            /// Whether a fault of the process leaves a report in the log.
            "crash-log-enabled" => crash_log_enabled: bool = true, YES_NO, Works;

            /// Whether that report comes with a test of the memory.
            "crash-memcheck-enabled" => crash_memcheck_enabled: bool = true, YES_NO, NoEffect;

            /// Whether a fault of the process ends it without a core file.
            "use-exit-on-panic" => use_exit_on_panic: bool = false, YES_NO, NoEffect + HIDDEN;

            /// Milliseconds after which a silent main thread is reported.
            "watchdog-period" => watchdog_period: u32 = 0, integer(0, INT_MAX), NoEffect + HIDDEN;

            /// What SIGINT adds to an orderly shutdown.
            "shutdown-on-sigint" => shutdown_on_sigint: ShutdownOptions = ShutdownOptions::empty(),
                flag_set::<ShutdownOptions>(), Works + SEVERAL;

            /// What SIGTERM adds to an orderly shutdown.
            "shutdown-on-sigterm" =>
                shutdown_on_sigterm: ShutdownOptions = ShutdownOptions::empty(),
                flag_set::<ShutdownOptions>(), Works + SEVERAL;

            /// Seconds that a shutdown waits for replicas to catch up.
            "shutdown-timeout" => shutdown_timeout: u32 = 10, integer(0, INT_MAX), Later;

            /// Threads that help with reading and writing. Every worker does that here: see
            /// `worker-threads`.
            "io-threads" => io_threads: u32 = 1, integer(1, 128), NoEffect + IMMUTABLE;

            /// Whether those threads read too.
            "io-threads-do-reads" => io_threads_do_reads: bool = false,
                YES_NO, NoEffect + IMMUTABLE;

            /// Cores for the threads that serve clients, such as `0-3,8-14:2`; empty for those that
            /// the process may use. If there are as many as threads, each thread has its own.
            "server_cpulist" => server_cpulist: Option<Vec<u8>> = None, text(), Works + IMMUTABLE;

            /// Cores for the background threads.
            "bio_cpulist" => bio_cpulist: Option<Vec<u8>> = None, text(), Works + IMMUTABLE;

            /// Cores for rewriting the append-only file.
            "aof_rewrite_cpulist" => aof_rewrite_cpulist: Option<Vec<u8>> = None,
                text(), Works + IMMUTABLE;

            /// Cores for saving snapshots.
            "bgsave_cpulist" => bgsave_cpulist: Option<Vec<u8>> = None, text(), Works + IMMUTABLE;

            /// Whether the kernel's out-of-memory killer is told what to spare.
            "oom-score-adj" => oom_score_adj: OomScoreAdjust = OomScoreAdjust::No,
                one_of::<OomScoreAdjust>(), Works;

            /// Scores for that killer: of a primary, a replica, a background process.
            "oom-score-adj-values" => oom_score_adj_values: [i32; 3] = [0, 200, 800],
                OOM_SCORES, Works + SEVERAL;

            /// Whether the process does without transparent huge pages.
            "disable-thp" => disable_thp: bool = true, YES_NO, Later + IMMUTABLE;

            /// Warnings at start to leave out.
            "ignore-warnings" => ignore_warnings: Vec<u8> = Vec::new(), text(), NoEffect;

            /// Locale that SORT with ALPHA compares texts by; empty for that of the environment.
            "locale-collate" => locale_collate: Vec<u8> = Vec::new(), text(), Later;

            /// Milliseconds after which a script is slow, and other clients are told that the
            /// server is busy.
            "busy-reply-threshold" | "lua-time-limit" => busy_reply_threshold: i64 = 5000,
                integer(0, i64::MAX), Works;

            /// Whether scripts get `setfenv`, `getfenv` and `newproxy`, by which they could reach each
            /// other. They do not.
            "lua-enable-deprecated-api" => lua_enable_deprecated_api: bool = false,
                YES_NO, NoEffect + HIDDEN + IMMUTABLE;

            /// Bytes that the scripts of one worker may use; more is an error of the script that
            /// asks for it. Not in Redis.
            "lua-memory-limit" => lua_memory_limit: u64 = 1 << 30,
                memory(1 << 20, u64::MAX), Works;
        }
    } } };
}
pub(in crate::config) use general;
