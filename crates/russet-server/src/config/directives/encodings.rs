//! When collections change their representation.

macro_rules! encodings {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Encodings {
            /// Fields up to which a hash is one compact block.
            "hash-max-listpack-entries" | "hash-max-ziplist-entries" =>
                hash_max_listpack_entries: u64 = 512,
                integer(0, i64::MAX), Works;

            /// Bytes up to which a field or value may be in it.
            "hash-max-listpack-value" | "hash-max-ziplist-value" =>
                hash_max_listpack_value: u64 = 64,
                memory(0, LONG_MAX), Works;

            /// Elements of each block of a list or, from -1 to -5, its size: 4, 8, 16, 32 or 64
            /// KiB.
            "list-max-listpack-size" | "list-max-ziplist-size" => list_max_listpack_size: i32 = -2,
                integer(INT_MIN, INT_MAX), Later;

            /// Blocks at each end of a list that are not compressed; 0 compresses none.
            "list-compress-depth" => list_compress_depth: u32 = 0, integer(0, INT_MAX), Later;

            /// Elements up to which a set of integers is one sorted array.
            "set-max-intset-entries" => set_max_intset_entries: u64 = 512,
                integer(0, i64::MAX), Works;

            /// Elements up to which another set is one compact block.
            "set-max-listpack-entries" => set_max_listpack_entries: u64 = 128,
                integer(0, i64::MAX), Works;

            /// Bytes up to which an element may be in it.
            "set-max-listpack-value" => set_max_listpack_value: u64 = 64,
                memory(0, LONG_MAX), Works;

            /// Members up to which a sorted set is one compact block.
            "zset-max-listpack-entries" | "zset-max-ziplist-entries" =>
                zset_max_listpack_entries: u64 = 128,
                integer(0, i64::MAX), Works;

            /// Bytes up to which a member may be in it.
            "zset-max-listpack-value" | "zset-max-ziplist-value" =>
                zset_max_listpack_value: u64 = 64,
                memory(0, LONG_MAX), Works;

            /// Bytes up to which a HyperLogLog is kept sparse.
            "hll-sparse-max-bytes" => hll_sparse_max_bytes: u64 = 3000, memory(0, LONG_MAX), Works;

            /// Bytes of each block of a stream; 0 for no limit.
            "stream-node-max-bytes" => stream_node_max_bytes: u64 = 4096,
                memory(0, LONG_MAX), Later;

            /// Entries of each block of a stream; 0 for no limit.
            "stream-node-max-entries" => stream_node_max_entries: u64 = 100,
                integer(0, i64::MAX), Later;
        }
    } } };
}
pub(in crate::config) use encodings;
