//! Fingerprints of values, and of everything.

use russet_data::digest::Digest;
use russet_keyspace::entry::{Entry, IntBuf, ValueRef};

use crate::error::Error;
use crate::exec::{Ctx, Key};

/// Takes in the value of an entry and whether it expires, but not its key.
fn mix_value(digest: &mut Digest, entry: &Entry) {
    digest.mix(&(entry.value_type() as u32).to_be_bytes());
    match entry.value() {
        ValueRef::Object(object) => object.digest(digest),
        ValueRef::Int(_) | ValueRef::Bytes(_) => {
            digest.mix(entry.string_bytes(&mut IntBuf::new()));
        }
    }
    if entry.expire_at_ms().is_some() {
        digest.add(b"!!expire!!");
    }
}

pub fn of_values(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.array(ctx.args.len() - 2);
    for bytes in ctx.args.iter_from(2) {
        let key = Key { bytes, hash: ctx.db.hash(bytes) };
        let mut digest = Digest::new();
        if let Some(entry) = ctx.db.peek(key) {
            mix_value(&mut digest, &entry);
        }
        ctx.out.simple(digest.to_hex());
    }
    Ok(())
}

pub fn of_everything(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let keyspace = ctx.db.keyspace();
    let mut total = Digest::new();
    for db in 0..keyspace.databases() {
        let physical = keyspace.physical_db(db);
        if keyspace.key_count(physical) == 0 {
            continue;
        }
        total.mix(&db.to_be_bytes());
        for shard in 0..keyspace.shard_count() {
            ctx.db.visit(shard, |guard| {
                let table = guard.shard().db(physical).map(|db| db.table());
                for entry in table.into_iter().flatten() {
                    let mut digest = Digest::new();
                    digest.mix(entry.key());
                    mix_value(&mut digest, &entry);
                    total.add(digest.bytes());
                }
            });
        }
    }
    ctx.out.simple(total.to_hex());
    Ok(())
}
