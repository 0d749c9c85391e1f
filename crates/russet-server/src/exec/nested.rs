//! A command inside another one: what a script calls is executed under the locks of the script, by
//! the same handlers and with the same bookkeeping as any command.

use russet_resp::Protocol;

use super::dispatch::call;
use super::{Args, Ctx};
use crate::command::CommandEntry;

/// Executes a command inside the one of `ctx`. Its reply goes to `reply`. The shards of its keys are
/// locked.
pub fn call_nested(
    ctx: &mut Ctx<'_>,
    entry: &'static CommandEntry,
    args: Args<'_>,
    hashes: &[u64],
    protocol: Protocol,
    reply: &mut Vec<u8>,
) {
    std::mem::swap(ctx.out.buffer(), reply);
    let outer = (ctx.command, ctx.args, ctx.hashes, ctx.out.protocol(), ctx.client.protocol);
    // Like in a transaction, nobody waits in a script.
    let was_in_exec = std::mem::replace(&mut ctx.in_exec, true);
    ctx.in_script = true;
    // SAFETY: only lifetimes change. A context wants references that live as long as its locks, which
    // these do not. But `call` works for a context of any lifetime, so the only place where it, or a
    // handler, could leave one of them is the context itself; and there, all that can hold them is
    // put back below. (A panic ends the process before anything is looked at again.)
    let (args, hashes) = unsafe {
        (
            std::mem::transmute::<Args<'_>, Args<'_>>(args),
            std::slice::from_raw_parts(hashes.as_ptr(), hashes.len()),
        )
    };
    (ctx.command, ctx.args, ctx.hashes) = (entry, args, hashes);
    ctx.out.set_protocol(protocol);
    ctx.client.protocol = protocol;
    call(ctx);
    (ctx.command, ctx.args, ctx.hashes) = (outer.0, outer.1, outer.2);
    ctx.out.set_protocol(outer.3);
    ctx.client.protocol = outer.4;
    ctx.in_exec = was_in_exec;
    ctx.in_script = false;
    std::mem::swap(ctx.out.buffer(), reply);
}
