//! What DEBUG does to the process.

use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::errno::Errno;
use russet_data::number::parse_i64;

use crate::config::{Appended, rewrite};
use crate::error::Error;
use crate::exec::Ctx;
use crate::memory::control;
use crate::start::random_id;

pub fn sleep(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let text = String::from_utf8_lossy(ctx.args.get(2));
    // As in Redis, what is no number is no time.
    let seconds: f64 = text.parse().unwrap_or(0.0);
    std::thread::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    ctx.out.ok();
    Ok(())
}

pub fn let_scripts_debug(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let on = parse_i64(ctx.args.get(2)).is_some_and(|flag| flag != 0);
    ctx.server.scripts_may_debug.store(on, Ordering::Relaxed);
    ctx.out.ok();
    Ok(())
}

pub fn skip_checksums(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let on = parse_i64(ctx.args.get(2)).is_some_and(|flag| flag != 0);
    ctx.server.skips_checksums.store(on, Ordering::Relaxed);
    ctx.out.ok();
    Ok(())
}

pub fn delay_log_writes(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let delay_us = u64::try_from(ctx.int(2)?).unwrap_or(0);
    if let Some(log) = &*ctx.server.persistence.log.load() {
        log.delay_writes(Duration::from_micros(delay_us));
    }
    ctx.out.ok();
    Ok(())
}

pub fn log(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    tracing::warn!("DEBUG LOG: {}", String::from_utf8_lossy(ctx.args.get(2)));
    ctx.out.ok();
    Ok(())
}

pub fn allocator_number(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let new = match ctx.args.len() {
        4 => Some(ctx.int(3)?),
        _ => None,
    };
    let old = control::number(ctx.args.get(2), new).map_err(refused)?;
    ctx.out.integer(old);
    Ok(())
}

pub fn allocator_text(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let name = ctx.args.get(2);
    match control::text(name) {
        Ok(text) => ctx.out.bulk(text),
        Err(Errno::EPERM) if ctx.args.len() == 4 && ctx.args.get(3) == b"VOID" => {
            control::act(name).map_err(refused)?;
            ctx.out.ok();
        }
        Err(error) => return Err(refused(error)),
    }
    Ok(())
}

/// What the allocator answers, in the system's words.
fn refused(error: Errno) -> Error {
    Error::new(format!("ERR {}", error.desc()))
}

pub fn change_replication_id(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    tracing::warn!("Changing replication IDs after receiving DEBUG CHANGE-REPL-ID");
    *ctx.server.replication_id.lock() = random_id();
    ctx.out.ok();
    Ok(())
}

pub fn rewrite_whole_config(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let _one_at_a_time = ctx.server.config_changes.lock();
    rewrite(&ctx.server.source, &ctx.server.config.load(), Appended::All)
        .map_err(|error| Error::new(format!("ERR CONFIG-REWRITE-FORCE-ALL failed: {error}")))?;
    ctx.out.ok();
    Ok(())
}

pub fn panic(_: &mut Ctx<'_>) -> Result<(), Error> {
    panic!("DEBUG PANIC was called, and nothing else is wrong");
}

pub fn assert(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    assert_ne!(ctx.args.len(), 2, "DEBUG ASSERT was called, and nothing else is wrong");
    Ok(())
}

pub fn segfault(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    // To this thread, as a fault of its own would be.
    signal_hook::low_level::raise(signal_hook::consts::SIGSEGV)
        .map_err(|error| Error::new(format!("ERR The signal cannot be sent: {error}")))?;
    ctx.out.ok();
    Ok(())
}

/// Buffers for replies are lent to connections that have something to say and not resized while they
/// are empty, so what Redis' tests switch off here is always off.
pub fn ignore_reply_buffer(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let number = ctx.args.get(3);
    let is_number = number.iter().all(u8::is_ascii_digit);
    let is_known = (ctx.is(2, "RESIZING") && is_number)
        || (ctx.is(2, "PEAK-RESET-TIME")
            && (is_number || ctx.is(3, "NEVER") || ctx.is(3, "RESET")));
    if !is_known {
        return Err(Error::SYNTAX);
    }
    ctx.out.ok();
    Ok(())
}
