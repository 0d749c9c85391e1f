//! What DEBUG shows of keys, and does to many of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use russet_data::glob::{self, Case};
use russet_data::number::parse_i64;
use russet_data::object::Object;
use russet_keyspace::access::idle_ms;
use russet_keyspace::entry::{Entry, ValueRef};

use crate::error::Error;
use crate::exec::{Ctx, Key};

pub fn set_active_expire(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let on = parse_i64(ctx.args.get(2)).is_some_and(|flag| flag != 0);
    ctx.server.active_expire.store(on, Ordering::Relaxed);
    ctx.out.ok();
    Ok(())
}

pub fn string_matches(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let matches = glob::matches(ctx.args.get(3), ctx.args.get(2), Case::Sensitive);
    ctx.out.integer(matches.into());
    Ok(())
}

/// Argument `at` as a number that is not negative.
fn not_negative(ctx: &Ctx<'_>, at: usize) -> Result<i64, Error> {
    parse_i64(ctx.args.get(at)).filter(|number| *number >= 0).ok_or(Error::NOT_POSITIVE)
}

pub fn populate(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let count = not_negative(ctx, 2)?;
    let prefix = if ctx.args.len() > 3 { ctx.args.get(3) } else { b"key" };
    let size = if ctx.args.len() > 4 { not_negative(ctx, 4)? } else { 0 };
    if size > ctx.config().proto_max_bulk_len {
        return Err(Error::STRING_TOO_LONG);
    }
    let mut key = prefix.to_vec();
    key.push(b':');
    let key_start = key.len();
    let mut value = Vec::new();
    let mut digits = itoa::Buffer::new();
    for number in 0..count {
        let digits = digits.format(number).as_bytes();
        key.truncate(key_start);
        key.extend_from_slice(digits);
        value.clear();
        value.extend_from_slice(b"value:");
        value.extend_from_slice(digits);
        if size != 0 {
            value.resize(size as usize, 0);
        }
        let key = Key { bytes: &key, hash: ctx.db.hash(&key) };
        if ctx.db.update(key, |_| ()).is_none() {
            ctx.db.add(key.hash, Entry::with_bytes(key.bytes, &value, None));
            ctx.db.touch(key);
        }
    }
    ctx.out.ok();
    Ok(())
}

pub fn object(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (now_ms, policy) = (ctx.db.now_ms(), ctx.worker.access_policy);
    let bytes = ctx.args.get(2);
    let key = Key { bytes, hash: ctx.db.hash(bytes) };
    let entry = ctx.db.peek(key).ok_or(Error::NO_SUCH_KEY)?;
    let line = format!(
        "Value at:{:p} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        // What is constant about an entry that is changed where it is.
        entry.key().as_ptr(),
        entry.encoding().name(),
        serialized_len(entry.value()),
        entry.access_bits(),
        idle_ms(entry.access_bits(), policy, now_ms) / 1000,
    );
    ctx.out.simple(line);
    Ok(())
}

/// Bytes that a value takes in an RDB file without compression, its type not counted.
fn serialized_len(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Int(number) => serialized_int_len(number)
            .unwrap_or_else(|| serialized_bytes_len(itoa::Buffer::new().format(number).len())),
        ValueRef::Bytes(bytes) => serialized_string_len(bytes),
        ValueRef::Object(Object::String(bytes)) => serialized_string_len(bytes),
    }
}

/// RDB files hold short strings that are integers as such, however they are kept here.
fn serialized_string_len(bytes: &[u8]) -> usize {
    let number = (bytes.len() <= 11).then(|| parse_i64(bytes)).flatten();
    let as_int = number.and_then(serialized_int_len);
    as_int.unwrap_or_else(|| serialized_bytes_len(bytes.len()))
}

fn serialized_int_len(number: i64) -> Option<usize> {
    let bytes = [size_of::<i8>(), size_of::<i16>(), size_of::<i32>()];
    let fits = [
        i8::try_from(number).is_ok(),
        i16::try_from(number).is_ok(),
        i32::try_from(number).is_ok(),
    ];
    fits.iter().position(|fits| *fits).map(|at| 1 + bytes[at])
}

