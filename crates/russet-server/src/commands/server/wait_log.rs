//! WAITAOF: waiting until writes are on the disk.

use crate::blocking::{Awaited, begin_wait};
use crate::command::{Categories, Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;
use crate::persistence::aof::{AwaitedLog, DISABLED};

pub const WAITAOF: Command = Command {
    group: Group::Generic,
    categories: Categories::CONNECTION,
    since: "7.2.0",
    summary: "Waits until all that the connection has written is on the disk, here or on replicas.",
    complexity: "O(1)",
    syntax: "numlocal:integer numreplicas:integer timeout:integer",
    ..Command::new("waitaof", 4, Flags::BLOCKING, wait_for_log)
};

fn wait_for_log(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let out_of_range = || Error::new("ERR value is out of range, value must between 0 and 1");
    let local = match ctx.int(1)? {
        0 => false,
        1 => true,
        _ => return Err(out_of_range()),
    };
    let replicas = u64::try_from(ctx.int(2)?)
        .map_err(|_| Error::new("ERR value is out of range, must be positive"))?;
    let timeout_ms =
        ctx.int(3).map_err(|_| Error::new("ERR timeout is not an integer or out of range"))?;
    if timeout_ms < 0 {
        return Err(Error::new("ERR timeout is negative"));
    }
    let deadline_ms = ctx
        .worker
        .clock
        .now_ms()
        .checked_add(timeout_ms)
        .ok_or_else(|| Error::new("ERR timeout is out of range"))?;
    let log = ctx.server.persistence.log.load_full();
    if local && log.is_none() {
        return Err(Error::new(DISABLED));
    }
    let awaited = AwaitedLog { offset: ctx.client.log_offset, local, replicas };
    if let Some(reply) = awaited.answer(log.as_deref(), ctx.out.protocol()) {
        ctx.out.buffer().extend_from_slice(&reply);
    } else if ctx.in_exec {
        awaited.reply(log.as_deref(), &mut ctx.out);
    } else {
        begin_wait(ctx, (timeout_ms > 0).then_some(deadline_ms), Awaited::Log(awaited));
    }
    Ok(())
}
