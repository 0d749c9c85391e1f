//! RDB files from anywhere: keys, or an error, but no panic and no more memory than the bytes are worth.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_data::{hash, list, set, sorted_set};
use russet_persist::rdb::{Item, Items, Limits, Splitter, decode, entry};

const LIMITS: Limits = Limits {
    list: list::Limits { max_listpack_size: 4, compress_depth: 1, alone_bytes: 100 },
    set: set::Limits { intset_entries: 8, listpack_entries: 8, listpack_value: 64 },
    hash: hash::Limits { entries: 8, value: 64 },
    sorted_set: sorted_set::Limits { entries: 8, member_bytes: 64 },
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut splitter) = Splitter::new(bytes, false) else { return };
    while let Ok(Some(piece)) = splitter.next_piece() {
        let mut items = Items::new(&piece.bytes, piece.db);
        while let Ok(Some(item)) = items.next_item() {
            let Item::Key(item) = item else { continue };
            if let Ok(value) = decode(item.kind, item.value, &LIMITS) {
                assert_eq!(entry(&item.key, value, item.expire_at_ms).key(), &item.key[..]);
            }
        }
    }
});
