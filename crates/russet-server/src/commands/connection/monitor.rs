//! MONITOR.

use crate::client::ClientFlags;
use crate::command::{Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;

pub const MONITOR: Command = Command {
    group: Group::Server,
    summary: "Shows every command from now on that any client has executed.",
    complexity: "",
    ..Command::new(
        "monitor",
        1,
        Flags::ADMIN.union(Flags::NOSCRIPT).union(Flags::LOADING).union(Flags::STALE),
        monitor,
    )
};

fn monitor(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.in_exec {
        return Err(Error::new("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    let info = &ctx.client.info;
    // A client that monitors already is told nothing, as nothing was done.
    if !info.flags().contains(ClientFlags::MONITOR) {
        info.set_flags(ClientFlags::MONITOR, true);
        ctx.server.monitors.add(info.id, ctx.worker.id);
        ctx.out.ok();
    }
    Ok(())
}