fn serialized_bytes_len(len: usize) -> usize {
    let header = match len {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        0x4000..=0xFFFF_FFFF => 5,
        _ => 9,
    };
    header + len
}

/// What the tables of all shards come to.
#[derive(Default)]
struct Tables {
    tables: usize,
    keys: usize,
    buckets: usize,
    overflow_slots: usize,
    allocated_bytes: usize,
    chains_by_len: BTreeMap<usize, usize>,
}

pub fn table_statistics(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let db = u32::try_from(ctx.int(2)?).ok().filter(|db| *db < ctx.server.keyspace.databases());
    let db = db.ok_or(Error::new("ERR Out of range database"))?;
    let keyspace = ctx.db.keyspace();
    let physical = keyspace.physical_db(db);
    let mut sum = Tables::default();
    for shard in 0..keyspace.shard_count() {
        ctx.db.visit(shard, |guard| {
            let Some(table) = guard.shard().db(physical).map(|db| db.table()) else { return };
            if table.is_empty() {
                return;
            }
            let statistics = table.statistics();
            sum.tables += 1;
            sum.keys += table.len();
            sum.buckets += table.bucket_count();
            sum.overflow_slots += statistics.overflow_slots;
            sum.allocated_bytes += table.allocated_bytes();
            for (len, chains) in statistics.chains_by_len.iter().enumerate() {
                *sum.chains_by_len.entry(len).or_default() += chains;
            }
        });
    }
    let expiring = keyspace.expiring_count(physical);
    ctx.out.verbatim(b"txt", describe(&sum, expiring).as_bytes());
    Ok(())
}

fn describe(sum: &Tables, expiring: usize) -> String {
    let mut text = String::from("[Dictionary HT]\n");
    if sum.keys == 0 {
        text.push_str("No stats available for empty dictionaries\n");
    } else {
        let Tables { tables, keys, buckets, overflow_slots, allocated_bytes, .. } = sum;
        let _ = write!(
            text,
            " tables: {tables}\n buckets: {buckets}\n number of elements: {keys}\n overflow slots: \
             {overflow_slots}\n bytes: {allocated_bytes} ({:.2} per element)\n Chain length \
             distribution:\n",
            *allocated_bytes as f64 / *keys as f64
        );
        for (len, chains) in sum.chains_by_len.iter().filter(|(_, chains)| **chains > 0) {
            let percent = *chains as f64 * 100.0 / *buckets as f64;
            let _ = writeln!(text, "   {len}: {chains} ({percent:.2}%)");
        }
    }
    let _ = write!(text, "[Expires HT]\n number of elements: {expiring}\n");
    text
}

pub fn value_table_statistics(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let bytes = ctx.args.get(2);
    let key = Key { bytes, hash: ctx.db.hash(bytes) };
    ctx.db.peek(key).ok_or(Error::NO_SUCH_KEY)?;
    // Strings are all there is so far.
    Err(Error::new(
        "ERR The value stored at the specified key is not represented using an hash table",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `DEBUG OBJECT` of Redis 7.0 with `rdbcompression no`.
    #[test]
    fn lengths_are_those_of_rdb_files() {
        for (value, expected) in [(1, 2), (127, 2), (-129, 3), (40_000, 5), (1 << 40, 14)] {
            assert_eq!(serialized_len(ValueRef::Int(value)), expected, "{value}");
        }
        assert_eq!(serialized_len(ValueRef::Bytes(b"12")), 2);
        assert_eq!(serialized_len(ValueRef::Bytes(b"012")), 4);
        assert_eq!(serialized_len(ValueRef::Bytes(&[b'a'; 63])), 64);
        assert_eq!(serialized_len(ValueRef::Bytes(&[b'a'; 64])), 66);
        assert_eq!(serialized_bytes_len(0x4000), 0x4000 + 5);
    }
}
