//! The process' allocator and how it is set up.
//!
//! jemalloc takes its options from a variable of a fixed name, at the first allocation:
//!
//! - `slab_sizes`: entries of one size lie in slabs of up to 512, instead of a page or a few. A slab
//!   costs a fixed record, which in a page of 256-byte entries is eight bytes for each. Blocks of a
//!   table's buckets, which come and go as it grows, have slabs of a few pages or of one.
//! - `dirty_decay_ms`: freed memory goes back to the system in less than half a second, spread over that
//!   time, so that resident memory follows used memory; while memory grows it is kept (`huge_pages`).
//!
//! It is built without `cache_oblivious`, which gives every large allocation a page more than it asks for, to
//! begin at a random cache line. Pages of buckets, which are 16 KiB and used from end to end, were a quarter
//! larger for it.

/// The allocator of every program of this crate.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The name under which jemalloc looks for [`OPTIONS`] has the prefix of tikv-jemallocator's build.
/// A reference to an array is a thin pointer, as the `const char *` that jemalloc expects.
// SAFETY: no other symbol has this name: jemalloc declares it as a weak one, to be defined by
// programs. It is a pointer to constant bytes that end with a zero.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static MALLOC_CONF: &[u8; OPTIONS.len()] = OPTIONS;

const OPTIONS: &[u8; 226] = b"dirty_decay_ms:400,max_background_threads:1,\
slab_sizes:1-16:2|17-32:2|33-48:3|49-64:2|65-80:10|81-96:12|97-112:14|113-128:16|\
129-160:20|161-192:24|193-224:28|225-256:32|257-320:20|321-384:24|385-448:28|\
897-1024:4|7169-8192:16\0";
