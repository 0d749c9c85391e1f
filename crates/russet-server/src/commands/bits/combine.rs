//! Combining strings bit by bit.

use russet_data::bits::{Operation, combine_reusing};
use russet_keyspace::entry::{Entry, IntBuf};
use smallvec::SmallVec;

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::values::string;
use crate::exec::{Ctx, Event, Key};

pub const BITOP: Command = Command {
    group: Group::Bitmap,
    since: "2.6.0",
    summary: "Combines strings bit by bit and stores the result.",
    complexity: "O(N) where N is the length of the strings together.",
    syntax: "operation(AND|OR|XOR|NOT) destkey key...",
    keys: &[
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::range(3, -1, 1, KeyFlags::READS),
    ],
    ..Command::new("bitop", -4, Flags::WRITE.union(Flags::DENYOOM), bitop)
};

fn bitop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let operation = Operation::parse(ctx.args.get(1)).ok_or(Error::SYNTAX)?;
    if operation == Operation::Not && ctx.args.len() != 4 {
        return Err(Error::new("ERR BITOP NOT must be called with a single source key."));
    }
    let target = ctx.nth_key(0, 2, 1);
    let sources: SmallVec<[Key<'_>; 8]> =
        (1..ctx.args.len() - 2).map(|nth| ctx.nth_key(nth, 2, 1)).collect();
    for source in &sources {
        string(ctx.db.read(*source))?;
    }
    // The memory of what the result replaces, unless that is to be read.
    let reused = match sources.iter().any(|source| source.bytes == target.bytes) {
        true => None,
        false => ctx.db.update(target, Entry::take_long_string).flatten(),
    };
    let result = combined(ctx, operation, &sources, reused);
    let length = result.len();
    if length > 0 {
        let mut entry = Entry::with_vec(target.bytes, result, None);
        // A result is no value that a client has sent: its encoding is `raw`.
        entry.bytes_mut();
        if let Some(displaced) = ctx.db.put(target.hash, entry) {
            ctx.server.lazy_free.free(displaced);
        }
        ctx.db.changed(target, Event::SET);
    } else if let Some(entry) = ctx.db.remove(target) {
        ctx.server.lazy_free.free(entry);
        ctx.db.changed(target, Event::DEL);
    }
    ctx.out.integer(length as i64);
    Ok(())
}

fn combined(
    ctx: &Ctx<'_>,
    operation: Operation,
    sources: &[Key<'_>],
    reused: Option<Vec<u8>>,
) -> Vec<u8> {
    let entries: SmallVec<[_; 8]> = sources.iter().map(|source| ctx.db.look(*source)).collect();
    let mut scratch: SmallVec<[IntBuf; 8]> = entries.iter().map(|_| IntBuf::new()).collect();
    let inputs: SmallVec<[&[u8]; 8]> = entries
        .iter()
        .zip(&mut scratch)
        .map(|(entry, scratch)| {
            entry.as_ref().map_or(&b""[..], |entry| entry.string_bytes(scratch))
        })
        .collect();
    combine_reusing(operation, &inputs, reused)
}
