//! Limits on data, eviction and freeing.

macro_rules! memory_limits {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Memory {
            /// Memory from which on keys are evicted, or commands that need more are refused; 0 for no
            /// limit.
            "maxmemory" => maxmemory: u64 = 0, memory(0, u64::MAX), Works;

            /// What to remove when memory is full. A policy that counts uses also decides what
            /// OBJECT FREQ shows.
            "maxmemory-policy" => maxmemory_policy: EvictionPolicy = EvictionPolicy::NoEviction,
                one_of::<EvictionPolicy>(), Works;

            /// Keys to look at before one is removed.
            "maxmemory-samples" => maxmemory_samples: u32 = 5, integer(1, INT_MAX), Works;

            /// How hard to try to get below the limit: 0 for low latency, 100 for at any price.
            "maxmemory-eviction-tenacity" => maxmemory_eviction_tenacity: u32 = 10,
                integer(0, 100), Works;

            /// How many more uses the counter of the LFU policies needs to rise.
            "lfu-log-factor" => lfu_log_factor: u32 = 10, integer(0, INT_MAX), Works;

            /// Minutes after which that counter falls by one; 0 for never.
            "lfu-decay-time" => lfu_decay_time: u32 = 1, integer(0, INT_MAX), Works;

            /// Whether replicas and the append-only file get UNLINK for an evicted key, instead of DEL.
            /// Large values are freed in the background in any case.
            "lazyfree-lazy-eviction" => lazyfree_lazy_eviction: bool = false, YES_NO, Works;

            /// As lazyfree-lazy-eviction, for keys whose time has come.
            "lazyfree-lazy-expire" => lazyfree_lazy_expire: bool = false, YES_NO, Works;

            /// As lazyfree-lazy-eviction, for keys that SPOP empties, or RESTORE replaces by expired ones.
            "lazyfree-lazy-server-del" => lazyfree_lazy_server_del: bool = false, YES_NO, Works;

            /// As lazyfree-lazy-eviction, for GETDEL. DEL is passed on as it is.
            "lazyfree-lazy-user-del" => lazyfree_lazy_user_del: bool = false, YES_NO, Works;

            /// Whether FLUSHALL and FLUSHDB work in the background where the command does not say.
            "lazyfree-lazy-user-flush" => lazyfree_lazy_user_flush: bool = false, YES_NO, Works;

            /// How much work to put into finding expired keys. They are found exactly in time here.
            "active-expire-effort" => active_expire_effort: u32 = 1, integer(1, 10), NoEffect;

            /// Whether idle time goes into growing tables. They grow step by step here.
            "activerehashing" => activerehashing: bool = true, YES_NO, NoEffect;

            /// Whether fragmented memory is put in order while the server runs.
            "activedefrag" => activedefrag: bool = false, YES_NO, Works;

            /// Fragmented bytes below which nothing is done about them.
            "active-defrag-ignore-bytes" => active_defrag_ignore_bytes: u64 = 100 << 20,
                memory(1, LONG_MAX), Works;

            /// Percentage of fragmentation below which nothing is done about it.
            "active-defrag-threshold-lower" => active_defrag_threshold_lower: u32 = 10,
                integer(0, 1000), Works;

            /// Percentage of fragmentation from which on the greatest effort is made.
            "active-defrag-threshold-upper" => active_defrag_threshold_upper: u32 = 100,
                integer(0, 1000), Works;

            /// The least effort, in percent of a processor.
            "active-defrag-cycle-min" => active_defrag_cycle_min: u32 = 1, integer(1, 99), Works;

            /// The greatest effort, in percent of a processor.
            "active-defrag-cycle-max" => active_defrag_cycle_max: u32 = 25, integer(1, 99), Works;

            /// Elements from which on a collection is moved in steps, between which clients are served.
            "active-defrag-max-scan-fields" => active_defrag_max_scan_fields: u64 = 1000,
                integer(1, i64::MAX), Works;

            /// Whether memory that is in use, or will be at once, is put on huge pages.
            "huge-pages" => huge_pages: bool = true, YES_NO, Works;

            /// Whether the allocator gives memory back to the system from a thread of its own.
            "jemalloc-bg-thread" => jemalloc_bg_thread: bool = true, YES_NO, Later;
        }
    } } };
}
pub(in crate::config) use memory_limits;
