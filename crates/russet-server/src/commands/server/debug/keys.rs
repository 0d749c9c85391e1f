//! What DEBUG shows of keys, and does to many of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use russet_data::glob::{self, Case};
use russet_data::number::parse_i64;
use russet_data::serialized_len;
use russet_data::table::Statistics;
use russet_keyspace::access::idle_ms;
use russet_keyspace::entry::{Entry, ValueRef};

use crate::commands::lists::DEFAULT_ALONE_BYTES;
use crate::config::parse_bytes;
use crate::error::Error;
use crate::exec::values::encoding_name;
use crate::exec::{Ctx, Key};

pub fn set_active_expire(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let on = parse_i64(ctx.args.get(2)).is_some_and(|flag| flag != 0);
    ctx.server.active_expire.store(on, Ordering::Relaxed);
    ctx.out.ok();
    Ok(())
}

pub fn set_list_alone_bytes(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let bytes = parse_bytes(ctx.args.get(2)).filter(|bytes| *bytes <= MAX_ALONE_BYTES);
    let bytes = bytes.ok_or_else(|| {
        Error::new("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
    })?;
    let bytes = if bytes == 0 { DEFAULT_ALONE_BYTES } else { bytes as usize };
    ctx.server.list_alone_bytes.store(bytes, Ordering::Relaxed);
    ctx.out.ok();
    Ok(())
}

/// The most that DEBUG accepts, as in Redis.
const MAX_ALONE_BYTES: u64 = (4 << 30) - (1 << 20);

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
    let compatibility = ctx.config().compatibility;
    let bytes = ctx.args.get(2);
    let key = Key { bytes, hash: ctx.db.hash(bytes) };
    let entry = ctx.db.peek(key).ok_or(Error::NO_SUCH_KEY)?;
    let line = format!(
        "Value at:{:p} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        // What is constant about an entry that is changed where it is.
        entry.key().as_ptr(),
        encoding_name(&entry, compatibility),
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
        ValueRef::Int(number) => serialized_len::of_int(number),
        ValueRef::Bytes(bytes) => serialized_len::of_string(bytes),
        ValueRef::Object(object) => object.serialized_len(),
    }
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

impl Tables {
    fn count(&mut self, table: &Statistics) {
        self.tables += 1;
        self.overflow_slots += table.overflow_slots;
        self.allocated_bytes += table.allocated_bytes;
        for (len, chains) in table.chains_by_len.iter().enumerate() {
            *self.chains_by_len.entry(len).or_default() += chains;
            self.buckets += chains;
            self.keys += chains * len;
        }
    }
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
            sum.count(&table.statistics());
        });
    }
    let expiring = keyspace.expiring_count(physical);
    let text = format!(
        "[Dictionary HT]\n{}[Expires HT]\n number of elements: {expiring}\n",
        describe(&sum)
    );
    ctx.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

fn describe(sum: &Tables) -> String {
    let mut text = String::new();
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
    text
}

pub fn value_table_statistics(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let bytes = ctx.args.get(2);
    let key = Key { bytes, hash: ctx.db.hash(bytes) };
    let entry = ctx.db.peek(key).ok_or(Error::NO_SUCH_KEY)?;
    let statistics = match entry.value() {
        ValueRef::Object(object) => object.table_statistics(),
        ValueRef::Int(_) | ValueRef::Bytes(_) => None,
    };
    let statistics = statistics.ok_or(Error::new(
        "ERR The value stored at the specified key is not represented using an hash table",
    ))?;
    let mut sum = Tables::default();
    sum.count(&statistics);
    ctx.out.verbatim(b"txt", describe(&sum).as_bytes());
    Ok(())
}
