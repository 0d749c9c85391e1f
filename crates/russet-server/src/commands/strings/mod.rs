//! Strings.

mod counters;
mod expiring;
mod lcs;
mod multi;
mod read;
mod set;
mod splice;
mod store;
#[cfg(test)]
mod tests;

use crate::command::Command;
use crate::error::Error;
use crate::exec::Ctx;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    read::GET,
    set::SET,
    splice::APPEND,
    counters::DECR,
    counters::DECRBY,
    expiring::GETDEL,
    expiring::GETEX,
    splice::GETRANGE,
    set::GETSET,
    counters::INCR,
    counters::INCRBY,
    counters::INCRBYFLOAT,
    lcs::LCS,
    multi::MGET,
    multi::MSET,
    multi::MSETNX,
    set::PSETEX,
    set::SETEX,
    set::SETNX,
    splice::SETRANGE,
    read::STRLEN,
    splice::SUBSTR,
];

/// Refuses a string of `len` bytes that gets longer by `added`, if `proto-max-bulk-len` says so.
fn check_length(ctx: &Ctx<'_>, len: u64, added: u64) -> Result<(), Error> {
    let most = u64::try_from(ctx.config().proto_max_bulk_len).unwrap_or(0);
    match len.checked_add(added) {
        Some(total) if total <= most => Ok(()),
        _ => Err(Error::STRING_TOO_LONG),
    }
}
