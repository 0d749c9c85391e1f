//! What two strings have in common.

use russet_data::lcs::{self, LcsError};
use russet_data::object::ValueType;
use russet_keyspace::entry::IntBuf;

use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::Ctx;

pub const LCS: Command = Command {
    group: Group::String,
    since: "7.0.0",
    summary: "Returns the longest common subsequence of two strings, its length, or where in the \
              strings its pieces are.",
    complexity: "O(N*M) where N and M are the lengths of the strings.",
    syntax: "key1:key key2:key [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]",
    keys: &[KeySpec::range(1, 1, 1, KeyFlags::READS)],
    ..Command::new("lcs", -3, Flags::READONLY, lcs)
};

/// LCS' options.
#[derive(Default)]
struct Options {
    length: bool,
    pieces: bool,
    piece_lengths: bool,
    min_piece: usize,
}

impl Options {
    fn parse(ctx: &Ctx<'_>) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut at = 3;
        while at < ctx.args.len() {
            if ctx.is(at, "IDX") {
                options.pieces = true;
            } else if ctx.is(at, "LEN") {
                options.length = true;
            } else if ctx.is(at, "WITHMATCHLEN") {
                options.piece_lengths = true;
            } else if ctx.is(at, "MINMATCHLEN") && at + 1 < ctx.args.len() {
                options.min_piece = ctx.int(at + 1)?.max(0) as usize;
                at += 1;
            } else {
                return Err(Error::SYNTAX);
            }
            at += 1;
        }
        if options.length && options.pieces {
            return Err(Error::new(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

fn lcs(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let keys = [ctx.nth_key(0, 1, 1), ctx.nth_key(1, 1, 1)];
    for key in keys {
        if ctx.db.read(key).is_some_and(|entry| entry.value_type() != ValueType::String) {
            return Err(Error::new("ERR The specified keys must contain string values"));
        }
    }
    let options = Options::parse(ctx)?;
    let max_table = u64::try_from(ctx.config().proto_max_bulk_len).unwrap_or(0);

    let entries = keys.map(|key| ctx.db.look(key));
    let mut scratch = [IntBuf::new(), IntBuf::new()];
    let [first, second] = &mut scratch;
    let a = entries[0].as_ref().map_or(&b""[..], |entry| entry.string_bytes(first));
    let b = entries[1].as_ref().map_or(&b""[..], |entry| entry.string_bytes(second));
    let refused = |error: LcsError| Error::new(format!("ERR {error}"));

    if options.pieces {
        let found = lcs::matches(a, b, options.min_piece, max_table).map_err(refused)?;
        ctx.out.map(2);
        ctx.out.bulk(b"matches");
        ctx.out.array(found.matches.len());
        for piece in found.matches {
            ctx.out.array(2 + usize::from(options.piece_lengths));
            for start in [piece.a_start, piece.b_start] {
                ctx.out.array(2);
                ctx.out.integer(start as i64);
                ctx.out.integer((start + piece.length) as i64 - 1);
            }
            if options.piece_lengths {
                ctx.out.integer(piece.length as i64);
            }
        }
        ctx.out.bulk(b"len");
        ctx.out.integer(found.length as i64);
    } else if options.length {
        let length = lcs::length(a, b, max_table).map_err(refused)?;
        ctx.out.integer(length as i64);
    } else {
        ctx.out.bulk(&lcs::subsequence(a, b, max_table).map_err(refused)?);
    }
    Ok(())
}
